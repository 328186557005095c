"""Labels, adjudications, corrections and withdrawals at the desk; on both databases."""

import json

import pytest

from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.desk_records import Answer, NothingToDo
from eval_pipeline.errors import ReviewError
from tests.desk_steps import (
    LATER,
    MINUTE,
    NOON,
    POLICY,
    WEEK,
    actions,
    ask,
    broken,
    decision,
    give,
    label,
    say,
    staffed,
    task,
)


@pytest.fixture
def desk(store):
    return Desk(store)


def disputed(store, desk):
    """t1, on which ada says pass and ben says fail."""
    review = staffed(store, task("t1"))
    give(desk, "ada", "pass", rationale="It is right.", at=NOON)
    give(desk, "ben", "fail", rationale="It is late.", at=NOON + MINUTE)
    return review


def test_a_task_goes_from_open_over_disputed_to_one_authoritative_label(store, desk):
    review = staffed(store, task("t1"))
    leases = {who: ask(desk, who) for who in ("ada", "ben")}
    assert say(desk, leases["ada"], "ada", "pass").state == "labelled"
    assert say(desk, leases["ben"], "ben", "cannot_tell").state == "disputed"
    reading = ask(desk, "cleo", "adjudicate")
    assert sorted((one.by, one.label) for one in reading.others) == [
        ("ada", "pass"), ("ben", "cannot_tell"),
    ]  # fmt: skip
    assert say(desk, reading, "cleo", "fail").code == "invalid"
    decided = say(desk, reading, "cleo", "fail", rationale="Criterion 2.", at=LATER)
    assert decided.state == "adjudicated"
    row = review.adjudications(WEEK).row(0, named=True)
    assert (row["adjudicated_by"], row["label"], row["adjudicated_at"], row["lease_id"]) == (
        "cleo", "fail", LATER, reading.lease_id,
    )  # fmt: skip
    assert actions(review)[-6:] == ["lease", "lease", "label", "label", "lease", "adjudicate"]
    assert broken(store) == []


def test_everything_a_person_says_is_kept_and_no_text_enters_the_trail(store, desk):
    review = staffed(store, task("t1"))
    said = {
        "rationale": "Mrs Canary", "reference_response": "By Friday, Mrs Canary.",
        "failure_mode": "late", "confidence": "low", "criteria": (True, None, False),
        "seconds": 12.5,
    }  # fmt: skip
    give(desk, "ada", "fail", **said)
    row = review.labels(WEEK).row(0, named=True)
    assert {name: row[name] for name in said if name != "criteria"} == {
        name: value for name, value in said.items() if name != "criteria"
    }
    assert json.loads(row["criteria_json"]) == [True, None, False]
    assert (row["withdrawn"], row["annotator_kind"], row["labelled_at"]) == (False, "person", NOON)
    assert "Canary" not in str(review.audit_entries())


def test_the_same_answer_again_is_repeated_and_another_one_is_not_taken(store, desk):
    review = staffed(store, task("t1"))
    leased = ask(desk, "ada")
    first = say(desk, leased, "ada", rationale="Clear.", seconds=3.0)
    again = say(desk, leased, "ada", rationale="Clear.", seconds=9.0, at=LATER)
    assert (again.answer_id, again.repeated, first.repeated) == (first.answer_id, True, False)
    assert say(desk, leased, "ada", "fail").code == "ended"
    assert review.labels(WEEK).height == 1
    assert actions(review).count("label") == 1


def test_a_late_answer_is_taken_even_if_the_task_has_what_it_needs(store, desk):
    review = staffed(store, task("t1", labels_needed=1))
    late = ask(desk, "ada")
    say(desk, ask(desk, "ben", at=LATER), "ben", "pass", at=LATER)
    taken = say(desk, late, "ada", "fail", at=LATER + MINUTE)
    # The first label settled it; the one too many is kept and does not count.
    assert taken.state == "agreed"
    assert sorted(review.labels(WEEK)["annotator_id"]) == ["ada", "ben"]
    assert broken(store) == []


