"""Which answers of a candidate people see, and how what they say corrects the judges."""

import datetime as dt
import math

import polars as pl
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.decision import SubsetFinding
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.human_correction.audited import (
    audit_interaction,
    audit_interactions,
    audited_pairs,
    draw_audit,
)
from eval_pipeline.evaluation.human_correction.judge_bias import (
    BiasBound,
    PooledRectifier,
    as_mean,
    corrected_test,
)
from eval_pipeline.evaluation.human_correction.rectifying import (
    bias_bound,
    label_error,
    pooled_rectifier,
    rectify,
)
from eval_pipeline.evaluation.paired_tests import DiscordantPairs, augmented_mean
from eval_pipeline.settings import GateSettings, HumanCorrectionSettings
from eval_pipeline.tables import CANDIDATE_AUDIT, HUMAN_CORRECTION, REGRESSION_TRIALS

POLICY = HumanCorrectionSettings(minimum_labels=10)
GATE = GateSettings(aggregate_tolerance=0.05, looks=(), tolerances={"default": 0.2})


def trials(baseline, candidate, *, scorer="panel", response="said", subset="one"):
    """Items a0, a1... with these scores by arm; each a conversation of its own."""
    constants = {
        "system_id": "any", "trial": 1, "source": "golden", "look": 1, "golden_version": 1,
        "route": "any", "status": "answered", "attempts": 1, "scorer": scorer,
        "response": response,
    }  # fmt: skip
    frames = [
        pl.DataFrame(
            {
                "arm": arm,
                "item_id": [f"a{place:04}" for place in range(len(scores))],
                "score": [float(score) for score in scores],
                "subsets": [[subset] for _ in scores],
                "cluster_id": [f"c{place}" for place in range(len(scores))],
            }
        )
        for arm, scores in (("baseline", baseline), ("candidate", candidate))
    ]
    rest = [name for name in REGRESSION_TRIALS.schema if name not in frames[0].columns]
    return (
        pl.concat(frames)
        .with_columns(
            pl.lit(constants.get(name), dtype=REGRESSION_TRIALS.schema[name]).alias(name)
            for name in rest
        )
        .select(list(REGRESSION_TRIALS.schema))
    )


def audit(rows):
    """CANDIDATE_AUDIT of (item, arm, state, label) with what else it takes."""
    told = [
        {
            "item_id": item, "arm": arm, "state": state, "label": label, "task_id": f"{item}{arm}",
            "label_stratum": "same", "label_probability": 0.5, "score": 1.0,
            "annotator_kind": "person" if label else None,
            "labels": [label, label] if label else None,
            "labelled_on": dt.date(2026, 11, 16) if label else None,
        }
        for item, arm, state, label in rows
    ]  # fmt: skip
    return CANDIDATE_AUDIT.conform(pl.DataFrame(told, schema=CANDIDATE_AUDIT.schema))


def labelled(count, *, fails, missing=0):
    """Both answers of the first items: the baseline's pass, the candidate's pass but for some."""
    rows = []
    for place in range(count):
        said = "fail" if place < fails else "pass"
        rows += [
            (f"a{place:04}", "baseline", "agreed", "pass"),
            (f"a{place:04}", "candidate", "agreed", said)
            if place < count - missing
            else (f"a{place:04}", "candidate", "cannot_tell", None),
        ]
    return audit(rows)


def corrected(count, **more):
    pairs = audited_pairs(trials([1] * 100, [1] * 100))
    return rectify(pairs, labelled(count, **more), policy=POLICY, trials_fingerprint="f")


def whole(correction):
    return correction.filter(subset="all").row(0, named=True)


def test_pairs_are_told_apart_by_whether_judges_differ_change_or_see_no_difference():
    pairs = audited_pairs(trials([1, 1, 0.5, 0], [1, 0, 1, 0]))
    assert pairs["label_stratum"].to_list() == ["same", "changed", "split", "same"]


