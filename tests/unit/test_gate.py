import json

import polars as pl
import pytest

from eval_pipeline.evaluation.decision import Decision, decisions_with, read_decision
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.reports import wording
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import (
    ANNOTATOR_AGREEMENT,
    DRIFT_REPORT,
    GATE_DECISION,
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
                "arm": "candidate", "subset": "all", "system_id": "s",
                "metric": "latency_p95_ratio",
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


@pytest.mark.parametrize(("proven", "verdict"), [(False, "pass"), (True, "inconclusive")])
def test_a_figure_within_its_limit_is_enough_unless_the_policy_wants_proof(
    proven: bool, verdict: str
) -> None:
    # 1.4 times, at most 1.68, against a limit of 1.5
    evidence = Evidence(operations=operations(1.4, 1.2), panel_scored=False)
    policy = GateSettings(maximum_latency_ratio=1.5, prove_limits=proven)
    decision = decided(CERTIFIED, evidence=evidence, policy=policy)
    assert decision.verdict == verdict
    assert any("within the limit of 1.50, but not beyond doubt" in one for one in decision.reasons)


def test_a_subset_s_limit_is_held_to_that_subset_alone() -> None:
    policy = GateSettings(subset_limits={"refunds": {"maximum_latency_ratio": 1.5}})
    whole = operations(1.8, 1.6)
    inside = pl.concat([operations(1.0, 0.9), whole.with_columns(subset=pl.lit("refunds"))])
    missing = decided(
        CERTIFIED, evidence=Evidence(operations=whole, panel_scored=False), policy=policy
    )
    assert missing.verdict == "inconclusive"
    blocked = decided(
        CERTIFIED, evidence=Evidence(operations=inside, panel_scored=False), policy=policy
    )
    assert blocked.verdict == "block"
    assert "The p95 latency of 'refunds' is 1.80 times the baseline's" in blocked.reasons[0]


def test_limits_of_a_decision_from_before_subsets_were_told_hold_over_all_items() -> None:
    policy = GateSettings(maximum_latency_ratio=1.5)
    evidence = Evidence(operations=operations(1.8, 1.6).drop("subset"), panel_scored=False)
    assert decided(CERTIFIED, evidence=evidence, policy=policy).verdict == "block"


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
    row = decisions_with(GATE_DECISION.empty(), decided(frame)).row(0, named=True)
    assert (row["blocked_subsets"], row["undecided_subsets"]) == (["refunds"], ["all"])
    assert row["verdict"] == "block"


def people(subset: str = "all", **changed: object) -> dict[str, object]:
    """A row of ANNOTATOR_AGREEMENT: two people agree on 81 % of the subset, 72 to 88."""
    return {
        "subset": subset, "span": "window", "annotator_kind": "person", "measure": "ceiling",
        "value": 0.81, "lower": 0.72, "upper": 0.88, "tasks": 45, "asked": 60, "weeks": 6,
        **changed,
    }  # fmt: skip


def judged_by(
    *rows: dict[str, object],
    frame: pl.DataFrame = CERTIFIED,
    minimum: float | None = None,
) -> Decision:
    agreement = pl.DataFrame(list(rows), schema=ANNOTATOR_AGREEMENT.schema)
    return decided(
        frame,
        evidence=Evidence(agreement=agreement, panel_scored=False),
        policy=GateSettings(minimum_human_agreement=minimum),
    )


def test_the_human_ceiling_is_told_of_each_subset_and_decides_nothing_without_a_minimum() -> None:
    decision = judged_by(people(), people("refunds", value=0.3, lower=0.2, upper=0.4))
    assert decision.verdict == "pass"
    assert (decision.aggregate.human_agreement, decision.aggregate.human_tasks) == (0.81, 45)
    (refunds,) = decision.subsets
    assert (refunds.human_lower, refunds.human_upper, refunds.human_kind) == (0.2, 0.4, "person")
    assert refunds.state == "certified"


def test_what_people_are_shown_to_disagree_on_cannot_be_certified() -> None:
    low = people("refunds", value=0.61, lower=0.5, upper=0.71)
    decision = judged_by(people(), low, minimum=0.8)
    assert (decision.verdict, decision.exit_code) == ("inconclusive", 2)
    assert decision.reasons[0] == (
        "Subset 'refunds' cannot be certified: two people agree on 61 % of it (50 % to 71 %, "
        "45 tasks), and the policy demands 80 %; mend the rubric, for more items do not help."
    )
    (refunds,) = decision.subsets
    assert (refunds.state, refunds.items_needed) == ("undecided", None)
    assert decisions_with(GATE_DECISION.empty(), decision)["undecided_subsets"].to_list() == [
        ["refunds"]
    ]
    assert wording.headline(decision.model_dump(mode="json")) == (
        f"Inconclusive: {decision.reasons[0]}"
    )


def test_agreement_that_may_reach_the_minimum_holds_nothing_back() -> None:
    assert judged_by(people(), people("refunds", upper=0.8), minimum=0.8).verdict == "pass"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [people("refunds", value=None, lower=None, upper=None)],
        [people("refunds", annotator_kind="scripted", value=1.0, lower=0.9, upper=1.0)],
        [people("refunds", span="week")],
        [people("refunds", measure="percent")],
    ],
    ids=["no row", "no audit slice", "scripts alone", "one week alone", "of the queue alone"],
)
def test_what_was_not_measured_does_not_meet_the_minimum(rows) -> None:
    decision = judged_by(people(), *rows, minimum=0.8)
    assert decision.verdict == "inconclusive"
    assert decision.reasons[0] == (
        "Subset 'refunds' cannot be certified: on how much of it two people agree was not "
        "measured, and the policy demands 80 %."
    )


