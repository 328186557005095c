"""What is measured of judges, on numbers worked by hand."""

import numpy as np
import polars as pl
import pytest

from eval_pipeline.judging.biases.correlation import effective, shared_errors
from eval_pipeline.judging.biases.drifting import anchor_drift, recurring_disagreement, with_faults
from eval_pipeline.judging.biases.labelled import (
    labelled_verdicts,
    self_preference,
    self_preference_against_judges,
    verbosity,
)
from eval_pipeline.judging.biases.measured import Measured, finding_of
from eval_pipeline.judging.biases.measures import JudgedSoFar, measure_judges
from eval_pipeline.judging.biases.repeated import (
    differing_share,
    mismatch_share,
    position_effects,
)
from eval_pipeline.reports.judge_checks import bias_chart, in_words, sentence, warnings
from eval_pipeline.settings import JudgeChecksSettings
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import JUDGE_BIASES
from tests.judges import (
    WEEK,
    label_rows,
    no_panel,
    position_probes,
    probe_rows,
    response_rows,
    verdict_rows,
)

CONFIDENCE = 0.95


def retests(pairs):
    return probe_rows(
        {"item_id": f"i{item}", "expected": before, "verdict": now}
        for item, (before, now) in enumerate(pairs)
    )


def test_a_flip_is_any_other_verdict_and_what_was_not_answered_twice_is_missing():
    measured = differing_share(
        retests(
            [("pass", "pass"), ("pass", "fail"), ("fail", "abstain"), ("fail", "fail"),
             ("pass", None), (None, "pass")]
        ),
        confidence=CONFIDENCE,
    )  # fmt: skip
    # 2 of 4
    assert (measured.value, measured.items, measured.missing) == (0.5, 4, 2)
    assert (measured.lower, measured.upper) == wilson(0.5, 4, confidence=CONFIDENCE)


def test_nothing_answered_is_not_measured_and_says_so():
    measured = differing_share(retests([("pass", None)]), confidence=CONFIDENCE)
    assert (measured.value, measured.missing) == (None, 1)
    assert finding_of(measured, 0.05) == "not_measured"


def test_reasons_that_support_neither_verdict_are_missing_not_mismatch():
    measured = mismatch_share(
        retests([("pass", "pass"), ("pass", "fail"), ("fail", "abstain")]), confidence=CONFIDENCE
    )
    assert (measured.value, measured.items, measured.missing) == (0.5, 2, 1)


@pytest.mark.parametrize(
    ("four", "excess", "bias"),
    [
        # The better response wins wherever it stands.
        (("a", "b", "a", "b"), 0.0, 0.0),
        # Whatever stands first wins: every swap flips, no rerun does; first place wins 4 of 4.
        (("a", "a", "a", "a"), 1.0, 0.5),
        (("b", "b", "b", "b"), 1.0, -0.5),
        # Ties everywhere.
        (("tie", "tie", "tie", "tie"), 0.0, 0.0),
        # A coin: scores 1, 1 | 0, 0 by repeat: swaps flip in 2 of 4 combinations, reruns in 2 of 2.
        (("a", "b", "b", "a"), -0.5, 0.0),
        # One order ties: every swap flips; the first place wins 1, 1, .5, .5: .75.
        (("a", "tie", "a", "tie"), 1.0, 0.25),
    ],
)
def test_position_effects_of_one_pair(four, excess, bias):
    effects = position_effects(position_probes([four]), confidence=CONFIDENCE)
    assert effects.excess.value == pytest.approx(excess)
    assert effects.bias.value == pytest.approx(bias)
    assert effects.excess.note == "a response and its reference: 1"


def test_a_pair_without_all_four_answers_is_missing():
    effects = position_effects(
        position_probes([("a", "b", "a", "b"), ("a", None, "a", "b")]), confidence=CONFIDENCE
    )
    assert (effects.excess.items, effects.excess.missing) == (1, 1)
    nothing = position_effects(position_probes([]), confidence=CONFIDENCE)
    assert nothing.bias.value is None


def labelled(given, labels, **responses):
    return labelled_verdicts(
        verdict_rows("owl", given),
        no_panel(),
        label_rows(labels),
        response_rows(len(given), **responses),
    )


