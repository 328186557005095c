"""The policy's rules beside the tolerances: dimensions, freshness, review, waivers."""

import datetime as dt
import json
from xml.etree import ElementTree as ET

import jsonschema
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.decision import Decision, read_decision
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.gate.waivers import open_subsets
from eval_pipeline.reports import formats
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import (
    DIMENSION_REPORT,
    OPERATIONS_REPORT,
    POLICY_RECORDS,
    REGRESSION_REPORT,
)

TODAY = dt.date(2026, 10, 1)
NOON = dt.datetime(2026, 9, 30, 12, tzinfo=dt.UTC)
POLICY = GateSettings(may_waive=("ada", "ben"), waive_blocks=False)
OPEN = {"state": "undecided", "items": 40, "clusters": 40, "items_needed": 300}
HARMED = {"state": "blocked", "difference": -0.12, "lower": -0.18, "upper": -0.06, "losses": 14}


def report(*rows: dict[str, object]) -> pl.DataFrame:
    usual = {
        "subset": "all", "state": "certified", "baseline_mean": 0.9, "candidate_mean": 0.9,
        "difference": 0.0, "lower": -0.01, "upper": 0.01, "margin": 0.05, "items": 500,
        "effective_items": 500.0, "clusters": 500, "wins": 5, "losses": 5,
        "p_noninferior": 0.001, "p_harm": 0.9, "missing_baseline": 0, "missing_candidate": 0,
        "looks": 1, "items_needed": None, "method": "tango",
    }  # fmt: skip
    return pl.DataFrame([{**usual, **row} for row in rows], schema=REGRESSION_REPORT.schema)


def dimensions(*rows: dict[str, object]) -> pl.DataFrame:
    usual = {
        **report({}).to_dicts()[0], "dimension": "tone", "without_reference": 0,
        "deciding_items": 0,
    }  # fmt: skip
    return pl.DataFrame([{**usual, **row} for row in rows], schema=DIMENSION_REPORT.schema)


def record(**changed: object) -> dict[str, object]:
    return {
        "record_id": "r1", "action": "waive", "candidate_id": "sharper",
        "candidate_fingerprint": "c1", "baseline_id": "steady", "baseline_fingerprint": "b1",
        "decision_id": "d1", "subsets": ["refunds"], "blocked_subsets": [], "decided_by": "ada",
        "reason": "The fix follows.", "until": dt.date(2026, 10, 31), "decided_at": NOON, **changed,
    }  # fmt: skip


def records(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=POLICY_RECORDS.schema)


def decided(frame: pl.DataFrame, *, policy: GateSettings = POLICY, **evidence: object) -> Decision:
    usual = {
        "panel_scored": False, "as_of": TODAY, "candidate_fingerprint": "c1",
        "baseline_fingerprint": "b1",
    }  # fmt: skip
    return decide(
        frame,
        candidate_id="sharper",
        baseline_id="steady",
        golden_version=7,
        policy=policy,
        evidence=Evidence(**{**usual, **evidence}),
    )


UNDECIDED = report({}, {"subset": "refunds", **OPEN})
BLOCKED = report({}, {"subset": "refunds", **HARMED})
PASSING = report({}, {"subset": "refunds"})


def with_dimension(tolerance: float = 0.05) -> GateSettings:
    return POLICY.model_copy(update={"dimensions": {"tone": {"default": tolerance}}})


def test_a_blocked_subset_of_a_gated_dimension_blocks_and_is_named_with_it():
    decision = decided(
        PASSING,
        policy=with_dimension(),
        dimensions=dimensions({}, {"subset": "refunds", **HARMED}),
    )
    assert (decision.verdict, decision.exit_code) == ("block", 1)
    assert decision.reasons[0] == (
        "Subset 'refunds' in 'tone' is worse: -12.0 points (-18.0 to -6.0; tolerance 5) on "
        "500 items, with 14 losses against 5 wins."
    )
    assert [(each.dimension, each.subset, each.state) for each in decision.dimensions] == [
        ("tone", "all", "certified"), ("tone", "refunds", "blocked"),
    ]  # fmt: skip
    assert read_decision(decision.to_json()) == decision


