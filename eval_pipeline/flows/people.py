"""Tokens for people at the desk and withdrawn labels; what is typed is masked before it is kept."""

import datetime as dt
from collections.abc import Sequence

from eval_pipeline.adapters.review.sign_in import LONGEST_NOTE, IssuedToken
from eval_pipeline.errors import ReviewError
from eval_pipeline.flows.wiring import Pipeline


def issue_token(
    pipeline: Pipeline, annotator_id: str, *, by: str, note: str, days: int | None
) -> IssuedToken:
    """A new token, good for so many days or for as long as `desk.token_days` says.

    The note is masked, and cut where masking made it too long.
    """
    lifetime = dt.timedelta(days=days or pipeline.settings.desk.token_days)
    return pipeline.sign_in.issue_token(
        annotator_id,
        by=by,
        note=pipeline.anonymiser.mask_text(note)[:LONGEST_NOTE] if note else "",
        lifetime=lifetime,
        at=pipeline.clock(),
    )


def withdraw_labels(
    pipeline: Pipeline, annotator_id: str, *, weeks: Sequence[str], reason: str, by: str
) -> tuple[str, ...]:
    """Takes back a person's labels of these weeks; returns the tasks that are asked again.

    Raises `ReviewError` for a person nobody knows, or without a reason.
    """
    if not reason.strip():
        raise ReviewError(
            "Withdrawing labels needs a reason, so that others can judge it later. Nothing was "
            "withdrawn. Give it by `--reason`."
        )
    if annotator_id not in {one.annotator_id for one in pipeline.people.everyone()}:
        raise ReviewError(
            f"There is no annotator {annotator_id!r}. Nothing was withdrawn. "
            "`eval-pipeline review reviewers` lists them."
        )
    return pipeline.desk.withdraw_labels(
        annotator_id,
        weeks=weeks,
        reason=pipeline.anonymiser.mask_text(reason),
        by=by,
        at=pipeline.clock(),
    )
