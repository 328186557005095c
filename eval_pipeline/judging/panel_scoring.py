"""Scores responses of systems on trial by the judges' verdicts, with the reference shown.

A question is identified by its content, so that two arms that give the same response to the same
item in one scope are judged, and paid, once.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.judging.calls import distinct_calls, judge_call, judge_of, judge_system_id
from eval_pipeline.judging.parsing import Unusable, answer_in, parse_verdict, verdict_schema
from eval_pipeline.judging.prompts import pointwise_messages
from eval_pipeline.judging.rubrics import Rubric, asked_of, pointwise_for
from eval_pipeline.ports import CallOutcome, ModelCall, Score, ScoreRequest
from eval_pipeline.settings import JudgeSettings

PANEL_SCORER = "panel"
BELOW_QUORUM = "below_quorum"
ABSTAINED = "abstained"
NOT_ASKED = "not_asked"
NO_WEIGHT = "no_weight"

_SCORE_OF = {"pass": 1.0, "fail": 0.0}


def question_id(request: ScoreRequest) -> str:
    """The item id of the judges' calls: equal for equal conversation, reference and response.

    The route is part of it because it decides the rubric, and so is the expected behaviour, except
    where an answer is expected: of those, the journal holds many without it.
    """
    content = {
        "route": request.route,
        "messages": [[message.role, message.content] for message in request.messages],
        "reference": request.reference_response,
        "response": request.response,
    }
    if request.expected_behaviour != "answer":
        content["expected_behaviour"] = request.expected_behaviour
    return f"response:{fingerprint(content)}"


def plan_scores(
    requests: Sequence[ScoreRequest],
    *,
    judges: Mapping[str, JudgeSettings],
    rubrics: Sequence[Rubric],
    scope: str,
) -> list[ModelCall]:
    """One call per distinct question and judge, in the order in which they first occur.

    For a single judge's score, pass that judge alone, here and to `read_scores`.
    """
    calls = []
    for request in requests:
        rubric = pointwise_for(rubrics, request.route)
        messages = pointwise_messages(
            rubric,
            conversation=request.messages,
            response=request.response,
            reference=request.reference_response,
            expected_behaviour=request.expected_behaviour,
        )
        item_id = question_id(request)
        schema = verdict_schema(asked_of(rubric, request.expected_behaviour))
        calls += [
            judge_call(
                judge,
                messages,
                scope=scope,
                system_id=judge_system_id(judge_id),
                item_id=item_id,
                output_schema=schema,
            )
            for judge_id, judge in judges.items()
        ]
    return distinct_calls(calls)


def read_scores(
    requests: Sequence[ScoreRequest],
    outcomes: Sequence[CallOutcome],
    *,
    judges: Collection[str],
    rubrics: Sequence[Rubric],
    quorum: int,
    weights: Mapping[str, float] | None = None,
) -> list[Score]:
    """One score per request, in order: the mean over the judges that said pass (1) or fail (0).

    Null with `below_quorum` where fewer than `quorum` of them did; an abstaining judge counts
    neither as 0 nor as a half. `weights` are as in `panel.decide`; where those who said pass or
    fail weigh nothing, the error is `no_weight`. A judge alone is no panel: with exactly one the
    scorer is 'judge:<id>', and what stood in its way is the error.
    """
    asked = {
        question_id(request): asked_of(
            pointwise_for(rubrics, request.route), request.expected_behaviour
        )
        for request in requests
    }
    votes = _votes(outcomes, asked)
    scorer = judge_system_id(next(iter(judges))) if len(judges) == 1 else PANEL_SCORER
    scores = []
    for request in requests:
        item_id = question_id(request)
        given = {judge_id: votes.get((judge_id, item_id), NOT_ASKED) for judge_id in judges}
        cast = {name: vote for name, vote in given.items() if isinstance(vote, float)}
        if not cast or len(cast) < quorum:
            scores.append(Score(None, _error(list(given.values())), scorer))
        else:
            scores.append(_mean(cast, weights=weights or {}, scorer=scorer))
    return scores


def _mean(votes: Mapping[str, float], *, weights: Mapping[str, float], scorer: str) -> Score:
    total = sum(weights.get(judge_id, 1.0) for judge_id in votes)
    if total <= 0:
        return Score(None, NO_WEIGHT, scorer)
    share = sum(weights.get(judge_id, 1.0) * vote for judge_id, vote in votes.items()) / total
    return Score(share, None, scorer)


def _error(given: Sequence[float | str]) -> str:
    codes = [vote for vote in given if isinstance(vote, str)]
    return codes[0] if len(given) == len(codes) == 1 else BELOW_QUORUM


def _votes(
    outcomes: Sequence[CallOutcome], asked: Mapping[str, Rubric]
) -> dict[tuple[str, str], float | str]:
    """By judge and question: 1.0 or 0.0, or the code of what stood in the way."""
    return {
        (judge_of(outcome), outcome.call.item_id): _vote(outcome, asked[outcome.call.item_id])
        for outcome in outcomes
    }


def _vote(outcome: CallOutcome, asked: Rubric) -> float | str:
    answer = answer_in(outcome, partial(parse_verdict, rubric=asked))
    if answer is None:
        return outcome.error_code or outcome.status
    if isinstance(answer, Unusable):
        return answer.code
    return _SCORE_OF.get(answer.verdict, ABSTAINED)