def test_verbosity_is_the_slope_of_the_error_on_standardised_log_length():
    # Long failures pass: error 1 on the long half, 0 on the short. Two lengths in equal numbers
    # are z = -1 and 1, so the slope is (1 - 0) / 2.
    measured = verbosity(
        labelled(["pass"] * 12, ["fail"] * 6 + ["pass"] * 6, characters=[900] * 6 + [90] * 6),
        confidence=CONFIDENCE,
    )
    assert measured.value == pytest.approx(0.5)
    assert measured.items == 12


def test_few_errors_are_no_slope_and_neither_are_disputes_alone():
    few = verbosity(labelled(["pass"] * 9, ["fail"] * 4 + ["pass"] * 5), confidence=CONFIDENCE)
    assert few.value is None
    assert few.note == "4 errors among the labels; a slope needs at least 5"
    disputes = labelled_verdicts(
        verdict_rows("owl", ["pass"] * 9),
        no_panel(),
        label_rows(["fail"] * 9, selection="dispute"),
        response_rows(9),
    )
    assert verbosity(disputes, confidence=CONFIDENCE).note.startswith("no audit labels")


def test_self_preference_is_the_difference_of_mean_errors_between_own_and_other_families():
    # Own family: 5 of 10 wrongly passed, error .5. Others: 2 of 10 wrongly failed, error -.2.
    measured = self_preference(
        labelled(
            ["pass"] * 10 + ["fail"] * 2 + ["pass"] * 8 + ["pass"],
            ["fail"] * 5 + ["pass"] * 15 + ["pass"],
            families=["strix"] * 10 + ["corvus"] * 10 + [None],
        ),
        confidence=CONFIDENCE,
    )
    assert measured.value == pytest.approx(0.7)
    assert (measured.items, measured.missing) == (20, 1)


def test_without_responses_of_known_families_self_preference_is_not_measured():
    rows = labelled(["pass"] * 6, ["fail"] * 6)
    assert self_preference(rows, confidence=CONFIDENCE).note == (
        "it is not known which family gave the responses"
    )
    own = labelled(["pass"] * 6, ["fail"] * 6, families=["strix"] * 6)
    assert self_preference(own, confidence=CONFIDENCE).note == (
        "all responses of known family are of the judge's own"
    )


def test_the_difference_in_differences_needs_no_label():
    # On its own family the judge passes 6 of 10 more than the other judge, elsewhere 0 of 10.
    verdicts = pl.concat(
        [
            verdict_rows("owl", ["pass"] * 20),
            verdict_rows("crow", ["fail"] * 6 + ["pass"] * 14, family="corvus"),
        ]
    )
    responses = response_rows(20, families=["strix"] * 10 + ["other"] * 10)
    measured = self_preference_against_judges(
        verdicts, responses, judge_id="owl", family="strix", confidence=CONFIDENCE
    )
    assert measured.value == pytest.approx(0.6)


def two_judges(first, second, labels):
    verdicts = pl.concat([verdict_rows("owl", first), verdict_rows("crow", second, family="c")])
    return labelled_verdicts(verdicts, no_panel(), label_rows(labels), response_rows(len(labels)))


def test_phi_of_errors_and_the_effective_number_of_judges():
    # Errors of 20: both 4, owl only 2, crow only 2, none 12.
    # phi = (4*12 - 2*2) / sqrt(6*14*6*14) = 44/84; 2 / (1 + 44/84) = 1.3125
    owl = ["pass"] * 6 + ["fail"] * 14
    crow = ["pass"] * 4 + ["fail"] * 2 + ["pass"] * 2 + ["fail"] * 12
    shared = shared_errors(two_judges(owl, crow, ["fail"] * 20), confidence=CONFIDENCE)
    measured = shared.pairs["crow", "owl"]
    assert measured.value == pytest.approx(44 / 84)
    assert measured.lower < 44 / 84 < measured.upper
    assert shared.effective_judges.value == pytest.approx(2 / (1 + 44 / 84))


def test_judges_that_err_apart_are_not_worth_more_than_their_number():
    assert effective(np.array([-0.3]), judges=2) == 2.0
    assert effective(np.array([1.0, 1.0, 1.0]), judges=3) == 1.0


