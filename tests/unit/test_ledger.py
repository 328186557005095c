"""The alpha ledger: looks are entered once, exposures are counted over candidates."""

import polars as pl
import pytest

from eval_pipeline.evaluation.decision import Decision, SubsetFinding
from eval_pipeline.evaluation.gate.ledger import ledger_grounds
from eval_pipeline.evaluation.ledger import (
    Exposure,
    candidate_fingerprint,
    entered,
    exposure_of,
    exposures,
    ledger_rows,
    told_exposures,
)
from eval_pipeline.settings import GateSettings, SystemSettings
from eval_pipeline.tables import CONTINUATION_TRIALS, GATE_LEDGER, REGRESSION_TRIALS

POLICY = GateSettings.model_validate(
    {"looks": [100, 200], "continuation": {"share": 0.4}, "ledger": {"maximum_exposures": 2}}
)
SYSTEM = SystemSettings.model_validate(
    {
        "provider": "p", "model": "m", "family": "f",
        "usd_per_million_input_tokens": 1.0, "usd_per_million_output_tokens": 1.0,
    }
)  # fmt: skip


def finding(subset: str, state: str, looks: int) -> SubsetFinding:
    nothing = dict.fromkeys(
        ["baseline_mean", "candidate_mean", "difference", "lower", "upper", "effective_items",
         "clusters", "wins", "losses", "p_noninferior", "p_harm", "items_needed", "method"]
    )  # fmt: skip
    return SubsetFinding.model_validate(
        {**nothing, "subset": subset, "state": state, "looks": looks, "margin": 0.1, "items": 9,
         "missing_baseline": 0, "missing_candidate": 0}
    )  # fmt: skip


def decision(*subsets: SubsetFinding, candidate: str = "c") -> Decision:
    return Decision(
        decision_id="", candidate=candidate, baseline="b", golden_version=3, confidence=0.95,
        policy_fingerprint="p", verdict="inconclusive", reasons=(), judge_only=False,
        aggregate=finding("all", "certified", 1), subsets=subsets,
    ).identified()  # fmt: skip


def trials(*looks: int, schema: pl.Schema = REGRESSION_TRIALS.schema, **more: object):
    return pl.DataFrame(
        [{"item_id": f"i{n}", "look": look, **more} for n, look in enumerate(looks)], schema=schema
    )


def rows(decided: Decision, *looks: int, number: int = 1, content: str = "x", continuation=None):
    return ledger_rows(
        decided,
        trials=trials(*looks),
        continuation=continuation,
        content=content,
        exposure=Exposure(3, number),
        policy=POLICY,
    )


def test_every_look_is_a_row_with_what_it_saw_left_open_and_may_spend():
    decided = decision(finding("a", "certified", 2), finding("b", "undecided", 3))
    found = rows(decided, 1, 1, 2, 3)
    assert found["look"].to_list() == [1, 2, 3]
    assert found["exposed_items"].to_list() == [2, 3, 4]
    assert found["undecided_subsets"].to_list() == [["a", "b"], ["b"], ["b"]]
    # Three looks share 60 % of 5 %.
    assert found["alpha"].to_list() == pytest.approx([0.01] * 3)
    assert set(found["decision_id"]) == {decided.decision_id}


def test_e_processes_spend_once_however_many_weeks_they_go_on():
    weeks = [
        trials(4, schema=CONTINUATION_TRIALS.schema, week=week).with_columns(
            item_id=pl.lit(f"new-{week}")
        )
        for week in ("2026-09-21", "2026-09-28")
    ]
    found = rows(decision(finding("b", "undecided", 3)), 1, 2, 3, continuation=pl.concat(weeks))
    assert found["look_kind"].to_list() == ["planned"] * 3 + ["continued"] * 2
    assert found["exposed_items"].to_list() == [1, 2, 3, 4, 5]
    assert found["alpha"].sum() == pytest.approx(0.05)
    assert found["alpha"].to_list()[-1] == 0.0


def test_deciding_again_on_the_same_trials_adds_no_look():
    decided = decision(finding("b", "undecided", 2))
    once = entered(GATE_LEDGER.empty(), rows(decided, 1, 2))
    assert entered(once, rows(decided, 1, 2)).equals(once)


def test_another_content_or_version_is_kept_beside_the_first():
    once = entered(GATE_LEDGER.empty(), rows(decision(finding("b", "undecided", 2)), 1, 2))
    more = entered(once, rows(decision(), 1, content="changed", number=2))
    assert more.height == 3
    assert exposures(more) == {3: 2}


def test_a_candidate_keeps_its_number_and_another_is_the_next():
    ledger = pl.concat(
        [rows(decision(), 1), rows(decision(candidate="d"), 1, 2, number=2, content="y")]
    )
    told = {"ledger": ledger, "golden_version": 3}
    assert exposure_of(**told, candidate_id="c", content="x") == Exposure(3, 1)
    assert exposure_of(**told, candidate_id="d", content="y") == Exposure(3, 2)
    assert exposure_of(**told, candidate_id="c", content="edited") == Exposure(3, 3)
    assert exposure_of(ledger, golden_version=4, candidate_id="c", content="x") == Exposure(4, 1)


def test_the_gate_tells_of_earlier_candidates_and_warns_beyond_the_policy_s_number():
    assert ledger_grounds(None, POLICY).notes == ()
    assert ledger_grounds(Exposure(3, 1), POLICY).notes == ()
    (second,) = ledger_grounds(Exposure(3, 2), POLICY).notes
    assert second == "Golden version 3 decided on 1 candidate before this one."
    (third,) = ledger_grounds(Exposure(3, 3), POLICY).notes
    assert "decided on 2 candidates before this one, and the policy advises 2 at most" in third
    assert "Publish a new version" in third


def test_how_often_a_version_decided_is_one_line():
    assert told_exposures({}, version=1, maximum=2) == (
        "0 candidates decided on it (advised: 2 at most)"
    )
    assert told_exposures({1: 2}, version=1, maximum=2).endswith("publish a new version")


def test_prices_are_no_content_and_prompts_are():
    def content(**changed: object) -> str:
        return candidate_fingerprint(
            SYSTEM.model_copy(update=changed), baseline=SYSTEM, recorded_week=None
        )

    assert content(usd_per_million_input_tokens=9.0) == content()
    assert content(prompt="other") != content()
