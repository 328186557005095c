"""Scores responses by each route's scorer; what that scorer cannot read goes to the panel."""

from collections.abc import Mapping, Sequence

from eval_pipeline.adapters.embeddings import HttpEmbeddings
from eval_pipeline.adapters.sandbox import Sandbox
from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE
from eval_pipeline.evaluation.scorers.scoring import score
from eval_pipeline.evaluation.scorers.similarity import Embed
from eval_pipeline.flows.judge_weights import weights_before
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.panel_scoring import plan_scores, read_scores
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import (
    CodeScoring,
    EmbeddingsSettings,
    JudgeScoring,
    JudgeSettings,
    PanelScoring,
    PreferenceScoring,
    Scoring,
    SimilarityScoring,
)


def score_responses(
    pipeline: Pipeline, requests: Sequence[ScoreRequest], *, scope: str, week: str | None = None
) -> list[Score]:
    """One deciding score per request, in their order; judge calls are paid under `scope`.

    Each is the first dimension of what `deciding_scorer` says. Judges weigh by labels from before
    `week`, or by all there are.
    """
    chosen = [deciding_scorer(pipeline, request) for request in requests]
    distinct: list[Scoring] = []
    for scoring in chosen:
        if scoring not in distinct:
            distinct.append(scoring)
    scores: dict[int, Score] = {}
    for scoring in distinct:
        places = [place for place, other in enumerate(chosen) if other == scoring]
        batch = [requests[place] for place in places]
        by_dimension = score_by(pipeline, batch, scoring, scope=scope, week=week)
        scores |= zip(places, by_dimension[scoring.dimensions[0]], strict=True)
    return [scores[place] for place in range(len(requests))]


def deciding_scorer(pipeline: Pipeline, request: ScoreRequest) -> Scoring:
    """The route's first scorer; the panel where that one has no reference to compare with.

    Where failing well is what is asked, the panel judges whatever the route says. The panel is
    the route's own where it has one among its scorers, so that it has that one's name.
    """
    scorers = pipeline.settings.scorers_of(request.route)
    first = scorers[0]
    fails_well = request.expected_behaviour == "graceful_failure"
    if not fails_well and (request.reference_response is not None or not first.needs_reference):
        return first
    panels = (scoring for scoring in scorers if isinstance(scoring, PanelScoring))
    return next(panels, PanelScoring())


def score_by(
    pipeline: Pipeline,
    requests: Sequence[ScoreRequest],
    scoring: Scoring,
    *,
    scope: str,
    week: str | None = None,
) -> Mapping[str, list[Score]]:
    """One score per request for each dimension of one scorer; judge calls are paid under `scope`.

    A preference is read as the panel's verdict: there is one answer only. Judges weigh by labels
    from before `week`, or by all there are.
    """
    match scoring:
        case PanelScoring() | PreferenceScoring() | JudgeScoring():
            return {scoring.dimension: _judged(pipeline, requests, scoring, scope=scope, week=week)}
        case CodeScoring():
            return {scoring.dimension: _sandboxed(pipeline, requests, scoring)}
        case _:
            return score(requests, scoring, embed=_embed(pipeline, scoring))


def _judged(
    pipeline: Pipeline,
    requests: Sequence[ScoreRequest],
    scoring: PanelScoring | PreferenceScoring | JudgeScoring,
    *,
    scope: str,
    week: str | None,
) -> list[Score]:
    judges: dict[str, JudgeSettings] = dict(pipeline.settings.judges)
    quorum, rubrics = pipeline.settings.panel.quorum, pipeline.rubrics
    weights = weights_before(pipeline, week=week)
    if isinstance(scoring, JudgeScoring):
        judges, quorum, weights = {scoring.judge: judges[scoring.judge]}, 1, None
    calls = plan_scores(requests, judges=judges, rubrics=rubrics, scope=scope)
    outcomes = pipeline.runner.run(calls, purpose=f"scoring {scope}")
    return read_scores(
        requests, outcomes, judges=judges, rubrics=rubrics, quorum=quorum, weights=weights
    )


def _sandboxed(
    pipeline: Pipeline, requests: Sequence[ScoreRequest], scoring: CodeScoring
) -> list[Score]:
    """Requests without the reference that the sandbox needs are not sent."""
    sent = [
        place
        for place, request in enumerate(requests)
        if request.reference_response is not None or not scoring.needs_reference
    ]
    program = pipeline.project.program(scoring.command[0]) if scoring.command else None
    sandbox = Sandbox(scoring, program=program, network=pipeline.settings.network)
    scores = [Score(None, NO_REFERENCE, scoring.scorer) for _ in requests]
    for place, given in zip(sent, sandbox.scores([requests[at] for at in sent]), strict=True):
        scores[place] = given
    return scores


def _embed(pipeline: Pipeline, scoring: Scoring) -> Embed | None:
    if not isinstance(scoring, SimilarityScoring) or scoring.provider is None:
        return None
    endpoint = HttpEmbeddings(
        EmbeddingsSettings(provider=scoring.provider, model=scoring.model or ""),
        pipeline.settings.providers[scoring.provider],
        secret=lambda variable: pipeline.project.secret(variable, "a provider's API key"),
        clock=pipeline.clock,
        network=pipeline.settings.network,
    )
    return endpoint.vectors
