"""What the demo's provider bears: so many requests a second, so many answers at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from eval_pipeline.demo.trouble import Fault

_MESSAGE: Final = "Rate limit reached for requests. Please slow down."


@dataclass
class TokenBucket:
    """`per_second` tokens flow in, `burst` at most are held, a request takes one or is refused."""

    per_second: float
    burst: float
    tokens: float = field(init=False)
    _looked_at: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """A bucket begins full."""
        self.tokens = self.burst

    def take(self, now: float) -> bool:
        """Whether a request at `now` (seconds, of any clock that only grows) is served."""
        if self._looked_at is not None:
            self.tokens += self.per_second * (now - self._looked_at)
        self._looked_at = now
        self.tokens = min(self.burst, self.tokens)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    @property
    def seconds_until_token(self) -> float:
        """How long a refused request has to wait."""
        return max(0.0, (1 - self.tokens) / self.per_second)


@dataclass
class LoadLimits:
    """The limit on requests, told as other providers tell theirs, and the number of workers.

    Without a bucket nothing is refused; without `capacity` no answer waits for another. With it
    latency stays as it is up to so many requests at once and then grows in proportion.
    """

    bucket: TokenBucket | None = None
    capacity: int | None = None
    _workers: asyncio.Semaphore | None = field(default=None, init=False)

    def fault_at(self, now: float) -> Fault | None:
        """The refusal of a request at `now`, or none."""
        if self.bucket is None or self.bucket.take(now):
            return None
        return Fault(429, "rate_limit_exceeded", _MESSAGE, self._refusal(self.bucket))

    def headers(self) -> Mapping[str, str]:
        """What every reply says of the limit."""
        if self.bucket is None:
            return {}
        return {
            "x-ratelimit-limit-requests": f"{round(60 * self.bucket.per_second)}",
            "x-ratelimit-remaining-requests": f"{int(self.bucket.tokens)}",
        }

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """One of the workers, waited for in the order of arrival."""
        if self.capacity is None:
            yield
            return
        self._workers = self._workers or asyncio.Semaphore(self.capacity)
        async with self._workers:
            yield

    def _refusal(self, bucket: TokenBucket) -> Mapping[str, str]:
        wait = bucket.seconds_until_token
        return {
            "Retry-After": f"{wait:.3f}",
            "retry-after-ms": f"{1000 * wait:.0f}",
            **self.headers(),
        }
