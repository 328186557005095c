"""Small frames of a review desk, as the store gives them."""

import datetime as dt
from collections.abc import Sequence

import polars as pl

from eval_pipeline.tables import NAMES, UTC_MICROSECONDS

WEEK = "2026-11-16"
START = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
RUBRIC = "helpful@1"

TASKS = pl.Schema(
    {
        "task_id": pl.String,
        "week": pl.String,
        "interaction_id": pl.String,
        "selection": pl.String,
        "reason": pl.String,
        "label_probability": pl.Float64,
        "rubric_id": pl.String,
        "state": pl.String,
        "labels_needed": pl.Int64,
        "known_label": pl.String,
    }
)
LABELS = pl.Schema(
    {
        "label_id": pl.String,
        "task_id": pl.String,
        "annotator_id": pl.String,
        "annotator_kind": pl.String,
        "label": pl.String,
        "rationale": pl.String,
        "reference_response": pl.String,
        "labelled_at": UTC_MICROSECONDS,
        "corrects": pl.String,
        "seconds": pl.Float64,
        "withdrawn": pl.Boolean,
    }
)
MEMBERSHIP = pl.Schema(
    {"interaction_id": pl.String, "conversation_key": pl.String, "subsets": NAMES}
)


def task(task_id: str, **other: object) -> dict[str, object]:
    """A task of the random slice, asked with certainty, that needs two labels."""
    return {
        "task_id": task_id, "week": WEEK, "interaction_id": f"i-{task_id}",
        "selection": "audit", "reason": "audit", "label_probability": 1.0,
        "rubric_id": RUBRIC, "state": "open", "labels_needed": 2, "known_label": None, **other,
    }  # fmt: skip


def label(
    task_id: str, annotator: str, answer: str, *, at: int = 0, **other: object
) -> dict[str, object]:
    """A person's label, `at` hours after the start."""
    return {
        "label_id": f"{task_id}-{annotator}-{at}", "task_id": task_id, "annotator_id": annotator,
        "annotator_kind": "person", "label": answer, "rationale": "", "reference_response": None,
        "labelled_at": START + dt.timedelta(hours=at), "corrects": None, "seconds": None,
        "withdrawn": False, **other,
    }  # fmt: skip


def tasks_frame(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TASKS)


def labels_frame(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=LABELS)


def membership_frame(
    subsets: dict[str, list[str]], conversations: dict[str, str] | None = None
) -> pl.DataFrame:
    """Which subsets, and which conversation, the interaction of each task is in, by task id."""
    known = conversations or {}
    rows = [
        (f"i-{name}", known.get(name, f"c-{name}"), members) for name, members in subsets.items()
    ]
    return pl.DataFrame(rows, schema=MEMBERSHIP, orient="row")


PEOPLE = pl.Schema(
    {
        "annotator_id": pl.String,
        "kind": pl.String,
        "may_adjudicate": pl.Boolean,
        "left_at": UTC_MICROSECONDS,
    }
)


def person(name: str, **terms: object) -> dict[str, object]:
    """Somebody at the desk who may label."""
    usual = {"kind": "person", "may_adjudicate": False, "left_at": None}
    return {"annotator_id": name, **usual, **terms}


def people_frame(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=PEOPLE)
