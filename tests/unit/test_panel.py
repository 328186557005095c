import dataclasses
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.errors import MissingRubricError, UnansweredCallsError, UnusableAnswersError
from eval_pipeline.judging.panel import (
    criteria_reached,
    decide,
    judgeable,
    plan_verdicts,
    provisional_passes,
    read_verdicts,
    require_answers,
)
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.ports import CallOutcome, CallStatus, ModelCall, ModelSpec
from eval_pipeline.settings import JudgeSettings, PanelSettings
from eval_pipeline.tables import MESSAGES, REFUTATIONS, VERDICTS

RUBRICS = (Rubric("general", "pointwise", ("Answers the question.",)),)
JUDGES = {
    "owl": JudgeSettings(provider="p", model="owl-1", family="strix", parameters={"top_p": 1}),
    "crow": JudgeSettings(provider="p", model="crow-1", family="corvus"),
}
QUORUM_TWO = PanelSettings(quorum=2, maximum_failed_share=0.25)
Vote = str | None


def interactions(**responses: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "interaction_id": name,
                "route": "orders",
                "messages": [{"role": "user", "content": f"question {name}"}],
                "response": response,
            }
            for name, response in responses.items()
        ],
        schema={
            "interaction_id": pl.String,
            "route": pl.String,
            "messages": MESSAGES,
            "response": pl.String,
        },
    )


def outcome(
    call: ModelCall, text: str | None, status: CallStatus = "answered", code: str | None = None
) -> CallOutcome:
    return CallOutcome(
        call, status, text, code, call.spec.model, "served-1", None, "stop", 10, 5, 0.01, 0.2, 1
    )


def verdict_text(verdict: str) -> str:
    level = {"pass": "met", "fail": "not_met", "abstain": None}[verdict]
    criteria = [{"criterion": 1, "rationale": f"shows {verdict}", "level": level}]
    answer = {"criteria": criteria, "rationale": f"because {verdict}", "verdict": verdict}
    return json.dumps(answer)


def votes(*panels: tuple[Vote, ...]) -> pl.DataFrame:
    """VERDICTS of interactions i0, i1, ... by judges j0, j1, ...; None is a failed call."""
    rows = [
        {
            "interaction_id": f"i{item}",
            "judge_id": f"j{judge}",
            "rubric_id": "general@0",
            "family": "strix",
            "order": "single",
            "verdict": vote,
            "status": "failed" if vote is None else "answered",
            "error_code": "timeout" if vote is None else None,
            "attempts": 1,
        }
        for item, panel in enumerate(panels)
        for judge, vote in enumerate(panel)
    ]
    return VERDICTS.conform(pl.DataFrame(rows, schema=VERDICTS.schema))


def refutations(**findings: str | None) -> pl.DataFrame:
    rows = [
        {
            "interaction_id": name,
            "refuter_id": "refuter-1",
            "finding": finding,
            "status": "failed" if finding is None else "answered",
            "attempts": 1,
        }
        for name, finding in findings.items()
    ]
    return REFUTATIONS.conform(pl.DataFrame(rows, schema=REFUTATIONS.schema))


def decided(*panels: tuple[Vote, ...], **findings: str | None) -> list[tuple[object, ...]]:
    frame = decide(votes(*panels), refutations(**findings), policy=QUORUM_TWO)
    return frame.select("panel_verdict", "reason", "refuted").rows()


def test_every_judge_is_asked_once_about_every_response() -> None:
    calls = plan_verdicts(
        interactions(a="yes", b="no"), judges=JUDGES, rubrics=RUBRICS, scope="refresh:w"
    )
    assert [(call.item_id, call.system_id) for call in calls] == [
        ("a", "judge:owl"), ("a", "judge:crow"), ("b", "judge:owl"), ("b", "judge:crow"),
    ]  # fmt: skip
    assert calls[0].spec == ModelSpec("p", "owl-1", (("top_p", 1),))
    assert {(call.scope, call.output_schema is not None, call.trial) for call in calls} == {
        ("refresh:w", True, 1)
    }
    assert "question a" in calls[0].messages[1].content


def test_nothing_is_asked_about_a_missing_or_blank_response() -> None:
    frame = interactions(a=None, b=" \n", c="yes")
    calls = plan_verdicts(frame, judges=JUDGES, rubrics=RUBRICS, scope="s")
    assert {call.item_id for call in calls} == {"c"}
    assert judgeable(frame).height == 1


def test_a_route_without_a_rubric_is_refused_before_anything_is_asked() -> None:
    elsewhere = (Rubric("r", "pointwise", ("x",), ("refunds",)),)
    with pytest.raises(MissingRubricError):
        plan_verdicts(interactions(a="yes"), judges=JUDGES, rubrics=elsewhere, scope="s")


