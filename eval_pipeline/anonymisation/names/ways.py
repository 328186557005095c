"""One of several ways by its share, and patterns whose slots are drawn as they come."""

import string
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

_Way = TypeVar("_Way")

Ways = Sequence[tuple[float, _Way]]
"""Ways with the limits that their shares add up to: ascending, the last one 1."""

Slots = Mapping[str, Callable[[], str]]
"""What draws the value of each slot."""

EVERY: Final = 1.0
"""The limit of the last way: no roll reaches it."""


def way_of(roll: float, ways: Ways[_Way]) -> _Way:
    """The way whose share holds the roll, a number from 0 to below 1."""
    return next(way for limit, way in ways if roll < limit)


def filled(pattern: str, slots: Slots) -> str:
    """The pattern with each slot, as in `str.format`, drawn anew wherever it stands, in order."""
    pieces: list[str] = []
    for literal, slot, _, _ in string.Formatter().parse(pattern):
        pieces.append(literal)
        if slot is not None:
            pieces.append(slots[slot]())
    return "".join(pieces)