def test_what_code_scored_is_not_asked_and_one_judged_arm_is_enough():
    assert audited_pairs(trials([1, 0], [1, 1], scorer="exact")).is_empty()
    rows = trials([1, 0], [1, 1])
    candidate = pl.col("arm") == "candidate"
    refused = rows.with_columns(
        status=pl.when(candidate).then(pl.lit("refused")).otherwise("status")
    )
    assert audited_pairs(refused)["judged_candidate"].to_list() == [False, False]
    assert audited_pairs(rows.with_columns(status=pl.lit("refused"))).is_empty()


def test_an_erased_answer_was_judged_all_the_same():
    erased = trials([1, 0], [1, 1]).with_columns(response=pl.lit(None, dtype=pl.String))
    assert audited_pairs(erased).height == 2


def test_preferences_are_not_what_a_label_of_one_answer_says():
    assert audited_pairs(trials([0, 1], [1, 0], scorer="preference")).is_empty()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.integers(10, 60))
def test_every_item_has_a_known_chance_and_thin_strata_are_topped_up(items, more):
    scores = [[1, 0, 0.5, 0, 0, 0, 0, 0][place % 8] for place in range(200)]
    pairs = audited_pairs(trials(scores, [0] * 200))
    first = draw_audit(
        pairs, candidate_id="c", policy=POLICY.model_copy(update={"audit_items": items})
    )
    second = draw_audit(
        pairs, candidate_id="c", policy=POLICY.model_copy(update={"audit_items": items + more})
    )
    assert set(first["item_id"]) <= set(second["item_id"])
    for stratum, own in first.group_by("label_stratum"):
        size = pairs.filter(label_stratum=stratum[0]).height
        assert own.height >= min(POLICY.minimum_per_stratum, size)
        assert set(own["label_probability"]) == {own.height / size}


def test_no_items_are_drawn_where_the_policy_asks_for_none():
    none = HumanCorrectionSettings(audit_items=0)
    assert draw_audit(audited_pairs(trials([1], [0])), candidate_id="c", policy=none).is_empty()


def test_a_task_s_name_tells_neither_arm_nor_item_and_an_erasure_finds_it():
    names = {audit_interaction("c", "item-1", arm=arm) for arm in ("baseline", "candidate", "both")}
    assert len(names) == 3
    assert names == audit_interactions(["c"], ["item-1"])
    assert not any("item-1" in name or "candidate" in name for name in names)


def test_people_s_difference_minus_the_judges_is_what_corrects():
    # Judges see no difference; of 20 labelled pairs 5 candidates fail: -5/20.
    row = whole(corrected(20, fails=5))
    assert row["state"] == "used"
    assert row["rectifier"] == pytest.approx(-0.25)
    assert (row["items"], row["drawn"], row["labelled"], row["missing"]) == (100, 20, 20, 0)
    # Second phase: SS = 15/16 * 4, with two pseudo-residuals of 1: s2 = 5.75/21, (1 - 20/100).
    second = 0.8 * 5.75 / 21 / 20
    # First: labels' variance 3.75/19 over 100 items; the judges' own difference has none.
    assert row["rectifier_se"] ** 2 == pytest.approx(second + 3.75 / 19 / 100)


def test_what_is_not_settled_is_missing_and_too_much_of_it_corrects_nothing():
    few, some = whole(corrected(20, fails=5, missing=5)), whole(corrected(20, fails=5, missing=1))
    assert (few["state"], few["labelled"], few["missing"]) == ("unfinished", 15, 5)
    assert (some["state"], some["missing"]) == ("used", 1)
    assert whole(corrected(8, fails=1))["state"] == "too_few"
    assert pooled_rectifier(corrected(8, fails=1)) is None
    assert pooled_rectifier(corrected(20, fails=5, missing=5)) is None


