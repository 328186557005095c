"""The desk's transactions: every step of a task is one, and only the holder of a lease takes it."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.audit import leave_traces
from eval_pipeline.adapters.review.answering import take_answer
from eval_pipeline.adapters.review.correcting import held_task, open_again, show_judges
from eval_pipeline.adapters.review.desk_records import (
    Answer,
    Answered,
    LeasedTask,
    LeasePolicy,
    NothingToDo,
    NotTaken,
    Progress,
    SkipReason,
)
from eval_pipeline.adapters.review.keeping import give_back, keep, skip_task
from eval_pipeline.adapters.review.leases import Trail
from eval_pipeline.adapters.review.leasing import lease_next
from eval_pipeline.adapters.review.progress import answers_of, progress_of
from eval_pipeline.adapters.review.withdrawing import withdraw
from eval_pipeline.adapters.store import Store

Result = TypeVar("Result")


class Desk:
    """Leases, answers, skips, undoing and withdrawing, over the operational store.

    A step that loses a race against another is taken again, never shown as an error.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def next_task(
        self,
        annotator_id: str,
        *,
        weeks: Sequence[str],
        purpose: Literal["label", "adjudicate"],
        policy: LeasePolicy,
        at: dt.datetime,
    ) -> LeasedTask | NothingToDo:
        """Leases the first task that this person may take, or gives the one they hold already.

        First is the highest priority, then the smallest id. Expired leases are ended on the way.
        """
        found = self._look(annotator_id, weeks, purpose=purpose, policy=policy, at=at)
        # Each round more means that somebody else was given what was free, so there is an end.
        while found is None:
            found = self._look(
                annotator_id, weeks, purpose=purpose, policy=policy, at=at, patient=True
            )
        return found

    def _look(
        self,
        annotator_id: str,
        weeks: Sequence[str],
        *,
        purpose: Literal["label", "adjudicate"],
        policy: LeasePolicy,
        at: dt.datetime,
        patient: bool = False,
    ) -> LeasedTask | NothingToDo | None:
        return self._step(
            lambda connection, trail: lease_next(
                connection,
                annotator_id,
                weeks=weeks,
                asked=purpose,
                policy=policy,
                at=at,
                patient=patient,
                trail=trail,
            ),
            repeatable=True,
        )

    def held(self, lease_id: str, annotator_id: str, *, at: dt.datetime) -> LeasedTask | NotTaken:
        """The task of a lease of this person, active or expired and not yet ended."""
        del at  # a lease whose time is over is held until somebody looks for a task
        with self._store.reading() as connection:
            return held_task(connection, lease_id, annotator_id)

    def heartbeat(
        self, lease_id: str, annotator_id: str, *, policy: LeasePolicy, at: dt.datetime
    ) -> dt.datetime | NotTaken:
        """Keeps the task for longer; returns when the lease now expires.

        Of all steps this one alone leaves no entry in the audit trail: it says nothing of the task.
        """
        return self._step(
            lambda connection, _: keep(connection, lease_id, annotator_id, policy=policy, at=at),
            repeatable=True,
        )

    def release(self, lease_id: str, annotator_id: str, *, at: dt.datetime) -> NotTaken | None:
        """Gives the task back unanswered; it may come again."""
        return self._step(
            lambda connection, trail: give_back(
                connection, lease_id, annotator_id, at=at, trail=trail
            )
        )

    def skip(
        self, lease_id: str, annotator_id: str, *, reason: SkipReason, at: dt.datetime
    ) -> NotTaken | None:
        """Gives the task back for good: this person is not asked it again."""
        return self._step(
            lambda connection, trail: skip_task(
                connection, lease_id, annotator_id, reason=reason, at=at, trail=trail
            )
        )

    def answer(self, answer: Answer, *, at: dt.datetime) -> Answered | NotTaken:
        """Records a label, an adjudication or a correction, by what the lease is for.

        A late answer of an expired lease is taken as long as the task is not decided. The same
        answer again is `repeated`, whatever its `seconds`; another one under an answered lease is
        not taken.
        """
        return self._step(
            lambda connection, trail: take_answer(connection, answer, at=at, trail=trail),
            repeatable=True,
        )[0]

    def answer_then_next(
        self,
        answer: Answer,
        *,
        weeks: Sequence[str],
        policy: LeasePolicy,
        at: dt.datetime,
    ) -> tuple[Answered | NotTaken, LeasedTask | NothingToDo]:
        """`answer` and `next_task` of the same purpose in one transaction: what a page needs.

        After a correction the purpose is that of what was corrected.
        """

        def both(
            connection: sa.Connection, trail: Trail
        ) -> tuple[
            Answered | NotTaken, Literal["label", "adjudicate"], LeasedTask | NothingToDo | None
        ]:
            taken, asked = take_answer(connection, answer, at=at, trail=trail)
            following = lease_next(
                connection,
                answer.annotator_id,
                weeks=weeks,
                asked=asked,
                policy=policy,
                at=at,
                patient=False,
                trail=trail,
            )
            return taken, asked, following

        taken, asked, following = self._step(both, repeatable=True)
        if following is None:
            # What may be free is locked by others; waiting for them is for who holds no lock.
            following = self.next_task(
                answer.annotator_id, weeks=weeks, purpose=asked, policy=policy, at=at
            )
        return taken, following

    def undo(
        self, lease_id: str, annotator_id: str, *, policy: LeasePolicy, at: dt.datetime
    ) -> LeasedTask | NotTaken:
        """Opens an own answer again, to be corrected, until its lease would have expired.

        The answer stands until the correction replaces it. Not once the judges were shown, nor
        once the task is decided by somebody else or an adjudicator reads it.
        """
        return self._step(
            lambda connection, trail: open_again(
                connection, lease_id, annotator_id, policy=policy, at=at, trail=trail
            )
        )

    def reveal(self, lease_id: str, annotator_id: str, *, at: dt.datetime) -> str | NotTaken:
        """The task id of an answered lease; from now on its answer can no more be undone."""
        return self._step(
            lambda connection, trail: show_judges(
                connection, lease_id, annotator_id, at=at, trail=trail
            )
        )

    def answers_of(self, annotator_id: str, *, weeks: Sequence[str]) -> pl.DataFrame:
        """Own answers in force, newest first.

        Columns: lease_id (null if imported), answer_id, task_id, week, purpose, label, at,
        revealed_at, state, withdrawn.
        """
        with self._store.reading() as connection:
            return answers_of(connection, annotator_id, weeks=weeks)

    def progress(
        self, annotator_id: str, *, weeks: Sequence[str], policy: LeasePolicy, at: dt.datetime
    ) -> Progress:
        """How far this person and the desk are."""
        with self._store.reading() as connection:
            return progress_of(connection, annotator_id, weeks=weeks, policy=policy, at=at)

    def withdraw_labels(
        self,
        annotator_id: str,
        *,
        weeks: Sequence[str],
        reason: str,
        by: str,
        at: dt.datetime,
    ) -> tuple[str, ...]:
        """Takes back a careless person's labels of these weeks; returns the tasks opened again.

        The labels stay, marked. What was adjudicated stays decided. They are not asked these tasks
        again. A withdrawal twice changes nothing. Raises `ReviewError` without a reason or a name.
        """
        return self._step(
            lambda connection, trail: withdraw(
                connection, annotator_id, weeks=weeks, reason=reason, by=by, at=at, trail=trail
            )
        )

    def _step(
        self, step: Callable[[sa.Connection, Trail], Result], *, repeatable: bool = False
    ) -> Result:
        """One transaction with its entries in the audit trail.

        `repeatable` steps find what they did before and say the same of it, should the connection
        be cut when nobody knows whether they were committed.
        """

        def whole(connection: sa.Connection) -> Result:
            trail: Trail = []
            result = step(connection, trail)
            leave_traces(connection, trail)
            return result

        return self._store.transact(whole, repeatable=repeatable)
