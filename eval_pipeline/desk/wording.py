"""The words and figures of the desk's pages."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from eval_pipeline.desk.views import Measure

LABELS: Final = {"pass": "Pass", "fail": "Fail", "cannot_tell": "Cannot tell"}
STATES: Final = {
    "open": "open",
    "leased": "being read",
    "labelled": "labelled",
    "agreed": "agreed",
    "disputed": "disputed",
    "adjudicated": "adjudicated",
    "settled": "settled",
    "erased": "erased",
}
PURPOSES: Final = {"label": "label", "adjudicate": "adjudication", "correct": "correction"}
SKIP_REASONS: Final = {
    "not_my_field": "Not my field",
    "conflict_of_interest": "I have a part in it",
    "unreadable": "Cannot be read",
    "distressing": "I would rather not read this",
    "other": "Something else",
}
MEASURES: Final = {
    "percent": "Raw agreement",
    "kappa": "Cohen's kappa",
    "fleiss": "Fleiss' kappa",
    "alpha": "Krippendorff's alpha",
    "alpha_cannot_tell": "Krippendorff's alpha, cannot tell counted",
    "ac1": "Gwet's AC1",
    "ceiling": "Human ceiling",
    "cannot_tell": "Share of cannot tell",
}
PANEL_REASONS: Final = {
    "unanimous": "It was unanimous.",
    "majority": "It was a majority.",
    "split": "The judges were split.",
    "refuted": "The refuter's claim was upheld.",
    "below_quorum": "Too few judges answered.",
    "no judge was asked": "No judge was asked.",
}
_MINUTE: Final = 60
_DASH: Final = "—"


def number(value: float | None) -> str:
    """A figure with two decimals and a true minus, or a dash."""
    return _DASH if value is None else f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def share(value: float | None) -> str:
    """A share as a percentage, or a dash."""
    return _DASH if value is None else f"{100 * value:.0f} %"


def interval(measure: Measure) -> str:
    """The interval of a figure, or a dash where there is none."""
    if measure.lower is None or measure.upper is None:
        return _DASH
    return f"{number(measure.lower)} to {number(measure.upper)}"


def seconds(value: float | None) -> str:
    """A short duration as people say it."""
    if value is None:
        return _DASH
    if value < 2 * _MINUTE:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), _MINUTE)
    return f"{minutes} min {rest} s"


def instant(at: dt.datetime) -> str:
    """Day and minute in UTC."""
    return at.astimezone(dt.UTC).strftime("%a %d %b, %H:%M UTC")


def seconds_left(until: dt.datetime | None, now: dt.datetime | None) -> int | None:
    """From now until then, at least 0; null where either is unknown."""
    if until is None or now is None:
        return None
    return max(0, round((until - now).total_seconds()))


def role(name: str) -> str:
    """Who speaks in a turn."""
    return {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}.get(
        name, name
    )


def scale(measures: Sequence[Measure]) -> tuple[float, float]:
    """The ends of the axis on which these figures fit: 0 to 1, from -1 where one is negative."""
    bounds = [end for each in measures for end in (each.value, each.lower) if end is not None]
    return (-1.0 if min(bounds, default=0.0) < 0 else 0.0), 1.0