def test_an_answer_that_no_judge_scored_counts_with_the_score_it_has():
    pairs = audited_pairs(trials([1] * 30, [0] * 30)).with_columns(
        judged_candidate=pl.lit(value=False)
    )
    rows = [(f"a{place:04}", "baseline", "agreed", "fail") for place in range(12)]
    rows += [(f"a{place:04}", "candidate", "given", None) for place in range(12)]
    scored = audit(rows).with_columns(
        score=pl.when(pl.col("arm") == "candidate").then(0.0).otherwise(1.0)
    )
    row = whole(rectify(pairs, scored, policy=POLICY, trials_fingerprint="f"))
    # Judges: -1. People: 0 - 0. So +1.
    assert row["labelled"] == 12
    assert row["rectifier"] == pytest.approx(1.0)


def test_a_corrected_test_adds_all_three_errors():
    mean = augmented_mean(pl.Series([0.0, 1.0, -1.0, 0.0] * 25).to_numpy())
    rectifier = PooledRectifier(-0.04, 0.0004, 0.0009, 30.0, 4, 60)
    subset = corrected_test(mean, rectifier, share=0.5, is_parent=False)
    assert subset.method == "corrected_t"
    assert subset.centre == pytest.approx(mean.centre - 0.02)
    own = mean.standard_error**2
    assert subset.standard_error**2 == pytest.approx(own + 0.25 * 0.0004 + 0.25 * 0.0009)
    total = own + 0.25 * 0.0013
    parts = own**2 / mean.degrees + (0.25 * 0.0004) ** 2 / 30 + (0.25 * 0.0009) ** 2 / 3
    assert subset.degrees == pytest.approx(total**2 / parts)
    parent = corrected_test(mean, rectifier, share=1.0, is_parent=True)
    assert parent.standard_error**2 == pytest.approx(own + 0.0004)


def test_a_score_test_s_counts_give_the_same_augmented_mean_as_its_pairs():
    values = [1.0] * 7 + [-1.0] * 3 + [0.0] * 40
    of_counts = as_mean(DiscordantPairs(7, 3, 50))
    of_pairs = augmented_mean(pl.Series(values).to_numpy())
    assert of_counts.centre == pytest.approx(of_pairs.centre)
    assert of_counts.standard_error == pytest.approx(of_pairs.standard_error)
    assert of_counts.degrees == pytest.approx(of_pairs.degrees)


def test_the_report_is_corrected_where_judges_scored_and_nowhere_else():
    judged = trials([1, 0] * 100, [1, 0] * 100)
    by_code = trials([1, 0] * 100, [1, 0] * 100, scorer="exact", subset="two").with_columns(
        item_id=pl.lit("b") + pl.col("item_id"), cluster_id=pl.lit("b") + pl.col("cluster_id")
    )
    rectifier = PooledRectifier(-0.1, 0.0001, 0.0, 30.0, 2, 60)
    report = compare(pl.concat([judged, by_code]), policy=GATE, judge_bias=rectifier)
    rows = {row["subset"]: row for row in report.to_dicts()}
    assert rows["one"]["difference"] == pytest.approx(-0.1)
    assert rows["one"]["judge_difference"] == 0
    assert rows["one"]["method"] == "corrected_t"
    assert rows["two"]["difference"] == 0
    assert rows["two"]["rectifier"] is None
    # Half of all items: half of the correction.
    assert rows["all"]["difference"] == pytest.approx(-0.05)
    assert rows["all"]["rectifier_se"] == pytest.approx(0.5 * 0.01)


def test_a_judge_only_pass_clears_the_bound_and_a_bound_blocks_nothing():
    rows = trials([1, 0] * 200, [1, 0] * 200)
    free = compare(rows, policy=GATE).filter(subset="all").row(0, named=True)
    bound = compare(rows, policy=GATE, judge_bias=BiasBound(0.045, 3))
    held = bound.filter(subset="all").row(0, named=True)
    assert free["state"] == "certified"
    assert held["state"] == "undecided"
    assert held["bias_bound"] == pytest.approx(0.045)
    assert held["difference"] == 0
    assert held["p_harm"] == free["p_harm"]
    # No number of items clears a bound as wide as the tolerance.
    wide = compare(rows, policy=GATE, judge_bias=BiasBound(0.05, 3)).filter(subset="all")
    assert wide["items_needed"].to_list() == [None]


