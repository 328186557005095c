"""What the decision's page shows beside the decision, from the lake."""

import polars as pl

from eval_pipeline.evaluation.exclusions import excluded_per_subset
from eval_pipeline.evaluation.failure_costs import (
    Prices,
    Traffic,
    failure_costs,
    topic_shares,
    traffic_shares,
)
from eval_pipeline.evaluation.missing_scores import missing_scores, refusals
from eval_pipeline.flows.gate_audit import audits_until
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.operations import ALL
from eval_pipeline.reports.beside import Beside, Standing
from eval_pipeline.tables import (
    CANDIDATE_CONTAMINATION,
    DRIFT_SIGNALS,
    FAILING_ITEMS,
    FAILURE_TRIAGE,
    HUMAN_CORRECTION,
    JUDGE_QUALITY,
    JUDGE_RELIABILITY,
    OPERATIONS_REPORT,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
    SAMPLING_FRAME,
    SHADOW_REPORT,
    STRATIFIED_INTERACTIONS,
    TOPIC_MIX,
    Table,
)

COST_PER_SUCCESS = "cost_per_success_usd"


def beside_decision(pipeline: Pipeline, candidate_id: str, trials: pl.DataFrame) -> Beside:
    """How good the judges are by now, what the candidate's losses cost, its triage, what lacks.

    Each as far as it is there; `trials` are the candidate's REGRESSION_TRIALS that count.
    """
    lake = pipeline.lake
    known = lake.read_if_made(CANDIDATE_CONTAMINATION, partition=candidate_id)
    return Beside(
        judges=_newest(pipeline, JUDGE_QUALITY),
        reliability=_newest(pipeline, JUDGE_RELIABILITY),
        triage=lake.read_if_made(FAILURE_TRIAGE, partition=candidate_id),
        failing=lake.read_if_made(FAILING_ITEMS, partition=candidate_id),
        costs=costs_of(pipeline, candidate_id),
        traffic_week=_traffic_week(pipeline, trials),
        missing=missing_scores(trials),
        refused=refusals(trials),
        excluded=None if known is None else _excluded(known),
        signals=lake.read_all(DRIFT_SIGNALS, partition_column="week")
        if lake.partitions(DRIFT_SIGNALS)
        else None,
        shadow=lake.read_if_made(SHADOW_REPORT, partition=candidate_id),
        audit=lake.read_if_made(HUMAN_CORRECTION, partition=candidate_id),
        gate_audits=audits_until(pipeline),
        standing=standing_of(pipeline),
    )


def costs_of(pipeline: Pipeline, candidate_id: str) -> pl.DataFrame:
    """FAILURE_COSTS of the candidate, in the traffic of its golden version's week.

    Raises `MissingPartitionError` before its report.
    """
    lake, subsets = pipeline.lake, pipeline.settings.subsets
    trials = lake.read(REGRESSION_TRIALS, partition=candidate_id, columns=["golden_version"])
    prices = {name: subset.usd_per_failure for name, subset in subsets.items()}
    return failure_costs(
        lake.read(REGRESSION_REPORT, partition=candidate_id),
        lake.read_if_made(FAILURE_TRIAGE, partition=candidate_id),
        traffic=_traffic(pipeline, week=_traffic_week(pipeline, trials)),
        prices=Prices(
            failures={name: price for name, price in prices.items() if price is not None},
            spend_per_success=_spend_per_success(pipeline, candidate_id),
        ),
    )


def standing_of(pipeline: Pipeline) -> Standing:
    """Who may waive, and whom to ask about a subset and why it is kept."""
    gate, subsets = pipeline.settings.gate, pipeline.settings.subsets
    return Standing(
        may_waive=gate.may_waive,
        waive_blocks=gate.waive_blocks,
        owners={name: subset.owner for name, subset in subsets.items()},
        whys={name: subset.why for name, subset in subsets.items()},
    )


def _newest(pipeline: Pipeline, table: Table) -> pl.DataFrame | None:
    weeks = pipeline.lake.partitions(table)
    return pipeline.lake.read(table, partition=weeks[-1]) if weeks else None


def _excluded(known: pl.DataFrame) -> int:
    return int(excluded_per_subset(known).row(0, named=True)["items"])


def _traffic_week(pipeline: Pipeline, trials: pl.DataFrame) -> str | None:
    """The week of the golden version that the trials stand on."""
    if trials.is_empty():
        return None
    return pipeline.golden.manifest(int(str(trials["golden_version"].max()))).week


def _traffic(pipeline: Pipeline, *, week: str | None) -> Traffic:
    if week is None:
        return Traffic(None, {})
    frame = pipeline.lake.read_if_made(SAMPLING_FRAME, partition=week)
    stratified = pipeline.lake.read_if_made(STRATIFIED_INTERACTIONS, partition=week)
    confidence = pipeline.settings.gate.confidence
    shares = {} if stratified is None else traffic_shares(stratified, confidence=confidence)
    topics = pipeline.lake.read_if_made(TOPIC_MIX, partition=week)
    return Traffic(
        None if frame is None else int(frame["interactions"].sum()),
        shares if topics is None else shares | topic_shares(topics),
    )


def _spend_per_success(pipeline: Pipeline, candidate_id: str) -> float | None:
    report = pipeline.lake.read_if_made(OPERATIONS_REPORT, partition=candidate_id)
    if report is None:
        return None
    rows = report.filter(
        pl.col("subset") == ALL,
        pl.col("arm") == "candidate",
        pl.col("metric") == COST_PER_SUCCESS,
    )
    return None if rows.is_empty() else rows["value"][0]
