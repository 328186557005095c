"""What the decision's page shows beside the decision, from the lake."""

import polars as pl

from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports.pages import Beside
from eval_pipeline.tables import FAILING_ITEMS, FAILURE_TRIAGE, JUDGE_QUALITY, Table


def beside_decision(pipeline: Pipeline, candidate_id: str) -> Beside:
    """How good the judges are by now, and the candidate's triage, as far as they are there."""
    weeks = pipeline.lake.partitions(JUDGE_QUALITY)
    return Beside(
        judges=pipeline.lake.read(JUDGE_QUALITY, partition=weeks[-1]) if weeks else None,
        triage=_held(pipeline, FAILURE_TRIAGE, candidate_id),
        failing=_held(pipeline, FAILING_ITEMS, candidate_id),
    )


def _held(pipeline: Pipeline, table: Table, partition: str) -> pl.DataFrame | None:
    if not pipeline.lake.has(table, partition=partition):
        return None
    return pipeline.lake.read(table, partition=partition)
