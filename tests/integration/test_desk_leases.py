"""Who is given which task, and what they do with it besides answering; on both databases."""

import datetime as dt
import json

import pytest

from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.desk_records import LeasePolicy, NothingToDo, NotTaken
from eval_pipeline.adapters.review.people import People
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


def test_tasks_come_by_priority_and_then_by_id(store, desk):
    staffed(store, task("b", priority=1.0), task("a", priority=1.0), task("c", priority=2.0))
    came = []
    for _ in range(3):
        leased = ask(desk, "ada")
        came.append(leased.task_id)
        say(desk, leased, "ada")
    assert came == ["c", "a", "b"]
    assert ask(desk, "ada") == NothingToDo("queue_empty")


def test_who_asks_again_is_given_the_same_task(store, desk):
    review = staffed(store)
    first = ask(desk, "ada")
    assert ask(desk, "ada", at=NOON + MINUTE) == first
    assert ask(desk, "ada", weeks=["2026-11-23"]) == first
    assert actions(review).count("lease") == 1
    assert (first.leased_at, first.expires_at) == (NOON, NOON + 20 * MINUTE)
    assert (first.others, first.previous) == ((), None)


def test_a_task_is_given_to_as_many_as_it_needs_and_to_nobody_more(store, desk):
    staffed(store, task("t1"), task("t2", labels_needed=1))
    assert [ask(desk, who).task_id for who in ("ada", "ben", "cleo")] == ["t1", "t1", "t2"]
    assert ask(desk, "dan") == NothingToDo("queue_empty")
    assert broken(store) == []


def test_only_tasks_of_the_weeks_asked_for_come(store, desk):
    staffed(store)
    assert ask(desk, "ada", weeks=["2026-11-09"]) == NothingToDo("queue_empty")
    assert ask(desk, "ada", weeks=["2026-11-09", WEEK]).task_id == "t1"


def test_an_expired_lease_frees_the_seat_for_whoever_looks_next(store, desk):
    review = staffed(store, task("t1", labels_needed=1))
    late = NOON + 20 * MINUTE
    first = ask(desk, "ada")
    assert ask(desk, "ben", at=late - MINUTE) == NothingToDo("queue_empty")
    second = ask(desk, "ben", at=late)
    assert second.task_id == "t1"
    assert desk.held(first.lease_id, "ada", at=late).code == "ended"
    assert desk.heartbeat(first.lease_id, "ada", policy=POLICY, at=late).code == "ended"
    newest = review.audit_entries(limit=2)
    assert [(one.action, one.actor) for one in newest] == [
        ("lease", "ben"), ("lease_expired", "pipeline"),
    ]  # fmt: skip
    assert json.loads(newest[1].detail_json)["annotator_id"] == "ada"


def test_a_heartbeat_keeps_the_task_and_never_shortens_the_lease(store, desk):
    staffed(store)
    leased = ask(desk, "ada")
    later = NOON + 19 * MINUTE
    assert desk.heartbeat(leased.lease_id, "ada", policy=POLICY, at=later) == later + 20 * MINUTE
    short = LeasePolicy(MINUTE, 60)
    kept = desk.heartbeat(leased.lease_id, "ada", policy=short, at=later)
    assert kept == later + 20 * MINUTE
    assert desk.held(leased.lease_id, "ada", at=later).expires_at == kept


def test_a_lease_that_nobody_ended_yet_lives_again(store, desk):
    staffed(store)
    leased = ask(desk, "ada")
    assert desk.held(leased.lease_id, "ada", at=LATER).task_id == "t1"
    assert desk.heartbeat(leased.lease_id, "ada", policy=POLICY, at=LATER) == LATER + 20 * MINUTE


def test_another_persons_lease_is_nobody_elses(store, desk):
    staffed(store)
    leased = ask(desk, "ada")
    refused = [
        desk.held(leased.lease_id, "ben", at=NOON),
        desk.heartbeat(leased.lease_id, "ben", policy=POLICY, at=NOON),
        desk.release(leased.lease_id, "ben", at=NOON),
        desk.skip(leased.lease_id, "ben", reason="other", at=NOON),
        desk.undo(leased.lease_id, "ben", policy=POLICY, at=NOON),
        desk.reveal(leased.lease_id, "ben", at=NOON),
        say(desk, leased, "ben"),
    ]
    assert [one.code for one in refused] == ["not_yours"] * 7
    assert desk.held("nothing", "ada", at=NOON).code == "unknown"


def test_what_is_given_back_comes_again_and_what_is_skipped_does_not(store, desk):
    review = staffed(store, task("t1"), task("t2"))
    leased = ask(desk, "ada")
    assert desk.release(leased.lease_id, "ada", at=NOON) is None
    assert desk.release(leased.lease_id, "ada", at=NOON) is None
    again = ask(desk, "ada")
    assert (again.task_id, again.lease_id == leased.lease_id) == ("t1", False)
    assert desk.skip(again.lease_id, "ada", reason="conflict_of_interest", at=NOON) is None
    assert desk.skip(again.lease_id, "ada", reason="other", at=NOON) is None
    assert ask(desk, "ada").task_id == "t2"
    assert ask(desk, "ben").task_id == "t1"
    assert say(desk, again, "ada").code == "ended"
    assert desk.release(again.lease_id, "ada", at=NOON).code == "ended"
    assert actions(review)[-5:] == ["lease_released", "lease", "skip", "lease", "lease"]
    assert broken(store) == []


