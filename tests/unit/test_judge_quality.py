"""What is known of the judges in one frame, worked by hand on made labels."""

import numpy as np
import polars as pl
import pytest

from eval_pipeline.judging.quality.graded import graded_responses, weakest
from eval_pipeline.judging.quality.measures import judge_quality, judge_reliability
from eval_pipeline.judging.quality.rated import Judged
from eval_pipeline.reports.judge_quality import (
    against_limits,
    in_words,
    page_rows,
    reliability_diagram,
)
from eval_pipeline.settings import JudgeQualitySettings
from eval_pipeline.tables import JUDGE_BIASES, JUDGE_RELIABILITY, PANEL_VERDICTS
from tests.judges import label_rows, probe_rows, response_rows, verdict_rows

RUBRIC = "general@0"
P, F = "pass", "fail"


def panel_rows(votes: list[tuple[int, int]]) -> pl.DataFrame:
    rows = [
        {
            "interaction_id": f"i{item:04}",
            "panel_verdict": P if passes > fails else F if fails > passes else None,
            "reason": "majority",
            "judges": 2,
            "passes": passes,
            "fails": fails,
            "abstentions": 0,
            "missing": 0,
        }
        for item, (passes, fails) in enumerate(votes)
    ]
    return PANEL_VERDICTS.conform(pl.DataFrame(rows, schema=PANEL_VERDICTS.schema))


def judged(
    given: list[str | None],
    labels: list[str],
    *,
    people: list[list[str]] | None = None,
    votes: list[tuple[int, int]] | None = None,
    probes: pl.DataFrame | None = None,
    probabilities: list[float] | None = None,
    selection: str = "audit",
    rubrics: tuple[str, ...] = (RUBRIC,),
) -> Judged:
    adjudications = label_rows(labels, probabilities=probabilities, selection=selection)
    if people is not None:
        adjudications = adjudications.with_columns(labels=pl.Series(people))
    return Judged(
        verdicts=verdict_rows("owl", given),
        panel_verdicts=panel_rows(votes or []),
        adjudications=adjudications,
        probes=(probes if probes is not None else probe_rows([])).drop("week"),
        responses=response_rows(len(labels)).select("interaction_id", "conversation_key"),
        rubrics=rubrics,
        levels={RUBRIC: (("not_met", "met"),)},
        weeks=3,
    )


def measured(of: Judged, biases: pl.DataFrame | None = None) -> pl.DataFrame:
    frame = JUDGE_BIASES.empty() if biases is None else biases
    return judge_quality(of, frame, judges=["owl"], resamples=200)


def row(frame: pl.DataFrame, judge: str, measure: str, **where: str) -> dict[str, object]:
    wanted = {"judge_id": judge, "measure": measure, "rubric_id": "all", **where}
    return frame.row(by_predicate=pl.all_horizontal(
        pl.col(name) == value for name, value in wanted.items()
    ), named=True)  # fmt: skip


def test_agreement_weighs_each_label_by_one_over_its_probability():
    # right on the first three, weights 2, 2, 2, wrong on the last, weight 4: 6 / 10
    found = measured(judged([P, P, F, P], [P, P, F, F], probabilities=[0.5, 0.5, 0.5, 0.25]))
    assert row(found, "owl", "agreement")["value"] == pytest.approx(0.6)
    assert row(found, "owl", "sensitivity")["value"] == pytest.approx(1.0)
    assert row(found, "owl", "specificity")["value"] == pytest.approx(2 / 6)
    assert row(found, "owl", "base_rate")["value"] == pytest.approx(4 / 10)
    assert row(found, "owl", "agreement", rubric_id=RUBRIC)["value"] == pytest.approx(0.6)


def test_the_ceiling_is_what_two_people_come_to_on_the_same_weeks():
    labels = [P, P, P, F, F, F]
    people = [[P, P], [P, P], [P, F], [F, F], [F, F], [F, F]]
    found = measured(judged(labels, labels, people=people))
    between = row(found, "people", "alpha", against="people")["value"]
    # Of 12 values 5 pass: 2 of 12 disagree, and 2 * 5 * 7 / (12 * 11) would by chance.
    assert isinstance(between, float)
    assert between == pytest.approx(1 - (2 / 12) / (70 / 132))
    assert row(found, "owl", "alpha")["ceiling"] == pytest.approx(between)
    assert row(found, "owl", "share_of_ceiling")["value"] == pytest.approx(1 / between)
    assert row(found, "people", "agreement")["value"] == pytest.approx(5 / 6)


def test_without_an_audit_slice_nothing_is_measured_and_the_row_says_why():
    found = measured(judged([P, F], [P, F], selection="dispute"))
    told = row(found, "owl", "alpha")
    assert (told["value"], told["finding"]) == (None, "not_measured")
    assert str(told["note"]).startswith("no audit labels")


def test_verdicts_under_a_rubric_that_is_no_longer_in_force_are_left_out():
    found = measured(judged([P, F], [P, F], rubrics=("general@1",)))
    assert row(found, "owl", "agreement")["value"] is None


def test_a_judge_that_only_says_pass_or_fail_grades_nothing():
    found = measured(judged([P, F], [P, F], probes=probe_rows(
        {"item_id": f"x{item}", "interaction_id": f"i{item:04}", "rubric_id": RUBRIC,
         "verdict": said} for item, said in enumerate([P, F])
    )))  # fmt: skip
    told = row(found, "owl", "brier", against="repeats")
    assert (told["value"], told["items"]) == (None, 2)
    assert str(told["note"]).startswith("it grades nothing")


