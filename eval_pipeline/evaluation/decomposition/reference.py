"""The week that a system is held against, and its frozen answers that are scored again."""

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from eval_pipeline.evaluation.trial_items import TrialItem
from eval_pipeline.evaluation.trials import RecordedAnswer, score_request
from eval_pipeline.settings import SYNTHETIC_SUBSET

REFERENCE_COLUMNS: Final = ("system_id", "component", "finding", "subset")
"""What `reference_week` reads of a DRIFT_REPORT."""


def reference_week(
    newest_first: Iterable[tuple[str, pl.DataFrame]], *, system_id: str
) -> str | None:
    """The week that a system is pinned to, from earlier weeks' DRIFT_REPORTs; None for its first.

    The first week that re-ran the system, until a provider's drift is named: from then on the
    week in which it was named, so one change is not reported for ever. What moves on synthetic
    items alone moves no pin: all that is said of traffic hangs on it. Reports older than the pin
    are not taken from the iterable.
    """
    pinned = None
    for week, report in newest_first:
        own = report.filter(pl.col("system_id") == system_id)
        named = own.filter(
            (pl.col("component") == "provider")
            & (pl.col("finding") == "drift")
            & (pl.col("subset") != SYNTHETIC_SUBSET)
        )
        if named.height:
            return week
        if own.height:
            pinned = week
    return pinned


def rejudged_items(
    items: Sequence[TrialItem], recorded: pl.DataFrame, *, system_id: str
) -> list[RecordedAnswer]:
    """What the system answered in an earlier week's DRIFT_TRIALS to items that are asked now.

    An item whose reference was revised since is held against today's reference.
    """
    answers = recorded.filter(
        (pl.col("system_id") == system_id)
        & (pl.col("stream") == "rerun")
        & (pl.col("status") == "answered")
        & pl.col("response").is_not_null()
    ).sort("item_id", "item_revision", "trial")
    newest = {(row["item_id"], row["trial"]): row for row in answers.iter_rows(named=True)}
    same = {
        (row["item_id"], row["item_revision"], row["trial"]): row
        for row in answers.iter_rows(named=True)
    }
    trials = sorted({trial for _, trial in newest})
    found = []
    for item in items:
        for trial in trials:
            row = same.get((item.item_id, item.item_revision, trial)) or newest.get(
                (item.item_id, trial)
            )
            if row is not None:
                request = score_request(item, row["response"], trial=trial)
                found.append(RecordedAnswer(item, request, row))
    return found