def test_a_late_answer_to_a_decided_task_or_by_who_has_a_label_is_not_taken(store, desk):
    review = staffed(store, task("t1"))
    leased = {who: ask(desk, who) for who in ("ada", "ben")}
    assert ask(desk, "dan", at=LATER).task_id == "t1"  # both have expired
    review.record_labels([label("t1", "ada", "pass")])
    assert say(desk, leased["ada"], "ada", at=LATER).code == "not_allowed"
    review.record_adjudications([decision("t1", "cleo")])
    assert say(desk, leased["ben"], "ben", at=LATER).code == "decided"
    assert review.labels(WEEK)["annotator_id"].to_list() == ["ada"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"answer": "maybe"}, "not one of pass, fail"),
        ({"rationale": "a\0b"}, "NUL"),
        ({"rationale": "\ud800"}, "surrogate"),
        ({"confidence": "sure"}, "not one of low"),
        ({"failure_mode": "x" * 81}, "more than 80"),
        ({"seconds": float("nan")}, "no finite number"),
        ({"seconds": -1.0}, "no finite number"),
    ],
)
def test_an_answer_that_cannot_be_stored_is_refused_and_the_task_kept(store, desk, changes, told):
    review = staffed(store, task("t1"))
    leased = ask(desk, "ada")
    refused = say(desk, leased, "ada", **changes)
    assert (refused.code, told in refused.message) == ("invalid", True)
    assert ask(desk, "ada") == leased
    assert review.labels(WEEK).is_empty()


def test_answer_then_next_is_one_step_of_the_same_purpose(store, desk):
    staffed(store, task("t1"), task("t2"))
    first = ask(desk, "ada")
    asked = {"weeks": [WEEK], "policy": POLICY, "at": NOON}
    taken, following = desk.answer_then_next(Answer(first.lease_id, "ada", "pass"), **asked)
    assert (taken.task_id, following.task_id, following.purpose) == ("t1", "t2", "label")
    refused, same = desk.answer_then_next(Answer(following.lease_id, "ada", "?"), **asked)
    assert (refused.code, same) == ("invalid", following)
    taken, end = desk.answer_then_next(Answer(following.lease_id, "ada", "pass"), **asked)
    assert (taken.state, end) == ("labelled", NothingToDo("queue_empty"))
    unknown, more = desk.answer_then_next(Answer("nothing", "ben", "pass"), **asked)
    assert (unknown.code, more.task_id) == ("unknown", "t1")


def test_an_undone_answer_stands_until_its_correction_replaces_it(store, desk):
    review = staffed(store, task("t1"))
    leased = ask(desk, "ada")
    say(desk, leased, "ada", "pass", rationale="Clear.")
    undone = desk.undo(leased.lease_id, "ada", policy=POLICY, at=NOON + MINUTE)
    assert (undone.purpose, undone.previous.label, undone.previous.rationale) == (
        "correct", "pass", "Clear.",
    )  # fmt: skip
    assert desk.undo(leased.lease_id, "ada", policy=POLICY, at=NOON + MINUTE) == undone
    assert desk.held(undone.lease_id, "ada", at=NOON) == undone
    assert review.labels(WEEK)["label"].to_list() == ["pass"]
    assert ask(desk, "ben").task_id == "t1"
    corrected = say(desk, undone, "ada", "fail", at=NOON + 2 * MINUTE)
    assert corrected.state == "labelled"
    assert sorted(review.labels(WEEK).select("label", "lease_id").rows()) == [
        ("fail", undone.lease_id), ("pass", leased.lease_id),
    ]  # fmt: skip
    assert desk.undo(leased.lease_id, "ada", policy=POLICY, at=NOON).code == "ended"
    own = desk.answers_of("ada", weeks=[WEEK]).row(0, named=True)
    assert (own["label"], own["lease_id"], own["purpose"], own["state"]) == (
        "fail", undone.lease_id, "label", "labelled",
    )  # fmt: skip
    assert "undo" in actions(review)
    assert broken(store) == []


