"""What a load profile asks for and what came back, as plain values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Phase = Literal["concurrency", "rate"]
RATE_LIMITED: Final = "rate_limited"
UNHEARD: Final = frozenset({"timeout", "connection"})
"""Errors after which nobody knows whether the limit let the request pass."""

LEAST_REFUSED: Final = 2
LIMITED_SHARE: Final = 0.02
"""A step met the limit with so many refusals, and with so large a share of them."""


@dataclass(frozen=True)
class SentRequest:
    """One request, asked once; times in seconds from the profile's start.

    `latency_seconds` runs from the moment when it was due, so that a late sender hides no wait.
    `opening`: sent only to bring the limiter into a known state; no figure of its step.
    """

    due_at: float
    sent_at: float
    latency_seconds: float
    status: str
    error_code: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    retry_after_seconds: float | None = None
    told: tuple[tuple[str, float], ...] = ()
    opening: bool = False

    @property
    def refused(self) -> bool:
        """Whether the rate limit turned it away."""
        return self.error_code == RATE_LIMITED


@dataclass(frozen=True)
class Step:
    """One step: so many workers in a closed loop, or arrivals at a rate in an open one.

    `even`: arrivals at equal distances, not at random; a closed loop has neither.
    `kept_up` is false where requests piled up unanswered, or could not be sent in time: then the
    rate that was meant is not the rate that was offered.
    """

    phase: Phase
    number: int
    requests: tuple[SentRequest, ...]
    seconds: float
    concurrency: int | None = None
    offered_per_second: float | None = None
    even: bool = False
    kept_up: bool = True

    @property
    def counted(self) -> list[SentRequest]:
        """The requests that its figures are of."""
        return [request for request in self.requests if not request.opening]

    @property
    def served(self) -> list[SentRequest]:
        """Those that came back with an answer or a refusal of the model's."""
        return [request for request in self.counted if request.status != "failed"]

    @property
    def refused_share(self) -> float:
        """The share that the rate limit turned away; 0 of nothing."""
        counted = self.counted
        return sum(request.refused for request in counted) / len(counted) if counted else 0.0

    @property
    def limited(self) -> bool:
        """Whether the limit was met, and not by a stray refusal."""
        refused = sum(request.refused for request in self.counted)
        return refused >= LEAST_REFUSED and self.refused_share >= LIMITED_SHARE

    @property
    def served_per_second(self) -> float:
        """Throughput of what was served."""
        return len(self.served) / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class Arrivals:
    """What a limiter saw: when requests were sent, in order, and which it let pass.

    It decided on each between `sent_at` and `replied_at`; a machine that is held up lies between.

    `random` are those whose moment was drawn, and that speak for a rate: of arrivals at equal
    distances jitter tells only that some were refused, so they would pull a fit down.
    """

    sent_at: NDArray[np.float64]
    replied_at: NDArray[np.float64]
    passed: NDArray[np.bool_]
    random: NDArray[np.bool_]


def arrivals_of(steps: Iterable[Step]) -> Arrivals:
    """All requests of all steps whose fate is known; a failure of the server's had passed."""
    known = sorted(
        (
            request.sent_at,
            request.due_at + request.latency_seconds,
            not request.refused,
            request.opening or _is_random(step),
        )
        for step in steps
        for request in step.requests
        if request.error_code not in UNHEARD
    )
    columns = zip(*known, strict=True) if known else ((), (), (), ())
    sent_at, replied_at, passed, random = columns
    return Arrivals(
        np.array(sent_at, dtype=np.float64),
        np.array(replied_at, dtype=np.float64),
        np.array(passed, dtype=np.bool_),
        np.array(random, dtype=np.bool_),
    )


def _is_random(step: Step) -> bool:
    return step.phase == "rate" and not step.even


def of_phase(steps: Sequence[Step], phase: Phase) -> list[Step]:
    """The steps of one phase, in their order."""
    return [step for step in steps if step.phase == phase]
