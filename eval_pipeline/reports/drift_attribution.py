"""Whose change an alarm of the weekly re-runs is: sentences, and marks for the timeline."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import polars as pl

from eval_pipeline.reports.wording import AGGREGATE, one_line, points

MAXIMUM_SUBSETS: Final = 4
WHOSE: Final = {
    "provider": "the provider's",
    "judge": "the judge's",
    "unattributed": "nobody's that can be told",
    None: "frozen verdicts contradict their reference",
}
PANEL_OF: Final = {"provider": "provider", "judge": "judge"}
"""In which panel of the timeline an attributed alarm is drawn; others stand in the total's."""


class Alarm(NamedTuple):
    """An alarm about all items of one system: since when, whose, and whether it was new."""

    week: str
    system_id: str
    attribution: str | None
    since: str
    shift: float | None
    raised: bool


def alarms(signals: pl.DataFrame | None) -> list[Alarm]:
    """Alarms of DRIFT_SIGNALS with `week`, about all items, by week and system.

    Of a system's streams the attributed one speaks, the judge's own stream first.
    """
    if signals is None or signals.is_empty():
        return []
    rows = signals.filter(pl.col("alarm"), pl.col("subset") == AGGREGATE).sort(
        "week", "system_id", "stream"
    )
    found: dict[tuple[str, str], Alarm] = {}
    for row in rows.iter_rows(named=True):
        week = str(row["week"])
        since = str(row["alarm_since"] or week)
        key = (week, row["system_id"])
        told = (row["attribution"], since, row["shift"], since == week)
        found.setdefault(key, Alarm(week, row["system_id"], *told))
    return list(found.values())


def attribution_sentences(signals: pl.DataFrame | None) -> list[str]:
    """What the newest week's alarms say, one sentence a system: since when, how far, whose.

    Where nothing alarms, that it was looked at; nothing where nobody looked.
    """
    if signals is None or signals.is_empty():
        return []
    newest = signals.filter(pl.col("week") == pl.col("week").max())
    week = str(newest["week"][0])
    told = [_sentence(one, newest) for one in alarms(newest)]
    unmeasured = newest.filter(pl.col("finding") == "not_measured", pl.col("subset") == AGGREGATE)
    rows = unmeasured.sort("system_id", "stream").iter_rows(named=True)
    told += [_unmeasured(row) for row in rows]
    return told or [f"No alarm in {week}: the re-runs stay within the noise of their reference."]


def _sentence(alarm: Alarm, newest: pl.DataFrame) -> str:
    size = "" if alarm.shift is None else f"{points(alarm.shift)} points "
    change = WHOSE[alarm.attribution]
    whose = f"the change is {change}" if alarm.attribution is not None else change
    where = ", ".join(_worst(newest, alarm.system_id))
    inside = f" Most of it in {where}." if where else ""
    return f"{one_line(alarm.system_id)}: {size}since {alarm.since}; {whose}.{inside}"


def _worst(newest: pl.DataFrame, system_id: str) -> Iterator[str]:
    """The alarmed subsets that moved furthest, with how far."""
    rows = newest.filter(
        pl.col("alarm"), pl.col("system_id") == system_id, pl.col("subset") != AGGREGATE
    ).drop_nulls("shift")
    furthest = rows.sort(-pl.col("shift").abs(), "subset").unique(
        "subset", keep="first", maintain_order=True
    )
    for row in furthest.head(MAXIMUM_SUBSETS).iter_rows(named=True):
        yield f"{one_line(row['subset'])} ({points(row['shift'])})"


def _unmeasured(row: Mapping[str, Any]) -> str:
    note = f" {one_line(row['note'])}" if row["note"] else ""
    return f"{one_line(row['system_id'])}, {row['stream']}: not measured.{note}"
