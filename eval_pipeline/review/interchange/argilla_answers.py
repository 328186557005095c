"""Answers from Argilla 2's records: one row a record, one answer a person.

Read are the records of its Python client, nested or flattened, as a list or by column or by id,
and those of its REST interface. Only the flattened form and the REST form say which responses
were submitted; only the latter when.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eval_pipeline.review.interchange.forms import Known, LabelLine
from eval_pipeline.review.interchange.people import UNKNOWN, People
from eval_pipeline.review.interchange.report import Parsed, Place, Problem, Row, read_row
from eval_pipeline.review.interchange.said import Unclear, read_controls

NAMES = {"annotator_id": "user_id", "labelled_at": "updated_at", "task_id": "id"}
NO_STATUS = (
    "it does not say whether it was submitted; export with `to_list(flatten=True)`, or say "
    "--assume-submitted"
)
UNEVEN = "its values, users and states are not equally many"
RESPONSES = ".responses"


@dataclass
class _Response:
    """What one person said to one record."""

    user: list[object]
    status: object = None
    at: object = None
    values: dict[str, Any] = field(default_factory=dict)


def parse_argilla(
    value: Any,
    *,
    known: Known,
    people: People,
    exported_at: dt.datetime,
    is_exported_then: bool = False,
    assume_submitted: bool = False,
) -> Parsed[LabelLine]:
    """The labels of parsed records, and what is wrong with others.

    A discarded response is a skip. A response without a time is said to be of `exported_at`; it
    counts as dated only if that is when the file was made (`is_exported_then`). One without a
    status is refused unless `assume_submitted`: it may be a draft. If it says nothing, it is a
    skip.
    Suggestions are never read.
    """
    reading = _Reading(
        known=known,
        people=people,
        exported_at=exported_at,
        is_exported_then=is_exported_then,
        assumed="submitted" if assume_submitted else None,
    )
    found = [
        one
        for number, record in enumerate(_records(value), 1)
        for one in reading.answers(record, number)
    ]
    return Parsed(
        rows=tuple(one for one in found if isinstance(one, Row)),
        problems=tuple(one for one in found if isinstance(one, Problem)),
        skipped=found.count("skipped"),
        drafts=found.count("draft"),
    )


@dataclass(frozen=True)
class _Reading:
    """How records are read."""

    known: Known
    people: People
    exported_at: dt.datetime
    is_exported_then: bool
    assumed: str | None

    def answers(self, record: Any, number: int) -> Iterator[Row[LabelLine] | Problem | str]:
        """Each person's answer to a record: a row, a problem, or a word for what is none."""
        place = Place(number)
        if not isinstance(record, dict):
            yield Problem(place, "", "not a record of Argilla: not a JSON object")
            return
        try:
            responses = _responses(record)
        except Unclear as error:
            yield Problem(place, "responses", str(error))
            return
        for index, response in enumerate(responses, 1):
            yield from self._answer(record, response, place=Place(number, index))

    def _answer(
        self, record: Mapping[str, Any], response: _Response, *, place: Place
    ) -> Iterator[Row[LabelLine] | Problem | str]:
        said = any(value is not None for value in response.values.values())
        status = response.status or (self.assumed if said else "discarded")
        if status == "discarded":
            yield "skipped"
        elif status == "draft":
            yield "draft"
        elif status != "submitted":
            told = NO_STATUS if status is None else "not submitted, discarded or draft"
            yield Problem(place, "status", told)
        else:
            yield from self._submitted(record, response, place=place)

    def _submitted(
        self, record: Mapping[str, Any], response: _Response, *, place: Place
    ) -> Iterator[Row[LabelLine] | Problem]:
        said, problems = read_controls(response.values.items(), place=place)
        person = self.people.find(*response.user)
        if person is None:
            problems.append(Problem(place, "user_id", UNKNOWN))
        if problems:
            yield from problems
            return
        form = {
            **said,
            "task_id": _task_id(record),
            "annotator_id": person,
            "labelled_at": _with_zone(response.at) or self.exported_at,
        }
        row = read_row(
            form,
            LabelLine,
            place=place,
            known=self.known,
            dated=self.is_exported_then or bool(response.at),
            names=NAMES,
        )
        yield from [row] if isinstance(row, Row) else row


def _task_id(record: Mapping[str, Any]) -> Any:
    metadata = record.get("metadata")
    named = metadata.get("task_id") if isinstance(metadata, dict) else None
    return named or record.get("task_id") or record.get("external_id") or record.get("id")


def _with_zone(instant: Any) -> Any:
    """Argilla's REST interface writes UTC without saying so."""
    if not isinstance(instant, str):
        return instant
    try:
        read = dt.datetime.fromisoformat(instant)
    except ValueError:
        return instant
    return read.replace(tzinfo=dt.UTC) if read.tzinfo is None else read


def _records(value: Any) -> Iterator[Any]:
    """The records, however they are put together."""
    if isinstance(value, list):
        yield from value
    elif not isinstance(value, dict):
        yield value
    elif isinstance(value.get("items"), list):
        yield from value["items"]
    elif isinstance(value.get("id"), list):
        for position in range(len(value["id"])):
            yield {
                name: column[position] if position < len(column) else None
                for name, column in value.items()
                if isinstance(column, list)
            }
    elif "responses" in value or "fields" in value or isinstance(value.get("id"), str):
        yield value
    else:
        yield from value.values()


def _responses(record: Mapping[str, Any]) -> list[_Response]:
    """What each person said, in the order of the record."""
    held = record.get("responses")
    if isinstance(held, list):
        return [_of_rest(one) for one in held]
    gathered: dict[str, _Response] = {}
    if isinstance(held, dict):
        for question, answers in held.items():
            for one in _list_of(answers):
                if not isinstance(one, dict):
                    raise Unclear("not a JSON object")
                _gather(
                    gathered,
                    question,
                    value=one.get("value"),
                    user=one.get("user_id"),
                    status=one.get("status"),
                )
    elif held is None:
        for name in [name for name in record if name.endswith(RESPONSES)]:
            values = _list_of(record[name])
            users = _list_of(record.get(f"{name}.users"))
            states = _list_of(record.get(f"{name}.status")) or [None] * len(values)
            if not len(values) == len(users) == len(states):
                raise Unclear(UNEVEN)
            for value, user, status in zip(values, users, states, strict=True):
                _gather(gathered, name[: -len(RESPONSES)], value=value, user=user, status=status)
    else:
        raise Unclear("neither a list nor an object")
    return list(gathered.values())


def _gather(
    gathered: dict[str, _Response], question: str, *, value: Any, user: Any, status: Any
) -> None:
    response = gathered.setdefault(str(user), _Response([user]))
    # Two questions in two states: what is not all submitted is not submitted.
    response.status = status if response.status in (None, "submitted") else response.status
    response.values[question] = value


def _of_rest(one: Any) -> _Response:
    if not isinstance(one, dict):
        raise Unclear("not a JSON object")
    user = _object_of(one.get("user"))
    values = {
        name: value.get("value") if isinstance(value, dict) else value
        for name, value in _object_of(one.get("values")).items()
    }
    names = [one.get("user_id"), one.get("username"), user.get("username"), user.get("id")]
    at = one.get("updated_at") or one.get("inserted_at")
    return _Response(names, status=one.get("status"), at=at, values=values)


def _object_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list_of(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unclear("not a list")
    return value
