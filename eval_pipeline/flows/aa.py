"""Runs the baseline against itself: both arms asked and judged afresh, compared and decided."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from eval_pipeline.adapters.model_calls.call_figures import spent_on
from eval_pipeline.evaluation.aa import aa_rows, items_of_run
from eval_pipeline.evaluation.aggregate_weights import with_cells
from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.topup import Comparison, compare_in_looks
from eval_pipeline.evaluation.trial_items import TrialItem, golden_items, reserve_items
from eval_pipeline.evaluation.trials import Arm, trial_rows
from eval_pipeline.flows.golden_weights import live_cells_for
from eval_pipeline.flows.monitoring import operations_of
from eval_pipeline.flows.preferences import compare_answers
from eval_pipeline.flows.reserve import newest_version, reserve_of
from eval_pipeline.flows.trials import ask_system, score_outcomes
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import CallOutcome
from eval_pipeline.tables import AA_RUNS, REGRESSION_TRIALS

ARMS: Final[tuple[Arm, Arm]] = ("baseline", "candidate")


def scope_of_arm(week: str, arm: Arm) -> str:
    """What an arm's calls are paid for: no arm and no week answers from another's journal."""
    return f"aa:{week}:{'first' if arm == 'baseline' else 'second'}"


def run_aa(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """AA_RUNS of the week, on the newest golden version; raises `MissingPartitionError` before."""
    version, policy = newest_version(pipeline), pipeline.settings.gate
    golden = golden_items(pipeline.golden.items(version), golden_version=version)
    items = items_of_run(golden, week=week, policy=policy)
    compared = _compared(pipeline, items, week=week, version=version)
    baseline = pipeline.settings.baseline
    decision = decide(
        compared.report,
        candidate_id=baseline,
        baseline_id=baseline,
        golden_version=version,
        policy=policy,
        evidence=Evidence(
            trials=compared.trials,
            operations=operations_of(pipeline, compared.trials),
            panel_scored=False,
        ),
    )
    return aa_rows(
        compared.report,
        compared.trials,
        decision=decision,
        golden_version=version,
        cost_usd=sum(spent_on(pipeline.store.engine, scope_of_arm(week, arm)).usd for arm in ARMS),
    )


def all_aa_runs(pipeline: Pipeline) -> pl.DataFrame | None:
    """AA_RUNS of all weeks with the column `week`; None before the first."""
    if not pipeline.lake.partitions(AA_RUNS):
        return None
    return pipeline.lake.read_all(AA_RUNS, partition_column="week")


def _compared(
    pipeline: Pipeline, items: Sequence[TrialItem], *, week: str, version: int
) -> Comparison:
    policy, subsets = pipeline.settings.gate, pipeline.settings.subsets
    reserve = reserve_of(pipeline, version=version)
    live = live_cells_for(pipeline, version=version, reserve=reserve)
    first = with_cells(_both_arms(pipeline, items, week=week), live)
    if not policy.aa.top_up:
        return Comparison(first, compare(first, policy=policy, subsets=subsets))

    def ask(look: int, item_ids: Sequence[str]) -> pl.DataFrame:
        wanted = reserve_items(reserve, item_ids, look=look, golden_version=version)
        return with_cells(_both_arms(pipeline, wanted, week=week), live)

    return compare_in_looks(first, ask=ask, reserve=reserve, policy=policy, subsets=subsets)


def _both_arms(pipeline: Pipeline, items: Sequence[TrialItem], *, week: str) -> pl.DataFrame:
    answered = {arm: _ask(pipeline, items, week=week, arm=arm) for arm in ARMS}
    preferred = compare_answers(
        pipeline,
        items,
        baseline=answered["baseline"],
        candidate=answered["candidate"],
        scope=scope_of_arm(week, "candidate"),
    )
    given = {"baseline": preferred.baseline, "candidate": preferred.candidate}
    rows = [
        trial_rows(
            items,
            outcomes,
            scores=score_outcomes(
                pipeline, items, outcomes, scope=scope_of_arm(week, arm), given=given[arm]
            ),
            arm=arm,
            system_id=pipeline.settings.baseline,
        )
        for arm, outcomes in answered.items()
    ]
    trials = preferred.shown_in(pl.concat(rows))
    return REGRESSION_TRIALS.conform(trials.select(list(REGRESSION_TRIALS.schema)))


def _ask(
    pipeline: Pipeline, items: Sequence[TrialItem], *, week: str, arm: Arm
) -> list[CallOutcome]:
    """One outcome per item; the arms' trial numbers differ as their scopes do."""
    baseline = pipeline.settings.baseline
    return ask_system(
        pipeline,
        items,
        system_id=baseline,
        system=pipeline.settings.systems[baseline],
        scope=scope_of_arm(week, arm),
        trial=1 + ARMS.index(arm),
        purpose=f"A/A trials of {baseline}, {arm} arm",
    )
