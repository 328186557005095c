"""Enters decisions into the alpha ledger, and reads how often a golden version has decided."""

import polars as pl

from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.evaluation.ledger import (
    Exposure,
    candidate_fingerprint,
    entered,
    exposure_of,
    exposures,
    ledger_rows,
)
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import CONTINUATION_TRIALS, GATE_LEDGER, REGRESSION_TRIALS


def whole_ledger(pipeline: Pipeline) -> pl.DataFrame:
    """The GATE_LEDGER of all candidates."""
    if not pipeline.lake.partitions(GATE_LEDGER):
        return GATE_LEDGER.empty()
    return pipeline.lake.read_all(GATE_LEDGER)


def exposures_of_versions(pipeline: Pipeline) -> dict[int, int]:
    """How many candidates each golden version has decided on, by version."""
    return exposures(whole_ledger(pipeline))


def exposure_to(pipeline: Pipeline, candidate: Candidate, *, version: int) -> Exposure:
    """Which candidate on the golden version this is; one that was decided on keeps its number."""
    return exposure_of(
        whole_ledger(pipeline),
        golden_version=version,
        candidate_id=candidate.candidate_id,
        content=content_of(candidate),
    )


def content_of(candidate: Candidate) -> str:
    """The fingerprint of what the candidate and its baseline answer by."""
    return candidate_fingerprint(
        candidate.system, baseline=candidate.baseline, recorded_week=candidate.recorded_week
    )


def enter_decision(pipeline: Pipeline, candidate: Candidate, decision: Decision) -> pl.DataFrame:
    """The candidate's GATE_LEDGER with this decision; entering it again changes nothing."""
    partition = candidate.candidate_id
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=partition)
    version = decision.golden_version or 0
    rows = ledger_rows(
        decision,
        trials=trials,
        continuation=pipeline.lake.read_if_made(CONTINUATION_TRIALS, partition=partition),
        content=content_of(candidate),
        exposure=exposure_to(pipeline, candidate, version=version),
        policy=pipeline.settings.gate,
    )
    held = pipeline.lake.read_if_made(GATE_LEDGER, partition=partition)
    return entered(GATE_LEDGER.empty() if held is None else held, rows)
