import json

import polars as pl
import pytest

from eval_pipeline.evaluation.decision import Decision, decision_row, read_decision
from eval_pipeline.evaluation.gate import Evidence, decide
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import (
    DRIFT_REPORT,
    JUDGE_CALIBRATION,
    OPERATIONS_REPORT,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
)

PROGRAMMATIC = Evidence(panel_scored=False)


def report(*rows: dict[str, object]) -> pl.DataFrame:
    usual = {
        "subset": "all", "state": "certified", "baseline_mean": 0.9, "candidate_mean": 0.9,
        "difference": 0.0, "lower": -0.01, "upper": 0.01, "margin": 0.05, "items": 500,
        "effective_items": 500.0, "clusters": 500, "wins": 5, "losses": 5,
        "p_noninferior": 0.001, "p_harm": 0.9, "missing_baseline": 0, "missing_candidate": 0,
        "looks": 1, "items_needed": None, "method": "tango",
    }  # fmt: skip
    return pl.DataFrame([{**usual, **row} for row in rows], schema=REGRESSION_REPORT.schema)


def decided(
    frame: pl.DataFrame,
    *,
    evidence: Evidence = PROGRAMMATIC,
    policy: GateSettings | None = None,
) -> Decision:
    return decide(
        frame,
        candidate_id="sharper",
        baseline_id="steady",
        golden_version=7,
        policy=policy or GateSettings(),
        evidence=evidence,
    )


CERTIFIED = report({}, {"subset": "refunds"})
BLOCKED = report(
    {},
    {
        "subset": "refunds", "state": "blocked", "difference": -0.12, "lower": -0.18,
        "upper": -0.06, "wins": 2, "losses": 14,
    },
)  # fmt: skip


def test_everything_certified_passes() -> None:
    decision = decided(CERTIFIED)
    assert (decision.verdict, decision.exit_code) == ("pass", 0)
    (reason,) = decision.reasons
    assert reason == (
        "The aggregate and every gated subset (1) are no worse than their tolerances allow; "
        "overall +0.0 points (-1.0 to +1.0; tolerance 5) on 500 items."
    )


def test_one_blocked_subset_blocks_and_is_named_with_its_figures() -> None:
    decision = decided(BLOCKED)
    assert (decision.verdict, decision.exit_code) == ("block", 1)
    assert decision.reasons[0] == (
        "Subset 'refunds' is worse: -12.0 points (-18.0 to -6.0; tolerance 5) on "
        "500 items, with 14 losses against 2 wins."
    )


def test_a_blocked_subset_names_the_items_it_lost() -> None:
    trials = pl.DataFrame(
        [
            {
                "arm": arm, "item_id": item, "trial": 1, "look": 1, "subsets": ["refunds"],
                "source": "golden", "cluster_id": item,
                "score": 0.0 if arm == "candidate" and item != "c" else 1.0,
            }
            for arm in ("baseline", "candidate")
            for item in ("b", "a", "c")
        ],
        schema=REGRESSION_TRIALS.schema,
    )  # fmt: skip
    decision = decided(BLOCKED, evidence=Evidence(trials=trials, panel_scored=False))
    assert decision.subsets[0].losing_items == ("a", "b")


@pytest.mark.parametrize("state", ["undecided", "infeasible"])
def test_what_is_not_known_is_inconclusive_with_the_items_it_needs(state: str) -> None:
    decision = decided(
        report({}, {"subset": "refunds", "state": state, "items": 40, "items_needed": 380})
    )
    assert (decision.verdict, decision.exit_code) == ("inconclusive", 2)
    assert "40 items" in decision.reasons[0]
    assert "needs about 380 items" in decision.reasons[0]


def test_a_gated_subset_without_items_is_never_a_pass() -> None:
    decision = decided(
        report(
            {},
            {
                "subset": "rare", "state": "undecided", "items": 0, "difference": None,
                "lower": None, "upper": None, "items_needed": 86,
            },
        )
    )  # fmt: skip
    assert decision.verdict == "inconclusive"
    assert decision.reasons[0] == "Subset 'rare' is gated but holds no item; it needs about 86."


def test_missing_scores_make_it_invalid_even_where_it_would_block() -> None:
    # 15 / (500 + 15) = 2.9 %
    decision = decided(
        report({}, {"subset": "refunds", "state": "blocked", "missing_candidate": 15})
    )
    assert (decision.verdict, decision.exit_code) == ("invalid", 3)
    assert "no score for 15 of 515 items (2.9%)" in decision.reasons[0]


def test_scores_missing_in_one_arm_only_make_it_invalid() -> None:
    # 0 against 9 of 509: Fisher p = .0037; each share is below 2 %
    decision = decided(report({"missing_candidate": 9}))
    assert decision.verdict == "invalid"
    assert decision.reasons[0].startswith("Scores are missing unequally: 0 ")
    assert decided(report({"missing_baseline": 8, "missing_candidate": 9})).verdict == "pass"


def test_nothing_compared_is_invalid() -> None:
    nothing = {"items": 0, "difference": None, "lower": None, "upper": None, "state": "undecided"}
    assert decided(report(nothing)).verdict == "invalid"


