"""The week's re-run against the noise of its reference runs."""

import polars as pl

from eval_pipeline.evaluation.drift_detection.readings import FROZEN_COLUMNS
from eval_pipeline.evaluation.drift_detection.signals import signals_of_week
from eval_pipeline.flows.drift import frozen_answers, items_of_week, pinned_systems
from eval_pipeline.flows.drift_reference import reference_up_to
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import DRIFT_SIGNALS, DRIFT_TRIALS


def signal_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """DRIFT_SIGNALS of the week, from its trials, the reference, and the weeks before it."""
    return signals_of_week(
        pipeline.lake.read(DRIFT_TRIALS, partition=week),
        reference=reference_up_to(pipeline, week=week),
        frozen=_frozen(pipeline, week=week),
        history=signals_before(pipeline, week=week),
        systems=pinned_systems(pipeline),
        week=week,
        policy=pipeline.settings.drift,
    )


def signals_before(pipeline: Pipeline, *, week: str, through: bool = False) -> pl.DataFrame:
    """DRIFT_SIGNALS of all earlier weeks, with `through` of the week too, and a column `week`."""
    known = [
        name
        for name in pipeline.lake.partitions(DRIFT_SIGNALS)
        if name < week or (through and name == week)
    ]
    return pipeline.lake.read_all(DRIFT_SIGNALS, partitions=known, partition_column="week")


def _frozen(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """Whose week's answers are judged again, and what was said of them then."""
    items = items_of_week(pipeline, week=week)
    rows: dict[tuple[str, str, int], dict[str, object]] = {}
    for system_id in pinned_systems(pipeline):
        for answer in frozen_answers(pipeline, items, system_id=system_id, week=week):
            item, row = answer.item, answer.row
            same = row["item_revision"] == item.item_revision
            rows.setdefault(
                (system_id, item.item_id, item.item_revision),
                {
                    "system_id": system_id,
                    "item_id": item.item_id,
                    "item_revision": item.item_revision,
                    "frozen_week": row["week"],
                    "frozen_score": row["score"] if same else None,
                },
            )
    return pl.DataFrame(list(rows.values()), schema=FROZEN_COLUMNS)
