"""When a table of a week is late, as Dagster's freshness policies.

A table that only a person or a candidate asks for is never late, and has none.
"""

import datetime as dt
from typing import Final

import dagster as dg

from eval_pipeline.settings import AutomationSettings, ReviewSettings
from eval_pipeline.tables import Table

WEEK: Final = dt.timedelta(days=7)
SCHEDULED: Final = frozenset({"refresh", "drift", "aa", "report"})
"""Jobs that a schedule starts."""
AFTER_PEOPLE: Final = frozenset({"publish"})
"""Jobs that wait for labels."""


def freshness_of(
    table: Table, *, automation: AutomationSettings, review: ReviewSettings
) -> dg.FreshnessPolicy | None:
    """A week and some hours after the last time; until the labels' deadline where people label.

    Dagster counts from the asset's last materialisation, whatever its partition.
    """
    if table.partitioned_by != "week":
        return None
    if table.job in SCHEDULED:
        waiting = dt.timedelta()
    elif table.job in AFTER_PEOPLE:
        waiting = dt.timedelta(days=review.deadline_days)
    else:
        return None
    return dg.FreshnessPolicy.time_window(
        warn_window=WEEK + waiting + dt.timedelta(hours=automation.warn_after_hours),
        fail_window=WEEK + waiting + dt.timedelta(hours=automation.late_after_hours),
    )
