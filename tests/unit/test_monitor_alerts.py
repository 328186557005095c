"""Alerts: which rows become one, since when, and what they say."""

import datetime as dt
from typing import Any

import polars as pl
import pytest

from eval_pipeline.monitoring.alerts import alerts_of_week
from eval_pipeline.settings import MonitorSettings
from eval_pipeline.tables import (
    MONITOR_ALERTS,
    PRODUCTION_MONITOR,
    PRODUCTION_QUALITY,
    TOPIC_MIX,
    Table,
)

WEEK = "2026-11-16"
POLICY = MonitorSettings()


def before(weeks: int) -> str:
    return (dt.date.fromisoformat(WEEK) - dt.timedelta(weeks=weeks)).isoformat()


def frame(table: Table, *rows: dict[str, Any]) -> pl.DataFrame:
    schema = {**table.schema, "week": pl.String}
    whole = [{**dict.fromkeys(schema), "week": WEEK, **row} for row in rows]
    return pl.DataFrame(whole, schema=schema)


def figure(**told: Any) -> dict[str, Any]:
    return {
        "route": "all",
        "metric": "latency_p99_seconds",
        "value": 7.0,
        "lower": 6.0,
        "upper": 8.0,
        "baseline": "rolling",
        "baseline_median": 3.5,
        "baseline_weeks": 26,
        "change": 1.0,
        "robust_z": 9.25,
        "cut_off": 4.1,
        "finding": "unusual",
        **told,
    }


def alerts(
    *figures: dict[str, Any],
    quality: tuple[dict[str, Any], ...] = (),
    topics: tuple[dict[str, Any], ...] = (),
    policy: MonitorSettings = POLICY,
) -> pl.DataFrame:
    return alerts_of_week(
        monitor=frame(PRODUCTION_MONITOR, *figures),
        quality=frame(PRODUCTION_QUALITY, *quality),
        topics=frame(TOPIC_MIX, *topics),
        week=WEEK,
        policy=policy,
    )


def test_an_alert_names_metric_place_size_age_and_next_step() -> None:
    found = alerts(figure())
    assert found.equals(MONITOR_ALERTS.conform(found))
    row = found.row(0, named=True)
    assert row["sentence"] == (
        "Latency p99 overall is 7 seconds (6 to 8), 100 % above its usual 3.5 "
        "(26 weeks of history, robust z 9.2, cut-off 4.1); unusual since 2026-11-16, 1 week."
    )
    assert "monitor.acknowledged" in row["next_step"]
    assert (row["source"], row["subset"], row["weeks"]) == ("production_monitor", "all", 1)


def test_what_is_usual_or_not_compared_is_no_alert() -> None:
    others = ("usual", "too_little_history", "too_few", "unfinished", "not_logged")
    assert alerts(*[figure(finding=other, route=other) for other in others]).is_empty()


def test_a_run_counts_back_to_the_first_usual_or_missing_week() -> None:
    runs = [figure(week=before(count)) for count in (0, 1, 2, 4)]
    row = alerts(*runs, figure(week=before(3), finding="usual")).row(0, named=True)
    assert (row["since_week"], row["weeks"]) == (before(2), 3)
    row = alerts(*runs).row(0, named=True)
    assert (row["since_week"], row["weeks"]) == (before(2), 3)


def test_earlier_alerts_are_not_this_week_s() -> None:
    assert alerts(figure(week=before(1))).is_empty()


def test_a_route_is_named_as_one() -> None:
    row = alerts(figure(route="billing", metric="refusal_share", change=-0.02)).row(0, named=True)
    assert row["subset"] == "route: billing"
    assert "on route: billing is 7 (6 to 8), 0.02 below its usual 3.5" in row["sentence"]


def test_a_figure_that_never_moved_before_has_no_z_and_says_so() -> None:
    row = alerts(figure(robust_z=None)).row(0, named=True)
    assert row["robust_z"] is None
    assert "26 weeks of history without any change" in row["sentence"]


def test_a_mix_is_one_alert_that_names_what_carries_it() -> None:
    shares = [
        figure(
            metric=f"finish_reason_share: {name}",
            value=value,
            baseline_median=usual,
            change=value - usual,
            finding=finding,
        )
        for name, value, usual, finding in (
            ("stop", 0.90, 0.97, "unusual"),
            ("length", 0.08, 0.01, "unusual"),
            ("tool_calls", 0.02, 0.02, "usual"),
        )
    ]
    mix = figure(metric="finish_reason_mix", value=0.07, lower=None, upper=None, change=None)
    row = alerts(mix, *shares).row(0, named=True)
    assert alerts(mix, *shares).height == 1
    assert (row["metric"], row["change"]) == ("finish_reason_mix", 0.07)
    assert "moved: length 0.08 instead of 0.01, stop 0.9 instead of 0.97 (" in row["sentence"]
    assert "tool_calls" not in row["sentence"]


def judged(**told: Any) -> dict[str, Any]:
    same = {"baseline_weeks": 12, "cut_off": 4.0, "robust_z": -5.0, "finding": "unusual"}
    figures = {"quality": 0.8, "lower": 0.75, "upper": 0.85, "baseline_median": 0.9}
    return {"subset": "minors", **figures, **same, "change": -0.1, **told}


def test_quality_alerts_by_subset() -> None:
    row = alerts(quality=(judged(),)).row(0, named=True)
    assert (row["source"], row["metric"], row["subset"]) == (
        "production_quality", "quality", "minors",
    )  # fmt: skip
    assert "in subset 'minors' is 0.8 (0.75 to 0.85), 0.1 below its usual 0.9" in row["sentence"]


def mix(p_value: float) -> dict[str, Any]:
    moved = {"moved_share": 0.1, "moved_by_chance": 0.04, "p_value": p_value}
    return {"cluster": "all", "topic": "all topics", "reference": "2026-11-09", **moved}


GREW = {
    "cluster": "c-1",
    "topic": "late, parcel",
    "reference": "2026-11-09",
    "share": 0.2,
    "share_lower": 0.15,
    "share_upper": 0.25,
    "reference_share": 0.1,
    "difference": 0.1,
    "finding": "grew",
}


@pytest.mark.parametrize(("p_value", "count"), [(0.015, 2), (0.016, 0)])
def test_topics_alarm_within_the_year_s_budget_and_not_at_one_in_twenty(p_value, count) -> None:
    # .8 a year are .8 / 52 = .01538 a week
    assert alerts(topics=(mix(p_value), GREW)).height == count


def test_a_topic_is_named_by_its_words_and_its_id() -> None:
    found = alerts(topics=(mix(1e-6), GREW))
    assert found["metric"].to_list() == ["topic_mix", "topic_share: late, parcel (c-1)"]
    assert "0.1 above its 0.1 in 2026-11-09" in found["sentence"][1]


def test_a_week_without_any_figure_has_no_alert_and_every_column() -> None:
    assert alerts().schema == MONITOR_ALERTS.schema
