"""What the gate's policy reads beside the trials: dimensions, freshness, people's words."""

from typing import Any

from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.dimensions import dimensions_held
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import POLICY_RECORDS


def policy_evidence(pipeline: Pipeline, candidate: Candidate, *, version: int) -> dict[str, Any]:
    """Fields of the gate's `Evidence`: of the candidate, the golden version and today's date."""
    return {
        "dimensions": dimensions_held(pipeline, candidate.candidate_id),
        "fresh_items": _fresh_items(pipeline, version),
        "records": pipeline.lake.read_if_made(POLICY_RECORDS, partition=candidate.candidate_id),
        "as_of": pipeline.clock().date(),
        "candidate_fingerprint": candidate.fingerprint,
        "baseline_fingerprint": candidate.baseline_fingerprint,
    }


def _fresh_items(pipeline: Pipeline, version: int) -> tuple[int, int]:
    """Items settled since the version before, and all; synthetic ones are nobody's to settle."""
    counts = pipeline.golden.manifest(version).counts
    return counts.fresh, counts.items - counts.per_label_source.get("synthetic", 0)
