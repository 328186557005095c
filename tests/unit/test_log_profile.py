"""The profile of a week: what is counted, of which records, by the statement itself."""

import datetime as dt
import re
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.adapters.logs.profile import LOG_PROFILE, REASONS, profile_of
from eval_pipeline.adapters.queries import collect, connection, load_sql

MONDAY = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BOUNDS = {
    "from": "2026-11-16T00:00:00Z",
    "until": "2026-11-23T00:00:00Z",
    "closes": "2026-11-23T02:00:00Z",
}
BEFORE = {"week_before": "2026-11-09T00:00:00Z", "closed_before": "2026-11-16T02:00:00Z"}
STRATA = {"by_route": True, "by_prompt_version": False, "by_requested_model": False}
NARROW = {
    "interaction_id": pl.String,
    "occurred_at": pl.Datetime("us", "UTC"),
    "arrived_at": pl.Datetime("us", "UTC"),
    "conversation_id": pl.String,
    "user_id": pl.String,
    "route": pl.String,
    "prompt_version": pl.String,
    "provider": pl.String,
    "requested_model": pl.String,
    "served_model": pl.String,
    "finish_reason": pl.String,
    "error": pl.String,
    "latency_seconds": pl.Float64,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "cost_usd": pl.Float64,
    "outcome": pl.Float64,
    "feedback": pl.Int8,
    "escalated": pl.Boolean,
    "response_missing": pl.Boolean,
    "attributes_missing": pl.Boolean,
    "reason": pl.String,
}
SOUND = {
    "interaction_id": "i",
    "occurred_at": MONDAY + 12 * HOUR,
    "conversation_id": "c",
    "user_id": "u",
    "route": "refunds",
    "response_missing": False,
    "attributes_missing": False,
}


class OpenViews:
    """An engine whose view `interactions` is a frame."""

    def __init__(self, engine, records: list[dict[str, object]]) -> None:
        self._engine = engine
        frame = pl.DataFrame([{**SOUND, **record} for record in records], schema=NARROW)
        engine.register("interactions", frame.to_arrow())
        engine.sql(
            load_sql("framed_interactions"), params={**BOUNDS, **BEFORE, **STRATA}
        ).create_view("framed")

    def select(self, statement, *, parameters=None, frames=None):
        return collect(self._engine, statement, parameters=parameters)


def profiled(*records: dict[str, object], now: str = "2026-11-24T00:00:00Z") -> dict:
    with connection() as engine:
        profile = profile_of(
            OpenViews(engine, list(records)), parameters={**BOUNDS, "now": now}, duplicate_ids=2
        )
    assert profile.schema == LOG_PROFILE
    assert profile.height == 1
    return profile.row(0, named=True)


def test_a_week_without_records_is_a_row_of_zeros():
    profile = profiled()
    counts = {name for name, dtype in LOG_PROFILE.items() if dtype == pl.Int64}
    assert {profile[name] for name in counts - {"duplicate_ids"}} == {0}
    assert profile["duplicate_ids"] == 2
    assert profile["quarantine_reasons"] == []
    assert profile["first_occurred_at"] is None


def test_records_are_quarantined_by_reason_and_those_without_a_plausible_time_count_too():
    profile = profiled(
        {},
        {"reason": "missing_route"},
        {"reason": "missing_route"},
        {"reason": "missing_occurred_at", "occurred_at": None},
        {"reason": "missing_route", "occurred_at": MONDAY - HOUR},  # another week's
        {
            "reason": "implausible_occurred_at",
            "occurred_at": dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
        },
    )
    assert (profile["interactions"], profile["quarantined"]) == (1, 4)
    assert profile["quarantine_reasons"] == [
        {"reason": "implausible_occurred_at", "count": 1},
        {"reason": "missing_occurred_at", "count": 1},
        {"reason": "missing_route", "count": 2},
    ]


def test_late_and_waiting_records_are_told_apart():
    profile = profiled(
        {"arrived_at": MONDAY + 13 * HOUR},
        # of the week before, arrived after that was closed
        {"occurred_at": MONDAY - HOUR, "arrived_at": MONDAY + 3 * HOUR},
        # of this week, arrived after it was closed
        {"occurred_at": MONDAY + 167 * HOUR, "arrived_at": MONDAY + 171 * HOUR},
    )
    assert (profile["interactions"], profile["late_interactions"]) == (2, 1)
    assert profile["left_for_next_week"] == 1
    assert profile["first_occurred_at"] == MONDAY + 12 * HOUR
    assert profile["days_with_interactions"] == 1


def test_time_runs_forward_and_ends_now():
    profile = profiled(
        {"arrived_at": MONDAY + 11 * HOUR},  # an hour before it occurred
        {"occurred_at": MONDAY + 40 * HOUR},
        now="2026-11-17T00:00:00Z",
    )
    assert profile["arrived_before_occurred"] == 1
    assert profile["in_the_future"] == 1


@pytest.mark.parametrize("days", [1, 3, 7])
def test_days_with_interactions_are_distinct_days(days):
    records = [
        {"occurred_at": MONDAY + dt.timedelta(days=day, hours=hour)}
        for day in range(days)
        for hour in (0, 23)
    ]
    assert profiled(*records)["days_with_interactions"] == days


@pytest.mark.parametrize(
    ("logged", "column"),
    [
        ({"latency_seconds": -0.1}, "negative_latency"),
        ({"latency_seconds": 3600.5}, "implausible_latency"),
        ({"input_tokens": -1}, "negative_tokens"),
        ({"output_tokens": 10_000_001}, "implausible_tokens"),
        ({"cost_usd": -0.01}, "negative_cost"),
        ({"outcome": 1.5}, "outcome_outside_0_1"),
        ({"feedback": 2}, "feedback_unknown"),
    ],
)
def test_an_impossible_number_is_out_of_range(logged, column):
    edge = {"latency_seconds": 3600.0, "input_tokens": 10_000_000, "outcome": 1.0, "feedback": -1}
    profile = profiled(edge, logged)
    assert (profile["out_of_range"], profile[column]) == (1, 1)


def test_nulls_are_counted_of_the_frame_and_texts_by_their_flags():
    profile = profiled(
        {"user_id": None, "response_missing": True},
        {"attributes_missing": True},
        {"user_id": None, "reason": "missing_route"},
    )
    assert profile["null_user_id"] == 1
    assert profile["null_response"] == 1
    assert profile["null_attributes"] == 1
    assert profile["null_provider"] == 2
    assert profile["null_route"] == 0


def test_every_reason_of_the_mapping_has_its_count():
    mapping = Path(__file__).parents[2] / "sql" / "sources" / "canonical.sql"
    stated = set(re.findall(r"THEN '([a-z_]+)'\n", mapping.read_text(encoding="utf-8")))
    assert {reason for reason in stated if reason.startswith(("m", "i"))} <= set(REASONS)
    assert len(REASONS) == len(set(REASONS)) == 7