def test_scripts_in_peoples_place_are_told_as_such() -> None:
    decision = judged_by(people(annotator_kind="scripted"))
    assert decision.aggregate.human_kind == "scripted"
    (sentence,) = wording.ceilings(decision.model_dump(mode="json"))
    assert sentence == (
        "On all items two scripts in people's place agree on 81 % (72 to 88, 45 tasks): "
        "no system can be asked for more."
    )


def test_a_proven_block_stays_a_block_however_little_people_agree() -> None:
    low = people("refunds", value=0.61, lower=0.5, upper=0.71)
    decision = judged_by(people(), low, frame=BLOCKED, minimum=0.8)
    assert (decision.verdict, decision.subsets[0].state) == ("block", "blocked")
    assert not any("cannot be certified" in reason for reason in decision.reasons)


def test_a_ceiling_never_makes_a_pass() -> None:
    full = {"value": 1.0, "lower": 1.0, "upper": 1.0}
    open_frame = report({}, {"subset": "refunds", "state": "undecided", "items_needed": 380})
    decision = judged_by(people(**full), people("refunds", **full), frame=open_frame, minimum=0.8)
    assert decision.verdict == "inconclusive"
    assert decision.subsets[0].items_needed == 380


def test_synthetic_items_need_nobodys_agreement() -> None:
    frame = report({}, {"subset": "synthetic_adversarial"})
    assert judged_by(people(), frame=frame, minimum=0.8).verdict == "pass"


def test_a_decision_from_before_the_ceiling_was_told_can_still_be_read() -> None:
    told = json.loads(judged_by().to_json())
    for finding in (told["aggregate"], *told["subsets"]):
        for name in [name for name in finding if name.startswith("human_")]:
            del finding[name]
    assert read_decision(json.dumps(told)).aggregate.human_agreement is None


@pytest.mark.parametrize("state", ["undecided", "infeasible"])
def test_no_items_are_asked_for_where_none_would_do(state: str) -> None:
    lost = {"difference": -0.06, "lower": -0.12, "upper": 0.0, "items_needed": None}
    decision = decided(report({}, {"subset": "refunds", "state": state, **lost}))
    assert decision.verdict == "inconclusive"
    told = decision.reasons[0]
    assert "it seems to lose its tolerance, which no number of items certifies" in told
    assert "None" not in told
