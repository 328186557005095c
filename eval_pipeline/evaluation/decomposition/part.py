"""One component of a change: its size, how sure it is, and what was missing."""

from dataclasses import dataclass
from typing import Final

PAIRED: Final = ("truth", "judge", "provider")
TOTAL: Final = "total"


@dataclass(frozen=True)
class Part:
    """`difference` is null where it was not measured, and `note` says why.

    `standard_error` counts items and traffic; `degrees` are of its t. `centre` is where the
    interval lies around. `uncovered` is the share of traffic that no item stands for.
    """

    difference: float | None
    standard_error: float | None = None
    degrees: float | None = None
    centre: float | None = None
    items: int = 0
    clusters: int = 0
    missing_items: int = 0
    uncovered: float | None = None
    shapley: float | None = None
    note: str | None = None


def unmeasured(note: str, *, missing_items: int = 0, uncovered: float | None = None) -> Part:
    """A part that cannot be told, and why."""
    return Part(None, missing_items=missing_items, uncovered=uncovered, note=note)
