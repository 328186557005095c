"""Choices that hang on what is mutated and on nothing else: the same key, the same choices."""

from collections.abc import Sequence
from itertools import count
from typing import TypeVar

from eval_pipeline.fingerprint import seed_for

Option = TypeVar("Option")


class Draws:
    """A stream of choices for one key; it is not secret, so a plain hash gives it."""

    def __init__(self, *key: str) -> None:
        self._key = key
        self._numbers = count()

    def below(self, bound: int) -> int:
        """A number from 0 to `bound` - 1."""
        return seed_for(*self._key, str(next(self._numbers))) % bound

    def choice(self, options: Sequence[Option]) -> Option:
        """One of the options."""
        return options[self.below(len(options))]

    def rotated(self, options: Sequence[Option]) -> list[Option]:
        """All options in their order, begun at a drawn place."""
        start = self.below(len(options))
        return [*options[start:], *options[:start]]
