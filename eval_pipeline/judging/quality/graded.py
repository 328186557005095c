"""Where a judge grades: what can be read as the probability that people will pass a response.

Three readings. votes: of the panel, the weighted share of its judges' votes that pass. criteria:
of a judge, the level of the weakest criterion on its scale, from 0 for the worst to 1 for the best,
for by the rubric the weakest decides. repeats: of a judge, the share of passes among all that it
said of the very same words under the same rubric, the week's verdict, reruns and anchors together.

A judge that says pass or fail and never changes its mind grades nothing: all is 0 or 1, and how
often it is right is agreement, not calibration.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from eval_pipeline.judging.biases.measured import DECIDED, PANEL
from eval_pipeline.judging.quality.rated import (
    Judged,
    labels_of,
    under_all,
    verdicts_in_force,
)

VOTES: Final = "votes"
CRITERIA: Final = "criteria"
REPEATS: Final = "repeats"
LEAST_REPEATS: Final = 2
_ASKED_AGAIN: Final = ("retest", "anchor")
_COLUMNS: Final = ("judge_id", "rubric_id", "interaction_id", "against", "probability")


def graded_responses(judged: Judged) -> pl.DataFrame:
    """One row per judge, rubric, reading and labelled response that has such a grade.

    Columns judge_id, rubric_id, against (the reading), probability, and those of `labels_of`;
    each row stands under its rubric and once more under 'all'.
    """
    grades = pl.concat([_votes(judged), _criteria(judged), _repeats(judged)])
    return under_all(grades.join(labels_of(judged), on="interaction_id", validate="m:1")).sort(
        "judge_id", "rubric_id", "against", "interaction_id"
    )


def is_graded(probability: pl.Series) -> bool:
    """Whether any probability is neither 0 nor 1."""
    return bool(((probability > 0) & (probability < 1)).any())


def _votes(judged: Judged) -> pl.DataFrame:
    rubric = (
        verdicts_in_force(judged)
        .select("interaction_id", "rubric_id")
        .unique("interaction_id", keep="first", maintain_order=True)
    )
    share = pl.col("passes") / (pl.col("passes") + pl.col("fails"))
    return (
        judged.panel_verdicts.filter(pl.col("passes") + pl.col("fails") > 0)
        .join(rubric, on="interaction_id")
        .with_columns(
            judge_id=pl.lit(PANEL),
            against=pl.lit(VOTES),
            probability=pl.coalesce("weighted_pass_share", share),
        )
        .select(_COLUMNS)
    )


def _criteria(judged: Judged) -> pl.DataFrame:
    rows = [
        (row["judge_id"], row["rubric_id"], row["interaction_id"], CRITERIA, grade)
        for row in verdicts_in_force(judged)
        .filter(pl.col("verdict").is_in(DECIDED))
        .iter_rows(named=True)
        if (grade := weakest(row["criteria"], judged.levels.get(row["rubric_id"], ()))) is not None
    ]
    return pl.DataFrame(rows, schema=_schema(), orient="row")


def weakest(
    criteria: Sequence[Mapping[str, Any]] | None, levels: Sequence[Sequence[str]]
) -> float | None:
    """The lowest place of any criterion's level on its scale, 0 to 1.

    Null where one is undecided or unknown, or where every criterion is met or not met alone: two
    levels grade nothing.
    """
    if criteria is None or all(len(scale) <= 2 for scale in levels):  # noqa: PLR2004 - met or not
        return None
    places = []
    for one in criteria:
        number = one["criterion"] - 1
        if number >= len(levels) or one["level"] not in levels[number]:
            return None
        scale = list(levels[number])
        places.append(scale.index(one["level"]) / (len(scale) - 1))
    return min(places, default=None)


def _repeats(judged: Judged) -> pl.DataFrame:
    asked = ["judge_id", "rubric_id", "interaction_id", "verdict"]
    again = judged.probes.filter(
        pl.col("probe").is_in(_ASKED_AGAIN) & pl.col("rubric_id").is_in(list(judged.rubrics))
    ).drop_nulls("interaction_id")
    said = pl.concat([verdicts_in_force(judged).select(asked), again.select(asked)])
    return (
        said.filter(pl.col("verdict").is_in(DECIDED))
        .group_by("judge_id", "rubric_id", "interaction_id", maintain_order=True)
        .agg(times=pl.len(), probability=(pl.col("verdict") == "pass").mean())
        .filter(pl.col("times") >= LEAST_REPEATS)
        .with_columns(against=pl.lit(REPEATS))
        .select(_COLUMNS)
    )


def _schema() -> dict[str, type[pl.DataType]]:
    types = dict.fromkeys(_COLUMNS[:-1], pl.String)
    return {**types, "probability": pl.Float64}
