import datetime as dt

import polars as pl

from eval_pipeline.evaluation.decomposition.reference import rejudged_items
from eval_pipeline.evaluation.trial_items import (
    TrialItem,
    golden_items,
    reserve_identity,
    reserve_items,
    versioned_items,
)
from eval_pipeline.evaluation.trials import (
    drift_rows,
    plan_trials,
    rejudged_rows,
    score_requests,
    trial_rows,
)
from eval_pipeline.ports import CallOutcome, Message, ModelCall, Score
from eval_pipeline.settings import SystemSettings
from eval_pipeline.tables import GOLDEN_SET

SYSTEM = SystemSettings(
    provider="local", model="m", prompt="Be kind.", parameters={"temperature": 0, "a": 1}
)


def golden(*items: dict[str, object]) -> pl.DataFrame:
    usual = {
        "item_revision": 1, "week": "2026-11-16", "route": "orders", "kind": "typical",
        "subsets": ["refunds", "angry"], "messages": [{"role": "user", "content": "Where?"}],
        "logged_response": "logged", "reference_response": "good", "reference_label": "pass",
        "label_source": "agreement", "selection": "sample", "inclusion_probability": 1.0,
        "design_weight": 1.0, "conversation_key": "c", "admitted_in": 1,
        "admitted_on": dt.date(2026, 11, 20), "labelled_on": dt.date(2026, 11, 19),
    }  # fmt: skip
    return pl.DataFrame([{**usual, **item} for item in items], schema=GOLDEN_SET.schema)


def outcome(call: ModelCall, **changed: object) -> CallOutcome:
    usual = {
        "status": "answered", "text": "here", "error_code": None, "requested_model": "m",
        "served_model": "m", "system_fingerprint": None, "finish_reason": "stop",
        "input_tokens": 3, "output_tokens": 1, "cost_usd": 0.1, "latency_seconds": 0.2,
        "attempts": 1,
    }  # fmt: skip
    return CallOutcome(call=call, **{**usual, **changed})


def three_items() -> list[TrialItem]:
    return golden_items(golden(*({"item_id": name} for name in "abc")), golden_version=3)


def calls(items: list[TrialItem]) -> list[ModelCall]:
    return plan_trials(items, system_id="s", system=SYSTEM, scope="candidate:x")


def test_golden_items_come_by_id_with_sorted_subsets() -> None:
    items = golden_items(golden({"item_id": "b"}, {"item_id": "a"}), golden_version=3)
    assert [item.item_id for item in items] == ["a", "b"]
    assert items[0].subsets == ("angry", "refunds")
    assert (items[0].golden_version, items[0].source, items[0].look) == (3, "golden", 1)


def test_a_failed_logged_response_is_never_a_reference() -> None:
    references = {
        item.item_id: item.reference_response
        for item in golden_items(
            golden(
                {"item_id": "corrected", "reference_label": "fail"},
                {"item_id": "failed", "reference_label": "fail", "reference_response": None},
                {"item_id": "copied", "reference_label": "fail", "reference_response": "logged"},
                {"item_id": "passed", "reference_response": None},
            ),
            golden_version=1,
        )
    }
    assert references == {
        "corrected": "good", "failed": None, "copied": None, "passed": "logged"
    }  # fmt: skip


def test_versions_are_merged_and_each_revision_stands_once() -> None:
    items = versioned_items(
        {
            1: golden({"item_id": "a"}, {"item_id": "b"}),
            2: golden({"item_id": "a"}, {"item_id": "b", "item_revision": 2}),
        }
    )
    held = {(item.item_id, item.item_revision): item.golden_versions for item in items}
    assert held == {("a", 1): (1, 2), ("b", 1): (1,), ("b", 2): (2,)}


def test_a_smaller_maximum_chooses_among_what_a_larger_one_chose() -> None:
    version = golden(*({"item_id": f"i{number}"} for number in range(30)))
    large = {item.item_id for item in versioned_items({1: version}, maximum=20)}
    small = {item.item_id for item in versioned_items({1: version}, maximum=8)}
    assert (len(large), len(small)) == (20, 8)
    assert small < large


def test_reserve_items_carry_no_reference_and_the_look_that_asked() -> None:
    reserve = pl.DataFrame(
        {
            "interaction_id": ["x", "y"],
            "route": ["orders", "orders"],
            "subsets": [["refunds"], []],
            "conversation_key": ["c1", "c2"],
            "messages": [[{"role": "user", "content": "Where?"}]] * 2,
        },
        schema_overrides={"subsets": pl.List(pl.String)},
    )
    asked = [reserve_identity("y"), reserve_identity("x")]
    items = reserve_items(reserve, asked, look=2, golden_version=3)
    assert [item.item_id for item in items] == asked
    assert [item.conversation_key for item in items] == ["c2", "c1"]
    assert {(item.look, item.source, item.reference_response) for item in items} == {
        (2, "reserve", None)
    }


def test_the_system_s_prompt_goes_before_the_conversation() -> None:
    planned = calls(three_items())
    assert planned[0].messages == (Message("system", "Be kind."), Message("user", "Where?"))
    assert planned[0].spec.parameters == (("a", 1), ("temperature", 0))
    assert {call.scope for call in planned} == {"candidate:x"}


def test_a_system_without_prompt_gets_the_conversation_alone() -> None:
    bare = SystemSettings(provider="local", model="m")
    planned = plan_trials(three_items(), system_id="s", system=bare, scope="x", trial=2)
    assert planned[0].messages == (Message("user", "Where?"),)
    assert planned[0].trial == 2


def test_a_refusal_is_a_wrong_answer_and_a_failure_is_no_answer() -> None:
    items = three_items()
    answered, refused, failed = calls(items)
    outcomes = [
        outcome(answered),
        outcome(refused, status="refused", text=None),
        outcome(failed, status="failed", text=None, error_code="timeout"),
    ]
    requests = score_requests(items, outcomes)
    assert [request and request.response for request in requests] == ["here", None, None]
    rows = trial_rows(
        items, outcomes, scores=[Score(1.0, None, "exact"), None, None], arm="candidate",
        system_id="s",
    )  # fmt: skip
    assert rows.select("score", "score_error", "scorer").rows() == [
        (1.0, None, "exact"), (0.0, None, "refusal"), (None, "timeout", "none")
    ]  # fmt: skip


def test_an_answer_that_nobody_scored_is_missing_and_says_so() -> None:
    items = three_items()[:1]
    outcomes = [outcome(calls(items)[0])]
    rows = trial_rows(items, outcomes, scores=[None], arm="baseline", system_id="s")
    assert rows.select("score", "score_error").rows() == [(None, "not_scored")]


def test_old_answers_are_scored_again_beside_the_new_ones() -> None:
    items = three_items()[:2]
    outcomes = [outcome(call) for call in calls(items)]
    scores = [Score(1.0, None, "exact")] * 2
    then = drift_rows(items, outcomes, scores=scores, system_id="s")
    answers = rejudged_items(items, then, system_id="s")
    assert [answer.request.response for answer in answers] == ["here", "here"]
    rejudged = rejudged_rows(answers, scores=scores, system_id="s", reference_week="2026-11-09")
    assert rejudged["reference_week"].to_list() == ["2026-11-09"] * 2
    assert rejudged["stream"].unique().to_list() == ["rejudged"]
    assert rejudged_items(items, then, system_id="other") == []
