"""What earlier weeks, the golden set and the gate say about which labels are worth asking for."""

from typing import Final

import polars as pl

from eval_pipeline.flows.steering import steered_by
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.refuter_quality import PRECISION, REFUTER
from eval_pipeline.review.minutes import ReadingRule, characters_of_subject, fitted_reading
from eval_pipeline.review.overrulings import LABELLED_SCHEMA, overrulings, recurring_cells
from eval_pipeline.review.selection import NOTHING_LACKING, Knowledge, Lacking
from eval_pipeline.review.value import Evidence, GatedSubset
from eval_pipeline.tables import (
    ADJUDICATIONS,
    GATE_DECISION,
    JUDGE_CALIBRATION,
    PANEL_VERDICTS,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
)

BY_PEOPLE: Final = ("agreement", "adjudication")
MEASURED_WEEKS: Final = 8
"""How far back the time that labels took is read: people and texts change."""


def knowledge_for(pipeline: Pipeline, *, week: str) -> Knowledge:
    """Everything the week's selection goes by besides its own verdicts; only from weeks before."""
    return Knowledge(
        lacking=lacking_for(pipeline, week=week),
        evidence=_evidence(pipeline, week=week),
        reading=_reading(pipeline, week=week),
    )


def version_before(pipeline: Pipeline, *, week: str) -> int | None:
    """The golden version that steered the week's draw: the same whenever it is asked.

    The draw's frame holds the version's number, so versions published since change nothing.
    """
    if not pipeline.lake.has(SAMPLING_FRAME, partition=week):
        return None
    return steered_by(pipeline.lake.read(SAMPLING_FRAME, partition=week))


def lacking_for(pipeline: Pipeline, *, week: str) -> Lacking:
    """What the golden version that steered the week's draw lacked."""
    version = version_before(pipeline, week=week)
    if version is None:
        return NOTHING_LACKING
    deficits = pipeline.golden.manifest(version).deficits
    return Lacking(
        subsets=frozenset(gap.name for gap in deficits if gap.of == "subset"),
        kinds=frozenset(gap.name for gap in deficits if gap.of == "kind"),
        labels=sum(gap.required - gap.found for gap in deficits if gap.of == "fresh"),
    )


def _evidence(pipeline: Pipeline, *, week: str) -> Evidence:
    policy = pipeline.settings.review
    found = overrulings(_labelled(pipeline, week=week), weeks=policy.recurring_weeks)
    return Evidence(
        refuter_precision=_refuter_precision(pipeline, week=week),
        overrulings=found,
        recurring=recurring_cells(found, at_least=policy.recurring_at_least),
        subsets=_gated_subsets(pipeline, week=week),
        confidence=pipeline.settings.gate.confidence,
    )


def _labelled(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """What people said of the panel's verdicts, in the newest weeks that have such labels."""
    weeks = [known for known in pipeline.lake.partitions(ADJUDICATIONS) if known < week]
    by_people = pipeline.lake.read_all(
        ADJUDICATIONS, partitions=weeks, partition_column="week"
    ).filter(pl.col("settled_by").is_in(BY_PEOPLE))
    labelled_weeks = by_people["week"].unique().sort().to_list()
    newest = labelled_weeks[-pipeline.settings.review.recurring_weeks :]
    verdicts, strata = (
        pipeline.lake.read_all(
            table,
            partitions=[known for known in newest if pipeline.lake.has(table, partition=known)],
            partition_column="week",
        )
        for table in (PANEL_VERDICTS, STRATIFIED_INTERACTIONS)
    )
    key = ["week", "interaction_id"]
    return (
        by_people.select(*key, "label", "label_probability")
        .join(verdicts.select(*key, "panel_verdict", "reason"), on=key)
        .join(strata.select(*key, "route", "kind", "subsets"), on=key)
        .filter(pl.col("panel_verdict").is_not_null())
        .sort(key)
        .select(LABELLED_SCHEMA.names())
    )


def _refuter_precision(pipeline: Pipeline, *, week: str) -> tuple[float, int] | None:
    """From the newest calibration before the week, with the number of labels."""
    weeks = [known for known in pipeline.lake.partitions(JUDGE_CALIBRATION) if known < week]
    if not weeks:
        return None
    rows = pipeline.lake.read(JUDGE_CALIBRATION, partition=weeks[-1]).filter(
        (pl.col("judge_id") == REFUTER)
        & (pl.col("measure") == PRECISION)
        & pl.col("value").is_not_null()
    )
    return None if rows.is_empty() else rows.select("value", "labelled").row(0)


def _gated_subsets(pipeline: Pipeline, *, week: str) -> dict[str, GatedSubset]:
    version = version_before(pipeline, week=week)
    labels = {} if version is None else _labels_by_subset(pipeline, version=version)
    undecided = set() if version is None else _undecided(pipeline, version=version)
    gate = pipeline.settings.gate
    return {
        name: GatedSubset(gate.tolerance_of(name), labels.get(name, 0), name in undecided)
        for name in sorted(pipeline.settings.subsets)
        if gate.decides_on(name)
    }


def _labels_by_subset(pipeline: Pipeline, *, version: int) -> dict[str, int]:
    """How many items of the version, by subset, have a label that people settled."""
    named = (
        pipeline.golden.items(version)
        .filter(pl.col("label_source").is_in(BY_PEOPLE))
        .select(subset=pl.col("subsets").explode(empty_as_null=True))
        .drop_nulls()
    )
    return dict(named.group_by("subset").len().iter_rows())


def _undecided(pipeline: Pipeline, *, version: int) -> set[str]:
    """Undecided and infeasible subsets of the decisions on the newest version up to this one."""
    decisions = pl.concat(
        [
            GATE_DECISION.empty(),
            *(
                pipeline.lake.read(GATE_DECISION, partition=candidate).top_k(1, by="sequence")
                for candidate in pipeline.lake.partitions(GATE_DECISION)
            ),
        ]
    ).filter(pl.col("golden_version") <= version)
    newest = decisions.filter(pl.col("golden_version") == pl.col("golden_version").max())
    return {name for names in newest["undecided_subsets"].to_list() for name in names or ()}


def _reading(pipeline: Pipeline, *, week: str) -> ReadingRule:
    weeks = [known for known in pipeline.review.weeks() if known < week][-MEASURED_WEEKS:]
    measured = [pair for known in weeks for pair in _measured(pipeline, week=known)]
    return fitted_reading(measured)


def _measured(pipeline: Pipeline, *, week: str) -> list[tuple[int, float]]:
    """(characters, seconds) of the week's first answers, the newest last."""
    timed = pipeline.review.labels(week).filter(
        pl.col("seconds").is_not_null() & pl.col("corrects").is_null()
    )
    if timed.is_empty():
        return []
    subjects = dict(pipeline.review.tasks(week).select("task_id", "subject_json").iter_rows())
    return [
        (characters_of_subject(subjects[task_id]), seconds)
        for task_id, seconds in timed.select("task_id", "seconds").iter_rows()
        if task_id in subjects
    ]