def test_two_people_can_correct_the_same_task_and_end_its_dispute(store, desk):
    disputed(store, desk)
    own = {who: desk.answers_of(who, weeks=[WEEK])["lease_id"].item() for who in ("ada", "ben")}
    opened = {
        who: desk.undo(lease, who, policy=POLICY, at=NOON + MINUTE) for who, lease in own.items()
    }
    # Nobody decides what is being corrected.
    assert ask(desk, "cleo", "adjudicate") == NothingToDo("queue_empty")
    assert say(desk, opened["ada"], "ada", "fail", at=NOON + 2 * MINUTE).state == "agreed"
    assert desk.release(opened["ben"].lease_id, "ben", at=NOON) is None
    assert broken(store) == []


def test_an_answer_is_undone_no_more_after_its_lease_or_once_somebody_reads_it(store, desk):
    disputed(store, desk)
    lease = desk.answers_of("ada", weeks=[WEEK])["lease_id"].item()
    assert desk.undo(lease, "ada", policy=POLICY, at=LATER).code == "ended"
    undone = desk.undo(lease, "ada", policy=POLICY, at=NOON)
    reading = ask(desk, "cleo", "adjudicate", at=LATER)  # the correction has expired by now
    assert say(desk, undone, "ada", "fail", at=LATER).code == "decided"
    assert desk.undo(lease, "ada", policy=POLICY, at=NOON).code == "decided"
    say(desk, reading, "cleo", rationale="Clear.", at=LATER)
    assert desk.undo(lease, "ada", policy=POLICY, at=NOON).code == "decided"


def test_an_adjudicator_can_undo_the_own_decision(store, desk):
    disputed(store, desk)
    reading = ask(desk, "cleo", "adjudicate")
    say(desk, reading, "cleo", "pass", rationale="Clear.")
    undone = desk.undo(reading.lease_id, "cleo", policy=POLICY, at=NOON)
    assert (undone.others, undone.previous.label) == (reading.others, "pass")
    assert say(desk, undone, "cleo", "cannot_tell").code == "invalid"
    assert say(desk, undone, "cleo", "cannot_tell", rationale="No date.").state == "cannot_tell"
    assert desk.answers_of("cleo", weeks=[WEEK]).select("purpose", "label", "state").rows() == [
        ("adjudicate", "cannot_tell", "cannot_tell")
    ]
    assert broken(store) == []


def test_once_the_judges_are_shown_an_answer_stands(store, desk):
    review = staffed(store, task("t1"))
    leased = ask(desk, "ada")
    assert desk.reveal(leased.lease_id, "ada", at=NOON).code == "not_allowed"
    say(desk, leased, "ada")
    undone = desk.undo(leased.lease_id, "ada", policy=POLICY, at=NOON)
    assert desk.reveal(leased.lease_id, "ada", at=NOON).code == "not_allowed"
    desk.release(undone.lease_id, "ada", at=NOON)
    assert desk.reveal(leased.lease_id, "ada", at=NOON) == "t1"
    assert desk.reveal(leased.lease_id, "ada", at=LATER) == "t1"
    assert desk.undo(leased.lease_id, "ada", policy=POLICY, at=NOON).code == "revealed"
    assert desk.answers_of("ada", weeks=[WEEK])["revealed_at"].item() == NOON
    assert actions(review).count("reveal") == 1


