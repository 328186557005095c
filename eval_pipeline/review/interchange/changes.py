"""What a file of answers changes: new ones, corrections of earlier ones, and what is known.

Nothing is overwritten, and a file that was imported before changes nothing, whichever came after.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic

from eval_pipeline.review.interchange.report import Line, Parsed, Place, Problem, Row

SAME_INSTANT = (
    "this person said something else of this task at the same instant; give a later time, or name "
    "in `corrects` what it replaces"
)


@dataclass(frozen=True)
class Standing:
    """An answer that the store holds; `content` is what it says, masked."""

    answer_id: str
    at: dt.datetime
    corrects: str | None
    content: tuple[object, ...]


Chains = dict[tuple[str, str], list[Standing]]
"""By task and person, what the store holds of them, oldest first."""


@dataclass(frozen=True)
class Planned(Generic[Line]):
    """An answer to record, with its id; `correction` if it replaces one without being told to."""

    place: Place
    line: Line
    correction: bool


@dataclass
class Plan(Generic[Line]):
    """What to record, in order; how many answers are known, or older than what stands."""

    to_record: list[Planned[Line]] = field(default_factory=list)
    known: int = 0
    superseded: int = 0
    problems: list[Problem] = field(default_factory=list)


def chains_of(rows: Sequence[Mapping[str, Any]], *, key: str, by: str, at: str) -> Chains:
    """The store's rows of a week by task and person; `key`, `by` and `at` are its columns."""
    chains: Chains = {}
    for row in rows:
        standing = Standing(row[key], row[at], row["corrects"], _stored(row))
        chains.setdefault((row["task_id"], row[by]), []).append(standing)
    return {who: _oldest_first(chain) for who, chain in chains.items()}


def plan(parsed: Parsed[Line], chains: Chains) -> Plan[Line]:
    """What the rows of a file change; their texts are masked as the store's are.

    A row with an id of its own, or that names what it corrects, is taken as it says. Of the others
    each person's last word of a task stands: a later one that says something else corrects the
    earlier one, an earlier one changes nothing. A row without a time changes nothing either where
    the person has said just that before.
    """
    made: Plan[Line] = Plan()
    grouped: dict[tuple[str, str], list[Row[Line]]] = {}
    for row in parsed.rows:
        grouped.setdefault((row.line.task_id, row.line.by), []).append(row)
    for who, rows in grouped.items():
        chain = list(chains.get(who, ()))
        told = any(_is_told(row.line) for row in rows)
        for row in rows if told else sorted(rows, key=lambda row: row.line.at):
            _take(row, chain, made)
    return made


def _take(row: Row[Line], chain: list[Standing], made: Plan[Line]) -> None:
    line, content = row.line, _said(row.line)
    last = chain[-1] if chain else None
    is_old = last is not None and (not row.dated or line.at < last.at)
    if _is_told(line) or last is None:
        again = any((one.content, one.corrects) == (content, line.corrects) for one in chain)
        if again and not line.given_id:
            made.known += 1
        else:
            _record(row, chain, made, corrects=line.corrects)
    elif content == last.content:
        made.known += 1
        chain[-1] = replace(last, at=max(last.at, line.at))
    elif is_old and any(content == one.content for one in chain):
        made.known += 1
    elif row.dated and line.at < last.at:
        made.superseded += 1
    elif row.dated and line.at == last.at:
        made.problems.append(Problem(row.place, "", SAME_INSTANT))
    else:
        _record(row, chain, made, corrects=last.answer_id)


def _record(
    row: Row[Line], chain: list[Standing], made: Plan[Line], *, corrects: str | None
) -> None:
    line = row.line.identified(corrects=corrects)
    made.to_record.append(Planned(row.place, line, corrects != row.line.corrects))
    chain.append(Standing(line.given_id, line.at, corrects, _said(line)))


def _is_told(line: Line) -> bool:
    return bool(line.given_id or line.corrects)


def _oldest_first(chain: list[Standing]) -> list[Standing]:
    """In the order of correction, which instants alone do not tell."""
    after = {one.corrects: one for one in chain}
    ordered: list[Standing] = []
    one = after.get(None)
    while one is not None and len(ordered) < len(chain):
        ordered.append(one)
        one = after.get(one.answer_id)
    return ordered


def _said(line: Line) -> tuple[object, ...]:
    """What counts as content: not the time that an answer took."""
    return (
        line.label,
        line.rationale,
        line.reference_response or None,
        line.failure_mode,
        line.confidence,
        tuple(line.criteria or ()),
    )


def _stored(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        row["label"],
        row["rationale"],
        row["reference_response"] or None,
        row["failure_mode"],
        row["confidence"],
        tuple(json.loads(row["criteria_json"] or "[]")),
    )