def test_an_unparsable_answer_is_a_failed_call_without_verdict() -> None:
    frame = interactions(a="yes")
    owl, crow = plan_verdicts(frame, judges=JUDGES, rubrics=RUBRICS, scope="s")
    read = read_verdicts(
        [outcome(owl, verdict_text("fail")), outcome(crow, "I think it passes")],
        interactions=frame,
        judges=JUDGES,
        rubrics=RUBRICS,
    )
    columns = ["judge_id", "family", "verdict", "rationale", "status", "error_code"]
    assert read.select(columns).rows() == [
        ("crow", "corvus", None, None, "failed", "unparsable"),
        ("owl", "strix", "fail", "because fail", "answered", None),
    ]  # fmt: skip
    assert read["criteria"].to_list() == [
        None,
        [{"criterion": 1, "level": "not_met", "rationale": "shows fail"}],
    ]
    assert read["rubric_id"].to_list() == [RUBRICS[0].rubric_id] * 2
    assert read["cost_usd"].sum() == pytest.approx(0.02)


@pytest.mark.parametrize("code", ["contradictory", "truncated"])
def test_what_contradicts_itself_or_is_cut_off_is_a_failed_call_without_verdict(code: str) -> None:
    frame = interactions(a="yes")
    owl, _ = plan_verdicts(frame, judges=JUDGES, rubrics=RUBRICS, scope="s")
    answer = {
        "contradictory": outcome(owl, verdict_text("fail").replace("not_met", "met")),
        "truncated": dataclasses.replace(
            outcome(owl, verdict_text("pass")), finish_reason="length"
        ),
    }[code]
    read = read_verdicts([answer], interactions=frame, judges=JUDGES, rubrics=RUBRICS)
    assert read.select("verdict", "criteria", "status", "error_code", "cost_usd").rows() == [
        (None, None, "failed", code, 0.01)
    ]
    with pytest.raises(UnusableAnswersError, match=rf"1 of 1 .*{code}"):
        require_answers(read, QUORUM_TWO)


def test_a_refused_call_stays_refused() -> None:
    frame = interactions(a="yes")
    owl, _ = plan_verdicts(frame, judges=JUDGES, rubrics=RUBRICS, scope="s")
    read = read_verdicts(
        [outcome(owl, None, "refused", "content_filter")],
        interactions=frame,
        judges=JUDGES,
        rubrics=RUBRICS,
    )
    assert read.select("verdict", "status", "error_code").row(0) == (
        None, "refused", "content_filter",
    )  # fmt: skip


def test_levels_are_counted_by_judge_and_criterion_and_missing_verdicts_count_nowhere() -> None:
    rubrics = (Rubric("general", "pointwise", ("Answers the question.", "Is polite.")),)
    frame = interactions(a="yes", b="no")
    calls = plan_verdicts(frame, judges=JUDGES, rubrics=rubrics, scope="s")
    texts = [
        json.dumps(
            {
                "criteria": [
                    {"criterion": number, "rationale": "seen", "level": level}
                    for number, level in enumerate(levels, 1)
                ],
                "rationale": "so",
                "verdict": verdict,
            }
        )
        for levels, verdict in [
            (("met", "met"), "pass"),
            (("not_met", None), "fail"),
            (("met", "not_met"), "fail"),
            (("met", "met"), "fail"),  # contradicts itself
        ]
    ]
    read = read_verdicts(
        [outcome(call, text) for call, text in zip(calls, texts, strict=True)],
        interactions=frame,
        judges=JUDGES,
        rubrics=rubrics,
    )
    assert criteria_reached(read).drop("rubric_id").rows() == [
        ("crow", 1, "not_met", 1),
        ("crow", 2, None, 1),
        ("owl", 1, "met", 2),
        ("owl", 2, "met", 1),
        ("owl", 2, "not_met", 1),
    ]


def test_a_week_without_calls_gives_an_empty_table() -> None:
    read = read_verdicts([], interactions=interactions(), judges=JUDGES, rubrics=RUBRICS)
    assert read.height == 0
    assert decide(read, refutations(), policy=QUORUM_TWO).height == 0
    require_answers(read, QUORUM_TWO)


def test_one_failed_call_in_four_is_allowed_at_a_quarter() -> None:
    require_answers(votes(("pass", "pass"), ("fail", None)), QUORUM_TWO)


def test_more_failed_calls_than_the_policy_allows_stop_the_step() -> None:
    # 2 of 4 = 0.5 > 0.25
    with pytest.raises(UnansweredCallsError, match=r"2 of 4 calls for verdicts .*timeout"):
        require_answers(votes(("pass", None), ("fail", None)), QUORUM_TWO)


def test_answers_that_asking_again_cannot_mend_say_so() -> None:
    frame = votes(("pass", None), ("fail", None)).with_columns(
        error_code=pl.when(pl.col("status") == "failed").then(pl.lit("unparsable"))
    )
    with pytest.raises(UnusableAnswersError, match=r"2 of 4 .*unparsable.*read the same again"):
        require_answers(frame, QUORUM_TWO)