def test_nobody_decides_on_the_own_label_not_even_one_withdrawn(store, desk):
    staffed(store, task("t1"))
    give(desk, "cleo", "pass")
    give(desk, "ben", "fail")
    assert ask(desk, "cleo", "adjudicate") == NothingToDo("queue_empty")
    desk.withdraw_labels("cleo", weeks=[WEEK], reason="careless", by="root", at=NOON)
    give(desk, "ada", "pass")
    assert ask(desk, "cleo", "adjudicate") == NothingToDo("queue_empty")
    assert ask(desk, "dan", "adjudicate").task_id == "t1"


def test_gold_checks_are_labelled_and_never_adjudicated(store, desk):
    review = staffed(store, task("t1", known_label="pass"))
    give(desk, "ada", "pass")
    give(desk, "ben", "fail")
    assert review.status(WEEK).disputed == 1
    assert ask(desk, "cleo", "adjudicate") == NothingToDo("queue_empty")


def test_withdrawn_labels_open_their_tasks_again_and_decisions_stand(store, desk):
    review = staffed(store, task("t1"), task("t2"), task("t3"))
    for answer, other in (("pass", "pass"), ("pass", "fail"), ("pass", "fail")):
        mine, theirs = ask(desk, "ada"), ask(desk, "ben")
        say(desk, mine, "ada", answer)
        say(desk, theirs, "ben", other)
    decided = ask(desk, "cleo", "adjudicate")
    say(desk, decided, "cleo", rationale="Clear.")
    reading = ask(desk, "dan", "adjudicate")
    withdrawal = {"weeks": [WEEK], "reason": "careless", "by": "root", "at": LATER}
    assert (decided.task_id, reading.task_id) == ("t2", "t3")
    assert desk.withdraw_labels("ada", **withdrawal) == ("t1", "t3")
    assert desk.withdraw_labels("ada", **withdrawal) == ()
    assert review.tasks(WEEK)["state"].to_list() == ["labelled", "adjudicated", "labelled"]
    assert review.labels(WEEK).filter(annotator_id="ada")["withdrawn"].to_list() == [True] * 3
    assert review.status(WEEK).labels_by_annotator == (("ben", 3),)
    assert say(desk, reading, "dan", rationale="Clear.", at=LATER).code == "ended"
    assert ask(desk, "ada", at=LATER) == NothingToDo("queue_empty")
    assert ask(desk, "dan", at=LATER).task_id == "t1"
    assert desk.answers_of("ada", weeks=[WEEK])["withdrawn"].to_list() == [True] * 3
    assert "careless" not in str(review.audit_entries())
    assert actions(review).count("withdraw_labels") == 3
    assert broken(store) == []


def test_a_withdrawn_label_is_neither_corrected_nor_given_again(store, desk):
    review = staffed(store, task("t1"))
    leased = ask(desk, "ada")
    say(desk, leased, "ada")
    undone = desk.undo(leased.lease_id, "ada", policy=POLICY, at=NOON)
    desk.withdraw_labels("ada", weeks=[WEEK], reason="careless", by="root", at=NOON)
    assert say(desk, undone, "ada", "fail").code == "ended"
    assert desk.undo(leased.lease_id, "ada", policy=POLICY, at=NOON).code == "ended"
    own = review.labels(WEEK)["label_id"].item()
    again = review.record_labels([label("t1", "ada", "fail"), label("t1", "ada", corrects=own)])
    assert {one.problem for one in again.refused} == {
        "the label of ada was withdrawn; another person is asked"
    }
    assert review.status(WEEK).open == 1


@pytest.mark.parametrize("changes", [{"reason": " "}, {"by": ""}, {"by": "x" * 81}])
def test_a_withdrawal_without_a_name_or_a_reason_is_refused(store, desk, changes):
    staffed(store)
    give(desk, "ada")
    with pytest.raises(ReviewError, match="Nothing was withdrawn"):
        desk.withdraw_labels(
            "ada", **{"weeks": [WEEK], "reason": "careless", "by": "root", "at": NOON, **changes}
        )
    assert desk.answers_of("ada", weeks=[WEEK])["withdrawn"].to_list() == [False]
