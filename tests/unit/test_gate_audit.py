"""What an audit of the gate plants, counts and says, on numbers by hand."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.evaluation.decision_inputs import DecisionInputs, decided
from eval_pipeline.evaluation.gate.audit import audit_grounds
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.gate_audit.auditing import audit_gate
from eval_pipeline.evaluation.gate_audit.copies import CANDIDATE, lowered
from eval_pipeline.evaluation.gate_audit.rates import Count, audit_rows
from eval_pipeline.evaluation.gate_audit.sentences import problem_sentences
from eval_pipeline.evaluation.gate_audit.standing import AuditStanding
from eval_pipeline.evaluation.pairs import pair_trials
from eval_pipeline.monitoring.alerting.conditions import audit_events
from eval_pipeline.reports.gate_audit_plots import audit_timeline
from eval_pipeline.reports.gate_audit_section import newest
from eval_pipeline.reports.gate_audit_words import audit_in_words, page_rows
from eval_pipeline.settings import GateSettings
from tests.gate_audit_worlds import SUBSETS, WEEK, copies, drawn_world, material, policy

FEW = {"replications": 5, "sizes": [2.0]}
FRESH = AuditStanding(week=WEEK, age_days=7)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


# Copies


def test_of_an_item_with_several_runs_both_arms_are_two_different_runs_of_it():
    further = pl.DataFrame({"item_id": ["i-000"] * 2, "score": [0.25, 0.5]})
    held = copies([1.0, 0.0], further=further, discordance=0.0)
    assert held.counts.tolist() == [3, 1]
    seen = set()
    for seed in range(60):
        arms = held.equal_arms(rng(seed))
        seen.add((arms.baseline[0], arms.candidate[0]))
        assert (arms.baseline[1], arms.candidate[1]) == (0.0, 0.0)
    runs = (1.0, 0.25, 0.5)
    assert seen == {(one, other) for one in runs for other in runs if one != other}


def test_of_an_item_with_one_run_the_arms_differ_as_often_as_its_discordance_either_way():
    held = copies([1.0] * 20_000, discordance=0.2)
    arms = held.equal_arms(rng())
    differences = arms.candidate - arms.baseline
    # 20,000 items, 10 % each way: 2,000 with a standard deviation of sqrt(20000 * 0.09) = 42.
    assert abs((differences == 1).sum() - 2000) < 4 * 42
    assert abs((differences == -1).sum() - 2000) < 4 * 42


def test_an_item_without_a_score_stays_without_one_and_a_dropped_row_is_gone():
    held = copies([1.0, None, 0.0])
    arms = held.equal_arms(rng())
    assert np.isnan([arms.baseline[1], arms.candidate[1]]).all()
    dropped = np.array([True, False, False])
    trials = held.trials(arms, dropped=dropped)
    assert trials.filter(arm="candidate")["item_id"].to_list() == ["i-001", "i-002"]
    assert trials.filter(arm="candidate")["system_id"].unique().to_list() == [CANDIDATE]
    pairs = pair_trials(trials)
    assert np.isnan(pairs.candidate).tolist() == [True, True, False]
    assert np.isnan(pairs.baseline).tolist() == [False, True, False]
    assert held.members("all").tolist() == [True, False, True]


@settings(max_examples=40, deadline=None)
@given(
    drop=st.floats(0.01, 0.9),
    rate=st.floats(0.0, 1.0),
    runs=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_a_planted_drop_is_the_true_difference_whatever_the_baseline_scores(drop, rate, runs, seed):
    scores = (rng(seed).random(4000 * runs) < rate).astype(float)
    names = [f"i-{place:03d}" for place in range(4000)] * (runs - 1)
    further = pl.DataFrame(
        {"item_id": names, "score": scores[4000:]},
        schema={"item_id": pl.String, "score": pl.Float64},
    )
    held = copies(list(scores[:4000]), further=further, discordance=0.3)
    equal = held.equal_arms(rng(seed + 1))
    planted = lowered(equal, held.members("all"), drop=drop, rng=rng(seed + 2))
    # One difference has a variance of at most 1: six standard errors of a mean of 4,000 are 0.095.
    assert abs((equal.candidate - equal.baseline).mean()) < 0.095
    assert abs((planted.candidate - planted.baseline).mean() + drop) < 0.095


# Rates


def test_rates_have_exact_intervals_and_share_one_error():
    counts = [
        Count("regression", "missed", "all", size=1.0, planted=0.1, count=3, runs=10, allowed=0.05),
        Count("regression", "missed", "all", size=2.0, planted=0.2, count=8, runs=10, allowed=0.05),
        Count("regression", "blocked", "all", size=2.0, planted=0.2, count=0, runs=10),
        Count("dropped_rows", "unnoticed", "all", size=2.0, count=1, runs=5, allowed=0.0),
        Count("model_change", "unnoticed", "all", size=0.1, note="nobody pinned it"),
    ]
    rows = audit_rows(counts, confidence=0.97, golden_version=3, basis="candidate:x")
    by = {(row["fault"], row["measure"], row["size"]): row for row in rows.to_dicts()}
    three = by["regression", "missed", 1.0]
    # Clopper and Pearson's 95 % interval of 3 in 10.
    assert (three["lower"], three["upper"]) == pytest.approx((0.0667395, 0.6524529), abs=1e-6)
    # Three rates have a limit, so each has 1 % of error: the bound is the 1 % quantile of
    # Beta(3, 8), which is 0.0475: below 0.05, so not proven.
    assert three["proven_above"] == pytest.approx(0.04751, abs=1e-4)
    assert three["finding"] == "kept"
    eight = by["regression", "missed", 2.0]
    assert eight["proven_above"] == pytest.approx(0.3883, abs=1e-3)
    assert eight["finding"] == "exceeded"
    assert by["regression", "blocked", 2.0]["finding"] == "told"
    # No limit but 0: a single one proves it. 0.01 ** (1 / 5) would be of five; of one it is 0.002.
    assert by["dropped_rows", "unnoticed", 2.0]["proven_above"] == pytest.approx(
        1 - 0.99 ** (1 / 5), abs=1e-9
    )
    assert by["dropped_rows", "unnoticed", 2.0]["finding"] == "exceeded"
    none = by["model_change", "unnoticed", 0.1]
    assert (none["finding"], none["rate"], none["lower"], none["upper"]) == ("not_made", None, 0, 1)


def test_the_same_week_and_configuration_give_the_same_rows_and_another_week_others():
    gate = policy(audit=FEW)
    first = audit_gate(drawn_world(80, gate=gate))
    assert audit_gate(drawn_world(80, gate=gate)).equals(first)
    other = audit_gate(drawn_world(80, gate=gate, week="2026-11-23"))
    assert not other.equals(first)
    assert other.select("fault", "measure", "subset", "size", "planted", "allowed").equals(
        first.select("fault", "measure", "subset", "size", "planted", "allowed")
    )


def test_what_cannot_be_planted_is_said_and_never_a_rate_of_zero():
    empty = audit_gate(material(None))
    assert set(empty["finding"]) == {"not_made"}
    assert problem_sentences(empty) == ["The gate's audit could not be made: no trials."]
    # Every item is of 'hours', and no judge scored any.
    held = copies([1.0] * 40, subsets=[["hours"]] * 40, scorer="exact")
    rows = audit_gate(material(held, gate=policy(audit=FEW)))
    refunds = rows.filter(subset="refunds", measure="missed")
    assert set(refunds["finding"]) == {"not_made"}
    assert set(refunds["note"]) == {"no item of it has a score"}
    hidden = rows.filter(fault="biased_judge", subset="hours")
    assert set(hidden["finding"]) == {"not_made"}
    assert "judges score less than half" in hidden["note"][0]


def test_below_the_tolerance_nothing_is_held_against_a_limit():
    gate = policy(audit={"replications": 5, "sizes": [0.5, 1.0]})
    rows = audit_gate(drawn_world(60, gate=gate)).filter(fault="regression", measure="missed")
    allowed = {row["size"]: row["allowed"] for row in rows.to_dicts()}
    assert allowed == {0.5: None, 1.0: pytest.approx(0.05)}


# What a decision says


def audited(*counts: Count) -> pl.DataFrame:
    sound = [
        Count("nothing", "false_block", "all", count=0, runs=50, allowed=0.05),
        Count("regression", "missed", "hours", size=1.0, planted=0.1, runs=20, allowed=0.05),
    ]
    rows = audit_rows([*sound, *counts], confidence=0.99, golden_version=1, basis="candidate:x")
    return rows.with_columns(week=pl.lit(WEEK))


MISSED = Count(
    "regression", "missed", "refunds", size=2.0, planted=0.3, count=18, runs=20, allowed=0.05
)
BLOCKED = Count("nothing", "false_block", "refunds", count=30, runs=50, allowed=0.05)


def test_a_kept_audit_says_nothing_and_where_none_is_asked_for_nothing_is_said():
    assert audit_grounds(audited(), FRESH, GateSettings()) == audit_grounds(
        None, None, GateSettings()
    )
    assert not any(vars(audit_grounds(audited(), FRESH, GateSettings())).values())


def test_misses_keep_a_candidate_from_passing_and_leave_blocks_alone():
    grounds = audit_grounds(audited(MISSED), FRESH, GateSettings())
    assert grounds.unknown[0] == (
        "The gate certified 'refunds' with a planted loss of 30 points in 18 of 20 copies "
        "(68 to 99 %; 5 % are allowed)."
    )
    assert "certifies nothing" in grounds.unknown[1]
    assert grounds.invalid == grounds.blocking == grounds.suspending == grounds.notes == ()
    told = GateSettings.model_validate({"audit": {"when_missing_too_much": "note"}})
    assert audit_grounds(audited(MISSED), FRESH, told).notes == grounds.unknown[:1]


def test_what_would_pass_is_inconclusive_under_a_gate_that_misses():
    held = copies([1.0] * 200, discordance=0.0)
    trials = held.trials(held.equal_arms(rng()))
    inputs = DecisionInputs(
        candidate_id="steady",
        baseline_id="assistant",
        golden_version=1,
        policy=policy(),
        subsets=SUBSETS,
        trials=trials,
        reserve=None,
        judge_bias=None,
        evidence=Evidence(panel_scored=False, audit=audited(), audit_standing=FRESH),
    )
    assert decided(inputs).decision.verdict == "pass"
    failed = replace(inputs, evidence=replace(inputs.evidence, audit=audited(MISSED)))
    decision = decided(failed).decision
    assert decision.verdict == "inconclusive"
    assert "The gate certified 'refunds'" in decision.reasons[0]
    # No waiver of a subset lifts what is said of the gate itself.
    assert not decision.waived
    assert {one.state for one in decision.subsets} == {"certified"}


def test_false_blocks_are_told_and_suspend_where_the_policy_says_so():
    grounds = audit_grounds(audited(BLOCKED), FRESH, GateSettings())
    assert "blocked the baseline against itself in 30 of 50 copies" in grounds.notes[0]
    strict = GateSettings.model_validate({"audit": {"when_blocking_too_much": "inconclusive"}})
    assert audit_grounds(audited(BLOCKED), FRESH, strict).suspending == grounds.notes


@pytest.mark.parametrize(
    ("audit", "standing", "said"),
    [
        (None, AuditStanding(None, None), "has not been audited"),
        (audited(), AuditStanding(WEEK, 21), f"of {WEEK}, is 21 days old; the policy accepts 14"),
        (audit_gate(material(None)), FRESH, "could not be made: no trials"),
    ],
)
def test_a_missing_old_or_impossible_audit_is_a_note_until_the_policy_asks_for_one(
    audit, standing, said
):
    note = audit_grounds(audit, standing, GateSettings())
    assert said in note.notes[0]
    assert note.unknown == ()
    asked = audit_grounds(audit, standing, GateSettings(require_audit=True))
    assert asked.unknown[0] == note.notes[0]
    assert "asks for a gate that was audited" in asked.unknown[1]


# What people see


def test_an_alert_pages_once_a_week_with_every_sentence():
    problems = problem_sentences(audited(MISSED, BLOCKED))
    (event,) = audit_events(problems, made=True, week=WEEK, table="gate_audit")
    assert (event.kind, event.severity, event.since) == ("gate_audit_failed", "page", WEEK)
    assert len(event.lines) == 2
    assert list(audit_events([], made=True, week=WEEK, table="gate_audit")) == []
    nothing = problem_sentences(audit_gate(material(None)))
    (unmade,) = audit_events(nothing, made=False, week=WEEK, table="gate_audit")
    assert (unmade.severity, unmade.title) == ("warn", f"The gate could not be audited on {WEEK}")


def test_pages_show_rates_with_intervals_limits_and_course():
    audit = audited(MISSED)
    shown = {row["subset"]: row for row in page_rows(audit) if row["fault"] == "regression"}
    assert shown["refunds"]["rate"] == "18 of 20 (68 to 99 %)"
    assert shown["refunds"]["planted"] == "2 times its tolerance, 30.0 points"
    assert (shown["refunds"]["exceeded"], shown["hours"]["exceeded"]) == (True, False)
    assert audit_in_words(audit).height == audit.height
    told = newest(audit)
    assert told["audit_week"] == WEEK
    assert len(told["audit_problems"]) == 1
    assert newest(None)["audit_rows"] == []
    chart = audit_timeline(audit)
    assert chart == audit_timeline(audit)
    assert "regressions missed" in chart
    assert "silent changes not noticed" not in chart
