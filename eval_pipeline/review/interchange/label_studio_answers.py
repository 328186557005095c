"""Answers from Label Studio's exports, JSON and JSON_MIN: one row a task, one answer a person."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval_pipeline.review.interchange.forms import Known, LabelLine
from eval_pipeline.review.interchange.people import UNKNOWN, People
from eval_pipeline.review.interchange.report import (
    Parsed,
    Place,
    Problem,
    Row,
    problems_of,
    read_row,
)
from eval_pipeline.review.interchange.said import CONTROLS, read_controls

NAMES = {"annotator_id": "completed_by", "labelled_at": "updated_at", "seconds": "lead_time"}


class _Lenient(BaseModel):
    """A form of which only these fields are read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Result(_Lenient):
    from_name: str | None = None
    value: dict[str, Any] = Field(default_factory=dict)


class _Annotation(_Lenient):
    completed_by: Any = None
    updated_by: Any = None
    parent_annotation: Any = None
    result: list[_Result]
    was_cancelled: bool | None = False
    created_at: Any = None
    updated_at: Any = None
    lead_time: Any = None


class _Task(_Lenient):
    data: dict[str, Any]
    annotations: list[Any] = Field(default_factory=list)
    drafts: list[Any] | None = None


def parse_label_studio(value: Any, *, known: Known, people: People) -> Parsed[LabelLine]:
    """The labels of a parsed export (a list of tasks, or one), and what is wrong with others.

    A cancelled annotation is a skip. What an annotation says was said at its last change.
    Predictions and drafts are never read; a mark as ground truth makes an answer no other answer.
    Refused are annotations that another person changed or that were copied from another one: they
    are nobody's own, blind answer.
    """
    tasks = value if isinstance(value, list) else [value]
    found = [
        one
        for number, task in enumerate(tasks, 1)
        for one in _answers(task, number, known=known, people=people)
    ]
    return Parsed(
        rows=tuple(one for one in found if isinstance(one, Row)),
        problems=tuple(one for one in found if isinstance(one, Problem)),
        skipped=found.count("skipped"),
        drafts=found.count("draft"),
    )


def _answers(
    task: Any, number: int, *, known: Known, people: People
) -> Iterator[Row[LabelLine] | Problem | str]:
    place = Place(number)
    if not isinstance(task, dict):
        yield Problem(place, "", "not a task of Label Studio: not a JSON object")
        return
    if "annotations" not in task and "data" not in task:
        yield from _minimal(task, place, known=known, people=people)
        return
    try:
        read = _Task.model_validate(task)
    except ValidationError as error:
        yield from problems_of(error, _Task, place=place, names={})
        return
    for _ in read.drafts or []:
        yield "draft"
    for index, item in enumerate(read.annotations, 1):
        there = Place(number, index)
        yield from _annotation(item, there, data=read.data, known=known, people=people)


def _annotation(
    item: Any, place: Place, *, data: Mapping[str, Any], known: Known, people: People
) -> Iterator[Row[LabelLine] | Problem | str]:
    if not isinstance(item, dict):
        yield Problem(place, "annotations", "not a JSON object")
        return
    try:
        read = _Annotation.model_validate(item)
    except ValidationError as error:
        yield from problems_of(error, _Annotation, place=place, names={})
        return
    if read.was_cancelled:
        yield "skipped"
        return
    if read.parent_annotation is not None:
        yield Problem(place, "parent_annotation", "copied from another annotation: not blind")
        return
    author = _names(read.completed_by)
    if _others(author, _names(read.updated_by)):
        reason = "changed by another person than who gave it: it is nobody's own answer"
        yield Problem(place, "updated_by", reason)
        return
    said = [(result.from_name, result.value) for result in read.result]
    yield from _row(
        said, place, by=author, task_id=data.get("task_id"), item=item, known=known, people=people
    )


def _minimal(
    task: Mapping[str, Any], place: Place, *, known: Known, people: People
) -> Iterator[Row[LabelLine] | Problem | str]:
    """A row of JSON_MIN: data, the controls' values and who gave them, side by side."""
    if task.get("annotation_id") is None and not any(name in task for name in CONTROLS):
        return  # a task that nobody has answered
    said = [(name, task[name]) for name in CONTROLS if name in task]
    yield from _row(
        said,
        place,
        by=_names(task.get("annotator")),
        task_id=task.get("task_id"),
        item=task,
        known=known,
        people=people,
    )


def _row(
    said: Iterable[tuple[Any, Any]],
    place: Place,
    *,
    by: list[object],
    task_id: Any,
    item: Mapping[str, Any],
    known: Known,
    people: People,
) -> Iterator[Row[LabelLine] | Problem]:
    answer, problems = read_controls(said, place=place)
    person = people.find(*by)
    if person is None:
        problems.append(Problem(place, "completed_by", UNKNOWN))
    if problems:
        yield from problems
        return
    form = {
        **answer,
        "task_id": task_id,
        "annotator_id": person,
        "labelled_at": item.get("updated_at") or item.get("created_at"),
        "seconds": item.get("lead_time"),
    }
    row = read_row(form, LabelLine, place=place, known=known, names=NAMES)
    yield from [row] if isinstance(row, Row) else row


def _names(person: Any) -> list[object]:
    """What Label Studio calls a person: an id, an address, or an object with both."""
    if isinstance(person, dict):
        return [person[key] for key in ("email", "id", "username") if person.get(key) is not None]
    return [] if person is None else [person]


def _others(author: list[object], changed_by: list[object]) -> bool:
    """Whether two people are known by number and are not the same."""
    one, other = (
        {str(name) for name in names if str(name).isdigit()} for names in (author, changed_by)
    )
    return bool(one and other) and not one & other
