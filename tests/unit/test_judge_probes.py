"""Which responses judges are checked on, how they are asked, and how their answers are read."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.demo.judge_models import JUDGE_MODELS
from eval_pipeline.demo.judge_prompts import verdict_json
from eval_pipeline.judging.biases.choosing import chosen, freeze, pairs_from
from eval_pipeline.judging.biases.probes import (
    plan_again,
    plan_positions,
    plan_rationales,
    rationale_probes,
    read_again,
    read_positions,
    read_rationales,
    with_pairwise,
)
from eval_pipeline.judging.biases.rationales import SupportAnswer, parse_support, support_messages
from eval_pipeline.judging.panel import plan_verdicts
from eval_pipeline.judging.parsing import Unparsable
from eval_pipeline.judging.rubrics import Rubric, pairwise_for
from eval_pipeline.ports import CallOutcome, ModelCall
from eval_pipeline.settings import JudgeSettings
from eval_pipeline.tables import JUDGE_ANCHORS
from tests.judges import WEEK, verdict_rows

JUDGES = {
    "owl": JudgeSettings(provider="p", model="owl-1", family="Strix"),
    "barn": JudgeSettings(provider="p", model="barn-1", family="strix"),
    "crow": JudgeSettings(provider="p", model="crow-1", family="corvus"),
}
RUBRICS = (Rubric("general", "pointwise", ("It is right.", "It is polite.")),)
ASK = {"judges": JUDGES, "rubrics": RUBRICS, "scope": "judge_checks:w"}


def responses(count: int, *, conversations: int | None = None) -> pl.DataFrame:
    names = range(count)
    return pl.DataFrame(
        {
            "item_id": [f"item-{item}" for item in names],
            "interaction_id": [f"i{item:04}" for item in names],
            "conversation_key": [f"c{item % (conversations or count)}" for item in names],
            "route": ["r"] * count,
            "messages": [[{"role": "user", "content": f"question {item}"}] for item in names],
            "response": [f"answer {item}" for item in names],
        }
    )


def answered(call: ModelCall, text: str | None, **other) -> CallOutcome:
    return CallOutcome(
        call=call,
        status="answered" if text is not None else "failed",
        text=text,
        error_code=None if text is not None else "timeout",
        requested_model=call.spec.model,
        served_model=call.spec.model,
        system_fingerprint=None,
        finish_reason=other.get("finish_reason", "stop"),
        input_tokens=1,
        output_tokens=1,
        cost_usd=0.0,
        latency_seconds=0.1,
        attempts=1,
    )


@given(st.integers(0, 30), st.integers(1, 30), st.randoms(use_true_random=False))
def test_a_week_chooses_the_same_rows_in_any_order_one_per_conversation(count, keys, random):
    frame = responses(25, conversations=keys)
    order = list(range(25))
    random.shuffle(order)
    first, second = chosen(frame, count, salt="s"), chosen(frame[order], count, salt="s")
    assert first.equals(second)
    assert first.height == min(count, 25, keys)
    assert first["conversation_key"].is_unique().all()
    larger = chosen(frame, count + 1, salt="s")
    assert larger.head(count)["item_id"].equals(first["item_id"])


def labelled(names, *, source="agreement", label="pass") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": [f"item-{name}" for name in names],
            "interaction_id": [f"i-{name}" for name in names],
            "conversation_key": [f"c-{name}" for name in names],
            "anchor_week": ["2026-11-02"] * len(names),
            "label": [label] * len(names),
            "source": [source] * len(names),
        },
        schema=pl.Schema({c: pl.String for c in JUDGE_ANCHORS.schema if c != "admitted_week"}),
    )


def test_an_anchor_stays_one_until_it_is_gone_and_free_places_are_filled():
    first = freeze(JUDGE_ANCHORS.empty(), labelled("abcdef"), count=4, week="2026-11-09")
    gone = first["item_id"][0]
    left = labelled("abcdefghij").filter(pl.col("item_id") != gone)
    second = freeze(first, left, count=4, week=WEEK)
    kept = second.filter(pl.col("admitted_week") == "2026-11-09")
    assert kept["item_id"].to_list() == first["item_id"].to_list()[1:]
    assert second.filter(pl.col("admitted_week") == WEEK).height == 1
    fewer = freeze(second, left, count=2, week="2026-11-23")
    assert set(fewer["item_id"]) <= set(kept["item_id"])
    assert freeze(second, left, count=4, week=WEEK).equals(second)


def test_a_corrected_label_is_taken_over_and_people_s_labels_come_first():
    recorded = labelled("abcdef", source="recorded")
    mixed = pl.concat([recorded, labelled("xyz")])
    anchors = freeze(JUDGE_ANCHORS.empty(), mixed, count=4, week="2026-11-09")
    assert sorted(anchors["source"]) == ["agreement", "agreement", "agreement", "recorded"]
    corrected = mixed.with_columns(label=pl.lit("fail"))
    again = freeze(anchors, corrected, count=4, week=WEEK)
    assert again["item_id"].equals(anchors["item_id"])
    assert set(again["label"]) == {"fail"}


def test_a_retest_is_the_weekly_question_word_for_word_under_another_trial():
    asked = responses(2)
    again = plan_again(asked, trial=2, **ASK)
    weekly = plan_verdicts(asked, **ASK)
    assert [call.messages for call in again] == [call.messages for call in weekly]
    assert {call.trial for call in again} == {2}


def test_a_fail_names_the_first_criterion_that_it_says_is_broken():
    asked = responses(2).with_columns(source=pl.lit("sample"))
    calls = plan_again(asked, trial=2, **ASK)
    fail = json.dumps(
        {
            "criteria": [
                {"criterion": 1, "rationale": "yes", "level": "met"},
                {"criterion": 2, "rationale": "no", "level": "not met"},
            ],
            "rationale": "rude",
            "verdict": "fail",
        }
    )
    fail = fail.replace('"met"', json.dumps(RUBRICS[0].criteria[0].passing[0]))
    fail = fail.replace('"not met"', json.dumps(RUBRICS[0].criteria[1].levels[0]))
    outcomes = [answered(call, fail if place else None) for place, call in enumerate(calls)]
    read = read_again(
        outcomes,
        probe="retest",
        subjects=asked,
        expected=verdict_rows("owl", ["pass", "pass"]).select(
            "interaction_id", "judge_id", expected="verdict"
        ),
        judges=JUDGES,
        rubrics=RUBRICS,
    )
    assert read.height == 6
    missing = read.filter(pl.col("verdict").is_null())
    assert missing.select("judge_id", "item_id", "status", "criterion").rows() == [
        ("owl", "item-0", "failed", None)
    ]
    assert set(read.drop_nulls("verdict")["criterion"]) == {2}
    assert read.drop_nulls("expected")["judge_id"].unique().to_list() == ["owl"]


def test_pairs_are_asked_in_both_orders_twice_and_read_back_by_place():
    candidates = responses(3).with_columns(other_response=pl.lit("another answer"))
    same = responses(1).with_columns(other_response=pl.lit(" answer   0 "))
    assert pairs_from(same, 5, week=WEEK) == []
    pairs = pairs_from(candidates, 2, week=WEEK)
    calls = plan_positions(pairs, **ASK)
    assert len(calls) == 2 * len(JUDGES) * 4
    assert len(set(calls)) == len(calls)
    first = next(call for call in calls if call.item_id == f"{pairs[0].pair_id}|response_first")
    second = next(call for call in calls if call.item_id == f"{pairs[0].pair_id}|response_second")
    shown = [call.messages[1].content for call in (first, second)]
    assert shown[0].index(pairs[0].first) < shown[0].index(pairs[0].second)
    assert shown[1].index(pairs[0].first) > shown[1].index(pairs[0].second)
    text = json.dumps({"rationale": "better", "preference": "a"})
    read = read_positions(
        [answered(call, text) for call in calls],
        pairs=pairs,
        sources={pair.pair_id: "rerun" for pair in pairs},
        rubrics=RUBRICS,
    )
    assert read.height == len(calls)
    assert set(read["verdict"]) == {"a"}


def test_without_a_pairwise_rubric_the_pointwise_criteria_are_asked_of_two_responses():
    derived = pairwise_for(with_pairwise(RUBRICS), "r")
    assert derived.criteria == RUBRICS[0].criteria
    own = Rubric("pairs", "pairwise", ("Which is better?",))
    assert pairwise_for(with_pairwise((*RUBRICS, own)), "r") == own


def test_reasons_are_read_by_a_judge_of_another_family_that_sees_no_verdict():
    verdicts = verdict_rows("owl", ["pass", "fail", "abstain", None]).with_columns(
        rationale=pl.lit("It says <b>so</b>."), item_id="interaction_id"
    )
    probes = rationale_probes(verdicts, judges=JUDGES)
    assert [probe.verdict for probe in probes] == ["pass", "fail"]
    assert {probe.reader_id for probe in probes} == {"crow"}
    calls = plan_rationales(probes, judges=JUDGES, scope="judge_checks:w")
    assert "pass" not in calls[0].messages[1].content
    assert "&lt;b>so&lt;/b>" in calls[0].messages[1].content
    read = read_rationales(
        [answered(calls[0], '{"supports": "fail"}'), answered(calls[1], "fail, I think")],
        probes=[probes[0], probes[1]],
    )
    assert read.select("expected", "verdict", "status").rows() == [
        ("pass", "fail", "answered"), ("fail", None, "failed"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "pass", '{"supports": "pass", "why": 1}', '{"supports": 1}'])
def test_an_answer_of_another_shape_supports_nothing(text):
    assert isinstance(parse_support(text), Unparsable)


def test_a_fenced_answer_is_read():
    fenced = '```json\n{"supports": "abstain"}\n```'
    assert parse_support(fenced) == SupportAnswer(supports="abstain")


@pytest.mark.parametrize(
    ("reasons", "verdict"),
    [
        ("The response states '30 days', as the facts do.", "pass"),
        ("The response states '14 days' where the facts say '30 days'.", "fail"),
        ("The response does not answer what was asked.", "fail"),
        ("The response answers the question.", "pass"),
        ("Nobody knows.", "abstain"),
    ],
)
def test_the_demo_s_judges_read_reasons_as_they_write_them(reasons, verdict):
    asked = [{"role": one.role, "content": one.content} for one in support_messages(reasons)]
    text = JUDGE_MODELS["arbiter-a"].answer(asked, epoch="2026-09-07").text
    assert parse_support(text) == SupportAnswer(supports=verdict)
    assert isinstance(parse_support(verdict_json("pass", reasons)), Unparsable)