def test_the_week_of_a_budget_begins_on_monday_and_counts_answers_not_corrections(store, desk):
    review = staffed(store, *(task(f"t{number}") for number in range(5)))
    small = LeasePolicy(20 * MINUTE, 2)
    sunday = dt.datetime(2026, 11, 15, 23, 59, tzinfo=dt.UTC)
    review.record_labels([label("t0", "ada", labelled_at=sunday)])
    first = ask(desk, "ada", policy=small)
    say(desk, first, "ada")
    undone = desk.undo(first.lease_id, "ada", policy=small, at=NOON)
    say(desk, undone, "ada", "fail")
    second = ask(desk, "ada", policy=small)
    assert second.task_id == "t2"
    say(desk, second, "ada")
    assert ask(desk, "ada", policy=small) == NothingToDo("budget_spent")
    monday = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    assert ask(desk, "ada", policy=small, at=monday).task_id == "t3"


def test_a_budget_of_ones_own_goes_before_the_policys(store, desk):
    staffed(store)
    people = People(store)
    people.change("ada", by="root", at=NOON, weekly_budget=1)
    give(desk, "ada")
    assert ask(desk, "ada") == NothingToDo("budget_spent")
    assert desk.progress("ada", weeks=[WEEK], policy=POLICY, at=NOON).budget == 1


def test_who_left_or_may_not_decide_is_given_nothing(store, desk):
    review = staffed(store)
    review.record_labels([label("t1", "ada"), label("t1", "ben", "fail")])
    assert ask(desk, "ada", "adjudicate") == NothingToDo("not_allowed")
    assert ask(desk, "nobody") == NothingToDo("not_allowed")
    People(store).leave("cleo", reason="moved_on", by="root", at=NOON)
    assert ask(desk, "cleo", "adjudicate") == NothingToDo("not_allowed")
    assert ask(desk, "dan", "adjudicate").task_id == "t1"


def test_a_held_task_that_was_settled_meanwhile_is_not_given_again(store, desk):
    review = staffed(store)
    held = ask(desk, "ada")
    review.record_adjudications([decision("t1", "cleo")])
    assert ask(desk, "ada").task_id == "t2"
    refused = say(desk, held, "ada")
    assert isinstance(refused, NotTaken)
    assert refused.code == "decided"


def test_who_answers_by_file_is_not_waited_for_at_the_desk(store, desk):
    review = staffed(store, task("t1"))
    ask(desk, "ada")
    other = ask(desk, "ben")
    review.record_labels([label("t1", "ada")])
    assert ask(desk, "ada") == NothingToDo("queue_empty")
    assert desk.held(other.lease_id, "ben", at=NOON).task_id == "t1"
    assert ask(desk, "cleo") == NothingToDo("queue_empty")
    assert say(desk, other, "ben").state == "agreed"
    assert broken(store) == []


class Unlucky(Desk):
    """Somebody else is always quicker, so many times."""

    misses = 12

    def _look(self, *args, **kwargs):
        if self.misses:
            self.misses -= 1
            return None
        return super()._look(*args, **kwargs)


def test_who_loses_many_races_is_still_given_what_is_left(store):
    staffed(store)
    unlucky = Unlucky(store)
    assert ask(unlucky, "ada").task_id
    assert unlucky.misses == 0


def test_an_erased_task_is_held_by_nobody(store, desk):
    review = staffed(store, task("t1"))
    leased = ask(desk, "ada")
    review.forget(["interaction of t1"], erasure_id="e1", actor="root", at=NOON)
    assert desk.held(leased.lease_id, "ada", at=NOON).code == "ended"
    assert say(desk, leased, "ada", rationale="private").code == "ended"
    assert ask(desk, "ada") == NothingToDo("queue_empty")
    assert review.labels(WEEK).is_empty()


def test_progress_counts_what_this_person_could_still_do(store, desk):
    review = staffed(
        store, *(task(f"t{number}") for number in range(5)), task("gold", known_label="pass")
    )
    review.record_labels([label("t0", "ada", "pass"), label("t0", "ben", "fail")])
    review.record_labels([label("t1", "ada", "pass"), label("t1", "ben", "pass")])
    ask(desk, "ben", at=NOON)
    leased = ask(desk, "cleo", at=NOON)
    say(desk, leased, "cleo", seconds=4.0)
    # The gold check came first: cleo's label and ben's lease fill it. t2, t3 and t4 are left.
    mine = desk.progress("ada", weeks=[WEEK], policy=POLICY, at=NOON)
    assert (mine.answered, mine.waiting, mine.disputed) == (2, 3, 0)
    assert (mine.settled, mine.tasks, mine.median_seconds) == (1, 5, None)
    decider = desk.progress("cleo", weeks=[WEEK], policy=POLICY, at=NOON)
    assert (decider.answered, decider.waiting, decider.disputed) == (1, 3, 1)
    assert decider.median_seconds == 4.0
    assert desk.progress("dan", weeks=[WEEK], policy=POLICY, at=NOON).waiting == 3
