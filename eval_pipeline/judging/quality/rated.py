"""What judges said beside what people settled, under the rubrics in force; people among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from eval_pipeline.judging.biases.measured import DECIDED, PANEL

PEOPLE: Final = "people"
ALL_RUBRICS: Final = "all"
PERSON: Final = "person"
_BY_PEOPLE: Final = ("agreement", "adjudication")
AUDIT: Final = "audit"


@dataclass(frozen=True)
class Judged:
    """What a window of weeks holds of judges; every frame spans the same weeks.

    verdicts: VERDICTS. panel_verdicts: PANEL_VERDICTS. adjudications: ADJUDICATIONS. probes:
    JUDGE_PROBES. responses: interaction_id and conversation_key of what was judged. `rubrics`: the
    rubrics in force, by id; what was judged under another one is left out.
    `levels`: of each rubric the levels of each criterion, from worst to best.
    """

    verdicts: pl.DataFrame
    panel_verdicts: pl.DataFrame
    adjudications: pl.DataFrame
    probes: pl.DataFrame
    responses: pl.DataFrame
    rubrics: Sequence[str]
    levels: Mapping[str, Sequence[Sequence[str]]]
    weeks: int


@dataclass(frozen=True)
class People:
    """Labels by which people can be held against each other, and whether a script gave them."""

    rows: pl.DataFrame
    scripted: bool


def labels_of(judged: Judged) -> pl.DataFrame:
    """One row per response that people settled as pass or fail.

    Columns interaction_id, conversation_key, label, weight (1 / label_probability) and
    represented: whether audit rows are among them, without which weights stand for nothing.
    Labels that the log itself carries are left out.
    """
    settled = _settled(judged)
    return (
        settled.filter(pl.col("label").is_in(DECIDED))
        .join(judged.responses.unique("interaction_id"), on="interaction_id", validate="m:1")
        .select("interaction_id", "conversation_key", "label", "weight", "represented")
        .sort("interaction_id")
    )


def rated_verdicts(judged: Judged) -> pl.DataFrame:
    """One row per judge, rubric and labelled response that it decided; the panel among the judges.

    Columns judge_id, rubric_id, rated and those of `labels_of`. Each row stands under its rubric
    and once more under 'all'. Abstentions and failed calls are no disagreement: they have no row.
    """
    own = verdicts_in_force(judged).select(
        "judge_id", "rubric_id", "interaction_id", rated="verdict"
    )
    panel = (
        judged.panel_verdicts.join(_rubric_of(judged), on="interaction_id")
        .with_columns(judge_id=pl.lit(PANEL))
        .select("judge_id", "rubric_id", "interaction_id", rated="panel_verdict")
    )
    decided = pl.concat([own, panel]).filter(pl.col("rated").is_in(DECIDED))
    return under_all(decided.join(labels_of(judged), on="interaction_id", validate="m:1"))


def rated_people(judged: Judged) -> People:
    """The first two blind labels of each response, the second in the place of the label.

    Of persons where there are any, else of the scripts that stood in for them.
    """
    settled = _settled(judged).with_columns(
        rated=pl.col("labels").list.get(0, null_on_oob=True),
        label=pl.col("labels").list.get(1, null_on_oob=True),
    )
    paired = settled.filter(pl.col("rated").is_in(DECIDED) & pl.col("label").is_in(DECIDED))
    persons = paired.filter(pl.col("annotator_kind") == PERSON)
    scripted = persons.is_empty() and not paired.is_empty()
    rows = (
        (paired if scripted else persons)
        .join(judged.responses.unique("interaction_id"), on="interaction_id", validate="m:1")
        .join(_rubric_of(judged), on="interaction_id")
        .with_columns(judge_id=pl.lit(PEOPLE))
        .select(
            "judge_id", "rubric_id", "interaction_id", "rated", "conversation_key", "label",
            "weight", "represented",
        )
    )  # fmt: skip
    return People(under_all(rows), scripted)


def verdicts_in_force(judged: Judged) -> pl.DataFrame:
    """The pointwise VERDICTS under the rubrics in force, each response once a judge."""
    return judged.verdicts.filter(
        (pl.col("order") == "single") & pl.col("rubric_id").is_in(list(judged.rubrics))
    )


def under_all(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, and again under the name of all rubrics together."""
    everything = rows.with_columns(rubric_id=pl.lit(ALL_RUBRICS))
    return pl.concat([rows, everything]).sort("judge_id", "rubric_id", "interaction_id")


def _settled(judged: Judged) -> pl.DataFrame:
    by_people = judged.adjudications.filter(pl.col("settled_by").is_in(_BY_PEOPLE))
    represented = AUDIT in by_people["selection"].to_list()
    return by_people.with_columns(
        weight=1 / pl.col("label_probability"), represented=pl.lit(represented)
    )


def _rubric_of(judged: Judged) -> pl.DataFrame:
    """Under which rubric in force each response was judged."""
    return (
        verdicts_in_force(judged)
        .select("interaction_id", "rubric_id")
        .unique("interaction_id", keep="first", maintain_order=True)
    )
