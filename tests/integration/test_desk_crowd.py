"""Many people at once: no task twice to one seat, nobody twice on a task, no answer lost."""

import datetime as dt
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.desk_records import Answer, Answered, LeasedTask
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.schema import labels, review_leases
from eval_pipeline.adapters.turns import Turns
from tests.desk_steps import NOON, POLICY, WEEK, ask, broken, rows_of, task

PEOPLE, TASKS = 20, 60


@pytest.fixture
def crowd(store):
    review = ReviewStore(store)
    tasks = [task(f"t{number:02d}", priority=float(number % 7)) for number in range(TASKS)]
    review.open_tasks(tasks, week=WEEK, at=NOON)
    people = [f"person-{number:02d}" for number in range(PEOPLE)]
    for name in people:
        review.add_annotator(name, kind="person", may_adjudicate=False, at=NOON)
    return people


def work_off(store, who: str, start: Barrier) -> list[Answered]:
    """Labels until nothing is left; says now and then what the last answer was once more."""
    desk, taken = Desk(store), []
    start.wait()
    leased = ask(desk, who, at=dt.datetime.now(dt.UTC))
    while isinstance(leased, LeasedTask):
        answer = Answer(leased.lease_id, who, "pass" if len(taken) % 3 else "fail")
        told, following = desk.answer_then_next(
            answer, weeks=[WEEK], policy=POLICY, at=dt.datetime.now(dt.UTC)
        )
        assert isinstance(told, Answered), told
        taken.append(told)
        if len(taken) % 4 == 0:
            again = desk.answer(answer, at=dt.datetime.now(dt.UTC))
            assert (again.answer_id, again.repeated) == (told.answer_id, True)
        leased = following
    return taken


def test_a_crowd_labels_every_task_twice_and_loses_nothing(store, crowd):
    start = Barrier(PEOPLE)
    with ThreadPoolExecutor(PEOPLE) as pool:
        taken = [
            told for one in pool.map(lambda who: work_off(store, who, start), crowd) for told in one
        ]
    stored = rows_of(store, labels)
    assert len(taken) == len(stored) == 2 * TASKS
    assert {told.answer_id for told in taken} == {row["label_id"] for row in stored}
    assert set(Counter(row["task_id"] for row in stored).values()) == {2}
    assert len({(row["task_id"], row["annotator_id"]) for row in stored}) == 2 * TASKS
    assert broken(store) == []


def test_one_person_in_many_windows_holds_one_task(store, crowd):
    desk, start = Desk(store), Barrier(8)

    def look(_: int) -> str:
        start.wait()
        return ask(desk, crowd[0]).lease_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(look, range(8)))) == 1
    assert len(rows_of(store, review_leases)) == 1


def test_an_answer_sent_many_times_at_once_is_recorded_once(store, crowd):
    desk, start = Desk(store), Barrier(8)
    leased = ask(desk, crowd[0])

    def send(_: int) -> bool:
        start.wait()
        return desk.answer(Answer(leased.lease_id, crowd[0], "pass"), at=NOON).repeated

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [False, *[True] * 7]
    assert len(rows_of(store, labels)) == 1


def test_turns_come_in_the_order_of_asking():
    turns, came = Turns(), []
    assert turns.take(seconds=1)

    def wait(number: int) -> None:
        assert turns.take(seconds=10)
        came.append(number)
        turns.pass_on()

    with ThreadPoolExecutor(5) as pool:
        for number in range(5):
            pool.submit(wait, number)
            while len(turns._waiting) <= number:
                pass
        assert not turns.take(seconds=0.01)
        turns.pass_on()
    assert came == [0, 1, 2, 3, 4]
    assert turns.take(seconds=0)
