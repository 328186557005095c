"""How many requests at once a provider bears, learnt from what becomes of them."""

import math
from dataclasses import dataclass

EVIDENCE = 16
CUTS_WITHOUT_EVIDENCE = 2
LARGEST_NOISE = 0.5
FAILING_SHARE = 0.2
ANSWERING_SHARE = 0.25
NOISE_MEMORY = 256


@dataclass
class _Share:
    total: int = 0
    refused: int = 0

    def add(self, *, refused: bool) -> None:
        self.total += 1
        self.refused += refused

    @property
    def value(self) -> float:
        return self.refused / self.total if self.total else 0.0


class Level:
    """Doubles with every round that goes well, up to the ceiling or the first 429.

    Then, as TCP does, it halves on a 429, once for all that were on their way together, and grows
    by one with every round.

    A provider that goes on refusing the same share of far fewer requests, at most half of them,
    does not refuse because of their number: that share is noise from then on and costs no pace.
    Times are those of one monotonic clock.
    """

    def __init__(self, ceiling: int, *, first: int) -> None:
        self._ceiling = float(ceiling)
        self._limit = float(min(first, ceiling))
        self._doubling = True
        self._peak = self._limit
        self._cut_at = -math.inf
        self._cuts = 0
        self._before = _Share()
        self._since = _Share()
        self._refused = 0.0
        self._failed = 0.0
        self._noise = 0.0

    @property
    def limit(self) -> int:
        """Requests allowed at once now."""
        return int(self._limit)

    @property
    def mostly_answers(self) -> bool:
        """Whether the provider as a whole is well: of late it answered a quarter or more."""
        return 1 - self._refused - self._failed >= ANSWERING_SHARE

    def answered(self, *, sent_at: float) -> None:
        """Grows, unless the provider fails often or the request belongs to an earlier level."""
        self._count(sent_at)
        if sent_at >= self._cut_at and self._failed < FAILING_SHARE:
            step = 1.0 if self._doubling else 1 / self._limit
            self._limit = min(self._ceiling, self._limit + step)

    def failed(self, *, sent_at: float) -> None:
        """An error of the server, a hang or a break: too many of them stop all growth."""
        self._count(sent_at, failed=True)

    def refused(self, *, sent_at: float, now: float) -> bool:
        """A 429; true if the level was cut for it, false if that had happened or it is noise."""
        self._count(sent_at, refused=True)
        if self.is_noise():
            return False
        self._doubling = False
        if sent_at < self._cut_at or self._cuts >= CUTS_WITHOUT_EVIDENCE:
            return False
        if self._cuts == 0:
            self._peak, self._before = self._limit, self._since
        self._cuts += 1
        self._cut_at = now
        self._since = _Share()
        self._limit = max(1.0, self._limit / 2)
        return True

    def is_noise(self) -> bool:
        """Whether 429s come no oftener than is known to have nothing to do with the pace."""
        spread = math.sqrt(self._noise * (1 - self._noise) / (2 * self._memory() - 1))
        return self._refused <= self._noise + 3 * spread

    def _memory(self) -> float:
        """Results over which shares are smoothed: a 429 comes sooner than an answer does."""
        return 2 * max(EVIDENCE, self._limit)

    def _count(self, sent_at: float, *, refused: bool = False, failed: bool = False) -> None:
        self._refused += (refused - self._refused) / self._memory()
        self._failed += (failed - self._failed) / EVIDENCE
        if self._refused < self._noise:
            self._noise += (self._refused - self._noise) / NOISE_MEMORY
        cohort = self._since if sent_at >= self._cut_at else self._before
        cohort.add(refused=refused)
        if self._cuts and self._since.total >= self._memory():
            self._look_at_evidence()

    def _look_at_evidence(self) -> None:
        """Were load the cause, `cuts` halvings would let 2 ** cuts the share through."""
        accepted, before = 1 - self._since.value, 1 - self._before.value
        due_to_load = min(1.0, before * 2**self._cuts)
        if accepted < (before + due_to_load) / 2 and accepted >= 1 - LARGEST_NOISE:
            refused = self._before.refused + self._since.refused
            self._noise = min(LARGEST_NOISE, refused / (self._before.total + self._since.total))
            self._refused = self._noise
            self._limit, self._doubling = self._peak, True
        self._cuts = 0
        self._since = _Share()