def test_a_judge_that_came_later_takes_nothing_from_what_is_known_of_the_others():
    owl = ["pass"] * 6 + ["fail"] * 14
    crow = ["pass"] * 4 + ["fail"] * 2 + ["pass"] * 2 + ["fail"] * 12
    rows = two_judges(owl, crow, ["fail"] * 20)
    late = labelled_verdicts(
        verdict_rows("wren", [None] * 19 + ["pass"], family="w"),
        no_panel(),
        label_rows(["fail"] * 20),
        response_rows(20),
    )
    shared = shared_errors(pl.concat([rows, late]), confidence=CONFIDENCE)
    assert shared.pairs["crow", "owl"].value == pytest.approx(44 / 84)
    assert shared.pairs["crow", "wren"].missing == 19
    assert shared.effective_judges.value is None


def test_too_few_errors_leave_correlation_and_effective_judges_unmeasured():
    shared = shared_errors(
        two_judges(["pass"] * 20, ["fail"] * 20, ["fail"] * 20), confidence=CONFIDENCE
    )
    assert shared.pairs["crow", "owl"].value is None
    assert shared.effective_judges.note == "fewer than 5 errors of one of them"


def anchors(weeks):
    """Per week, per anchor: (verdict, label)."""
    return probe_rows(
        {
            "probe": "anchor",
            "week": week,
            "item_id": f"i{item}",
            "verdict": v,
            "expected": label,
            "criterion": 2 if v == "fail" else None,
        }
        for week, answers in weeks.items()
        for item, (v, label) in enumerate(answers)
    )


def test_anchors_are_held_against_their_first_verdict():
    # First right 9 of 10; now 6 wrong that were right: 0.9 -> 0.3.
    history = anchors(
        {
            "2026-11-02": [("pass", "pass")] * 9 + [("fail", "pass")],
            "2026-11-09": [(None, "pass")] * 10,
            WEEK: [("fail", "pass")] * 6 + [("pass", "pass")] * 3 + [("fail", "pass")],
        }
    )
    drift = anchor_drift(history, week=WEEK, confidence=CONFIDENCE)
    assert drift.changes.value == pytest.approx(0.6)
    assert drift.accuracy.value == pytest.approx(0.3)
    assert drift.accuracy_change.value == pytest.approx(-0.6)
    # McNemar: 6 of 6 one way, 2 / 2^6
    assert drift.accuracy_change.p_value == pytest.approx(2 / 64)
    assert drift.accuracy_change.note == "right to wrong: 6; wrong to right: 0"


def test_another_rubric_starts_anew_and_a_first_week_has_nothing_to_compare():
    old = anchors({"2026-11-09": [("pass", "pass")] * 3})
    new = anchors({WEEK: [("fail", "pass")] * 3}).with_columns(rubric_id=pl.lit("general@1"))
    drift = anchor_drift(pl.concat([old, new]), week=WEEK, confidence=CONFIDENCE)
    assert drift.accuracy.value == 0.0
    assert drift.changes.note == "no anchor has an earlier verdict to compare with"


def test_an_anchor_recurs_where_it_is_wrong_in_three_of_four_weeks():
    weeks = ["2026-10-26", "2026-11-02", "2026-11-09", WEEK]
    wrong, right = ("fail", "pass"), ("pass", "pass")
    history = anchors(
        {
            weeks[0]: [wrong, wrong, right, wrong],
            weeks[1]: [wrong, right, wrong, right],
            weeks[2]: [right, right, right, right],
            weeks[3]: [wrong, wrong, right, (None, "pass")],
        }
    )
    measured = recurring_disagreement(
        with_faults(history), weeks=weeks, fault="general@0: criterion 2", confidence=CONFIDENCE
    )
    # Asked 4, 4, 4 and 3 times, wrong 3, 2, 1 and 1: one of four recurs. The rate is r = 7 / 15;
    # by chance (3 * (4 * r^3 * (1 - r) + r^4) + r^3) / 4 = c; P(at least 1 of 4) = 1 - (1 - c)^4
    rate = 7 / 15
    chance = (3 * (4 * rate**3 * (1 - rate) + rate**4) + rate**3) / 4
    assert (measured.value, measured.items) == (0.25, 4)
    assert measured.p_value == pytest.approx(1 - (1 - chance) ** 4)


