"""Asks a system about items, and scores what it answered."""

from collections.abc import Mapping, Sequence

from eval_pipeline.evaluation.stated_confidence import with_confidence
from eval_pipeline.evaluation.trial_items import TrialItem
from eval_pipeline.evaluation.trials import score_requests
from eval_pipeline.flows.naive import answer_naively, planned_calls
from eval_pipeline.flows.scoring import score_responses
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import CallOutcome, Score
from eval_pipeline.settings import SystemSettings


def ask_system(
    pipeline: Pipeline,
    items: Sequence[TrialItem],
    *,
    system_id: str,
    system: SystemSettings,
    scope: str,
    trial: int = 1,
    purpose: str | None = None,
) -> list[CallOutcome]:
    """One outcome per item, in the items' order, paid under `scope`; a naive system costs nothing.

    With the confidence that the system states, where its settings say how it does.
    """
    told = purpose or f"trials of {system_id}"
    calls = planned_calls(
        pipeline, items, system_id=system_id, system=system, scope=scope, trial=trial
    )
    if system.naive is not None:
        return answer_naively(pipeline, items, calls, naive=system.naive, purpose=told)
    outcomes = pipeline.runner.run(calls, purpose=told)
    return with_confidence(outcomes, system.confidence)


def score_outcomes(
    pipeline: Pipeline,
    items: Sequence[TrialItem],
    outcomes: Sequence[CallOutcome],
    *,
    scope: str,
    week: str | None = None,
    given: Mapping[str, Score] | None = None,
) -> list[Score | None]:
    """The scores of answered outcomes, in order; `scope` and `week` as in `score_responses`.

    `given` holds, by item id, scores that comparing two arms has settled already.
    """
    settled = given or {}
    requests = score_requests(items, outcomes)
    asked = [each for each in requests if each is not None and each.item_id not in settled]
    scores = iter(score_responses(pipeline, asked, scope=scope, week=week))
    return [
        None if each is None else settled.get(each.item_id) or next(scores) for each in requests
    ]
