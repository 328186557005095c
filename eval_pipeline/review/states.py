"""Where a review task stands: a pure function of what people said of it, and what may follow.

The store's column, the queue and the settled labels all read it here, so they cannot differ.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from eval_pipeline.errors import ReviewError

TaskState = Literal["open", "labelled", "agreed", "disputed", "adjudicated", "cannot_tell"]
Step = Literal["label", "adjudicate", "withdraw"]

DECIDED: Final = ("pass", "fail")
SETTLED_STATES: Final = ("agreed", "adjudicated", "cannot_tell")
CANNOT_TELL: Final = "cannot_tell"
ERASED: Final = "erased"
"""The state of a task whose interaction is gone; no answer leads out of it."""

ASKED_FOR: Final[Mapping[Literal["label", "adjudicate"], tuple[TaskState, ...]]] = {
    "label": ("open", "labelled"),
    "adjudicate": ("disputed",),
}
"""The states in which a task is given to somebody, by what they are asked for."""

_FOLLOWS: Final[Mapping[tuple[Step, str], tuple[TaskState, ...]]] = {
    ("label", "open"): ("labelled", "agreed", "disputed"),
    ("label", "labelled"): ("labelled", "agreed", "disputed"),
    # A correction can turn one into the other; a label too many changes neither.
    ("label", "agreed"): ("agreed", "disputed"),
    ("label", "disputed"): ("agreed", "disputed"),
    ("label", "adjudicated"): ("adjudicated",),
    ("label", "cannot_tell"): ("cannot_tell",),
    ("withdraw", "open"): ("open",),
    ("withdraw", "labelled"): ("open", "labelled"),
    ("withdraw", "agreed"): ("open", "labelled", "agreed", "disputed"),
    ("withdraw", "disputed"): ("open", "labelled", "agreed", "disputed"),
    ("withdraw", "adjudicated"): ("adjudicated",),
    ("withdraw", "cannot_tell"): ("cannot_tell",),
    **{
        ("adjudicate", state): ("adjudicated", "cannot_tell")
        for state in ("open", "labelled", "agreed", "disputed", "adjudicated", "cannot_tell")
    },
}

Row = Mapping[str, Any]


def state_of(labels: Sequence[Row], decision: Row | None, *, needed: int) -> TaskState:
    """The state, given `standing_labels` and `standing_decision` of the task.

    The first `needed` labels count. All pass or all fail is agreement; anything else, a shared
    cannot_tell too, is a dispute. A decision settles whatever the labels say.
    """
    if decision is not None:
        return "cannot_tell" if decision["label"] == CANNOT_TELL else "adjudicated"
    counted = labels[:needed]
    if not counted:
        return "open"
    if len(counted) < needed:
        return "labelled"
    answers = Counter(label["label"] for label in counted)
    return "agreed" if len(answers) == 1 and next(iter(answers)) in DECIDED else "disputed"


def may_follow(before: str, after: str, *, step: Step) -> bool:
    """Whether the step can lead from the one state to the other; nothing leads out of `erased`."""
    return after in _FOLLOWS.get((step, before), ())


def standing_labels(rows: Iterable[Row]) -> list[Row]:
    """Of one task's labels those in force, one a person, in the order of everyone's first label.

    A correction takes the place of what it corrects; a label is out once `withdrawn`. Raises
    `ReviewError` if a correction points at no row of the task or at another person's label.
    """
    first: dict[str, Row] = {}
    for row in _in_force(rows, key="label_id", at="labelled_at", by="annotator_id"):
        first.setdefault(row["annotator_id"], row)
    return [row for row in first.values() if not row.get("withdrawn")]


def standing_decision(rows: Iterable[Row]) -> Row | None:
    """Of one task's adjudications the latest that nothing corrects, or None; else as labels."""
    in_force = _in_force(rows, key="adjudication_id", at="adjudicated_at", by=None)
    return max(in_force, key=_decided_at, default=None)


def _in_force(rows: Iterable[Row], *, key: str, at: str, by: str | None) -> list[Row]:
    known: dict[str, Row] = {row[key]: row for row in rows}
    corrected = {row["corrects"] for row in known.values() if row["corrects"] is not None}
    in_force = []
    for row in known.values():
        if row[key] in corrected:
            continue
        origin = row
        for _ in known:
            if origin["corrects"] is None:
                break
            origin = _corrected(origin, known, key=key, by=by)
        in_force.append((origin[at], origin[key], row))
    return [row for *_, row in sorted(in_force, key=lambda found: found[:2])]


def _corrected(row: Row, known: Mapping[str, Row], *, key: str, by: str | None) -> Row:
    earlier = known.get(row["corrects"])
    if earlier is None:
        raise ReviewError(
            f"The correction {row[key]} points at {row['corrects']}, which is no row of its task "
            f"{row['task_id']}. Nothing was settled. Remove the correction or mend `corrects`."
        )
    if by is not None and earlier[by] != row[by]:
        raise ReviewError(
            f"The correction {row[key]} by {row[by]} points at a label of {earlier[by]}. Nothing "
            "was settled. People correct their own labels; a dispute is for an adjudicator."
        )
    return earlier


def _decided_at(row: Row) -> tuple[dt.datetime, str]:
    return row["adjudicated_at"], row["adjudication_id"]
