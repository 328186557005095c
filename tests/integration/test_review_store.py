"""The review store's promises, each on SQLite and on PostgreSQL."""

import json
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.errors import ReviewError
from tests.desk_steps import LATER, NOON, WEEK, actions, decision, label, staffed, task


@pytest.fixture
def review(store):
    return staffed(store)


def test_tasks_that_are_open_stay_as_they_are(review):
    again = [task("t1", reason="split"), task("t4")]
    assert review.open_tasks(again, week=WEEK, at=LATER) == 1
    tasks = review.tasks(WEEK)
    assert tasks["task_id"].to_list() == ["t1", "t2", "t3", "t4"]
    assert tasks["reason"].to_list() == ["audit"] * 4
    assert tasks["opened_at"].to_list() == [NOON, NOON, NOON, LATER]
    assert tasks.schema["opened_at"] == pl.Datetime("us", "UTC")
    assert review.weeks() == [WEEK]


def test_tasks_come_as_a_frame_too(review):
    frame = pl.DataFrame([vars(task("t9"))]).drop("labels_needed", "known_label")
    assert review.open_tasks(frame, week="2026-11-23", at=NOON) == 1
    assert review.open_tasks(frame, week="2026-11-23", at=NOON) == 0
    assert review.tasks("2026-11-23")["subject_json"].to_list() == ['{"route":"orders"}']
    assert review.tasks("2026-11-23")["labels_needed"].to_list() == [2]


def test_an_annotator_is_added_once_and_never_changed(review):
    assert not review.add_annotator("ada", kind="person", may_adjudicate=False, at=LATER)
    with pytest.raises(ReviewError, match="already known as person, without the right"):
        review.add_annotator("ada", kind="person", may_adjudicate=True, at=LATER)
    assert [
        (one.annotator_id, one.may_adjudicate, one.added_at) for one in review.annotators()
    ] == [("ada", False, NOON), ("ben", False, NOON), ("cleo", True, NOON), ("dan", True, NOON)]


def test_importing_the_same_labels_twice_changes_nothing(review):
    batch = [label("t1", "ada", rationale="Clear."), label("t1", "ben", "fail")]
    first = review.record_labels(batch)
    before, trail = review.labels(WEEK), actions(review)
    again = review.record_labels(batch)
    assert (first.recorded, first.repeated, first.refused) == (2, 0, ())
    assert (again.recorded, again.repeated, again.refused) == (0, 2, ())
    assert review.labels(WEEK).equals(before)
    assert actions(review) == trail
    assert before["annotator_kind"].to_list() == ["person", "person"]


def test_bad_labels_are_reported_one_by_one_and_the_good_ones_recorded(review):
    report = review.record_labels(
        [
            label("t1", "ada"),
            label("nowhere", "ada"),
            label("t1", "nobody"),
            label("t2", "ada", "maybe"),
            label("t1", "ada", "fail"),
            label("t2", "ben", rationale="a\0b"),
            label("t2", "ben"),
        ]
    )
    assert report.recorded == 2
    assert [(one.position, one.problem) for one in report.refused] == [
        (1, "there is no such task"),
        (2, "there is no annotator 'nobody'"),
        (3, "the label is not one of pass, fail, cannot_tell"),
        (4, "ada has labelled this task; a change must name what it corrects"),
        (5, "a text holds the character NUL"),
    ]
    assert sorted(review.labels(WEEK).select("task_id", "annotator_id").rows()) == [
        ("t1", "ada"),
        ("t2", "ben"),
    ]


def test_a_correction_is_a_new_row_that_points_at_the_old_one(review):
    review.record_labels([label("t1", "ada", label_id="first"), label("t1", "ben", label_id="b")])
    report = review.record_labels(
        [
            label("t1", "ada", "fail", corrects="first", label_id="second", labelled_at=LATER),
            label("t1", "ada", "pass", corrects="first", label_id="third"),
            label("t1", "ada", "pass", corrects="b", label_id="fourth"),
            label("t2", "ada", "pass", corrects="second", label_id="fifth"),
            label("t3", "ada", "pass", label_id="first"),
        ]
    )
    assert report.recorded == 1
    assert [one.problem for one in report.refused] == [
        "`corrects` names no standing label of this person and task",
        "`corrects` names no standing label of this person and task",
        "`corrects` names no standing label of this person and task",
        "its id is already given to another label",
    ]
    rows = review.labels(WEEK).select("label_id", "label", "corrects", "labelled_at").rows()
    assert ("first", "pass", None, NOON) in rows
    assert ("second", "fail", "first", LATER) in rows
    assert review.status(WEEK).labels_by_annotator == (("ada", 1), ("ben", 1))


