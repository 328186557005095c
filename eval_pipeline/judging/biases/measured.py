"""A measurement of a judge and what it says of its limit, as a row of JUDGE_BIASES."""

from dataclasses import dataclass
from typing import Final

PANEL: Final = "panel"
ITSELF: Final = "itself"
LABELS: Final = "labels"
FIRST_VERDICTS: Final = "first_verdicts"
JUDGES: Final = "judges"
DECIDED: Final = ("pass", "fail")


@dataclass(frozen=True)
class Measured:
    """A value with its two-sided interval; null with a note where it could not be measured.

    `missing`: what should have borne on it and gave no usable answer. `p_value`: of a claim that
    is adjusted together with others before it becomes a finding.
    """

    value: float | None
    lower: float | None
    upper: float | None
    items: int
    missing: int = 0
    note: str | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Bias:
    """One judge under one measure; `limit` is null where the measure has none."""

    judge_id: str
    measure: str
    against: str
    measured: Measured
    limit: float | None = None


def unmeasured(note: str, *, items: int = 0, missing: int = 0) -> Measured:
    """No value, and why."""
    return Measured(None, None, None, items=items, missing=missing, note=note)


def finding_of(measured: Measured, limit: float | None) -> str:
    """What the interval says of the limit, which holds for both signs.

    beyond_limit only where the whole interval lies beyond it on one side: at 95 % a judge exactly
    at its limit is called beyond it in about 2.5 % of weeks. undecided where the interval reaches
    over the limit: more items would tell.
    """
    if measured.value is None or measured.lower is None or measured.upper is None:
        return "not_measured"
    if limit is None:
        return "reported"
    if measured.lower > limit or measured.upper < -limit:
        return "beyond_limit"
    return "within_limit" if -limit <= measured.lower <= measured.upper <= limit else "undecided"


def bias_row(bias: Bias, *, finding: str | None = None) -> dict[str, object]:
    """The row of JUDGE_BIASES; `finding` where it does not follow from a limit."""
    measured = bias.measured
    return {
        "judge_id": bias.judge_id,
        "measure": bias.measure,
        "against": bias.against,
        "value": measured.value,
        "lower": measured.lower,
        "upper": measured.upper,
        "items": measured.items,
        "missing": measured.missing,
        "limit": bias.limit,
        "p_value": measured.p_value,
        "finding": finding or finding_of(measured, bias.limit),
        "note": measured.note,
    }
