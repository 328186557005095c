"""Which labels count as blind ones, task by task: what every measure of agreement is made from."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.review.states import DECIDED, standing_labels

AUDIT: Final = "audit"
SCRIPTED: Final = "scripted"
PERSON: Final = "person"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class BlindLabel:
    """One person's answer that stands; `seconds` is null where nobody measured it."""

    annotator_id: str
    kind: str
    label: str
    seconds: float | None
    labelled_at: dt.datetime


@dataclass(frozen=True)
class BlindTask:
    """A task with the blind labels that count: at most `needed`, by different people.

    `standing` holds every label that nobody corrected or withdrew, those after the first `needed`
    too. `conversation` is the task's own id where its conversation is not known. `known_label` is
    null except for gold checks.
    """

    task_id: str
    week: str
    rubric_id: str
    selection: str
    label_probability: float
    known_label: str | None
    conversation: str
    subsets: tuple[str, ...]
    needed: int
    standing: tuple[BlindLabel, ...]

    @property
    def counted(self) -> tuple[BlindLabel, ...]:
        """The first `needed` labels, in the order in which their authors first answered."""
        return self.standing[: self.needed]

    @property
    def annotator_kind(self) -> str:
        """'scripted' if a script gave one of the labels that count, else 'person'."""
        kinds = {label.kind for label in self.counted}
        return SCRIPTED if SCRIPTED in kinds else PERSON

    @property
    def ratings(self) -> tuple[str | None, ...]:
        """What was said, cannot_tell too; null for each label still to come."""
        said = [label.label for label in self.counted]
        return (*said, *[None] * (self.needed - len(said)))

    @property
    def decided(self) -> tuple[str | None, ...]:
        """`ratings` with null where somebody could not tell."""
        return tuple(said if said in DECIDED else None for said in self.ratings)


def blind_tasks(
    tasks: pl.DataFrame, labels: pl.DataFrame, membership: pl.DataFrame
) -> tuple[BlindTask, ...]:
    """The tasks by week and id with their blind labels.

    `tasks` and `labels` are the store's, `labels` with `annotator_kind` and `withdrawn`;
    `membership` says of interactions in which `subsets` and which conversation (`conversation_key`)
    they are. A correction takes the place of what it corrects and keeps its turn; a withdrawn label
    counts for nothing, and the next person's takes its place.
    """
    standing = _standing(labels)
    places: dict[str, Row] = {
        row["interaction_id"]: row
        for row in membership.select("interaction_id", "conversation_key", "subsets").iter_rows(
            named=True
        )
    }
    return tuple(
        _task(row, standing.get(row["task_id"], ()), places.get(row["interaction_id"], {}))
        for row in tasks.sort("week", "task_id").iter_rows(named=True)
    )


def _task(row: Row, standing: Iterable[BlindLabel], place: Mapping[str, Any]) -> BlindTask:
    return BlindTask(
        task_id=row["task_id"],
        week=row["week"],
        rubric_id=row["rubric_id"],
        selection=row["selection"],
        label_probability=row["label_probability"],
        known_label=row["known_label"],
        conversation=place.get("conversation_key") or row["task_id"],
        subsets=tuple(place.get("subsets") or ()),
        needed=row["labels_needed"],
        standing=tuple(standing),
    )


def _standing(labels: pl.DataFrame) -> dict[str, list[BlindLabel]]:
    """By task, one label a person, in the order of the instants when they first answered."""
    given: dict[str, list[Row]] = defaultdict(list)
    for row in labels.iter_rows(named=True):
        given[row["task_id"]].append(row)
    return {
        task_id: [
            BlindLabel(
                annotator_id=row["annotator_id"],
                kind=row["annotator_kind"],
                label=row["label"],
                seconds=row["seconds"],
                labelled_at=row["labelled_at"],
            )
            for row in standing_labels(rows)
        ]
        for task_id, rows in given.items()
    }
