"""What the review desk asks of the pipeline: open weeks, policies, masking, the judges' side."""

import datetime as dt
import functools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.review.desk_records import LeasePolicy
from eval_pipeline.adapters.review.overview import DeskReading
from eval_pipeline.adapters.review.records import Annotator
from eval_pipeline.errors import StoreError
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.review.candidate_tasks import is_audit_group
from eval_pipeline.review.weeks import open_weeks
from eval_pipeline.settings import ReviewSettings
from eval_pipeline.tables import PANEL_VERDICTS, REFUTATIONS, VERDICTS, Table

WEEKS_LAST: Final = dt.timedelta(seconds=5)
"""So long an answer about the open weeks is believed; a new week's tasks wait no longer."""
WEEKS_KEPT: Final = 13
"""So many weeks' opinions are held in memory."""


@dataclass(frozen=True)
class Subject:
    """What a person is shown: the route, the criteria, (role, text) by turn, and the response."""

    route: str
    criteria: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]
    response: str


@dataclass(frozen=True)
class JudgeSaid:
    """One judge's answer; `missing` says why there is none."""

    judge_id: str
    verdict: str | None
    rationale: str | None
    missing: str | None


@dataclass(frozen=True)
class RefuterSaid:
    """What the refuter claims against the response, with the words that it quotes."""

    claim: str
    quote: str | None


@dataclass(frozen=True)
class PanelSide:
    """What judges, panel and refuter said of one interaction; `reason` is null if none did."""

    verdict: str | None = None
    reason: str | None = None
    judges: tuple[JudgeSaid, ...] = ()
    refuter: RefuterSaid | None = None


NOTHING_SAID: Final = PanelSide()


def subject_of(subject_json: str) -> Subject:
    """A task's subject as it was written when the task was opened."""
    found = json.loads(subject_json)
    return Subject(
        route=str(found.get("route") or ""),
        criteria=tuple(map(str, found.get("criteria") or ())),
        turns=tuple(
            (str(turn.get("role") or ""), str(turn.get("content") or ""))
            for turn in found.get("messages") or ()
        ),
        response=str(found.get("response") or ""),
    )


class DeskWork:
    """One pipeline as the desk sees it; safe to use from several threads."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._masking = threading.Lock()
        self._weeks: tuple[dt.datetime, tuple[str, ...]] | None = None
        self._panel_side = functools.lru_cache(maxsize=WEEKS_KEPT)(self._read_week)

    @property
    def settings(self) -> ReviewSettings:
        """What people are asked."""
        return self.pipeline.settings.review

    @property
    def lease_policy(self) -> LeasePolicy:
        """For how long a task is kept, and how many answers a week a person gives by default."""
        minutes = self.pipeline.settings.desk.lease_minutes
        return LeasePolicy(
            lease=dt.timedelta(minutes=minutes), weekly_budget=self.settings.annotator_budget
        )

    def warm_up(self) -> None:
        """Opens the store and loads the anonymiser, so that the first label waits for neither."""
        self.pipeline.store  # noqa: B018 - opened on first use
        self.masked("Nothing to mask here.")

    def check_store(self) -> None:
        """Raises `StoreError` unless the store answers and has this program's schema."""
        found = self.pipeline.store.schema()
        if found != HEAD:
            raise StoreError(
                f"The store has schema {found or 'none'} by now, and this program knows {HEAD}. "
                "Nothing was written. Start the version that the others run."
            )

    def people(self) -> list[Annotator]:
        """Everyone who is or was at the desk."""
        return self.pipeline.people.everyone()

    def weeks(self) -> tuple[str, ...]:
        """Every week that ever had tasks, newest first."""
        return tuple(sorted(self.pipeline.review.weeks(), reverse=True))

    def masked(self, text: str) -> str:
        """What a person typed, masked; one text at a time, as the matcher keeps state."""
        if not text.strip():
            return ""
        with self._masking:
            return self.pipeline.anonymiser.mask_text(text)

    def open_weeks(self, *, at: dt.datetime) -> tuple[str, ...]:
        """The weeks whose tasks are asked now, newest first, then the groups of candidates' tasks.

        A candidate's tasks are asked for as long as a week's are.
        """
        known = self._weeks
        if known is None or not dt.timedelta() <= at - known[0] < WEEKS_LAST:
            weeks = open_weeks(self.pipeline.review.weeks(), self.settings)
            asked = dt.timedelta(weeks=1 + self.settings.carry_over_weeks)
            groups = DeskReading(self.pipeline.store).audit_groups(since=at - asked)
            self._weeks = known = (at, (*weeks, *groups))
        return known[1]

    def calendar_weeks(self, *, at: dt.datetime) -> tuple[str, ...]:
        """The weeks alone of `open_weeks`: what is measured and published by the week."""
        return tuple(week for week in self.open_weeks(at=at) if not is_audit_group(week))

    def failure_modes(self) -> tuple[tuple[str, str], ...]:
        """The team's subsets with why they exist, as the picker offers them."""
        subsets = self.pipeline.settings.subsets
        return tuple((name, subset.why) for name, subset in subsets.items())

    def panel_side(self, interaction_id: str, *, week: str) -> PanelSide:
        """What was said of an interaction; to be shown only to who has answered.

        A gold check was judged in an earlier week than it is asked in, and is shown like any other.
        Of a candidate's answer nothing is shown: what judged it would tell whose it is.
        """
        if is_audit_group(week):
            return NOTHING_SAID
        found = self._panel_side(week).get(interaction_id)
        if found is not None:
            return found
        judged = self.pipeline.lake.partitions(PANEL_VERDICTS)
        for earlier in sorted((known for known in judged if known < week), reverse=True):
            found = self._panel_side(earlier).get(interaction_id)
            if found is not None:
                return found
        return NOTHING_SAID

    def _read_week(self, week: str) -> Mapping[str, PanelSide]:
        verdicts, panel, refutations = (
            self._rows(table, week=week) for table in (VERDICTS, PANEL_VERDICTS, REFUTATIONS)
        )
        judges: dict[str, list[JudgeSaid]] = {}
        for row in verdicts.sort("interaction_id", "judge_id", "order").iter_rows(named=True):
            judges.setdefault(row["interaction_id"], []).append(_judge_said(row))
        claims = {
            row["interaction_id"]: RefuterSaid(row["claim"], row["quote"])
            for row in refutations.iter_rows(named=True)
            if (row["claim"] or "").strip()
        }
        return {
            row["interaction_id"]: PanelSide(
                verdict=row["panel_verdict"],
                reason=row["reason"],
                judges=tuple(judges.get(row["interaction_id"], ())),
                refuter=claims.get(row["interaction_id"]),
            )
            for row in panel.iter_rows(named=True)
        }

    def _rows(self, table: Table, *, week: str) -> pl.DataFrame:
        lake = self.pipeline.lake
        return (
            lake.read(table, partition=week) if lake.has(table, partition=week) else table.empty()
        )


def _judge_said(row: Mapping[str, Any]) -> JudgeSaid:
    answered = row["verdict"] is not None
    return JudgeSaid(
        judge_id=row["judge_id"],
        verdict=row["verdict"],
        rationale=row["rationale"],
        missing=None if answered else str(row["status"]),
    )
