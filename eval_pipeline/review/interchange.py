"""The queue out and the labels in, as JSON lines, for reviewers who work with other tools.

Text in, text out: reading and writing files, and masking what reviewers typed, is the caller's.
"""

import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from eval_pipeline.fingerprint import canonical_json, fingerprint

Identifier = Annotated[str, Field(min_length=1, max_length=80)]
ReviewLabel = Literal["pass", "fail", "cannot_tell"]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelLine(_Line):
    """One person's label of one task."""

    task_id: Annotated[str, Field(min_length=1, max_length=64)]
    annotator_id: Identifier
    label: ReviewLabel
    rationale: str = ""
    reference_response: str | None = None
    labelled_at: AwareDatetime
    corrects: str | None = None
    label_id: Annotated[str, Field(max_length=64)] = ""


class AdjudicationLine(_Line):
    """One named person's binding decision on one task."""

    task_id: Annotated[str, Field(min_length=1, max_length=64)]
    adjudicated_by: Identifier
    label: ReviewLabel
    rationale: Annotated[str, Field(min_length=1)]
    reference_response: str | None = None
    adjudicated_at: AwareDatetime
    corrects: str | None = None
    adjudication_id: Annotated[str, Field(max_length=64)] = ""


Line = TypeVar("Line", LabelLine, AdjudicationLine)


@dataclass(frozen=True)
class BadRow:
    """A line that was not taken, by its number from 1; `problem` never quotes what it says."""

    line: int
    problem: str


@dataclass(frozen=True)
class Import(Generic[Line]):
    """What a file holds: rows in order without repeats, and what is wrong with the others."""

    rows: tuple[Line, ...]
    bad_rows: tuple[BadRow, ...]


def export_queue(tasks: pl.DataFrame) -> str:
    """One line per task, by task id: the id, the rubric and what a reviewer is shown.

    Neither why a task was selected nor what judges said of it is told. Reads task_id, rubric_id
    and subject_json.
    """
    lines = [
        canonical_json(
            {
                "task_id": task["task_id"],
                "rubric_id": task["rubric_id"],
                "subject": json.loads(task["subject_json"]),
            }
        )
        for task in tasks.sort("task_id").iter_rows(named=True)
    ]
    return "".join(f"{line}\n" for line in lines)


def parse_labels(text: str, *, known_tasks: Container[str]) -> Import[LabelLine]:
    """The labels of a JSON-lines text; a label without id gets one from who said what of which.

    Importing the same text twice gives the same ids, so a store that knows them changes nothing.
    """
    return _parse(text, LabelLine, known_tasks=known_tasks)


def parse_adjudications(text: str, *, known_tasks: Container[str]) -> Import[AdjudicationLine]:
    """The adjudications of a JSON-lines text, on the same terms as the labels."""
    return _parse(text, AdjudicationLine, known_tasks=known_tasks)


def _parse(text: str, form: type[Line], *, known_tasks: Container[str]) -> Import[Line]:
    rows: dict[str, Line] = {}
    bad_rows: list[BadRow] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        row = _read(line, form)
        if isinstance(row, str):
            bad_rows.append(BadRow(number, row))
        elif row.task_id not in known_tasks:
            bad_rows.append(BadRow(number, "task_id: no such task in this queue"))
        elif (key := _id_of(row)) in rows and rows[key] != row:
            bad_rows.append(BadRow(number, "its id is already given to another row of this file"))
        else:
            rows[key] = row
    return Import(tuple(rows.values()), tuple(bad_rows))


def _read(line: str, form: type[Line]) -> Line | str:
    """The row with its id, or what is wrong with it."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(value, dict):
        return "not a JSON object"
    try:
        return _identified(form.model_validate(value))
    except ValidationError as error:
        return "; ".join(_problem(item, form) for item in error.errors())


def _problem(item: Any, form: type[Line]) -> str:
    field = str(item["loc"][0]) if item["loc"] else "row"
    if field not in form.model_fields:
        return "a key that is not allowed; allowed are " + ", ".join(form.model_fields)
    return f"{field}: {item['msg'][0].lower()}{item['msg'][1:]}"


def _identified(row: Line) -> Line:
    if _id_of(row):
        return row
    field = "label_id" if isinstance(row, LabelLine) else "adjudication_id"
    instant = "labelled_at" if isinstance(row, LabelLine) else "adjudicated_at"
    content = row.model_dump(mode="json", exclude={field, instant})
    return row.model_copy(update={field: fingerprint(content)})


def _id_of(row: LabelLine | AdjudicationLine) -> str:
    return row.label_id if isinstance(row, LabelLine) else row.adjudication_id
