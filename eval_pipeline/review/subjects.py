"""What a reviewer is shown of a task, and the task as the store opens it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import polars as pl

from eval_pipeline.errors import ReviewError
from eval_pipeline.fingerprint import canonical_json, fingerprint

SUBJECT_SCHEMA: Final = pl.Schema(
    {
        "task_id": pl.String,
        "interaction_id": pl.String,
        "selection": pl.String,
        "reason": pl.String,
        "label_probability": pl.Float64,
        "priority": pl.Float64,
        "expected_minutes": pl.Float64,
        "labels_needed": pl.Int64,
        "known_label": pl.String,
        "rubric_id": pl.String,
        "subject_json": pl.String,
    }
)
"""What the store needs to open a task; people are shown `subject_json` alone."""

TEXT_COLUMNS: Final = ("interaction_id", "route", "messages", "response")


class Criteria(Protocol):
    """What a reviewer is told to apply; a rubric is one."""

    @property
    def rubric_id(self) -> str:
        """The rubric's name and fingerprint."""
        ...

    @property
    def form(self) -> str:
        """Pointwise or pairwise."""
        ...

    @property
    def told(self) -> tuple[str, ...]:
        """Each criterion as people read it."""
        ...

    def applies(self, route: str) -> bool:
        """Whether interactions on this route are judged by it."""
        ...


def task_id_of(interaction_id: str, *, week: str) -> str:
    """The task's id, the same whenever the week is selected again; it tells nothing of why."""
    return fingerprint(["review task", week, interaction_id])


def review_subjects(
    disputes: pl.DataFrame,
    texts: pl.DataFrame,
    *,
    rubrics: Sequence[Criteria],
    annotators_per_item: int,
    known_labels: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """One row per task with what a reviewer is shown, columns as `SUBJECT_SCHEMA`.

    `texts` has TEXT_COLUMNS of every interaction in `disputes`, masked. The subject holds route,
    criteria, conversation and response, and nothing of verdicts, selection or reason: annotators
    label blind. `known_labels` are those of gold checks, by interaction. Raises `ReviewError` if an
    interaction has no text or no pointwise rubric covers its route.
    """
    known = known_labels or {}
    shown = {row["interaction_id"]: row for row in texts.select(TEXT_COLUMNS).to_dicts()}
    absent = disputes.filter(~pl.col("interaction_id").is_in(list(shown))).height
    if absent:
        raise ReviewError(
            f"{absent} of {disputes.height} interactions selected for review are not among "
            "the week's anonymised interactions. No task was opened. "
            "Materialise anonymised_interactions and disputes for this week again."
        )
    rows = [
        _task(
            {**dispute, "labels_needed": annotators_per_item},
            shown[dispute["interaction_id"]],
            rubrics=rubrics,
            known_label=known.get(dispute["interaction_id"]),
        )
        for dispute in disputes.to_dicts()
    ]
    return pl.DataFrame(rows, schema=SUBJECT_SCHEMA)


def _task(
    dispute: Mapping[str, Any],
    shown: Mapping[str, Any],
    *,
    rubrics: Sequence[Criteria],
    known_label: str | None,
) -> dict[str, object]:
    rubric = _pointwise(rubrics, shown["route"])
    subject = {
        "route": shown["route"],
        "criteria": list(rubric.told),
        "messages": shown["messages"],
        "response": shown["response"],
    }
    return {
        **{name: dispute.get(name) for name in SUBJECT_SCHEMA},
        "known_label": known_label,
        "rubric_id": rubric.rubric_id,
        "subject_json": canonical_json(subject),
    }


def _pointwise(rubrics: Sequence[Criteria], route: str) -> Criteria:
    for rubric in rubrics:
        if rubric.form == "pointwise" and rubric.applies(route):
            return rubric
    raise ReviewError(
        f"No pointwise rubric applies to the route '{route}', so reviewers would have no criteria. "
        "No task was opened. Add the route to a rubric under `rubrics`."
    )