def test_repeats_are_all_that_it_said_of_the_same_words():
    probes = probe_rows(
        {"probe": probe, "item_id": "x", "interaction_id": "i0000", "rubric_id": RUBRIC,
         "verdict": said, "week": week}
        for probe, said, week in [("retest", P, "1"), ("anchor", F, "2"), ("anchor", P, "3")]
    )  # fmt: skip
    graded = graded_responses(judged([P, F], [P, F], probes=probes))
    (only,) = graded.filter(pl.col("rubric_id") == RUBRIC).to_dicts()
    assert (only["against"], only["probability"]) == ("repeats", pytest.approx(3 / 4))


def test_the_weakest_criterion_is_the_grade_and_two_levels_are_none():
    scale = (("nothing", "vague", "concrete"), ("not_met", "met"))
    given = [{"criterion": 1, "level": "vague"}, {"criterion": 2, "level": "met"}]
    assert weakest(given, scale) == pytest.approx(0.5)
    assert weakest([{"criterion": 1, "level": None}], scale) is None
    assert weakest([{"criterion": 1, "level": "met"}], (("not_met", "met"),)) is None


def test_the_panel_s_votes_are_its_grade_and_splits_count():
    # said 1, 1, .5, .5, 0; passed 1, 1, 1, 0, 0: Brier (2 * .25) / 5
    found = measured(
        judged([P] * 5, [P, P, P, F, F], votes=[(2, 0), (2, 0), (1, 1), (1, 1), (0, 2)])
    )
    assert row(found, "panel", "brier", against="votes")["value"] == pytest.approx(0.1)
    told = row(found, "panel", "ece_debiased", against="votes")
    assert told["value"] is None
    assert str(told["note"]).startswith("insufficient: 5 labels")
    bins = judge_reliability(
        judged([P] * 5, [P, P, P, F, F], votes=[(2, 0), (2, 0), (1, 1), (1, 1), (0, 2)])
    ).filter(pl.col("rubric_id") == "all")
    assert bins.select("said", "came", "items").rows() == [(0, 0, 1), (0.5, 0.5, 2), (1, 1, 2)]


@pytest.mark.slow
def test_votes_that_promise_too_much_are_off_and_honest_ones_are_not():
    rng = np.random.default_rng(5)
    passes = rng.integers(0, 5, 1200)
    for overstated, expected in ((0.0, 0.0), (0.25, 0.25)):
        chance = np.clip(passes / 4 - overstated, 0, 1)
        labels = [P if hit else F for hit in rng.random(1200) < chance]
        votes = [(int(count), int(4 - count)) for count in passes]
        found = measured(judged([P] * 1200, labels, votes=votes))
        told = row(found, "panel", "ece_debiased", against="votes")
        assert told["value"] == pytest.approx(expected * 0.8, abs=0.02)
        assert isinstance(told["lower"], float)
        assert isinstance(told["upper"], float)
        assert told["lower"] < told["value"] < told["upper"]  # type: ignore[operator]


def biases(**changed: object) -> pl.DataFrame:
    usual = {
        "judge_id": "owl", "measure": "retest_flips", "against": "itself", "value": 0.1,
        "lower": 0.06, "upper": 0.16, "items": 80, "missing": 1, "limit": 0.05,
        "finding": "beyond_limit",
    }  # fmt: skip
    return JUDGE_BIASES.conform(pl.DataFrame([{**usual, **changed}], schema=JUDGE_BIASES.schema))


def test_what_the_weekly_checks_found_stands_beside_the_rest():
    told = row(measured(judged([P], [P]), biases()), "owl", "retest_flips")
    assert (told["value"], told["items"], told["finding"]) == (0.1, 80, "beyond_limit")
    assert told["weeks"] == 3


def test_a_high_base_rate_is_told_beside_kappa():
    # 18 both pass, 1 and 1 of the others: kappa -.05, AC1 .89, base rate .95
    found = measured(judged([P] * 18 + [P, F], [P] * 18 + [F, P]))
    owl = next(one for one in page_rows(found) if one["name"] == "owl")
    assert "95 % of labels pass: read AC1, not kappa" in owl["remark"]
    assert "sees 95 % of passes and 0 % of fails" in owl["remark"]
    assert in_words(found).height == 3
    assert page_rows(None) == []


def test_limits_are_told_judge_by_judge_in_sentences():
    policy = JudgeQualitySettings(maximum_retest_flips=0.05)
    (told,) = against_limits(measured(judged([P], [P]), biases()), policy).to_dicts()
    assert (told["judge"], told["state"]) == ("owl", "breached")
    assert "10.0 points (6.0 to 16.0) on 80; the policy accepts at most 5.0 points." in told["what"]


def test_the_diagram_is_drawn_with_and_without_bins():
    bins = judge_reliability(judged([P] * 3, [P, P, F], votes=[(2, 0), (1, 1), (1, 1)]))
    assert "panel: votes" in reliability_diagram(bins)
    assert reliability_diagram(JUDGE_RELIABILITY.empty()).startswith("<svg")


def test_the_panel_says_how_many_independent_judges_it_is_worth():
    worth = biases(judge_id="panel", measure="effective_judges", against="labels", value=1.4)
    found = measured(judged([P], [P], votes=[(2, 0)]), worth)
    panel = next(one for one in page_rows(found) if one["name"] == "panel")
    assert panel["remark"].startswith("worth 1.4 judges of independent errors")
