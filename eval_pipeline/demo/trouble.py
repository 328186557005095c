"""The weather of the demo's provider: latency, rate limits and failures, all by content."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Final

from eval_pipeline.fingerprint import unit_hash

_LATENCY_SPREAD: Final = 0.5
_STANDARD_NORMAL: Final = NormalDist()


@dataclass(frozen=True)
class Fault:
    """A response that is no answer."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


RATE_LIMITED: Final = Fault(
    429,
    "rate_limit_exceeded",
    "Rate limit reached. Please try again in 50ms.",
    {"Retry-After": "0.05", "retry-after-ms": "50"},
)
FAILED: Final = Fault(503, "server_error", "The server is overloaded. Please try again.")


@dataclass
class Trouble:
    """Which first attempts are limited or fail, and how long answers take.

    The log-normal latency has its median in seconds; 0 answers at once. A troubled request that
    is sent again succeeds, and is troubled anew the next time it is sent from scratch.
    """

    latency_median_seconds: float = 0.008
    rate_limited_share: float = 0.015
    failed_share: float = 0.010
    _awaited: set[str] = field(default_factory=set)

    def identify(self, body: bytes) -> str:
        """What tells requests apart: their bytes."""
        return hashlib.blake2b(body, digest_size=12).hexdigest()

    def fault_of(self, identity: str) -> Fault | None:
        """The fault of this attempt, if it has one."""
        point = unit_hash("trouble", identity)
        if point >= self.rate_limited_share + self.failed_share:
            return None
        if identity in self._awaited:
            self._awaited.remove(identity)
            return None
        self._awaited.add(identity)
        return RATE_LIMITED if point < self.rate_limited_share else FAILED

    def latency_of(self, identity: str) -> float:
        """Seconds that the answer takes."""
        if self.latency_median_seconds <= 0:
            return 0.0
        quantile = _STANDARD_NORMAL.inv_cdf(unit_hash("latency", identity))
        return self.latency_median_seconds * math.exp(_LATENCY_SPREAD * quantile)
