"""Runs a system over items and scores what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from eval_pipeline.evaluation.trials import TrialItem, plan_trials, score_requests
from eval_pipeline.flows.scoring import score_responses
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import CallOutcome, Score
from eval_pipeline.settings import SystemSettings


@dataclass(frozen=True)
class Answers:
    """One system's outcomes and scores, both in the items' order; no score without an answer."""

    outcomes: tuple[CallOutcome, ...]
    scores: tuple[Score | None, ...]


def ask_system(
    pipeline: Pipeline,
    items: Sequence[TrialItem],
    *,
    system_id: str,
    system: SystemSettings,
    scope: str,
) -> Answers:
    """Asks the system about every item and scores each answer, all paid under `scope`."""
    calls = plan_trials(items, system_id=system_id, system=system, scope=scope)
    outcomes = pipeline.runner.run(calls, purpose=f"trials of {system_id}")
    return score_outcomes(pipeline, items, outcomes, scope=scope)


def score_outcomes(
    pipeline: Pipeline, items: Sequence[TrialItem], outcomes: Sequence[CallOutcome], *, scope: str
) -> Answers:
    """Scores the answered outcomes; judge calls are paid under `scope`."""
    requests = score_requests(items, outcomes)
    asked = [request for request in requests if request is not None]
    scores = iter(score_responses(pipeline, asked, scope=scope))
    return Answers(
        outcomes=tuple(outcomes),
        scores=tuple(None if request is None else next(scores) for request in requests),
    )
