"""A candidate's evaluation: both arms on the golden version, then top-ups from the reserve."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.evaluation.aggregate_weights import with_cells
from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.human_correction.judge_bias import JudgeBias
from eval_pipeline.evaluation.reserve_order import with_asked
from eval_pipeline.evaluation.stated_confidence import with_confidence
from eval_pipeline.evaluation.topup import compare_in_looks
from eval_pipeline.evaluation.trial_items import TrialItem, golden_items, reserve_items
from eval_pipeline.evaluation.trials import Arm, trial_rows
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import excluded_ids, known_items
from eval_pipeline.flows.golden_weights import live_cells_for
from eval_pipeline.flows.human_correction import judge_bias_of
from eval_pipeline.flows.planning import require_feasible
from eval_pipeline.flows.preferences import compare_answers
from eval_pipeline.flows.recorded import recorded_answers
from eval_pipeline.flows.reserve import newest_version, reserve_of
from eval_pipeline.flows.trials import ask_system, score_outcomes
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import CallOutcome, Score
from eval_pipeline.tables import REGRESSION_TRIALS


def evaluate_candidate(pipeline: Pipeline, candidate: Candidate) -> pl.DataFrame:
    """Every trial of both arms, over as many looks as the policy allows and the gate needs.

    Items that either system may know beforehand are not asked.
    """
    if candidate.recorded_week is not None:
        return _against_recorded(pipeline, candidate, week=candidate.recorded_week)
    version = newest_version(pipeline)
    known = set(excluded_ids(known_items(pipeline, candidate, version=version)))
    golden = golden_items(pipeline.golden.items(version), golden_version=version)
    items = [item for item in golden if item.item_id not in known]
    reserve = reserve_of(pipeline, version=version, without=known)
    require_feasible(pipeline, candidate, items, reserve=reserve)

    live = live_cells_for(pipeline, version=version, reserve=reserve)

    def ask(look: int, item_ids: Sequence[str]) -> pl.DataFrame:
        wanted = reserve_items(reserve, item_ids, look=look, golden_version=version)
        return with_cells(both_arms(pipeline, candidate, wanted), live)

    comparison = compare_in_looks(
        with_cells(both_arms(pipeline, candidate, items), live),
        ask=ask,
        reserve=reserve,
        policy=pipeline.settings.gate,
        subsets=pipeline.settings.subsets,
    )
    return REGRESSION_TRIALS.conform(comparison.trials)


@dataclass(frozen=True)
class Counted:
    """The trials that count, and what they are compared by.

    `reserve`: the `subsets` of what could be asked; null where nothing could. `judge_bias`: what
    people's labels say of the judges; top-ups are asked without it, for more items are no remedy
    for a judge's bias.
    """

    trials: pl.DataFrame
    reserve: pl.DataFrame | None
    judge_bias: JudgeBias | None


def counted_trials(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> Counted:
    """Without the items that turned out to be known after they were asked."""
    version = version_of(pipeline, trials)
    known = excluded_ids(known_items(pipeline, candidate, version=version))
    counted = trials.filter(~pl.col("item_id").is_in(known))
    bias = judge_bias_of(pipeline, candidate, counted)
    if candidate.recorded_week is not None:
        return Counted(counted, None, bias)
    held = reserve_of(pipeline, version=version, without=known)
    return Counted(counted, with_asked(held, counted), bias)


def report_on(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> pl.DataFrame:
    """The paired comparison of a candidate's trials, per subset and in all, look by look."""
    counted = counted_trials(pipeline, candidate, trials)
    return compare(
        counted.trials,
        policy=pipeline.settings.gate,
        subsets=pipeline.settings.subsets,
        reserve=counted.reserve,
        judge_bias=counted.judge_bias,
    )


def version_of(pipeline: Pipeline, trials: pl.DataFrame) -> int:
    """The golden version that trials stand on; the newest where every item was excluded."""
    if trials.is_empty():
        return newest_version(pipeline)
    return int(str(trials["golden_version"].max()))


def _against_recorded(pipeline: Pipeline, candidate: Candidate, *, week: str) -> pl.DataFrame:
    """The old model's recorded answers against the new one's, both scored today."""
    known = set(excluded_ids(known_items(pipeline, candidate, version=newest_version(pipeline))))
    answers = zip(*recorded_answers(pipeline, candidate.baseline_id, week=week), strict=True)
    unknown = [(item, outcome) for item, outcome in answers if item.item_id not in known]
    items = [item for item, _ in unknown]
    recorded = with_confidence([outcome for _, outcome in unknown], candidate.baseline.confidence)
    answered = _ask(pipeline, candidate, items, arm="candidate")
    return scored_arms(pipeline, candidate, items, baseline=recorded, candidate_outcomes=answered)


def both_arms(pipeline: Pipeline, candidate: Candidate, items: Sequence[TrialItem]) -> pl.DataFrame:
    """REGRESSION_TRIALS of both systems, asked and scored under the candidate's scope."""
    return scored_arms(
        pipeline,
        candidate,
        items,
        baseline=_ask(pipeline, candidate, items, arm="baseline"),
        candidate_outcomes=_ask(pipeline, candidate, items, arm="candidate"),
    )


def _ask(
    pipeline: Pipeline, candidate: Candidate, items: Sequence[TrialItem], *, arm: Arm
) -> list[CallOutcome]:
    on_trial = arm == "candidate"
    return ask_system(
        pipeline,
        items,
        system_id=candidate.candidate_id if on_trial else candidate.baseline_id,
        system=candidate.system if on_trial else candidate.baseline,
        scope=candidate.scope,
    )


def scored_arms(
    pipeline: Pipeline,
    candidate: Candidate,
    items: Sequence[TrialItem],
    *,
    baseline: Sequence[CallOutcome],
    candidate_outcomes: Sequence[CallOutcome],
) -> pl.DataFrame:
    """Both arms' rows; where a route is scored by preference, the arms are compared first."""
    scope = candidate.scope
    preferred = compare_answers(
        pipeline, items, baseline=baseline, candidate=candidate_outcomes, scope=scope
    )
    arms: tuple[tuple[Arm, str, Sequence[CallOutcome], dict[str, Score]], ...] = (
        ("baseline", candidate.baseline_id, baseline, preferred.baseline),
        ("candidate", candidate.candidate_id, candidate_outcomes, preferred.candidate),
    )
    rows = [
        trial_rows(
            items,
            outcomes,
            scores=score_outcomes(pipeline, items, outcomes, scope=scope, given=given),
            arm=arm,
            system_id=system_id,
        )
        for arm, system_id, outcomes, given in arms
    ]
    trials = preferred.shown_in(pl.concat(rows))
    return REGRESSION_TRIALS.conform(trials.select(list(REGRESSION_TRIALS.schema)))
