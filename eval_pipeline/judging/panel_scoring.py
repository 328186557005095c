"""Scores responses of systems on trial by the judges' verdicts, with the reference shown.

A question is identified by its content, so that two arms that give the same response to the same
item in one scope are judged, and paid, once.
"""

from collections.abc import Collection, Mapping, Sequence

from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.judging.calls import distinct_calls, judge_call, judge_of, judge_system_id
from eval_pipeline.judging.parsing import UNPARSABLE_CODE, VERDICT_SCHEMA, Unparsable, parse_verdict
from eval_pipeline.judging.prompts import pointwise_messages
from eval_pipeline.judging.rubrics import Rubric, pointwise_for
from eval_pipeline.ports import CallOutcome, ModelCall, Score, ScoreRequest
from eval_pipeline.settings import JudgeSettings

PANEL_SCORER = "panel"
BELOW_QUORUM = "below_quorum"
ABSTAINED = "abstained"
NOT_ASKED = "not_asked"

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
        messages = pointwise_messages(
            pointwise_for(rubrics, request.route),
            conversation=request.messages,
            response=request.response,
            reference=request.reference_response,
            expected_behaviour=request.expected_behaviour,
        )
        item_id = question_id(request)
        calls += [
            judge_call(
                judge,
                messages,
                scope=scope,
                system_id=judge_system_id(judge_id),
                item_id=item_id,
                output_schema=VERDICT_SCHEMA,
            )
            for judge_id, judge in judges.items()
        ]
    return distinct_calls(calls)


def read_scores(
    requests: Sequence[ScoreRequest],
    outcomes: Sequence[CallOutcome],
    *,
    judges: Collection[str],
    quorum: int,
) -> list[Score]:
    """One score per request, in order: the mean over the judges that said pass (1) or fail (0).

    Null with `below_quorum` where fewer than `quorum` of them did; an abstaining judge counts
    neither as 0 nor as a half. A judge alone is no panel: with exactly one the scorer is
    'judge:<id>', and what stood in its way is the error.
    """
    votes = _votes(outcomes)
    scorer = judge_system_id(next(iter(judges))) if len(judges) == 1 else PANEL_SCORER
    scores = []
    for request in requests:
        item_id = question_id(request)
        given = [votes.get((judge_id, item_id), NOT_ASKED) for judge_id in judges]
        values = [vote for vote in given if isinstance(vote, float)]
        if values and len(values) >= quorum:
            scores.append(Score(sum(values) / len(values), None, scorer))
        else:
            scores.append(Score(None, _error(given), scorer))
    return scores


def _error(given: Sequence[float | str]) -> str:
    codes = [vote for vote in given if isinstance(vote, str)]
    return codes[0] if len(given) == len(codes) == 1 else BELOW_QUORUM


def _votes(outcomes: Sequence[CallOutcome]) -> dict[tuple[str, str], float | str]:
    """By judge and question: 1.0 or 0.0, or the code of what stood in the way."""
    return {(judge_of(outcome), outcome.call.item_id): _vote(outcome) for outcome in outcomes}


def _vote(outcome: CallOutcome) -> float | str:
    if outcome.status != "answered":
        return outcome.error_code or outcome.status
    answer = parse_verdict(outcome.text)
    if isinstance(answer, Unparsable):
        return UNPARSABLE_CODE
    return _SCORE_OF.get(answer.verdict, ABSTAINED)
