import dataclasses

import pytest

from eval_pipeline.demo.judge_prompts import verdict_json
from eval_pipeline.judging.material import read_material
from eval_pipeline.judging.panel_scoring import plan_scores, question_id, read_scores
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.ports import (
    CallOutcome,
    CallStatus,
    Message,
    ModelCall,
    Score,
    ScoreRequest,
)
from eval_pipeline.settings import JudgeSettings

RUBRICS = (Rubric("general", "pointwise", ("Answers the question.",)),)
JUDGES = {
    name: JudgeSettings(provider="p", model=f"{name}-1", family=name)
    for name in ("owl", "crow", "jay")
}
REQUEST = ScoreRequest(
    item_id="item-1",
    trial=1,
    route="orders",
    messages=(Message("user", "When?"),),
    response="Tomorrow.",
    reference_response="By tomorrow.",
)


def judges(*names: str) -> dict[str, JudgeSettings]:
    return {name: JUDGES[name] for name in names}


def planned(requests: list[ScoreRequest], *names: str) -> list[ModelCall]:
    return plan_scores(requests, judges=judges(*names), rubrics=RUBRICS, scope="candidate:x")


def answered(call: ModelCall, verdict: str | None, status: CallStatus = "answered") -> CallOutcome:
    text = verdict_json(verdict, "") if verdict else None
    code = None if status == "answered" else "timeout"
    return CallOutcome(call, status, text, code, "m", "m", None, "stop", 1, 1, 0.0, 0.1, 1)


def score_of(
    verdicts: dict[str, str | None], *, quorum: int = 2, weights: dict[str, float] | None = None
) -> Score:
    outcomes = [
        answered(call, verdict, "answered" if verdict else "failed")
        for call, verdict in zip(planned([REQUEST], *verdicts), verdicts.values(), strict=True)
    ]
    (score,) = read_scores(
        [REQUEST],
        outcomes,
        judges=judges(*verdicts),
        rubrics=RUBRICS,
        quorum=quorum,
        weights=weights,
    )
    return score


def test_the_reference_is_shown_and_the_question_is_named_by_its_content() -> None:
    (call,) = planned([REQUEST], "owl")
    material = read_material(call.messages[1].content)
    assert material is not None
    assert material.texts["reference"] == "By tomorrow."
    assert (call.item_id, call.system_id) == (question_id(REQUEST), "judge:owl")


def test_equal_responses_of_two_arms_and_trials_are_judged_once() -> None:
    twin = dataclasses.replace(REQUEST, item_id="other", trial=2)
    other = dataclasses.replace(REQUEST, response="Next week.")
    calls = planned([REQUEST, twin, other], "owl", "crow")
    assert len(calls) == 2 * 2
    assert len({(call.system_id, call.item_id) for call in calls}) == 4
    outcomes = [
        answered(call, "fail" if "Next" in call.messages[1].content else "pass") for call in calls
    ]
    scores = read_scores(
        [REQUEST, other, twin], outcomes, judges=judges("owl", "crow"), rubrics=RUBRICS, quorum=2
    )
    assert [score.value for score in scores] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "change",
    [
        {"response": "Later."},
        {"reference_response": None},
        {"messages": (Message("user", "Where?"),)},
        {"route": "refunds"},
    ],
)
def test_another_content_is_another_question(change: dict[str, object]) -> None:
    assert question_id(dataclasses.replace(REQUEST, **change)) != question_id(REQUEST)


def test_the_score_is_the_mean_of_the_verdicts() -> None:
    assert score_of({"owl": "pass", "crow": "pass"}) == Score(1.0, None, "panel")
    assert score_of({"owl": "pass", "crow": "fail"}) == Score(0.5, None, "panel")
    # Two of three judges: (1 + 1 + 0) / 3.
    assert score_of({"owl": "pass", "crow": "fail", "jay": "pass"}).value == pytest.approx(2 / 3)


def test_an_abstention_is_neither_zero_nor_a_half() -> None:
    assert score_of({"owl": "pass", "crow": "abstain", "jay": "pass"}).value == 1.0


def test_weighted_judges_give_a_weighted_mean() -> None:
    votes = {"owl": "pass", "crow": "fail", "jay": "abstain"}
    # (2 * 1 + 0.5 * 0) / (2 + 0.5): the judge that abstained is not in it.
    weights = {"owl": 2.0, "crow": 0.5, "jay": 0.5}
    assert score_of(votes, weights=weights) == Score(pytest.approx(0.8), None, "panel")
    assert score_of(votes, weights={"owl": 0.0, "crow": 0.0, "jay": 3.0}) == Score(
        None, "no_weight", "panel"
    )


def test_below_quorum_there_is_no_score() -> None:
    nothing = Score(None, "below_quorum", "panel")
    assert score_of({"owl": "pass", "crow": None}) == nothing
    assert score_of({"owl": "pass", "crow": "abstain"}) == nothing
    assert score_of({"owl": None, "crow": None}, quorum=1) == nothing


def test_a_question_without_outcome_has_no_score() -> None:
    (score,) = read_scores([REQUEST], [], judges=judges("owl", "crow"), rubrics=RUBRICS, quorum=1)
    assert score == Score(None, "below_quorum", "panel")


def test_a_single_judge_scores_under_its_own_name_and_says_what_failed() -> None:
    assert score_of({"owl": "fail"}, quorum=1) == Score(0.0, None, "judge:owl")
    assert score_of({"owl": "abstain"}, quorum=1) == Score(None, "abstained", "judge:owl")
    assert score_of({"owl": None}, quorum=1) == Score(None, "timeout", "judge:owl")


def test_an_unparsable_verdict_is_no_zero() -> None:
    (call,) = planned([REQUEST], "owl")
    outcome = dataclasses.replace(answered(call, "pass"), text="PASS")
    (score,) = read_scores([REQUEST], [outcome], judges=judges("owl"), rubrics=RUBRICS, quorum=1)
    assert score == Score(None, "unparsable", "judge:owl")


def test_a_verdict_against_its_own_levels_is_no_score() -> None:
    (call,) = planned([REQUEST], "owl")
    outcome = dataclasses.replace(
        answered(call, "pass"), text=verdict_json("fail", "").replace('"fail"', '"pass"')
    )
    (score,) = read_scores([REQUEST], [outcome], judges=judges("owl"), rubrics=RUBRICS, quorum=1)
    assert score == Score(None, "contradictory", "judge:owl")