def stored(size, on):
    row = {
        "subset": "all", "state": "used", "items": 10, "drawn": 10, "labelled": 10, "missing": 0,
        "rectifier": size, "labelled_on": dt.date(2026, 1, on), "trials_fingerprint": "f",
    }  # fmt: skip
    return pl.DataFrame([row], schema=HUMAN_CORRECTION.schema)


def test_the_bound_is_the_largest_of_the_last_eight_candidates_that_were_labelled():
    seen = [stored(0.3, 1), *(stored(-0.01 * day, day) for day in range(2, 10))]
    assert bias_bound(seen, policy=POLICY) == BiasBound(pytest.approx(0.09), 8)
    unused = stored(0.5, 20).with_columns(state=pl.lit("unfinished"))
    assert bias_bound([unused], policy=POLICY) is None
    assumed = POLICY.model_copy(update={"assumed_bias": 0.02})
    assert bias_bound([], policy=assumed) == BiasBound(0.02, 0)


def test_the_error_of_a_settled_label_follows_from_how_often_two_people_differ():
    # 18 of 100 differ: 2h(1 - h) = .18, h = .1; .01 wrong together, .18 * .1 by the adjudicator.
    doubles = [["pass", "pass"]] * 82 + [["pass", "fail"]] * 18
    assert label_error(doubles) == pytest.approx(0.01 + 0.018)
    assert label_error(doubles[:9]) is None
    assert label_error([["pass", "cannot_tell"]] * 50) is None


def decided(evidence, **more):
    rows = trials([1, 0] * 200, [1, 0] * 200)
    return decide(
        compare(rows, policy=GATE, **more),
        candidate_id="c", baseline_id="b", golden_version=1, policy=GATE, evidence=evidence,
    )  # fmt: skip


def test_a_decision_says_what_people_s_labels_did():
    correction = corrected(20, fails=1)
    with_people = decided(Evidence(correction=correction), judge_bias=pooled_rectifier(correction))
    assert not with_people.judge_only
    assert any("People labelled 20 pairs" in reason for reason in with_people.reasons)
    assert with_people.aggregate.corrected
    assert math.isclose(with_people.aggregate.difference, -0.05)


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence(), "no person labelled an output of the candidate"),
        (Evidence(correction=corrected(8, fails=1)), "people settled 8 pairs"),
        (Evidence(correction=corrected(20, fails=1, missing=6)), "6 are not settled"),
        (Evidence(correction=corrected(20, fails=1)), "of other scores than these"),
    ],
)
def test_a_judge_only_decision_says_why_and_that_nothing_bounds_it(evidence, said):
    decision = decided(evidence)
    assert decision.judge_only
    assert said in decision.reasons[-1]
    assert "is not bounded" in decision.reasons[-1]
    bounded = decided(evidence, judge_bias=BiasBound(0.01, 2))
    assert "by 1.0 points more" in bounded.reasons[-1]


def test_a_finding_without_people_reads_as_before():
    row = compare(trials([1] * 20, [1] * 20), policy=GATE).row(0, named=True)
    assert not SubsetFinding.model_validate(row).corrected


def test_the_interval_of_the_corrected_difference_is_its_t_interval():
    rectifier = PooledRectifier(0.0, 0.01, 0.0, 9.0, 1, 10)
    test = corrected_test(DiscordantPairs(0, 0, 100_000), rectifier, share=1.0, is_parent=True)
    half = scipy.stats.t.ppf(0.975, test.degrees) * test.standard_error
    assert test.interval(0.95) == pytest.approx((-half, half), abs=1e-6)
    assert test.degrees == pytest.approx(9.0, rel=0.01)
