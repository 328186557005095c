"""The gate over everything that is known of a candidate."""

import datetime as dt

import polars as pl

from eval_pipeline.errors import StaleReportError
from eval_pipeline.evaluation.decision import (
    Decision,
    decisions_with,
    newest_row,
    read_decision,
)
from eval_pipeline.evaluation.decision_inputs import Decided, DecisionInputs, bare, decided
from eval_pipeline.evaluation.exclusions import exclusion_sentences
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.trial_items import SYNTHETIC
from eval_pipeline.evaluation.verbatim import memorisation_sentences
from eval_pipeline.flows.aa import all_aa_runs
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.confidence import earning_notes
from eval_pipeline.flows.contamination import known_items
from eval_pipeline.flows.continuation import continuation_held
from eval_pipeline.flows.gate_audit import newest_audit, standing_of_audit
from eval_pipeline.flows.ledger import exposure_to
from eval_pipeline.flows.memorisation import memorised_by_candidate
from eval_pipeline.flows.policy import policy_evidence
from eval_pipeline.flows.promotion import promotion_sentences
from eval_pipeline.flows.regression import counted_trials, version_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.pairwise import order_sentences
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings, family_sentences
from eval_pipeline.tables import (
    ANNOTATOR_AGREEMENT,
    ANONYMISED_INTERACTIONS,
    DRIFT_REPORT,
    DRIFT_SIGNALS,
    GATE_DECISION,
    HUMAN_CORRECTION,
    JUDGE_CALIBRATION,
    JUDGE_QUALITY,
    OPERATIONS_REPORT,
    OUTCOME_TRACKING,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
    Table,
)

MODEL_SCORERS = ("panel", "judge", "preference")


def decide_on(pipeline: Pipeline, candidate: Candidate) -> Decided:
    """The decision on a candidate whose trials, report and operations are in the lake.

    Raises `StaleReportError` where the report is not what the trials and the policy give.
    """
    inputs = inputs_of(pipeline, candidate)
    made = decided(inputs)
    held = pipeline.lake.read(REGRESSION_REPORT, partition=candidate.candidate_id)
    if not held.equals(made.report):
        raise StaleReportError(candidate.candidate_id)
    pipeline.decision_records.keep(made, inputs)
    return made


def inputs_of(pipeline: Pipeline, candidate: Candidate) -> DecisionInputs:
    """All that the decision reads, as it stands now."""
    partition = candidate.candidate_id
    asked = pipeline.lake.read(REGRESSION_TRIALS, partition=partition)
    version = version_of(pipeline, asked)
    counted = counted_trials(pipeline, candidate, asked)
    return DecisionInputs(
        candidate_id=partition,
        baseline_id=candidate.baseline_id,
        golden_version=version,
        policy=pipeline.settings.gate,
        subsets=tuple(sorted(pipeline.settings.subsets)),
        trials=bare(counted.trials),
        reserve=counted.reserve,
        judge_bias=counted.judge_bias,
        evidence=_evidence(pipeline, candidate, counted.trials, version=version),
    )


def with_earlier(pipeline: Pipeline, decision: Decision) -> pl.DataFrame:
    """All decisions on its candidate, this one the last."""
    earlier = pipeline.lake.read_if_made(GATE_DECISION, partition=decision.candidate)
    return decisions_with(GATE_DECISION.empty() if earlier is None else earlier, decision)


def _evidence(
    pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame, *, version: int
) -> Evidence:
    known = known_items(pipeline, candidate, version=version)
    audit = newest_audit(pipeline)
    panel_scored = _rests_on_models(trials, pipeline.settings.gate)
    return Evidence(
        calibration=_newest(pipeline, JUDGE_CALIBRATION),
        judge_quality=_newest(pipeline, JUDGE_QUALITY),
        operations=pipeline.lake.read(OPERATIONS_REPORT, partition=candidate.candidate_id),
        drift=_newest(pipeline, DRIFT_REPORT),
        drift_signals=_newest(pipeline, DRIFT_SIGNALS),
        agreement=_newest(pipeline, ANNOTATOR_AGREEMENT),
        tracking=_newest(pipeline, OUTCOME_TRACKING),
        aa=all_aa_runs(pipeline),
        audit=None if audit is None else audit[1],
        audit_standing=standing_of_audit(pipeline),
        continuation=continuation_held(pipeline, candidate.candidate_id, version=version),
        exposure=exposure_to(pipeline, candidate, version=version),
        golden_age_days=_age_in_days(pipeline, version),
        **policy_evidence(pipeline, candidate, version=version),
        correction=pipeline.lake.read_if_made(HUMAN_CORRECTION, partition=candidate.candidate_id),
        panel_scored=panel_scored,
        notes=(
            *(judge_sentences(pipeline, candidate, trials) if panel_scored else ()),
            *exclusion_sentences(
                known,
                candidate_id=candidate.candidate_id,
                baseline_id=candidate.baseline_id,
            ),
            *memorisation_sentences(
                memorised_by_candidate(pipeline, candidate, trials),
                words=pipeline.settings.golden.contamination.verbatim_words,
            ),
            *promotion_sentences(pipeline),
            *earning_notes(pipeline, candidate, trials),
        ),
    )


def judge_sentences(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> list[str]:
    """What the decision says of the judges behind its scores: whose kin they are, who is alone."""
    systems = {
        candidate.baseline_id: candidate.baseline,
        candidate.candidate_id: candidate.system,
    }
    alone = sorted(
        scorer.removeprefix("judge:")
        for scorer in trials["scorer"].unique().to_list()
        if scorer.startswith("judge:")
    )
    return [
        *family_sentences(pipeline.settings.judges, systems),
        *(f"Judge '{judge}' scored alone: no panel stood behind it." for judge in alone),
        *order_sentences(trials),
    ]


def load_decision(pipeline: Pipeline, candidate_id: str) -> Decision:
    """The newest decision on the candidate, as it was written."""
    decisions = pipeline.lake.read(GATE_DECISION, partition=candidate_id)
    return read_decision(newest_row(decisions)["decision_json"])


def _newest(pipeline: Pipeline, table: Table) -> pl.DataFrame | None:
    weeks = pipeline.lake.partitions(table)
    return pipeline.lake.read(table, partition=weeks[-1]) if weeks else None


def _age_in_days(pipeline: Pipeline, version: int) -> int:
    """From the end of the week whose labels the version holds until the newest week's end.

    Counted in the logs' own time, so that the same inputs give the same decision on any day.
    """
    labelled = dt.date.fromisoformat(pipeline.golden.manifest(version).week)
    weeks = pipeline.lake.partitions(ANONYMISED_INTERACTIONS)
    newest = dt.date.fromisoformat(weeks[-1]) if weeks else labelled
    return max(0, (newest - labelled).days)


def _rests_on_models(trials: pl.DataFrame, policy: GateSettings) -> bool:
    """Whether a model's verdict is behind a score that can decide."""
    deciding = trials
    if not policy.decides_on(SYNTHETIC_SUBSET):
        deciding = trials.filter(pl.col("source").ne_missing(SYNTHETIC))
    scorers = deciding["scorer"].unique().to_list()
    return any(scorer.split(":")[0] in MODEL_SCORERS for scorer in scorers)
