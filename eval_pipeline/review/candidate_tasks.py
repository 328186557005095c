"""Tasks about a candidate's answers: kept in a group of their own, where a week's stand in theirs.

So they are in nobody's weekly queue, agreement, calibration or golden version, and are asked,
labelled twice, disputed and adjudicated like every other task.
"""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.fingerprint import fingerprint, unit_hash
from eval_pipeline.review.minutes import DEFAULT_READING, characters_shown
from eval_pipeline.review.subjects import task_id_of

SELECTION: Final = "candidate"
REASON: Final = "candidate_audit"
GROUP_MARK: Final = "c"
"""With this a group's name begins, and no week's."""
_GROUP_LENGTH: Final = 10

QUEUED: Final = pl.Schema(
    {
        "interaction_id": pl.String,
        "task_id": pl.String,
        "selection": pl.String,
        "reason": pl.String,
        "label_probability": pl.Float64,
        "priority": pl.Float64,
        "expected_minutes": pl.Float64,
    }
)


def audit_group(candidate_id: str, about: Mapping[str, Any]) -> str:
    """The group of a candidate's tasks, where a week's tasks have their Monday.

    `about` is what the tasks are about besides its name: both systems. Changed under the same
    name, they are audited anew.
    """
    named = fingerprint(["candidate audit", candidate_id, dict(about)])
    return GROUP_MARK + named[: _GROUP_LENGTH - len(GROUP_MARK)]


def is_audit_group(week: str) -> bool:
    """Whether this is no week but the group of a candidate's tasks."""
    return week.startswith(GROUP_MARK)


def queued_answers(answers: pl.DataFrame, *, group: str) -> pl.DataFrame:
    """Tasks for answers, as `review_subjects` takes them; in an order that only a hash knows.

    `answers`: interaction_id, messages, response and label_probability, one row a task.
    """
    rows = [
        {
            "interaction_id": row["interaction_id"],
            "task_id": task_id_of(row["interaction_id"], week=group),
            "selection": SELECTION,
            "reason": REASON,
            "label_probability": row["label_probability"],
            "priority": unit_hash(f"place:{group}", row["interaction_id"]),
            "expected_minutes": DEFAULT_READING.minutes(
                characters_shown(row["messages"], row["response"])
            ),
        }
        for row in answers.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema=QUEUED)
