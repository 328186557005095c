"""Tasks, answers and the judges' side as the pages show them."""

import dataclasses
import datetime as dt
import string
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.review.answered import AnsweredTask
from eval_pipeline.adapters.review.answering import DECIDED_STATES
from eval_pipeline.adapters.review.desk_records import Given, LeasedTask
from eval_pipeline.desk.answering import asked_by
from eval_pipeline.desk.services import Services
from eval_pipeline.desk.views import (
    AnswerRow,
    FailureMode,
    Opinion,
    RevealedView,
    TaskView,
    Turn,
)
from eval_pipeline.flows.desk import NOTHING_SAID, PanelSide, subject_of

NOT_JUDGED: Final = "no judge was asked"
ABOUT_CHARACTERS: Final = 80


@dataclasses.dataclass(frozen=True)
class Undoable:
    """The answer just given, while it can be taken up again."""

    lease_id: str
    label: str
    until: dt.datetime


def task_view(
    services: Services,
    task: LeasedTask,
    *,
    undo: Undoable | None = None,
    previous: Given | None = None,
) -> TaskView:
    """A leased task on the screen; the refuter's claim is for an adjudicator alone."""
    subject = subject_of(task.subject_json)
    side = _for_adjudicator(services, task)
    return TaskView(
        lease_id=task.lease_id,
        purpose=task.purpose,
        route=subject.route,
        turns=tuple(Turn(role, content) for role, content in subject.turns),
        response=subject.response,
        criteria=subject.criteria,
        failure_modes=tuple(FailureMode(*mode) for mode in services.work.failure_modes()),
        expires_at=task.expires_at,
        others=unnamed(task.others),
        refuter_claim=side.refuter.claim if side.refuter else None,
        refuter_quote=side.refuter.quote if side.refuter else None,
        previous=previous or task.previous,
        undo_lease_id=undo.lease_id if undo else None,
        undo_label=undo.label if undo else None,
        undo_until=undo.until if undo else None,
    )


def unnamed(answers: Sequence[Given]) -> tuple[Given, ...]:
    """Standing labels by letter: an adjudicator weighs reasons, not who gave them."""
    return tuple(
        dataclasses.replace(given, by=letter)
        for letter, given in zip(string.ascii_uppercase, answers, strict=False)
    )


def revealed_view(services: Services, task: AnsweredTask) -> RevealedView:
    """The judges' side of an answered task; only for a lease that was revealed."""
    subject = subject_of(task.subject_json)
    side = services.work.panel_side(task.interaction_id, week=task.week)
    return RevealedView(
        lease_id=task.lease_id,
        own=task.own,
        panel_verdict=side.verdict,
        panel_reason=side.reason or NOT_JUDGED,
        opinions=tuple(
            Opinion(said.judge_id, said.verdict, said.rationale, said.missing)
            for said in side.judges
        ),
        refuter_claim=side.refuter.claim if side.refuter else None,
        route=subject.route,
        turns=tuple(Turn(role, content) for role, content in subject.turns),
        response=subject.response,
        purpose=task.asked,
    )


def answer_rows(
    services: Services, answers: pl.DataFrame, *, at: dt.datetime
) -> tuple[AnswerRow, ...]:
    """The rows of `Desk.answers_of` as a person sees them."""
    leases = services.answered.listed(answers["lease_id"].drop_nulls().to_list())
    return tuple(_answer_row(row, leases, at=at) for row in answers.iter_rows(named=True))


def _answer_row(
    row: Mapping[str, Any], leases: Mapping[str, tuple[str, dt.datetime]], *, at: dt.datetime
) -> AnswerRow:
    subject_json, expires_at = leases.get(row["lease_id"], ("{}", at))
    turns = subject_of(subject_json).turns
    standing = row["lease_id"] is not None and not row["withdrawn"]
    decides = row["purpose"] == "adjudicate"
    can_undo = (
        standing
        and row["revealed_at"] is None
        and (decides or row["state"] not in DECIDED_STATES)
        and at < expires_at
    )
    return AnswerRow(
        lease_id=row["lease_id"],
        at=row["at"],
        purpose=row["purpose"],
        label=row["label"],
        # Whether somebody else said the same is told once it can change the answer no more.
        state="labelled" if can_undo and not decides else row["state"],
        withdrawn=row["withdrawn"],
        can_undo=can_undo,
        can_reveal=standing and row["state"] != "erased",
        about=turns[0][1][:ABOUT_CHARACTERS] if turns else "",
    )


def _for_adjudicator(services: Services, task: LeasedTask) -> PanelSide:
    if asked_by(task) != "adjudicate":
        return NOTHING_SAID
    interaction_id = services.answered.interaction_of(task.task_id)
    if interaction_id is None:
        return NOTHING_SAID
    return services.work.panel_side(interaction_id, week=task.week)
