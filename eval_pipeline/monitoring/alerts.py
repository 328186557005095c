"""What of production is unusual this week, one row each, with its size, its age and what to do."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.alert_words import (
    Run,
    figure_sentence,
    mix_sentence,
    next_step,
    topic_sentence,
    topics_sentence,
    whole_mix_of,
)
from eval_pipeline.monitoring.baselines import WEEKS_A_YEAR
from eval_pipeline.monitoring.mixes import MIX_OF, category_of
from eval_pipeline.monitoring.traffic import ALL
from eval_pipeline.settings import MonitorSettings
from eval_pipeline.tables import MONITOR_ALERTS

MONITOR: Final = "production_monitor"
QUALITY: Final = "production_quality"
TOPICS: Final = "topic_mix"
UNUSUAL: Final = "unusual"
MOVED: Final = ("grew", "shrank")
_WEEK: Final = dt.timedelta(days=7)

Row = dict[str, Any]


def alerts_of_week(
    *,
    monitor: pl.DataFrame,
    quality: pl.DataFrame,
    topics: pl.DataFrame,
    week: str,
    policy: MonitorSettings,
) -> pl.DataFrame:
    """MONITOR_ALERTS of a week.

    `monitor`, `quality` and `topics` are the rows of PRODUCTION_MONITOR, PRODUCTION_QUALITY and
    TOPIC_MIX of this week and of those before it, with their `week`. A category of a mix is told
    with the whole mix. The mix of topics alarms where its p-value is within the budget of false
    alarms, and its topics only then.
    """
    rows = [
        *_of_monitor(monitor, week=week),
        *_of_quality(quality, week=week),
        *_of_topics(topics, week=week, policy=policy),
    ]
    return MONITOR_ALERTS.conform(pl.DataFrame(rows, schema=MONITOR_ALERTS.schema))


def subset_of(route: str) -> str:
    """How an alert names a route."""
    return ALL if route == ALL else f"route: {route}"


def _of_monitor(monitor: pl.DataFrame, *, week: str) -> Iterator[Row]:
    unusual = monitor.filter(pl.col("finding") == UNUSUAL)
    seen = _weeks_of(unusual, "route", "metric")
    for row in unusual.filter(pl.col("week") == week).iter_rows(named=True):
        if category_of(row["metric"]) is not None:
            continue
        subset = subset_of(row["route"])
        run = _run(seen[row["route"], row["metric"]], week=week)
        if whole_mix_of(row["metric"]):
            prefix = MIX_OF[row["metric"]].metric("")
            shares = monitor.filter(
                pl.col("week") == week,
                pl.col("route") == row["route"],
                pl.col("metric").str.starts_with(prefix),
            )
            sentence = mix_sentence(row, shares.to_dicts(), subset=subset, run=run)
            # How much of the mix moved is the size; there is no usual mix in one number.
            row["change"] = row["value"]
        else:
            sentence = figure_sentence(row, subset=subset, run=run)
        yield _alert(MONITOR, row, subset=subset, run=run, sentence=sentence, week=week)


def _of_quality(quality: pl.DataFrame, *, week: str) -> Iterator[Row]:
    unusual = quality.filter(pl.col("finding") == UNUSUAL)
    seen = _weeks_of(unusual, "subset")
    for row in unusual.filter(pl.col("week") == week).iter_rows(named=True):
        run = _run(seen[(row["subset"],)], week=week)
        told = {**row, "metric": "quality", "value": row["quality"]}
        sentence = figure_sentence(told, subset=row["subset"], run=run)
        yield _alert(QUALITY, told, subset=row["subset"], run=run, sentence=sentence, week=week)


def _of_topics(topics: pl.DataFrame, *, week: str, policy: MonitorSettings) -> Iterator[Row]:
    allowed = policy.false_alarms_per_year / WEEKS_A_YEAR
    moved = topics.filter((pl.col("cluster") == ALL) & (pl.col("p_value") <= allowed))
    run_of_all = _weeks_of(moved, "cluster").get((ALL,), set())
    if week not in run_of_all:
        return
    whole = moved.filter(pl.col("week") == week).row(0, named=True)
    run = _run(run_of_all, week=week)
    told = {
        "metric": TOPICS,
        "value": whole["moved_share"],
        "baseline_median": whole["moved_by_chance"],
        "change": whole["moved_share"],
    }
    yield _alert(
        TOPICS, told, subset=ALL, run=run, sentence=topics_sentence(whole, run=run), week=week
    )
    grown = topics.filter(pl.col("finding").is_in(MOVED), pl.col("week").is_in(list(run_of_all)))
    seen = _weeks_of(grown, "cluster")
    for row in grown.filter(pl.col("week") == week).iter_rows(named=True):
        own = _run(seen[(row["cluster"],)], week=week)
        told = {
            "metric": f"topic_share: {row['topic']} ({row['cluster']})",
            "value": row["share"],
            "lower": row["share_lower"],
            "upper": row["share_upper"],
            "baseline_median": row["reference_share"],
            "change": row["difference"],
        }
        sentence = topic_sentence(row, run=own)
        yield _alert(TOPICS, told, subset=ALL, run=own, sentence=sentence, week=week)


def _alert(source: str, row: Row, *, subset: str, run: Run, sentence: str, week: str) -> Row:
    figures = ("value", "lower", "upper", "baseline_median", "change", "robust_z")
    return {
        "source": source,
        "metric": row["metric"],
        "subset": subset,
        **{name: row.get(name) for name in figures},
        "since_week": run.since,
        "weeks": run.weeks,
        "next_step": next_step(row["metric"], week=week),
        "sentence": sentence,
    }


def _weeks_of(rows: pl.DataFrame, *names: str) -> dict[tuple[str, ...], set[str]]:
    """The weeks that rows of each key stand in."""
    weeks: dict[tuple[str, ...], set[str]] = {}
    for one_week, *key in rows.select("week", *names).iter_rows():
        weeks.setdefault(tuple(key), set()).add(one_week)
    return weeks


def _run(weeks: set[str], *, week: str) -> Run:
    """The run of consecutive Mondays in `weeks` that ends with `week`."""
    first = dt.date.fromisoformat(week)
    count = 1
    while (first - _WEEK).isoformat() in weeks:
        first, count = first - _WEEK, count + 1
    return Run(first.isoformat(), count)
