"""What one concern adds to a decision: sentences, by what they do to the verdict."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Grounds:
    """The sentences of one concern, or of all of them together.

    `invalid`: the data cannot carry a verdict. `blocking`: a harm is proven. `unknown`: something
    that the policy asks for is not settled, so nothing passes. `suspending`: unknown, and what the
    figures would block is not believed either. `notes` change nothing. `held` are the subsets that
    may not be certified, whatever their figures say.
    """

    invalid: tuple[str, ...] = ()
    blocking: tuple[str, ...] = ()
    suspending: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    held: frozenset[str] = frozenset()


def together(grounds: Iterable[Grounds]) -> Grounds:
    """All sentences of all concerns, in the concerns' order."""
    parts = list(grounds)
    return Grounds(
        invalid=tuple(line for part in parts for line in part.invalid),
        blocking=tuple(line for part in parts for line in part.blocking),
        suspending=tuple(line for part in parts for line in part.suspending),
        unknown=tuple(line for part in parts for line in part.unknown),
        notes=tuple(line for part in parts for line in part.notes),
        held=frozenset(name for part in parts for name in part.held),
    )
