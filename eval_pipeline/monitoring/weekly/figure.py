"""One headline figure of a week, and how shares are said in its sentence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row of WEEKLY_REPORT; counts have no interval."""

    metric: str
    about: str
    value: float | None
    sentence: str
    lower: float | None = None
    upper: float | None = None


def percent(share: float) -> str:
    """'81.4 %'."""
    return f"{100 * share:.1f} %"


def ends(lower: float, upper: float) -> str:
    """'78.0 to 84.2'."""
    return f"{100 * lower:.1f} to {100 * upper:.1f}"


def count(metric: str, value: int, sentence: str, *, about: str = "all") -> Figure:
    """A count, which has no interval."""
    return Figure(metric, about, float(value), sentence)