def test_who_labelled_a_task_or_may_not_decide_cannot_adjudicate_it(review):
    review.record_labels([label("t1", "cleo"), label("t1", "ada", "fail")])
    with pytest.raises(ReviewError, match=r"cleo has labelled this task.*store is unchanged"):
        review.record_adjudications([decision("t2", "cleo"), decision("t1", "cleo")])
    with pytest.raises(ReviewError, match="ben may not adjudicate"):
        review.record_adjudications([decision("t1", "ben")])
    assert review.adjudications(WEEK).is_empty()
    assert review.status(WEEK).adjudicated == 0


def test_an_adjudication_is_recorded_once_and_corrected_by_a_new_row(review):
    first = decision("t1", "cleo", adjudication_id="a1", rationale="The refund is right.")
    assert review.record_adjudications([first]).recorded == 1
    assert review.record_adjudications([first]).repeated == 1
    with pytest.raises(ReviewError, match="must name what it corrects"):
        review.record_adjudications([decision("t1", "cleo", "pass", adjudication_id="a2")])
    fixed = decision("t1", "cleo", "pass", adjudication_id="a2", corrects="a1")
    assert review.record_adjudications([fixed]).recorded == 1
    assert review.adjudications(WEEK).select("adjudication_id", "label", "corrects").rows() == [
        ("a1", "fail", None),
        ("a2", "pass", "a1"),
    ]


def test_an_adjudicator_cannot_label_the_task_afterwards(review):
    review.record_adjudications([decision("t1", "cleo")])
    report = review.record_labels([label("t1", "cleo")])
    assert report.refused[0].problem == "cleo has adjudicated this task and cannot label it too"


def test_the_status_says_how_far_the_week_is(review):
    review.record_labels([label("t1", "ada"), label("t2", "ada"), label("t2", "ben", "fail")])
    review.record_adjudications([decision("t2", "cleo")])
    status = review.status(WEEK)
    assert (status.tasks, status.open, status.labelled, status.adjudicated) == (3, 1, 1, 1)
    assert status.labels_by_annotator == (("ada", 2), ("ben", 1))
    # A late label does not open a settled task again.
    review.record_labels([label("t2", "ada", "fail", corrects=review_label(review, "t2", "ada"))])
    assert review.status(WEEK).adjudicated == 1


def review_label(review: ReviewStore, task_id: str, who: str) -> str:
    return review.labels(WEEK).row(
        by_predicate=(pl.col("task_id") == task_id) & (pl.col("annotator_id") == who), named=True
    )["label_id"]


def test_every_write_leaves_an_entry_without_texts(review):
    review.record_labels([label("t1", "ada", rationale="Mrs Canary lives here")])
    review.record_adjudications([decision("t1", "cleo", rationale="Mrs Canary again")])
    entries = review.audit_entries()
    assert actions(review) == [*["open_task"] * 3, *["add_annotator"] * 4, "label", "adjudicate"]
    assert [(entries[0].actor, entries[0].at), (entries[1].actor, entries[1].at)] == [
        ("cleo", LATER),
        ("ada", NOON),
    ]
    assert json.loads(entries[1].detail_json)["label"] == "pass"
    assert "Canary" not in str(entries)
    assert len(review.audit_entries(limit=2)) == 2


def test_one_person_labelling_from_two_windows_is_recorded_once(review):
    answers = ["pass", "fail"] * 4
    with ThreadPoolExecutor(8) as pool:
        reports = list(
            pool.map(lambda answer: review.record_labels([label("t1", "ada", answer)]), answers)
        )
    # One window wins; the three that say the same repeat it and the four others are refused.
    assert sum(report.recorded for report in reports) == 1
    assert sum(report.repeated for report in reports) == 3
    assert sum(len(report.refused) for report in reports) == 4
    assert review.labels(WEEK).height == 1


def test_openers_of_the_same_week_open_each_task_once(store):
    desk = ReviewStore(store)
    tasks = [task(f"t{number:02d}") for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: desk.open_tasks(tasks, week=WEEK, at=NOON), range(4)))
    assert sorted(opened) == [0, 0, 0, 12]


def test_a_week_without_tasks_has_the_columns_of_one_with_them(review):
    assert review.tasks("2020-01-06").schema == review.tasks(WEEK).schema
    review.record_labels([label("t1", "ada")])
    assert review.labels("2020-01-06").schema == review.labels(WEEK).schema
    assert review.adjudications(WEEK).is_empty()
