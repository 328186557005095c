"""What a candidate lost, asked again on both systems, and what of it is systematic."""

from collections.abc import Sequence

import polars as pl

from eval_pipeline.evaluation.triage.failing import failing_items
from eval_pipeline.evaluation.triage.items import Known, first_to_ask, item_differences
from eval_pipeline.evaluation.triage.report import failure_triage
from eval_pipeline.evaluation.trial_items import (
    TrialItem,
    golden_items,
    reserve_identity,
    reserve_items,
    reserve_names,
)
from eval_pipeline.evaluation.trials import Arm, trial_rows
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import unknown_trials
from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.decision_pages import write_pages
from eval_pipeline.flows.regression import version_of
from eval_pipeline.flows.reserve import reserve_of
from eval_pipeline.flows.trials import ask_system, score_outcomes
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import (
    DRIFT_TRIALS,
    FAILURE_TRIAGE,
    GOLDEN_WEIGHTS,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
    TOPIC_CLUSTERS,
)
from eval_pipeline.truth.entries import item_identity


def scope_of_triage(candidate: Candidate) -> str:
    """What asking again is paid for."""
    return f"triage:{candidate.candidate_id}"


def ask_failing_again(pipeline: Pipeline, candidate: Candidate) -> pl.DataFrame:
    """FAILING_ITEMS: the dearest lost items asked again, each call paid once.

    Where the baseline is what a provider used to serve it can no longer be asked: its recorded
    score stands beside each repeat of the candidate. Items that are gone since are not asked.
    Raises `MissingPartitionError` before the decision.
    """
    load_decision(pipeline, candidate.candidate_id)  # before anything is paid: it must be there
    policy = pipeline.settings.gate.triage
    items = compared_items(pipeline, candidate)
    report = pipeline.lake.read(REGRESSION_REPORT, partition=candidate.candidate_id)
    blocked = report.filter(pl.col("state") == "blocked")["subset"].to_list()
    chosen = first_to_ask(items, blocked=blocked, maximum=policy.maximum_items)
    asked = _items(pipeline, candidate, chosen)
    arms: tuple[Arm, ...] = ("baseline", "candidate")
    again = [
        _asked(pipeline, candidate, asked, arm=arm, repeat=repeat)
        for repeat in range(1, policy.repeats + 1)
        for arm in arms
        if arm == "candidate" or candidate.recorded_week is None
    ]
    return failing_items(
        items,
        pl.concat([REGRESSION_TRIALS.empty(), *again]),
        earlier=_earlier_scores(pipeline, candidate, [item.item_id for item in asked]),
        policy=policy,
    )


def triage_candidate(
    pipeline: Pipeline, candidate: Candidate, failing: pl.DataFrame
) -> pl.DataFrame:
    """FAILURE_TRIAGE of the candidate, beside what earlier candidates' triages found."""
    items = compared_items(pipeline, candidate)
    return failure_triage(
        items,
        failing,
        pipeline.lake.read_all(FAILURE_TRIAGE, partition_column="candidate"),
        candidate_id=candidate.candidate_id,
        golden_version=_version(pipeline, candidate),
        notes={name: subset.why or "" for name, subset in pipeline.settings.subsets.items()},
        policy=pipeline.settings.gate.triage,
        confidence=pipeline.settings.gate.confidence,
    )


def write_page_again(pipeline: Pipeline, candidate_id: str) -> str:
    """The page of the decision that stands, with what was found out since; no verdict changes."""
    return write_pages(pipeline, candidate_id, load_decision(pipeline, candidate_id))


def compared_items(pipeline: Pipeline, candidate: Candidate) -> pl.DataFrame:
    """Every item with a score in both arms that neither system may know beforehand."""
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=candidate.candidate_id)
    version = version_of(pipeline, trials)
    known = Known(
        weights=_weights(pipeline, version=version),
        topics=_topics(pipeline),
        labels=_labels(pipeline, version=version),
        kinds={name: subset.kind for name, subset in pipeline.settings.subsets.items()},
    )
    return item_differences(unknown_trials(pipeline, candidate, trials, version=version), known)


def _version(pipeline: Pipeline, candidate: Candidate) -> int:
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=candidate.candidate_id)
    return version_of(pipeline, trials)


