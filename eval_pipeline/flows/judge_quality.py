"""How good the judges are, from the lake: a window of weeks, under the rubrics in force."""

from collections.abc import Sequence

import polars as pl

from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.quality.measures import judge_quality, judge_reliability
from eval_pipeline.judging.quality.rated import Judged
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    JUDGE_BIASES,
    JUDGE_PROBES,
    PANEL_VERDICTS,
    VERDICTS,
    Table,
)


def reliability_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """JUDGE_RELIABILITY of the window of weeks that the week ends."""
    return judge_reliability(judged_until(pipeline, week=week))


def quality_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """JUDGE_QUALITY of the window of weeks that the week ends, with the week's own biases."""
    return judge_quality(
        judged_until(pipeline, week=week),
        pipeline.lake.read(JUDGE_BIASES, partition=week),
        judges=pipeline.settings.judges,
    )


def judged_until(pipeline: Pipeline, *, week: str) -> Judged:
    """The last settled weeks up to this one: as many as agreement of people is pooled over."""
    settled = [known for known in pipeline.lake.partitions(ADJUDICATIONS) if known <= week]
    weeks = settled[-pipeline.settings.review.agreement_weeks :]
    verdicts = _of(pipeline, VERDICTS, weeks)
    newest = _of(pipeline, VERDICTS, weeks[-1:]).filter(pl.col("order") == "single")
    return Judged(
        verdicts=verdicts,
        panel_verdicts=_of(pipeline, PANEL_VERDICTS, weeks),
        adjudications=_of(pipeline, ADJUDICATIONS, weeks),
        probes=_of(pipeline, JUDGE_PROBES, weeks),
        responses=_responses(pipeline, weeks),
        rubrics=sorted(set(newest["rubric_id"])),
        levels={
            rubric.rubric_id: [criterion.levels for criterion in rubric.criteria]
            for rubric in pipeline.rubrics
        },
        weeks=len(weeks),
    )


def _responses(pipeline: Pipeline, weeks: Sequence[str]) -> pl.DataFrame:
    columns = ["interaction_id", "conversation_key"]
    held = set(pipeline.lake.partitions(ANONYMISED_INTERACTIONS))
    return pl.concat(
        [
            ANONYMISED_INTERACTIONS.empty().select(columns),
            *(
                pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week, columns=columns)
                for week in weeks
                if week in held
            ),
        ]
    )


def _of(pipeline: Pipeline, table: Table, weeks: Sequence[str]) -> pl.DataFrame:
    held = set(pipeline.lake.partitions(table))
    return pipeline.lake.read_all(table, partitions=[week for week in weeks if week in held])