def calibration(lower: float | None) -> pl.DataFrame:
    return pl.DataFrame(
        [{"judge_id": "panel", "measure": "agreement", "lower": lower, "labelled": 50}],
        schema=JUDGE_CALIBRATION.schema,
    )


@pytest.mark.parametrize(
    ("frame", "verdict"),
    [(calibration(0.85), "pass"), (calibration(0.75), "invalid"), (calibration(None), "invalid"),
     (None, "invalid")],
)  # fmt: skip
def test_an_uncalibrated_panel_makes_it_invalid(frame: pl.DataFrame | None, verdict: str) -> None:
    policy = GateSettings(minimum_judge_agreement=0.8)
    evidence = Evidence(calibration=frame, judge_only=False)
    assert decided(CERTIFIED, evidence=evidence, policy=policy).verdict == verdict


def test_calibration_is_not_asked_for_where_no_model_scored() -> None:
    assert decided(CERTIFIED, policy=GateSettings(minimum_judge_agreement=0.8)).verdict == "pass"


@pytest.mark.parametrize(("age", "verdict"), [(10, "pass"), (31, "invalid"), (None, "invalid")])
def test_a_stale_golden_version_makes_it_invalid(age: int | None, verdict: str) -> None:
    evidence = Evidence(golden_age_days=age, panel_scored=False)
    policy = GateSettings(maximum_golden_age_days=30)
    assert decided(CERTIFIED, evidence=evidence, policy=policy).verdict == verdict


def operations(value: float | None, lower: float | None) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "arm": "candidate", "system_id": "s", "metric": "latency_p95_ratio",
                "value": value, "lower": lower, "upper": value and value * 1.2, "calls": 500,
            }
        ],
        schema=OPERATIONS_REPORT.schema,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "lower", "verdict"),
    [
        (1.1, 1.0, "pass"),
        (1.8, 1.6, "block"),
        (1.6, 1.3, "inconclusive"),
        (1.6, None, "inconclusive"),
        (None, None, "inconclusive"),
    ],
)
def test_a_latency_limit_blocks_on_proof_only(
    value: float | None, lower: float | None, verdict: str
) -> None:
    evidence = Evidence(operations=operations(value, lower), panel_scored=False)
    policy = GateSettings(maximum_latency_ratio=1.5)
    assert decided(CERTIFIED, evidence=evidence, policy=policy).verdict == verdict


def test_a_limit_that_was_never_measured_is_not_kept() -> None:
    assert decided(CERTIFIED, policy=GateSettings(maximum_cost_ratio=1.2)).verdict == "inconclusive"


def drift(component: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "system_id": "steady", "golden_version": 7, "subset": "all",
                "component": component, "difference": -0.08, "reference_week": "2026-11-09",
                "items": 200, "finding": "drift",
            }
        ],
        schema=DRIFT_REPORT.schema,
    )  # fmt: skip


def test_a_judge_that_drifted_freezes_the_gate_whatever_the_figures_say() -> None:
    evidence = Evidence(drift=drift("judge"), panel_scored=False)
    assert decided(CERTIFIED, evidence=evidence).verdict == "inconclusive"
    assert decided(BLOCKED, evidence=evidence).verdict == "inconclusive"


def test_a_provider_that_drifted_is_told_and_does_not_decide() -> None:
    decision = decided(CERTIFIED, evidence=Evidence(drift=drift("provider"), panel_scored=False))
    assert decision.verdict == "pass"
    assert decision.reasons[-1] == (
        "The provider drifted this week: -8.0 points on 'all' for system 'steady' since 2026-11-09."
    )


def test_a_verdict_without_people_says_so() -> None:
    decision = decided(CERTIFIED, evidence=Evidence())
    assert decision.judge_only
    assert decision.reasons[-1].startswith("This verdict is judge-only")
    assert not decided(CERTIFIED, evidence=Evidence(judge_only=False)).judge_only


def test_equal_decisions_have_equal_ids_and_any_difference_another() -> None:
    assert decided(CERTIFIED).decision_id == decided(CERTIFIED).decision_id
    assert decided(CERTIFIED).decision_id != decided(BLOCKED).decision_id
    stricter = decided(CERTIFIED, policy=GateSettings(confidence=0.99))
    assert stricter.decision_id != decided(CERTIFIED).decision_id


def test_the_published_document_keeps_its_contract() -> None:
    document = json.loads(decided(BLOCKED).to_json())
    assert document["schema_version"] == 1
    assert {"verdict", "reasons", "aggregate", "subsets", "candidate", "baseline",
            "golden_version", "decision_id", "policy_fingerprint"} <= set(document)  # fmt: skip
    assert {"subset", "state", "difference", "lower", "upper", "margin", "items",
            "effective_items", "clusters", "wins", "losses", "p_noninferior", "p_harm",
            "missing_baseline", "missing_candidate",
            "items_needed"} <= set(document["subsets"][0])  # fmt: skip
    assert read_decision(decided(BLOCKED).to_json()) == decided(BLOCKED)


def test_the_decision_becomes_one_row_that_names_blocked_and_undecided() -> None:
    frame = report({"state": "undecided"}, {"subset": "refunds", "state": "blocked"})
    row = decision_row(decided(frame)).row(0, named=True)
    assert (row["blocked_subsets"], row["undecided_subsets"]) == (["refunds"], ["all"])
    assert row["verdict"] == "block"
