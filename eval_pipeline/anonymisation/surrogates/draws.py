"""Choices that only the key's holder can repeat: HMAC-SHA-256 (RFC 2104) in counter mode."""

import hashlib
import hmac
from collections.abc import Sequence
from itertools import count
from typing import Final, TypeVar

Option = TypeVar("Option")

_WIDTH: Final = 8


class Draws:
    """The stream of choices for one value of one conversation; equal parts give equal choices."""

    def __init__(self, key: bytes, *parts: str) -> None:
        # Each part with its length: no two lists of parts read as one.
        told = (part.encode("utf-8", "surrogatepass") for part in parts)
        message = b"".join(len(part).to_bytes(_WIDTH) + part for part in told)
        self._seed = hmac.new(key, message, hashlib.sha256).digest()
        self._blocks = count()
        self._left = b""

    def below(self, bound: int) -> int:
        """A number from 0 to `bound` - 1; its bias is under `bound` / 2**64."""
        if len(self._left) < _WIDTH:
            block = next(self._blocks).to_bytes(_WIDTH)
            self._left = hmac.new(self._seed, block, hashlib.sha256).digest()
        taken, self._left = self._left[:_WIDTH], self._left[_WIDTH:]
        return int.from_bytes(taken) % bound

    def between(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def choice(self, options: Sequence[Option]) -> Option:
        """One of the options."""
        return options[self.below(len(options))]

    def digits(self, length: int) -> str:
        """Decimal digits."""
        return "".join(str(self.below(10)) for _ in range(length))