def test_what_is_reported_only_decides_nothing():
    shown = dimensions({"state": "reported", "difference": -0.4}, {"subset": "x", **HARMED})
    assert decided(PASSING, dimensions=shown).verdict == "pass"
    assert decided(PASSING, dimensions=shown).dimensions == ()


@pytest.mark.parametrize("held", [None, dimensions({"state": "reported"})])
def test_a_gated_dimension_that_was_not_measured_is_never_a_pass(held):
    decision = decided(PASSING, policy=with_dimension(), dimensions=held)
    assert decision.verdict == "inconclusive"
    assert decision.reasons == ("Dimension 'tone' is gated and was not measured: evaluate again.",)


def test_too_many_missing_scores_in_a_gated_dimension_are_no_basis():
    decision = decided(
        PASSING, policy=with_dimension(), dimensions=dimensions({"missing_candidate": 30})
    )
    assert decision.verdict == "invalid"
    assert (
        "The aggregate in 'tone': the candidate has no score for 30 of 530" in decision.reasons[0]
    )


@pytest.mark.parametrize(
    ("counted", "verdict"), [((20, 100), "pass"), ((19, 100), "invalid"), (None, "invalid")]
)
def test_a_version_with_too_little_fresh_in_it_decides_nothing(counted, verdict):
    policy = POLICY.model_copy(update={"minimum_fresh_share": 0.2})
    for frame in (PASSING, BLOCKED):
        decision = decided(frame, policy=policy, fresh_items=counted)
        assert decision.verdict == (
            verdict if verdict == "invalid" or frame is PASSING else "block"
        )
    told = decided(PASSING, policy=policy, fresh_items=(19, 100)).reasons[0]
    assert told == (
        "Of the golden version's 100 items 19 (19.0%) were settled since the one before; the "
        "policy demands 20.0%."
    )


SEEN = POLICY.model_copy(update={"review_beyond": 0.03})


def test_a_drop_that_a_person_must_see_keeps_a_certified_candidate_from_passing():
    frame = report({}, {"subset": "refunds", "difference": -0.031})
    decision = decided(frame, policy=SEEN)
    assert (decision.verdict, decision.exit_code) == ("inconclusive", 2)
    (reason,) = decision.reasons
    assert reason == (
        "Subset 'refunds' drops 3.1 points on 500 items, beyond the 3 that pass unseen: look at "
        "them and record it by `eval-pipeline approve sharper --by NAME --reason TEXT`."
    )
    assert decided(frame).verdict == "pass"


def test_the_rule_reads_every_dimension_gated_or_not_and_each_drop_once():
    shown = dimensions(
        {"state": "reported", "difference": -0.04},
        {"subset": "refunds", "state": "reported", "difference": -0.03},
        {"subset": "tiny", "state": "reported", "difference": -0.5, "items": 9, "clusters": 9},
        {"dimension": "panel", "state": "reported", "difference": -0.2, "deciding_items": 500},
    )
    decision = decided(PASSING, policy=SEEN, dimensions=shown)
    (reason,) = decision.reasons
    assert reason.startswith("All items drop 4.0 points in 'tone' on 500 items")


def test_an_approval_of_this_very_decision_lets_it_pass_and_of_no_other():
    frame = report({}, {"subset": "refunds", "difference": -0.04})
    measured = decided(frame, policy=SEEN)
    looked = record(
        action="approve", decision_id=measured.decision_id, subsets=[], until=None,
        reason="Five of them are typos.",
    )  # fmt: skip
    decision = decided(frame, policy=SEEN, records=records(looked))
    assert (decision.verdict, decision.exit_code) == ("pass", 0)
    assert decision.measured_id == measured.decision_id != decision.decision_id
    assert decision.basis_id == measured.basis_id == measured.decision_id
    assert decision.reasons[-1] == (
        "ada looked at the drops that the policy shows to a person, on 2026-09-30: Five of them "
        "are typos."
    )
    # One more item lost is another decision, and nobody looked at that one.
    other = report({}, {"subset": "refunds", "difference": -0.041})
    assert decided(other, policy=SEEN, records=records(looked)).verdict == "inconclusive"
    # So is the same under another policy.
    stricter = SEEN.model_copy(update={"review_beyond": 0.02})
    assert decided(frame, policy=stricter, records=records(looked)).verdict == "inconclusive"
    assert decided(frame, policy=SEEN, records=records(looked)) == decision


