"""What the decision's page shows beside the decision, from the lake."""

from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports.pages import Beside
from eval_pipeline.tables import FAILING_ITEMS, FAILURE_TRIAGE, JUDGE_QUALITY


def beside_decision(pipeline: Pipeline, candidate_id: str) -> Beside:
    """How good the judges are by now, and the candidate's triage, as far as they are there."""
    weeks = pipeline.lake.partitions(JUDGE_QUALITY)
    return Beside(
        judges=pipeline.lake.read(JUDGE_QUALITY, partition=weeks[-1]) if weeks else None,
        triage=pipeline.lake.read_if_made(FAILURE_TRIAGE, partition=candidate_id),
        failing=pipeline.lake.read_if_made(FAILING_ITEMS, partition=candidate_id),
    )
