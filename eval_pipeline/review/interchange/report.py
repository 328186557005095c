"""What a file of answers held: rows in order, and what is wrong with the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from eval_pipeline.review.interchange.forms import AdjudicationLine, Known, LabelLine

Line = TypeVar("Line", LabelLine, AdjudicationLine)


@dataclass(frozen=True, order=True)
class Place:
    """Where it stands: the row (line, task or record) and the answer in it, both from 1.

    `answer` is 0 where a row is one answer.
    """

    row: int
    answer: int = 0


@dataclass(frozen=True, order=True)
class Problem:
    """Why something was not taken; it never quotes what the file says. `field` may be empty."""

    place: Place
    field: str
    problem: str

    @property
    def reason(self) -> str:
        """The field and what is wrong with it."""
        return f"{self.field}: {self.problem}" if self.field else self.problem


@dataclass(frozen=True)
class Row(Generic[Line]):
    """A well-formed answer and where it stands; not `dated` if the file does not say when."""

    place: Place
    line: Line
    dated: bool = True


@dataclass(frozen=True)
class Parsed(Generic[Line]):
    """A file's answers; `skipped` and `drafts` count what its people did not answer."""

    rows: tuple[Row[Line], ...] = ()
    problems: tuple[Problem, ...] = ()
    skipped: int = 0
    drafts: int = 0


def read_row(
    value: Any,
    form: type[Line],
    *,
    place: Place,
    known: Known,
    dated: bool = True,
    names: Mapping[str, str] | None = None,
) -> Row[Line] | list[Problem]:
    """The row, or what is wrong with it; `names` are the file's own names of our fields."""
    try:
        line = form.model_validate(value)
    except ValidationError as error:
        return problems_of(error, form, place=place, names=names or {})
    unknown = unknown_references(line, known)
    if unknown:
        return [Problem(place, (names or {}).get(field, field), why) for field, why in unknown]
    return Row(place, line, dated)


def problems_of(
    error: ValidationError, form: type[BaseModel], *, place: Place, names: Mapping[str, str]
) -> list[Problem]:
    """Each error by its field; a key that the form does not have is not named."""
    allowed = ", ".join(form.model_fields)
    problems = []
    for item in error.errors(include_url=False, include_input=False):
        field = str(item["loc"][0]) if item["loc"] else ""
        if field and field not in form.model_fields:
            problems.append(Problem(place, "", f"a key that is not allowed; allowed are {allowed}"))
            continue
        words = item["msg"].removeprefix("Value error, ")
        problems.append(Problem(place, names.get(field, field), words[:1].lower() + words[1:]))
    return problems


def unknown_references(line: LabelLine | AdjudicationLine, known: Known) -> list[tuple[str, str]]:
    """The fields of an answer that refer to nothing we know, and why."""
    by = "annotator_id" if isinstance(line, LabelLine) else "adjudicated_by"
    criteria = known.tasks.get(line.task_id)
    if criteria is None:
        return [("task_id", "no such task in this queue")]
    found = []
    if line.by not in known.people:
        found.append((by, "nobody of this name is at the desk"))
    if line.failure_mode is not None and line.failure_mode not in known.failure_modes:
        found.append(("failure_mode", "no subset of this name is configured"))
    if line.criteria is not None and len(line.criteria) != criteria:
        found.append(("criteria", f"{len(line.criteria)} values; the rubric has {criteria}"))
    return found