def test_an_approval_does_not_unblock():
    harmed = decided(BLOCKED, policy=SEEN)
    looked = record(action="approve", decision_id=harmed.decision_id, subsets=[], until=None)
    decision = decided(BLOCKED, policy=SEEN, records=records(looked))
    assert (decision.verdict, decision.exit_code) == ("block", 1)


def test_a_waiver_of_all_that_is_open_gives_the_exit_code_of_a_pass_and_keeps_the_verdict():
    measured = decided(UNDECIDED)
    decision = decided(UNDECIDED, records=records(record()))
    assert (decision.verdict, decision.waived, decision.exit_code) == ("inconclusive", True, 0)
    assert (measured.waived, measured.exit_code) == (False, 2)
    assert decision.reasons == measured.reasons
    assert decision.subsets == measured.subsets
    (waiver,) = decision.waivers
    assert (waiver.subsets, waiver.waived_by, waiver.until.isoformat()) == (
        ("refunds",), "ada", "2026-10-31",
    )  # fmt: skip
    assert read_decision(decision.to_json()) == decision


@pytest.mark.parametrize(
    "changed",
    [
        {"until": dt.date(2026, 9, 30)},
        {"candidate_fingerprint": "changed"},
        {"baseline_fingerprint": "changed"},
        {"decided_by": "somebody"},
        {"subsets": ["hours"]},
        {"action": "promote"},
    ],
)
def test_a_waiver_that_ended_or_is_of_another_candidate_or_by_nobody_listed_is_none(changed):
    decision = decided(UNDECIDED, records=records(record(**changed)))
    assert decision == decided(UNDECIDED)
    assert decision.exit_code == 2


def test_a_waiver_holds_through_its_last_day():
    last = records(record(until=TODAY))
    assert decided(UNDECIDED, records=last).waived
    assert not decided(UNDECIDED, records=last, as_of=TODAY + dt.timedelta(days=1)).waived
    assert not decided(UNDECIDED, records=last, as_of=None).waived


def test_a_waiver_of_one_of_two_open_subsets_is_shown_and_lets_nothing_ship():
    frame = report({}, {"subset": "refunds", **OPEN}, {"subset": "hours", **OPEN})
    decision = decided(frame, records=records(record()))
    assert (decision.waived, decision.exit_code, len(decision.waivers)) == (False, 2, 1)
    both = decided(frame, records=records(record(), record(record_id="r2", subsets=["hours"])))
    assert (both.waived, both.exit_code) == (True, 0)


def test_what_was_undecided_when_it_was_waived_is_not_waived_once_its_loss_is_proven():
    lenient = POLICY.model_copy(update={"waive_blocks": True})
    earlier = records(record())
    assert not decided(BLOCKED, policy=lenient, records=earlier).waivers
    proven = records(record(blocked_subsets=["refunds"]))
    decision = decided(BLOCKED, policy=lenient, records=proven)
    assert (decision.verdict, decision.waived, decision.exit_code) == ("block", True, 0)
    assert decided(BLOCKED, records=proven).exit_code == 1


def test_a_subset_of_a_gated_dimension_is_waived_under_its_own_name():
    held = dimensions({}, {"subset": "refunds", **OPEN})
    decision = decided(
        PASSING, policy=with_dimension(), dimensions=held,
        records=records(record(subsets=["tone/refunds"])),
    )  # fmt: skip
    assert (decision.verdict, decision.waived) == ("inconclusive", True)
    of_the_subset = decided(
        PASSING, policy=with_dimension(), dimensions=held, records=records(record())
    )
    assert not of_the_subset.waived


