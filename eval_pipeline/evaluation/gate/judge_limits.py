"""Each judge behind the scores held against each limit of the policy."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from eval_pipeline.settings import JudgeQualitySettings
from eval_pipeline.settings.judge_quality import MEASURED_BY, JudgeLimit

PANEL: Final = "panel"
ALL_RUBRICS: Final = "all"
EVERYONE: Final = ("panel", "preference")
"""Scorers behind which all judges stand."""
OF_RUBRICS: Final = ("share_of_ceiling", "ece_debiased")
OF_PAIRS: Final = "error_correlation"
BY_THE_PANEL: Final = ("share_of_ceiling", "ece_debiased", "verbosity")
"""What is measured of the panel as it is of a judge."""
_PREFERENCES: Final = ("position_excess", "position_bias")
SEVERAL_WAYS: Final = ("self_preference", "ece_debiased")
NOT_GRADED: Final = "it grades nothing"
"""So begins the note of a reading whose every probability is 0 or 1: it has no calibration."""

Kept = Literal["kept", "undecided", "breached", "unmeasured"]


@dataclass(frozen=True)
class HeldAgainst:
    """One judge under one limit; the figures are null where nothing was measured."""

    judge_id: str
    rubric_id: str
    name: JudgeLimit
    measure: str
    against: str
    limit: float
    value: float | None
    lower: float | None
    upper: float | None
    items: int
    note: str | None
    kept: Kept


def judges_behind(trials: pl.DataFrame | None, quality: pl.DataFrame | None) -> frozenset[str]:
    """The judges whose verdicts are behind a score, the panel among them where it votes.

    Without trials all that were measured.
    """
    measured = set() if quality is None else set(quality["judge_id"].to_list())
    everyone = frozenset(measured - {"people"})
    if trials is None:
        return everyone
    scorers = set(trials["scorer"].to_list())
    if any(scorer.split(":")[0] in EVERYONE for scorer in scorers):
        return everyone | {PANEL}
    alone = {scorer.partition(":")[2] for scorer in scorers if scorer.startswith("judge:")}
    return frozenset(alone)


def held_against(
    quality: pl.DataFrame,
    policy: JudgeQualitySettings,
    *,
    judges: Collection[str],
    compared: bool = True,
) -> list[HeldAgainst]:
    """Every judge under every limit that is set, in the order of the policy and of the names.

    `quality`: JUDGE_QUALITY. `compared`: whether two answers stood side by side before a judge;
    where none did, its position effects are none of the decision's business. Calibration is asked
    of what the score is: of the panel where it votes, else of the judge alone.
    """
    return [
        one
        for name, limit in policy.limits().items()
        if compared or MEASURED_BY[name] not in _PREFERENCES
        for judge in sorted(_asked(MEASURED_BY[name], judges))
        for one in _under(quality, policy, name, limit=limit, judge=judge, judges=judges)
    ]


def _asked(measure: str, judges: Collection[str]) -> frozenset[str]:
    if measure == "ece_debiased" and PANEL in judges:
        return frozenset({PANEL})
    return frozenset(judges) - (frozenset() if measure in BY_THE_PANEL else {PANEL})


def _under(
    quality: pl.DataFrame,
    policy: JudgeQualitySettings,
    name: JudgeLimit,
    *,
    limit: float,
    judge: str,
    judges: Collection[str],
) -> Iterator[HeldAgainst]:
    measure = MEASURED_BY[name]
    rows = quality.filter((pl.col("judge_id") == judge) & (pl.col("measure") == measure))
    if measure in OF_RUBRICS:
        together = pl.col("rubric_id") == ALL_RUBRICS
        rows = rows.filter(~together if policy.by_rubric else together)
    found = rows.sort("rubric_id", "against").to_dicts()
    if measure == OF_PAIRS:
        # A pair stands with the first of its names; the other has no row of its own.
        found = [row for row in found if row["against"] in judges]
    elif measure in SEVERAL_WAYS:
        found = _most_telling(found)
    if not found and measure != OF_PAIRS:
        yield _held(judge, name, limit, {})
    for row in found:
        if not (row["note"] or "").startswith(NOT_GRADED):
            yield _held(judge, name, limit, row)


def _most_telling(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the ways to measure one thing those that could be, else one of them."""
    measured = [row for row in rows if row["value"] is not None]
    return measured or rows[:1]


def _held(judge: str, name: JudgeLimit, limit: float, row: Mapping[str, Any]) -> HeldAgainst:
    value, lower, upper = (row.get(part) for part in ("value", "lower", "upper"))
    return HeldAgainst(
        judge_id=judge,
        rubric_id=row.get("rubric_id", ALL_RUBRICS),
        name=name,
        measure=MEASURED_BY[name],
        against=row.get("against", ""),
        limit=limit,
        value=value,
        lower=lower,
        upper=upper,
        items=row.get("items", 0),
        note=row.get("note"),
        kept=_kept(name, limit, lower, upper),
    )


def _kept(name: JudgeLimit, limit: float, lower: float | None, upper: float | None) -> Kept:
    if lower is None or upper is None:
        return "unmeasured"
    if name.startswith("minimum_"):
        return "kept" if lower >= limit else "breached"
    if lower > limit or upper < -limit:
        return "breached"
    return "kept" if -limit <= lower <= upper <= limit else "undecided"