def test_a_strict_majority_decides() -> None:
    assert decided(("pass", "pass"), ("fail", "fail", "pass"), ("pass", "pass", None)) == [
        ("pass", "unanimous", None),
        ("fail", "majority", None),
        ("pass", "unanimous", None),
    ]


def test_a_tie_is_split_and_never_half_a_pass() -> None:
    assert decided(("pass", "fail")) == [(None, "split", None)]


def test_an_abstention_is_an_answer_that_votes_for_neither() -> None:
    # i0: 2 of 3 answered say pass. i1: 1 of 2, no strict majority. i2: 2 of 4, none either.
    assert decided(
        ("pass", "pass", "abstain"), ("pass", "abstain"), ("pass", "pass", "fail", "abstain")
    ) == [("pass", "majority", None), (None, "split", None), (None, "split", None)]


def test_below_quorum_the_panel_has_not_spoken() -> None:
    assert decided(("pass", None), (None, None)) == [(None, "below_quorum", None)] * 2


def test_a_refuted_pass_is_null_and_any_other_finding_leaves_it() -> None:
    both = ("pass", "pass")
    assert decided(both, both, both, both, i0="refuted", i1="survived", i2="unproven", i3=None) == [
        (None, "refuted", True),
        ("pass", "unanimous", False),
        ("pass", "unanimous", False),
        ("pass", "unanimous", None),
    ]


def test_a_refutation_touches_no_fail() -> None:
    assert decided(("fail", "fail"), i0="refuted") == [("fail", "unanimous", True)]


def test_a_majority_of_weight_can_outvote_a_majority_of_heads() -> None:
    frame = votes(("pass", "fail", "fail"), ("abstain", "pass", "pass"), ("pass", None, None))
    weights = {"j0": 2.0, "j1": 0.5, "j2": 0.5}
    # i0: 2 of 3 pass. i1: 1 of 3 pass and 0 fail, j0 answered. i2: below the quorum of heads.
    decided = decide(frame, refutations(), policy=QUORUM_TWO, weights=weights)
    assert decided.select("panel_verdict", "reason", "weighted_pass_share").rows() == [
        ("pass", "majority", pytest.approx(2 / 3)),
        (None, "split", pytest.approx(1 / 3)),
        (None, "below_quorum", 1.0),
    ]
    assert provisional_passes(frame, QUORUM_TWO, weights=weights) == ["i0"]
    plain = decide(frame, refutations(), policy=QUORUM_TWO)
    assert plain["panel_verdict"].to_list() == ["fail", "pass", None]
    assert plain["weighted_pass_share"].to_list() == [None] * 3


def test_exactly_half_the_weight_is_no_majority_and_no_weight_none_either() -> None:
    frame = votes(("pass", "fail", "fail"))
    half = {"j0": 0.3, "j1": 0.1, "j2": 0.2}
    assert decide(frame, refutations(), policy=QUORUM_TWO, weights=half)["reason"][0] == "split"
    nothing = dict.fromkeys(half, 0.0)
    decided = decide(frame, refutations(), policy=QUORUM_TWO, weights=nothing)
    assert decided.select("reason", "weighted_pass_share").row(0) == ("split", None)


def test_only_passes_of_a_quorum_are_provisional() -> None:
    frame = votes(("pass", "pass"), ("pass", None), ("fail", "fail"), ("pass", "fail"))
    assert provisional_passes(frame, QUORUM_TWO) == ["i0"]


VOTES = st.lists(
    st.lists(st.sampled_from(["pass", "fail", "abstain", None]), min_size=1, max_size=5).map(tuple),
    max_size=6,
)


@settings(deadline=None)
@given(VOTES)
def test_every_judge_is_counted_exactly_once(panels: list[tuple[Vote, ...]]) -> None:
    frame = decide(votes(*panels), refutations(), policy=QUORUM_TWO)
    counted = frame.select(pl.sum_horizontal("passes", "fails", "abstentions", "missing"))
    assert counted.to_series().to_list() == frame["judges"].to_list()
    assert frame["judges"].to_list() == [len(panel) for panel in panels]


@settings(deadline=None)
@given(VOTES)
def test_swapping_pass_and_fail_swaps_the_panel(panels: list[tuple[Vote, ...]]) -> None:
    swap = {"pass": "fail", "fail": "pass"}
    swapped = [tuple(swap.get(vote, vote) if vote else None for vote in panel) for panel in panels]
    straight = decide(votes(*panels), refutations(), policy=QUORUM_TWO)["panel_verdict"]
    mirrored = decide(votes(*swapped), refutations(), policy=QUORUM_TWO)["panel_verdict"]
    assert [swap.get(verdict) for verdict in straight] == mirrored.to_list()