def test_a_fault_is_the_criterion_wrongly_called_broken_or_what_was_missed():
    verdicts = [("fail", "pass"), ("pass", "fail"), ("abstain", "pass"), ("pass", "pass")]
    faults = with_faults(anchors({WEEK: [*verdicts, (None, "pass")]}))["fault"].to_list()
    rubric = "general@0"
    assert faults == [
        f"{rubric}: criterion 2", f"{rubric}: missed", f"{rubric}: abstained", None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lower", "upper", "finding"),
    [
        (0.0, 0.05, "within_limit"),
        (0.01, 0.06, "undecided"),
        (0.06, 0.2, "beyond_limit"),
        (-0.2, -0.06, "beyond_limit"),
        (-0.06, 0.01, "undecided"),
    ],
)
def test_only_an_interval_wholly_beyond_the_limit_is_beyond_it(lower, upper, finding):
    assert finding_of(Measured((lower + upper) / 2, lower, upper, items=9), 0.05) == finding


def measured_week(probes, **policy):
    return measure_judges(
        probes,
        JudgedSoFar(
            verdict_rows("owl", ["pass"] * 3), no_panel(), label_rows(["pass"] * 3),
            response_rows(3),
        ),
        week=WEEK,
        judges={"owl": "strix", "crow": "corvus"},
        policy=JudgeChecksSettings(**policy),
    )  # fmt: skip


def test_every_judge_has_every_measure_and_what_was_not_measured_says_why():
    biases = measured_week(probe_rows([]))
    assert set(biases["finding"]) == {"not_measured"}
    assert biases["note"].null_count() == 0
    per_judge = biases.filter(pl.col("judge_id") == "owl").select("measure", "against").rows()
    others = biases.filter(pl.col("judge_id") == "crow").select("measure", "against").rows()
    assert per_judge == others
    assert len(per_judge) == 11
    assert bias_chart(biases).startswith("<svg")


def test_a_judge_that_prefers_whichever_stands_first_is_named_in_plain_words():
    biases = measured_week(position_probes([("a", "a", "a", "a")] * 30))
    told = warnings(biases)
    assert len(told) == 2
    row = biases.filter(pl.col("measure") == "position_bias", pl.col("judge_id") == "owl")
    assert sentence(row.row(0, named=True)).startswith(
        "owl prefers whichever response stands first: 50.0 points (40.5 to 50.0), on 30, "
    )
    assert "where 3.0 points are allowed" in told[0] + told[1]
    assert in_words(biases)["finding"][0] == "beyond the limit"
    assert "position bias" in bias_chart(biases)


def test_an_alarm_on_anchors_is_adjusted_for_all_claims_of_the_week():
    # Ten right to wrong, none back: 2 / 2^10. Two claims (change, recurrence of 10 in one week is
    # none yet): the second is unmeasured, so one claim of one judge: BY of one is itself.
    history = anchors(
        {"2026-11-09": [("pass", "pass")] * 20,
         WEEK: [("fail", "pass")] * 10 + [("pass", "pass")] * 10}
    )  # fmt: skip
    biases = measured_week(history)
    row = biases.filter(pl.col("measure") == "anchor_accuracy_change", pl.col("judge_id") == "owl")
    assert row["finding"].item() == "alarm"
    assert row["p_value"].item() == pytest.approx(2 / 1024)
    assert any("owl has become better or worse on anchors" in told for told in warnings(biases))


@pytest.mark.parametrize(
    ("minimum", "finding"), [(0.0, "alarm"), (0.5, "alarm"), (0.51, "within_limit")]
)
def test_a_change_that_is_real_and_too_small_to_matter_is_no_alarm(minimum, finding):
    history = anchors(
        {"2026-11-09": [("pass", "pass")] * 20,
         WEEK: [("fail", "pass")] * 10 + [("pass", "pass")] * 10}
    )  # fmt: skip
    biases = measured_week(history, minimum_anchor_change=minimum)
    row = biases.filter(pl.col("measure") == "anchor_accuracy_change", pl.col("judge_id") == "owl")
    assert row["finding"].item() == finding


def test_the_same_rows_in_any_order_give_the_same_measurements():
    probes = pl.concat(
        [position_probes([("a", "b", "tie", "b")] * 7), retests([("pass", "fail")] * 5)]
    )
    shuffled = probes.sample(fraction=1.0, shuffle=True, seed=3)
    assert measured_week(probes).equals(measured_week(shuffled))
    assert JUDGE_BIASES.conform(measured_week(probes)).height
