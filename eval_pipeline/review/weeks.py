"""Which weeks' tasks are still asked, and what came in for a week that was published already."""

from collections.abc import Iterable
from typing import Final

import polars as pl

from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import ReviewSettings

RECORDED: Final = "recorded"
SCRIPTED: Final = "scripted"


def open_weeks(weeks_with_tasks: Iterable[str], settings: ReviewSettings) -> tuple[str, ...]:
    """The weeks whose tasks people are asked, newest first; empty where none has tasks.

    The newest week with tasks, and `carry_over_weeks` weeks with tasks before it: what nobody
    settled in its own week is asked beside the new tasks, each by its priority, and no more once
    its week falls out of this.
    """
    newest_first = sorted(set(weeks_with_tasks), reverse=True)
    return tuple(newest_first[: 1 + settings.carry_over_weeks])


def changed_since(settled: pl.DataFrame, published: pl.DataFrame) -> str | None:
    """A fingerprint of people's settled labels if they are not those that were published.

    Both are ADJUDICATIONS of one week: `settled` as the store has it now, without the log's own
    labels. Tasks settled since, decided otherwise, or open again count. Scripted labels where the
    log's own were published do not: they stand back.
    """
    logged = published.filter(pl.col("settled_by") == RECORDED)["interaction_id"].to_list()
    now = settled.filter(
        ~((pl.col("annotator_kind") == SCRIPTED) & pl.col("interaction_id").is_in(logged))
    )
    before = published.filter(pl.col("settled_by") != RECORDED)
    answers = _answers(now)
    return None if answers == _answers(before) else fingerprint(answers)


def _answers(adjudications: pl.DataFrame) -> list[list[str]]:
    return sorted(list(row) for row in adjudications.select("task_id", "label").iter_rows())