def _asked(
    pipeline: Pipeline,
    candidate: Candidate,
    items: Sequence[TrialItem],
    *,
    arm: Arm,
    repeat: int,
) -> pl.DataFrame:
    on_trial = arm == "candidate"
    system_id = candidate.candidate_id if on_trial else candidate.baseline_id
    system = candidate.system if on_trial else candidate.baseline
    scope = scope_of_triage(candidate)
    outcomes = ask_system(
        pipeline,
        items,
        system_id=system_id,
        system=system,
        scope=scope,
        trial=repeat,
        purpose=f"what {candidate.candidate_id} lost, again",
    )
    scores = score_outcomes(pipeline, items, outcomes, scope=scope)
    return trial_rows(items, outcomes, scores=scores, arm=arm, system_id=system_id)


def _items(pipeline: Pipeline, candidate: Candidate, chosen: Sequence[str]) -> list[TrialItem]:
    """The chosen items that are still there, as they were asked, in the order of their ids."""
    version = _version(pipeline, candidate)
    wanted = set(chosen)
    golden = golden_items(pipeline.golden.items(version), golden_version=version)
    found = [item for item in golden if item.item_id in wanted]
    missing = wanted - {item.item_id for item in found}
    if missing and candidate.recorded_week is None:
        reserve = reserve_of(pipeline, version=version)
        there = {reserve_identity(each) for each in reserve["interaction_id"]}
        held = sorted(missing & there)
        found += reserve_items(reserve, held, look=1, golden_version=version)
    return sorted(found, key=lambda item: item.item_id)


def _earlier_scores(
    pipeline: Pipeline, candidate: Candidate, item_ids: Sequence[str]
) -> dict[str, list[float]]:
    """What the baseline scored on these items in earlier weeks' reruns, oldest first."""
    if candidate.recorded_week is not None:
        return {}
    rows = (
        pipeline.lake.read_all(DRIFT_TRIALS, partition_column="week")
        .filter(
            (pl.col("system_id") == candidate.baseline_id)
            & (pl.col("stream") == "rerun")
            & pl.col("item_id").is_in(list(item_ids))
        )
        .drop_nulls("score")
        .sort("week", "item_id", "item_revision", "trial")
    )
    return {
        str(item): own["score"].to_list()
        for (item,), own in rows.group_by("item_id", maintain_order=True)
    }


def _weights(pipeline: Pipeline, *, version: int) -> dict[str, float]:
    """What the version's items weigh in the traffic of its week; empty without such weights."""
    week = pipeline.golden.manifest(version).week
    if not pipeline.lake.has(GOLDEN_WEIGHTS, partition=week):
        return {}
    rows = pipeline.lake.read(GOLDEN_WEIGHTS, partition=week).drop_nulls("live_weight")
    return dict(rows.select("item_id", "live_weight").iter_rows())


def _topics(pipeline: Pipeline) -> dict[str, str]:
    """The newest topic of each interaction that stands in one, by every item id it may have."""
    found: dict[str, str] = {}
    for week in pipeline.lake.partitions(TOPIC_CLUSTERS):
        clusters = pipeline.lake.read(TOPIC_CLUSTERS, partition=week, columns=["topic", "members"])
        for topic, members in clusters.iter_rows():
            for interaction_id in members:
                names = (item_identity(interaction_id), *reserve_names(interaction_id))
                found |= dict.fromkeys(names, topic)
    return found


def _labels(pipeline: Pipeline, *, version: int) -> dict[str, tuple[str, ...]]:
    """The failure modes that people named for the answers that were logged, by item id."""
    until = pipeline.golden.manifest(version).week
    weeks = [week for week in pipeline.review.weeks() if week <= until]
    found: dict[str, set[str]] = {}
    for week in weeks:
        tasks = pipeline.review.tasks(week).select("task_id", "interaction_id")
        said = pipeline.review.labels(week)
        corrected = said["corrects"].drop_nulls().to_list()
        standing = said.filter(~pl.col("withdrawn") & ~pl.col("label_id").is_in(corrected))
        named = standing.drop_nulls("failure_mode").join(tasks, on="task_id")
        for interaction_id, mode in named.select("interaction_id", "failure_mode").iter_rows():
            found.setdefault(item_identity(interaction_id), set()).add(mode)
    return {item: tuple(sorted(modes)) for item, modes in found.items()}
