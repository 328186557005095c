"""Scores responses by each route's scorer; what that scorer cannot read goes to the panel."""

from collections.abc import Sequence

from eval_pipeline.evaluation.scoring import needs_reference, score
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.panel_scoring import plan_scores, read_scores
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import (
    JudgeScoring,
    JudgeSettings,
    PanelScoring,
    PreferenceScoring,
    Scoring,
)


def score_responses(
    pipeline: Pipeline, requests: Sequence[ScoreRequest], *, scope: str
) -> list[Score]:
    """One score per request, in their order; judge calls are paid under `scope`."""
    chosen = [_scoring_for(pipeline, request) for request in requests]
    scores: dict[int, Score] = {}
    for scoring in dict.fromkeys(chosen):
        places = [place for place, other in enumerate(chosen) if other == scoring]
        batch = [requests[place] for place in places]
        scores |= zip(places, _score_batch(pipeline, batch, scoring, scope), strict=True)
    return [scores[place] for place in range(len(requests))]


def _scoring_for(pipeline: Pipeline, request: ScoreRequest) -> Scoring:
    """The panel where there is no reference to compare with, or failing well is what is asked."""
    if request.expected_behaviour == "graceful_failure":
        return PanelScoring()
    scoring = pipeline.settings.scoring_of(request.route)
    if request.reference_response is None and needs_reference(scoring):
        return PanelScoring()
    return scoring


def _score_batch(
    pipeline: Pipeline, batch: Sequence[ScoreRequest], scoring: Scoring, scope: str
) -> list[Score]:
    judges: dict[str, JudgeSettings]
    match scoring:
        case PanelScoring() | PreferenceScoring():
            judges, quorum = dict(pipeline.settings.judges), pipeline.settings.panel.quorum
        case JudgeScoring(judge=judge):
            judges, quorum = {judge: pipeline.settings.judges[judge]}, 1
        case _:
            return score(batch, scoring)
    calls = plan_scores(batch, judges=judges, rubrics=pipeline.rubrics, scope=scope)
    outcomes = pipeline.runner.run(calls, purpose=f"scoring {scope}")
    return read_scores(batch, outcomes, judges=judges, quorum=quorum)
