"""Which labels count as blind ones, and what is measured from them."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.judging.calibration import calibrate
from eval_pipeline.review.adjudication import settle
from eval_pipeline.review.agreement_report import agreement_report, estimates_of, subset_alphas
from eval_pipeline.review.blind_labels import BlindTask, blind_tasks
from eval_pipeline.settings import ReviewSettings
from eval_pipeline.tables import ADJUDICATIONS, PANEL_VERDICTS, VERDICTS
from tests.blind_worlds import WEEK, label, labels_frame, membership_frame, task, tasks_frame

NOBODY = membership_frame({})
EARLIER = "2026-11-09"


def blind(
    labels: list[dict[str, object]], tasks: list[dict[str, object]] | None = None
) -> tuple[BlindTask, ...]:
    return blind_tasks(tasks_frame(tasks or [task("t")]), labels_frame(labels), NOBODY)


def ratings(labels: list[dict[str, object]], **of_task: object) -> tuple[str | None, ...]:
    (only,) = blind(labels, [task("t", **of_task)])
    return only.ratings


def test_the_first_labels_by_different_people_count() -> None:
    given_labels = [
        label("t", "cy", "pass", at=3), label("t", "bo", "fail", at=2),
        label("t", "ann", "pass", at=1),
    ]  # fmt: skip
    assert ratings(given_labels) == ("pass", "fail")
    assert ratings(given_labels, labels_needed=3) == ("pass", "fail", "pass")


def test_a_correction_keeps_the_turn_of_what_it_corrects() -> None:
    first = label("t", "ann", "fail", at=1)
    later = label("t", "ann", "pass", at=9, corrects=first["label_id"])
    rest = [label("t", "bo", "fail", at=2), label("t", "cy", "fail", at=3)]
    assert ratings([first, later, *rest]) == ("pass", "fail")


def test_a_withdrawn_label_counts_for_nothing_and_the_next_persons_takes_its_place() -> None:
    given_labels = [
        label("t", "ann", "fail", at=1, withdrawn=True), label("t", "bo", "pass", at=2),
        label("t", "cy", "pass", at=3),
    ]  # fmt: skip
    assert ratings(given_labels) == ("pass", "pass")
    assert ratings(given_labels[:2]) == ("pass", None)


def test_a_withdrawn_correction_does_not_bring_back_what_it_corrected() -> None:
    first = label("t", "ann", "fail", at=1)
    later = label("t", "ann", "pass", at=2, corrects=first["label_id"], withdrawn=True)
    assert ratings([first, later]) == (None, None)


def test_who_cannot_tell_is_missing_where_labels_are_compared() -> None:
    (only,) = blind([label("t", "ann", "cannot_tell"), label("t", "bo", "pass", at=1)])
    assert only.ratings == ("cannot_tell", "pass")
    assert only.decided == (None, "pass")


def test_a_task_that_a_script_labelled_is_the_scripts() -> None:
    (only,) = blind(
        [label("t", "ann", "pass"), label("t", "bot", "pass", at=1, annotator_kind="scripted")]
    )
    assert only.annotator_kind == "scripted"


ANSWERS = st.lists(
    st.tuples(
        st.sampled_from(["t1", "t2", "t3"]),
        st.sampled_from(["ann", "bo", "cy"]),
        st.sampled_from(["pass", "fail", "cannot_tell"]),
        st.booleans(),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(ANSWERS)
def test_the_labels_that_count_are_those_that_settle_the_task(answers) -> None:
    rows: list[dict[str, object]] = []
    newest: dict[tuple[str, str], object] = {}
    for at, (task_id, person, answer, correcting) in enumerate(answers):
        before = newest.get((task_id, person))
        if (before is not None) != correcting:
            continue
        rows.append(label(task_id, person, answer, at=at, corrects=before))
        newest[task_id, person] = rows[-1]["label_id"]
    tasks = [task(name) for name in ("t1", "t2", "t3")]
    nothing = pl.DataFrame(
        schema={
            "adjudication_id": pl.String, "task_id": pl.String, "adjudicated_by": pl.String,
            "adjudicated_at": pl.Datetime("us", "UTC"), "corrects": pl.String,
        }
    )  # fmt: skip
    settled = settle(tasks_frame(tasks), labels_frame(rows), nothing, policy=ReviewSettings())
    ours = [each.decided for each in blind(rows, tasks) if each.counted]
    assert tuple(ours) == settled.ratings


def twice(task_id: str, first: str, second: str, **kinds: str) -> list[dict[str, object]]:
    return [label(task_id, "ann", first, **kinds), label(task_id, "bo", second, at=1, **kinds)]


def value(report: pl.DataFrame, measure: str, **where: str) -> float | None:
    scope = {"subset": "all", "span": "week", "annotator_kind": "person", **where}
    rows = report.filter(measure=measure, **scope)
    return rows["value"].item()


def test_the_ceiling_weighs_what_the_queue_drew_by_its_chance() -> None:
    # Random: two agree, asked with .1 each. Queue: one agrees, two do not, asked with .5 each.
    # Raw 3/5; (10 + 10 + 2) / (10 + 10 + 2 + 2 + 2) = 22/26
    tasks = [task(name, label_probability=0.1) for name in ("a", "b")] + [
        task(name, selection="dispute", label_probability=0.5) for name in ("c", "d", "e")
    ]
    labels = [row for name in ("a", "b", "c") for row in twice(name, "pass", "pass")]
    labels += twice("d", "pass", "fail") + twice("e", "fail", "pass")
    report = agreement_report(blind(labels, tasks), week=WEEK, resamples=50)
    assert value(report, "percent") == pytest.approx(3 / 5)
    assert value(report, "ceiling") == pytest.approx(22 / 26)


def test_a_queue_of_disputes_alone_has_no_ceiling() -> None:
    tasks = [task("a", selection="dispute", label_probability=0.5)]
    report = agreement_report(blind(twice("a", "pass", "pass"), tasks), week=WEEK, resamples=50)
    assert value(report, "ceiling") is None
    assert value(report, "percent") == 1.0


def test_the_judges_calibration_says_the_same_of_people() -> None:
    tasks = [task(name, label_probability=0.25) for name in "abcd"]
    tasks += [task(name, selection="dispute", label_probability=0.5) for name in "ef"]
    said = {"a": "pp", "b": "ff", "c": "pf", "d": "pp", "e": "pf", "f": "ff"}
    words = {"p": "pass", "f": "fail"}
    labels = [
        row for name, (one, two) in said.items() for row in twice(name, words[one], words[two])
    ]
    adjudicated = pl.DataFrame(
        [
            {
                **dict.fromkeys(ADJUDICATIONS.schema, None),
                "interaction_id": each["interaction_id"], "task_id": each["task_id"],
                "label": "pass", "settled_by": "agreement", "selection": each["selection"],
                "label_probability": each["label_probability"], "annotators": ["ann", "bo"],
                "labels": [words[answer] for answer in said[str(each["task_id"])]],
                "annotator_kind": "person",
            }
            for each in tasks
        ],
        schema=ADJUDICATIONS.schema,
    )  # fmt: skip
    calibrated = calibrate(VERDICTS.empty(), PANEL_VERDICTS.empty(), adjudicated, weeks=1)
    theirs = calibrated.filter(judge_id="people", measure="agreement").row(0, named=True)
    report = agreement_report(blind(labels, tasks), week=WEEK, resamples=50)
    ours = report.filter(measure="ceiling", span="week", subset="all").row(0, named=True)
    for column in ("value", "lower", "upper"):
        assert ours[column] == pytest.approx(theirs[column], abs=1e-12)


def test_each_subset_and_all_are_measured_apart() -> None:
    tasks = [task(name) for name in ("a", "b", "c")]
    labels = twice("a", "pass", "pass") + twice("b", "pass", "fail") + twice("c", "fail", "fail")
    members = membership_frame({"a": ["dosage"], "b": ["dosage", "refunds"], "c": []})
    found = blind_tasks(tasks_frame(tasks), labels_frame(labels), members)
    report = agreement_report(found, week=WEEK, resamples=50)
    assert value(report, "percent", subset="dosage") == pytest.approx(1 / 2)
    assert value(report, "percent", subset="refunds") == 0.0
    assert value(report, "percent") == pytest.approx(2 / 3)


def test_people_and_scripts_are_never_pooled() -> None:
    tasks = [task("a"), task("b")]
    labels = twice("a", "pass", "pass") + twice("b", "pass", "fail", annotator_kind="scripted")
    report = agreement_report(blind(labels, tasks), week=WEEK, resamples=50)
    assert value(report, "percent") == 1.0
    assert value(report, "percent", annotator_kind="scripted") == 0.0
    (percent, *_) = estimates_of(report, subset="all", span="week")
    assert (percent.measure, percent.value) == ("percent", 1.0)


def test_gold_checks_are_left_out() -> None:
    tasks = [task("a"), task("g", selection="gold_check", known_label="pass")]
    labels = twice("a", "pass", "pass") + twice("g", "pass", "fail")
    report = agreement_report(blind(labels, tasks), week=WEEK, resamples=50)
    assert value(report, "percent") == 1.0
    assert report["asked"].unique().to_list() == [1]


def test_the_window_pools_weeks_of_one_rubric() -> None:
    tasks = [task("a"), task("b", week=EARLIER), task("c", week=EARLIER, rubric_id="helpful@0")]
    labels = twice("a", "pass", "pass") + twice("b", "pass", "fail") + twice("c", "fail", "pass")
    report = agreement_report(blind(labels, tasks), week=WEEK, resamples=50)
    assert value(report, "percent") == 1.0
    assert value(report, "percent", span="window") == pytest.approx(1 / 2)
    assert report.filter(span="window")["weeks"].unique().to_list() == [2]


def test_cannot_tell_is_reported_as_a_share_and_as_a_category_and_never_hidden() -> None:
    # Of four answered tasks, asked alike, one has a cannot_tell: 1/4.
    tasks = [task(name) for name in "abcd"]
    labels = [*twice("a", "pass", "pass"), *twice("b", "fail", "fail"), *twice("c", "pass", "fail")]
    labels += twice("d", "cannot_tell", "pass")
    report = agreement_report(blind(labels, tasks), week=WEEK, resamples=50)
    assert value(report, "cannot_tell") == pytest.approx(1 / 4)
    assert value(report, "percent") == pytest.approx(2 / 3)
    # Missing: three units, values p p f f p f: 1 - (2/6) / (18/30) = 4/9
    assert value(report, "alpha") == pytest.approx(1 - (2 / 6) / (18 / 30))
    # A category: four units, p4 f3 x1: chance disagreement 1 - (12 + 6 + 0)/56 = 38/56
    assert value(report, "alpha_cannot_tell") == pytest.approx(1 - (4 / 8) / (38 / 56))


def test_the_report_of_nothing_is_empty() -> None:
    assert agreement_report((), week=WEEK).is_empty()
    assert agreement_report(blind([]), week=WEEK).is_empty()


def test_the_same_labels_give_the_same_bytes() -> None:
    tasks = [task(name) for name in "abc"]
    labels = twice("a", "pass", "pass") + twice("b", "pass", "fail") + twice("c", "fail", "fail")
    first = agreement_report(blind(labels, tasks), week=WEEK, resamples=200)
    again = agreement_report(blind(labels[::-1], tasks[::-1]), week=WEEK, resamples=200)
    assert first.equals(again)


def test_a_subsets_alpha_to_publish_is_the_reports_of_the_window() -> None:
    tasks = [task(name) for name in "abcd"]
    labels = twice("a", "pass", "pass") + twice("b", "pass", "fail") + twice("c", "fail", "fail")
    members = membership_frame({"a": ["dosage"], "b": ["dosage"], "c": ["dosage"], "d": ["empty"]})
    found = blind_tasks(tasks_frame(tasks), labels_frame(labels), members)
    (dosage,) = subset_alphas(found, week=WEEK).items()
    report = agreement_report(found, week=WEEK)
    row = report.filter(subset="dosage", span="window", measure="alpha").row(0, named=True)
    assert dosage[0] == "dosage"
    assert (dosage[1].value, dosage[1].lower, dosage[1].upper) == (
        row["value"], row["lower"], row["upper"],
    )  # fmt: skip
