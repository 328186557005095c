"""Whatever people do in whatever order, every task is in the state that its rows say."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.desk_records import Answer, Answered, LeasedTask
from eval_pipeline.adapters.schema import adjudications, labels
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import ReviewError
from tests.desk_steps import (
    MINUTE,
    NOON,
    POLICY,
    WEEK,
    broken,
    decision,
    label,
    rows_of,
    staffed,
    task,
)

PEOPLE = st.sampled_from(["ada", "ben", "cleo", "dan"])
ANSWERS = st.sampled_from(["pass", "fail", "cannot_tell"])
TASKS = st.sampled_from(["t1", "t2", "t3"])
PURPOSES = st.sampled_from(["label", "adjudicate"])
WHICH = st.integers(0, 5)


class DeskMachine(RuleBasedStateMachine):
    """Four people at three tasks; the clock moves on, leases expire, files come in."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name) / "store.sqlite"
        shutil.copyfile(self.template, file)
        self.store = Store.open(f"sqlite:///{file}")
        self.review = staffed(
            self.store, task("t1"), task("t2", labels_needed=3), task("t3", labels_needed=1)
        )
        self.desk, self.now = Desk(self.store), NOON
        self.leases: list[tuple[str, str]] = []
        self.acknowledged: set[str] = set()

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def remember(self, found: object, who: str) -> None:
        if isinstance(found, LeasedTask):
            self.leases.append((found.lease_id, who))

    def lease(self, which: int) -> tuple[str, str] | None:
        """One of the newest leases."""
        return self.leases[-1 - which] if which < len(self.leases) else None

    @rule(minutes=st.sampled_from([1, 12, 25]))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(who=PEOPLE, purpose=PURPOSES)
    def ask(self, who: str, purpose: str) -> None:
        found = self.desk.next_task(who, weeks=[WEEK], purpose=purpose, policy=POLICY, at=self.now)
        self.remember(found, who)

    @rule(which=WHICH, answer=ANSWERS, following=st.booleans())
    def answer(self, which: int, answer: str, following: bool) -> None:
        if (held := self.lease(which)) is None:
            return
        said = Answer(*held, answer, rationale="Criterion 1.")
        if following:
            told, found = self.desk.answer_then_next(said, weeks=[WEEK], policy=POLICY, at=self.now)
            self.remember(found, held[1])
        else:
            told = self.desk.answer(said, at=self.now)
        if isinstance(told, Answered):
            assert told.repeated == (told.answer_id in self.acknowledged)
            self.acknowledged.add(told.answer_id)

    @rule(which=WHICH, step=st.sampled_from(["heartbeat", "release", "skip", "reveal", "undo"]))
    def handle(self, which: int, step: str) -> None:
        if (held := self.lease(which)) is None:
            return
        more = {
            "heartbeat": {"policy": POLICY},
            "undo": {"policy": POLICY},
            "skip": {"reason": "other"},
        }.get(step, {})
        found = getattr(self.desk, step)(*held, at=self.now, **more)
        self.remember(found, held[1])

    @rule(who=PEOPLE, task_id=TASKS, answer=ANSWERS, correcting=st.booleans())
    def import_label(self, who: str, task_id: str, answer: str, correcting: bool) -> None:
        own = self.desk.answers_of(who, weeks=[WEEK]).filter(task_id=task_id, purpose="label")
        corrects = own["answer_id"].item() if correcting and own.height else None
        new = label(task_id, who, answer, corrects=corrects, labelled_at=self.now)
        report = self.review.record_labels([new])
        self.acknowledged.update(self.imported(labels, "label_id", report.recorded))

    @rule(who=st.sampled_from(["cleo", "dan"]), task_id=TASKS, answer=ANSWERS)
    def import_adjudication(self, who: str, task_id: str, answer: str) -> None:
        new = decision(task_id, who, answer, adjudicated_at=self.now)
        try:
            report = self.review.record_adjudications([new])
        except ReviewError:
            return
        self.acknowledged.update(self.imported(adjudications, "adjudication_id", report.recorded))

    def imported(self, table, key: str, recorded: int) -> set[str]:
        new = {row[key] for row in rows_of(self.store, table)} - self.acknowledged
        assert len(new) == recorded
        return new

    @rule(who=PEOPLE)
    def withdraw(self, who: str) -> None:
        self.desk.withdraw_labels(who, weeks=[WEEK], reason="careless", by="root", at=self.now)

    @rule()
    def erase(self) -> None:
        self.review.forget(["interaction of t3"], erasure_id="e", actor="r", at=self.now)

    @invariant()
    def nothing_is_broken(self) -> None:
        assert broken(self.store) == []

    @invariant()
    def every_acknowledged_answer_is_a_row(self) -> None:
        stored = {row["label_id"] for row in rows_of(self.store, labels)}
        stored |= {row["adjudication_id"] for row in rows_of(self.store, adjudications)}
        assert stored == self.acknowledged


@pytest.mark.slow
def test_the_state_of_every_task_is_what_its_rows_say_after_every_step(migrated_file):
    machine = type("Machine", (DeskMachine,), {"template": migrated_file})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
