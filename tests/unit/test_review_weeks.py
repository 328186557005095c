import datetime as dt

import polars as pl
import pytest

from eval_pipeline.review.weeks import changed_since, open_weeks
from eval_pipeline.settings import ReviewSettings
from eval_pipeline.tables import ADJUDICATIONS

WEEKS = ["2026-11-02", "2026-11-16", "2026-11-09"]


@pytest.mark.parametrize(
    ("carried", "asked"),
    [
        (0, ("2026-11-16",)),
        (1, ("2026-11-16", "2026-11-09")),
        (9, ("2026-11-16", "2026-11-09", "2026-11-02")),
    ],
)
def test_the_newest_week_is_asked_and_so_many_before_it(carried, asked) -> None:
    assert open_weeks(WEEKS, ReviewSettings(carry_over_weeks=carried)) == asked


def test_a_desk_without_tasks_asks_nothing() -> None:
    assert open_weeks([], ReviewSettings()) == ()


def test_a_week_named_twice_counts_once() -> None:
    weeks = ["2026-11-16", "2026-11-16", "2026-11-09"]
    assert open_weeks(weeks, ReviewSettings(carry_over_weeks=1)) == ("2026-11-16", "2026-11-09")


def settled(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    """Task, label, how it was settled, by whom."""
    return ADJUDICATIONS.conform(
        pl.DataFrame(
            [
                {
                    "interaction_id": f"i-{task}",
                    "task_id": None if by == "recorded" else task,
                    "label": label,
                    "settled_by": by,
                    "selection": "audit",
                    "label_probability": 0.5,
                    "annotators": [],
                    "labels": [],
                    "annotator_kind": kind,
                    "labelled_on": dt.date(2026, 11, 20),
                }
                for task, label, by, kind in rows
            ],
            schema=ADJUDICATIONS.schema,
        )
    )


PUBLISHED = settled(("t1", "pass", "agreement", "person"), ("t2", "fail", "recorded", "recorded"))


def test_what_was_published_is_not_published_again() -> None:
    assert changed_since(settled(("t1", "pass", "agreement", "person")), PUBLISHED) is None


def test_scripted_labels_where_the_log_has_one_change_nothing() -> None:
    now = settled(("t1", "pass", "agreement", "person"), ("t2", "pass", "agreement", "scripted"))
    assert changed_since(now, PUBLISHED) is None


@pytest.mark.parametrize(
    "now",
    [
        [("t1", "pass", "agreement", "person"), ("t3", "pass", "agreement", "person")],
        [("t1", "fail", "adjudication", "person")],
        [],
    ],
    ids=["a late label", "decided otherwise", "withdrawn"],
)
def test_what_was_settled_since_is_published_again_once(now) -> None:
    changed = changed_since(settled(*now), PUBLISHED)
    assert changed is not None
    assert changed == changed_since(settled(*reversed(now)), PUBLISHED)
    assert changed_since(settled(*now), settled(*now)) is None
