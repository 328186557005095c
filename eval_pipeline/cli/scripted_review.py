"""Scripted reviewers at the desk: they get the queue and give labels by the ways people do."""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eval_pipeline.adapters.audit import PIPELINE
from eval_pipeline.demo.reviewers import ScriptedLabel
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.flows import review_exports, review_imports
from eval_pipeline.flows.truth import settle_week
from eval_pipeline.flows.wiring import Pipeline


@dataclass(frozen=True)
class Desk:
    """Two annotators and an adjudicator, by id, and what each says of a subject."""

    annotators: Sequence[str]
    adjudicator: str
    label: Callable[..., ScriptedLabel]

    def staff(self, pipeline: Pipeline) -> None:
        """Registers the scripted reviewers as such: every label of theirs says so."""
        for annotator in (*self.annotators, self.adjudicator):
            pipeline.people.add(
                annotator,
                kind="scripted",
                may_adjudicate=annotator == self.adjudicator,
                by=PIPELINE,
                at=pipeline.clock(),
            )

    def work(self, pipeline: Pipeline, *, week: str) -> None:
        """Labels the week's queue twice, blind, then adjudicates what the two dispute."""
        at = dt.datetime.combine(
            dt.date.fromisoformat(week) + dt.timedelta(days=8), dt.time(9), tzinfo=dt.UTC
        )
        queue = [
            json.loads(line) for line in review_exports.export(pipeline, week=week).splitlines()
        ]
        labels = [
            self._line(task, annotator, at=at, who="annotator_id", when="labelled_at")
            for task in queue
            for annotator in self.annotators
        ]
        review_imports.import_labels(pipeline, "\n".join(labels), week=week)
        disputed = set(_disputed(pipeline, week=week))
        decisions = [
            self._line(
                task,
                self.adjudicator,
                at=at + dt.timedelta(days=1),
                who="adjudicated_by",
                when="adjudicated_at",
            )
            for task in queue
            if task["task_id"] in disputed
        ]
        review_imports.import_adjudications(pipeline, "\n".join(decisions), week=week)

    def _line(
        self, task: Mapping[str, object], person: str, *, at: dt.datetime, who: str, when: str
    ) -> str:
        said = self.label(task["subject"], annotator=person)
        return canonical_json(
            {
                "task_id": task["task_id"],
                who: person,
                "label": said.label,
                "rationale": said.rationale,
                "reference_response": said.reference_response,
                when: at.isoformat(),
            }
        )


def _disputed(pipeline: Pipeline, *, week: str) -> list[str]:
    states = settle_week(pipeline, week=week).states
    return [row["task_id"] for row in states.to_dicts() if row["state"] == "disputed"]
