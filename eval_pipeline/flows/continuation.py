"""Goes on with an undecided candidate on the reserve of the weeks after its golden version."""

from dataclasses import replace
from typing import Final

import polars as pl

from eval_pipeline.adapters.model_calls.runner import call_key
from eval_pipeline.errors import ContinuationError
from eval_pipeline.evaluation.continuation import (
    continuation_rows,
    mix_weights_of,
    open_subsets,
    report_continuation,
    unseen,
    week_items,
)
from eval_pipeline.evaluation.trial_items import golden_items, reserve_identity, reserve_items
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import known_of
from eval_pipeline.flows.golden_weights import live_cells_for
from eval_pipeline.flows.naive import planned_calls
from eval_pipeline.flows.regression import both_arms, version_of
from eval_pipeline.flows.reserve import reserve_in, weeks_after
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import (
    CONTINUATION_REPORT,
    CONTINUATION_TRIALS,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
)

PAID_AS: Final = "continue"
"""Before the colon of a continuation's scope."""


def continue_candidate(pipeline: Pipeline, candidate: Candidate) -> pl.DataFrame:
    """CONTINUATION_TRIALS of both arms, week by week, for the subsets still undecided.

    Empty where the policy keeps no alpha for it, nothing is undecided, or no later week has a
    reserve. Raises `ContinuationError` where the systems are not those that the looks compared.
    """
    partition, policy = candidate.candidate_id, pipeline.settings.gate
    done = CONTINUATION_TRIALS.empty()
    if policy.continuation_alpha <= 0 or candidate.recorded_week is not None:
        return done
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=partition)
    report = pipeline.lake.read(REGRESSION_REPORT, partition=partition)
    version = version_of(pipeline, trials)
    weeks = weeks_after(pipeline, version=version) if open_subsets(report) else []
    if weeks and not trials.is_empty():
        _require_unchanged(pipeline, candidate, trials)
        for week in weeks:
            asked = _week(pipeline, candidate, week=week, trials=trials, report=report, done=done)
            done = pl.concat([done, asked])
    return CONTINUATION_TRIALS.conform(done)


def report_on_continuation(pipeline: Pipeline, candidate: Candidate) -> pl.DataFrame:
    """The CONTINUATION_REPORT of the candidate's stored trials; empty without any."""
    partition = candidate.candidate_id
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=partition)
    return report_continuation(
        pipeline.lake.read(REGRESSION_REPORT, partition=partition),
        pipeline.lake.read(CONTINUATION_TRIALS, partition=partition),
        golden_version=version_of(pipeline, trials),
        policy=pipeline.settings.gate,
    )


def continuation_held(
    pipeline: Pipeline, candidate_id: str, *, version: int
) -> pl.DataFrame | None:
    """The stored CONTINUATION_REPORT of a candidate on this version; None without any."""
    report = pipeline.lake.read_if_made(CONTINUATION_REPORT, partition=candidate_id)
    return None if report is None else report.filter(pl.col("golden_version") == version)


def require_continuable(pipeline: Pipeline, candidate: Candidate) -> None:
    """Raises `ContinuationError` where there is nothing that could be continued, and says why."""
    partition = candidate.candidate_id
    again = f"Run `eval-pipeline gate --candidate {partition}`."
    if pipeline.settings.gate.continuation_alpha <= 0:
        raise ContinuationError(
            partition,
            "`gate.continuation.share` is 0, so its planned looks had the whole alpha",
            "Set a share before the next candidate is evaluated; see docs/planning.md.",
        )
    if candidate.recorded_week is not None:
        raise ContinuationError(
            partition, "it is a provider's change, and the old model answers no more", again
        )
    report = pipeline.lake.read(REGRESSION_REPORT, partition=partition)
    if not open_subsets(report):
        raise ContinuationError(partition, "its planned looks left nothing undecided", again)
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=partition)
    version = version_of(pipeline, trials)
    if not weeks_after(pipeline, version=version):
        raise ContinuationError(
            partition,
            f"no week after golden version {version} has a reserve yet",
            "Run `eval-pipeline refresh` for the next week first.",
        )


def _week(
    pipeline: Pipeline,
    candidate: Candidate,
    *,
    week: str,
    trials: pl.DataFrame,
    report: pl.DataFrame,
    done: pl.DataFrame,
) -> pl.DataFrame:
    policy, names = pipeline.settings.gate, report["subset"].to_list()
    wanted = open_subsets(report)
    if not done.is_empty():
        told = report_continuation(report, done, golden_version=0, policy=policy)
        if (told["state"] == "blocked").any():
            return CONTINUATION_TRIALS.empty()
        wanted = told.filter(pl.col("state") == "undecided")["subset"].to_list()
    pool = unseen(reserve_in(pipeline, weeks=[week]), trials=[trials, done])
    known = set(known_of(pipeline, candidate, pool))
    unknown = [reserve_identity(one) not in known for one in pool["interaction_id"]]
    pool = pool.filter(pl.Series(unknown, dtype=pl.Boolean))
    item_ids = week_items(pool, wanted=wanted, subsets=names, policy=policy)
    if not item_ids:
        return CONTINUATION_TRIALS.empty()
    items = reserve_items(
        pool, item_ids, look=policy.planned_looks + 1, golden_version=version_of(pipeline, trials)
    )
    continued = replace(candidate, paid_as=PAID_AS)
    return continuation_rows(
        both_arms(pipeline, continued, items),
        week=week,
        weights=mix_weights_of(
            pool,
            first_look=trials,
            subsets=names,
            live=live_cells_for(pipeline, version=version_of(pipeline, trials), reserve=pool),
        ),
    )


def _require_unchanged(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> None:
    """Both systems must be asked as they were: the journal holds their golden calls as planned."""
    version = version_of(pipeline, trials)
    answered = trials.filter(pl.col("source") != "reserve", pl.col("status") != "failed")
    golden = golden_items(pipeline.golden.items(version), golden_version=version)
    for arm, system_id, system in (
        ("baseline", candidate.baseline_id, candidate.baseline),
        ("candidate", candidate.candidate_id, candidate.system),
    ):
        asked = set(answered.filter(pl.col("arm") == arm)["item_id"])
        items = [item for item in golden if item.item_id in asked]
        calls = planned_calls(
            pipeline, items, system_id=system_id, system=system, scope=candidate.scope
        )
        keys = {call_key(call) for call in calls}
        if len(pipeline.journal.settled_calls(keys)) < len(keys):
            raise ContinuationError(
                candidate.candidate_id,
                f"'{system_id}' is no longer what the planned looks compared",
                "Restore it, or evaluate the changed one as a candidate of its own.",
            )