def test_a_limit_of_latency_that_is_open_cannot_be_waived():
    policy = POLICY.model_copy(update={"maximum_latency_ratio": 1.2})
    slow = pl.DataFrame(
        [
            {"arm": "candidate", "subset": "all", "metric": "latency_p95_ratio", "value": 1.5,
             "lower": 1.0}
        ],
        schema=OPERATIONS_REPORT.schema,
    )  # fmt: skip
    decision = decided(UNDECIDED, policy=policy, operations=slow, records=records(record()))
    assert (len(decision.waivers), decision.waived, decision.exit_code) == (1, False, 2)


def test_what_could_not_be_evaluated_cannot_be_waived():
    frame = report({"missing_candidate": 50}, {"subset": "refunds", **OPEN})
    decision = decided(frame, records=records(record()))
    assert (decision.verdict, decision.waived, decision.exit_code) == ("invalid", False, 3)


STATES = st.sampled_from(["certified", "undecided", "infeasible", "blocked"])
NAMES = ("all", "hours", "refunds")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame, GateSettings]:
    rows = [
        {"subset": name, **{"certified": {}, "undecided": OPEN, "blocked": HARMED}.get(state, OPEN),
         "state": state}
        for name, state in zip(NAMES, draw(st.tuples(STATES, STATES, STATES)), strict=True)
    ]  # fmt: skip
    subsets = st.lists(st.sampled_from(NAMES), unique=True)
    words = [
        record(
            record_id=f"r{number}",
            subsets=draw(subsets),
            blocked_subsets=draw(subsets),
            decided_by=draw(st.sampled_from(["ada", "ben", "nobody"])),
            until=TODAY + dt.timedelta(days=draw(st.integers(-2, 2))),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    policy = POLICY.model_copy(update={"waive_blocks": draw(st.booleans())})
    return report(*rows), records(*words), policy


@given(worlds())
def test_no_waiver_changes_a_verdict_and_none_lets_a_block_ship_unless_the_policy_says_so(world):
    frame, words, policy = world
    measured = decided(frame, policy=policy)
    decision = decided(frame, policy=policy, records=words)
    assert decision.verdict == measured.verdict
    assert decision.reasons == measured.reasons
    if decision.verdict == "block" and not policy.waive_blocks:
        assert decision.exit_code == 1
    if decision.waived:
        named = {name for waiver in decision.waivers for name in waiver.subsets}
        assert set(open_subsets(measured)) == named
        assert all(waiver.until >= TODAY for waiver in decision.waivers)
        assert decision.exit_code == 0
    else:
        assert decision.exit_code == measured.exit_code


@given(worlds(), st.integers(0, 4))
def test_a_waiver_that_holds_on_a_day_held_on_every_day_before(world, later):
    frame, words, policy = world
    after = decided(frame, policy=policy, records=words, as_of=TODAY + dt.timedelta(days=later))
    if after.waived:
        assert decided(frame, policy=policy, records=words).waived


def waived_dimension() -> dict:
    decision = decided(
        PASSING, policy=with_dimension(),
        dimensions=dimensions({}, {"subset": "refunds", **OPEN}),
        records=records(record(subsets=["tone/refunds"])),
    )  # fmt: skip
    return decision.model_dump(mode="json")


def test_every_report_shows_the_dimension_the_waiver_and_the_verdict_that_stays():
    told = waived_dimension()
    sentence = "Waived until 2026-10-31 by ada: the verdict stays inconclusive, the exit code is 0."
    for text in (formats.as_text(told), formats.as_markdown(told).replace("\u200b", "")):
        assert "tone/refunds" in text
        assert sentence in text
        assert "ada waived tone/refunds until 2026-10-31: The fix follows." in text
    root = ET.fromstring(formats.as_junit(told))
    suite = root[0]
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert [case.get("name") for case in suite if case.find("skipped") is not None] == [
        "decision", "tone/refunds",
    ]  # fmt: skip


def test_the_published_schema_holds_for_what_people_said_and_for_dimensions():
    validator = jsonschema.Draft202012Validator(formats.decision_schema())
    told = waived_dimension()
    validator.validate(json.loads(formats.as_json(told)))
    for part in ("waivers", "dimensions"):
        broken = {**told, part: [{"reason": "x"}]}
        assert list(validator.iter_errors(broken))
