"""How often a person may ask and an address may fail to sign in; counted in this process."""

import math
import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_PEOPLE: Final = "person"
_FAILURES: Final = "failed sign-in"


class RateLimits:
    """Moving windows of a minute. Several processes count each for themselves."""

    def __init__(self, *, requests_per_minute: int, sign_ins_per_minute: int) -> None:
        self._requests = RateLimitItemPerMinute(requests_per_minute)
        self._sign_ins = RateLimitItemPerMinute(sign_ins_per_minute)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def count_request(self, annotator_id: str) -> int | None:
        """Counts a signed-in person's request; the seconds to wait if it is one too many."""
        if self._window.hit(self._requests, _PEOPLE, annotator_id):
            return None
        return self._wait(self._requests, _PEOPLE, annotator_id)

    def count_failure(self, address: str) -> None:
        """Counts a failed sign-in from this address."""
        self._window.hit(self._sign_ins, _FAILURES, address)

    def wait_to_sign_in(self, address: str) -> int | None:
        """The seconds to wait where too many sign-ins from this address have failed."""
        if self._window.test(self._sign_ins, _FAILURES, address):
            return None
        return self._wait(self._sign_ins, _FAILURES, address)

    def _wait(self, limit: RateLimitItem, *key: str) -> int:
        resets_at = self._window.get_window_stats(limit, *key).reset_time
        return max(1, math.ceil(resets_at - time.time()))
