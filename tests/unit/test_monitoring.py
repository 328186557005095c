import math
from functools import cache
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.monitoring.anomalies import QUANTILE_ERROR, cut_off
from eval_pipeline.monitoring.anomalies import monitor_week as monitor_counts
from eval_pipeline.monitoring.intervals import (
    Measured,
    log_ratio,
    mean_of,
    quantile_of,
    rate_of,
)
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import PRODUCTION_MONITOR

FRAMED = pl.Schema(
    {
        "route": pl.String,
        "error": pl.String,
        "finish_reason": pl.String,
        "latency_seconds": pl.Float64,
        "output_tokens": pl.Int64,
        "cost_usd": pl.Float64,
        "outcome": pl.Float64,
        "feedback": pl.Int8,
        "escalated": pl.Boolean,
    }
)


def week(count: int = 200, *, failed: int = 2, **columns: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "route": ["orders"] * (count // 2) + ["hours"] * (count - count // 2),
            "error": ["timeout"] * failed + [None] * (count - failed),
            "finish_reason": ["stop"] * count,
            "latency_seconds": np.linspace(0.5, 1.5, count),
            "output_tokens": [20] * count,
            **columns,
        },
        schema_overrides={name: FRAMED[name] for name in {"error", *columns}},
    )


def summaries(interactions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the two statements say of rows in the view `framed`."""
    lacking = [name for name in FRAMED if name not in interactions.columns]
    framed = interactions.with_columns(
        pl.lit(None, dtype=FRAMED[name]).alias(name) for name in lacking
    )
    in_memory().register("framed", framed.to_arrow())
    traffic, histogram = (
        in_memory().sql(load_sql(name)).pl() for name in ("traffic_by_route", "traffic_histogram")
    )
    return traffic, histogram


@cache
def in_memory() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 2})


def monitor_week(interactions: pl.DataFrame, *, history: list[pl.DataFrame]) -> pl.DataFrame:
    traffic, histogram = summaries(interactions)
    return monitor_counts(traffic, histogram, history=history)


def row(frame: pl.DataFrame, metric: str, route: str = "all") -> dict[str, Any]:
    chosen = (pl.col("metric") == metric) & (pl.col("route") == route)
    return frame.row(by_predicate=chosen, named=True)


def weeks(count: int) -> list[pl.DataFrame]:
    """Weeks of 200 interactions with 1 to 4 failures in turn."""
    return [monitor_week(week(failed=1 + number % 4), history=[]) for number in range(count)]


def test_every_route_and_all_get_every_metric() -> None:
    frame = monitor_week(week(), history=[])
    assert frame["route"].unique().sort().to_list() == ["all", "hours", "orders"]
    assert frame.group_by("route").len()["len"].to_list() == [10, 10, 10]
    assert frame.equals(PRODUCTION_MONITOR.conform(frame))
    # 2 of 200, both on orders: 2 of 100
    assert row(frame, "error_share")["value"] == pytest.approx(0.01)
    assert row(frame, "error_share", "orders")["value"] == pytest.approx(0.02)


def test_what_the_logs_do_not_say_is_not_logged_and_never_zero() -> None:
    found = row(monitor_week(week(), history=[]), "cost_per_interaction_usd")
    assert (found["value"], found["finding"]) == (None, "not_logged")


def test_under_four_weeks_nothing_is_called_unusual() -> None:
    frame = monitor_week(week(failed=150), history=weeks(3))
    assert row(frame, "error_share")["finding"] == "too_little_history"


def test_a_burst_of_errors_is_unusual_and_an_ordinary_week_is_not() -> None:
    past = weeks(8)
    assert row(monitor_week(week(failed=3), history=past), "error_share")["finding"] == "usual"
    burst = row(monitor_week(week(failed=120), history=past), "error_share")
    assert burst["finding"] == "unusual"
    # the history is .005 to .02 in turn: median .0125
    assert burst["baseline_median"] == pytest.approx(0.0125)
    assert burst["baseline_weeks"] == 8


def test_a_history_that_never_moved_is_judged_by_the_sampling_error() -> None:
    # eight weeks of exactly 2 errors: MAD 0; 3 errors now are no event
    past = [monitor_week(week(), history=[]) for _ in range(8)]
    found = row(monitor_week(week(failed=3), history=past), "error_share")
    assert found["finding"] == "usual"
    assert abs(found["robust_z"]) < 1


def test_past_incidents_do_not_hide_a_new_one() -> None:
    past = [*weeks(10), monitor_week(week(failed=100), history=[]), *weeks(10)]
    assert row(monitor_week(week(failed=100), history=past), "error_share")["finding"] == "unusual"


def test_a_short_history_needs_a_larger_surprise() -> None:
    assert [cut_off(count) for count in (4, 8, 11, 12, 25, 26, 60)] == [
        8.0, 8.0, 8.0, 5.6, 5.6, 4.3, 4.3
    ]  # fmt: skip


def test_refusals_are_counted_among_calls_that_say_how_they_ended() -> None:
    reasons = ["content_filter"] * 10 + ["stop"] * 90 + [None] * 100
    found = row(monitor_week(week(finish_reason=reasons), history=[]), "refusal_share")
    assert found["value"] == pytest.approx(0.1)


latencies = st.lists(st.floats(1e-6, 1e5), min_size=1, max_size=80)
tokens = st.lists(st.integers(0, 10**7), min_size=1, max_size=80)
money = st.lists(st.floats(0, 500), min_size=2, max_size=40)


@settings(max_examples=40)
@given(latencies)
def test_a_latency_quantile_is_numpy_s_to_within_the_stated_error(values: list[float]) -> None:
    frame = monitor_week(week(len(values), failed=0, latency_seconds=values), history=[])
    for metric, quantile in (("latency_p50_seconds", 0.5), ("latency_p95_seconds", 0.95)):
        found = row(frame, metric)
        exact = quantile_of(values, quantile, confidence=0.95)
        of_numpy = np.quantile(values, quantile, method="inverted_cdf")
        assert exact.value == of_numpy
        assert found["value"] == pytest.approx(of_numpy, rel=QUANTILE_ERROR * (1 + 1e-9))
        assert (found["lower"] is None) == (exact.lower is None)
        assert (found["upper"] is None) == (exact.upper is None)
        if exact.lower is not None:
            assert exact.lower * 0.99 <= found["lower"] <= exact.lower * (1 + 1e-9)
        if exact.upper is not None:
            assert exact.upper * (1 - 1e-9) <= found["upper"] <= exact.upper * 1.0101


def test_the_stated_error_is_under_half_a_percent() -> None:
    # 1.0049876 squared is 1.01
    assert pytest.approx(0.0049876, abs=1e-7) == QUANTILE_ERROR


@settings(max_examples=40)
@given(tokens)
def test_a_median_of_tokens_is_exact_to_a_thousand_and_close_beyond(values: list[int]) -> None:
    frame = monitor_week(week(len(values), failed=0, output_tokens=values), history=[])
    exact = np.quantile(values, 0.5, method="inverted_cdf")
    allowed = QUANTILE_ERROR * exact * (1 + 1e-9) if exact > 1000 else 0
    assert abs(row(frame, "median_output_tokens")["value"] - exact) <= allowed


@settings(max_examples=40)
@given(money, st.integers(1, 39))
def test_means_and_rates_are_exact_and_routes_add_up_to_all(values: list[float], cut: int) -> None:
    count = len(values)
    outcomes = [float(place % 2) for place in range(count)]
    frame = week(
        count,
        failed=min(cut, count),
        route=["a" if place < cut else "b" for place in range(count)],
        cost_usd=values,
        outcome=outcomes,
        feedback=[place % 3 - 1 for place in range(count)],
        escalated=[place % 4 == 0 for place in range(count)],
    )
    found = monitor_week(frame, history=[])
    for metric, exact in (
        ("cost_per_interaction_usd", mean_of(values, confidence=0.95)),
        ("outcome_mean", mean_of(outcomes, confidence=0.95)),
        ("feedback_mean", mean_of(frame["feedback"], confidence=0.95)),
        ("error_share", rate_of(min(cut, count), count, confidence=0.95)),
        ("escalation_share", rate_of(math.ceil(count / 4), count, confidence=0.95)),
    ):
        of_all = row(found, metric)
        assert of_all["value"] == pytest.approx(exact.value, rel=1e-9, abs=1e-11)
        assert of_all["lower"] == pytest.approx(exact.lower, rel=1e-6, abs=1e-7)
        assert of_all["upper"] == pytest.approx(exact.upper, rel=1e-6, abs=1e-7)
    of_a = row(found, "cost_per_interaction_usd", "a")
    assert of_a["value"] == pytest.approx(float(np.mean(values[:cut])), rel=1e-9, abs=1e-11)


def test_equal_costs_have_their_own_mean_to_the_last_bit() -> None:
    # Doubles added up 20,000 times would not: history would be broken by a last bit.
    frame = monitor_week(week(20_000, cost_usd=[0.0012345] * 20_000), history=[])
    found = row(frame, "cost_per_interaction_usd")
    assert found["value"] == 0.0012345
    assert found["upper"] - found["lower"] < 1e-9


def test_the_order_of_the_rows_changes_no_bit() -> None:
    generator = np.random.default_rng(5)
    frame = week(
        3000,
        cost_usd=generator.gamma(0.5, size=3000),
        latency_seconds=generator.gamma(2, size=3000),
    )
    shuffled = frame.sample(fraction=1, shuffle=True, seed=6)
    assert monitor_week(frame, history=[]).equals(monitor_week(shuffled, history=[]))


def test_what_lies_outside_the_buckets_is_told_as_nothing() -> None:
    values, counts = [-3.0, 0.0, 1e-9] * 4, [-5] * 12
    frame = monitor_week(
        week(12, failed=0, latency_seconds=values, output_tokens=counts), history=[]
    )
    assert row(frame, "latency_p50_seconds")["value"] == 0.0
    assert row(frame, "median_output_tokens")["value"] == 0.0


def test_an_absurd_cost_is_left_out_and_breaks_nothing() -> None:
    found = row(
        monitor_week(week(4, failed=0, cost_usd=[1.0, 3.0, 1e300, -1e9]), history=[]),
        "cost_per_interaction_usd",
    )
    assert found["value"] == 2.0


def test_a_median_that_moves_into_the_next_bucket_is_no_event() -> None:
    # Two million latencies have an interval narrower than a bucket: 1 % wide. 26 weeks in bucket 0
    # (1.00499) and one just above its end (1.01504): .01005 over .01 / (2 * 1.96) = 3.94 < 4.3.
    histogram = {"route": "a", "metric": "latency_seconds", "interactions": 2_000_000}
    traffic = summaries(week(2, failed=0, route=["a", "a"]))[0]

    def monitored(bucket: int, history: list[pl.DataFrame]) -> pl.DataFrame:
        return monitor_counts(
            traffic, pl.DataFrame([{**histogram, "bucket": bucket}]), history=history
        )

    past = [monitored(0, []) for _ in range(26)]
    assert row(monitored(1, past), "latency_p50_seconds")["finding"] == "usual"
    assert row(monitored(3, past), "latency_p50_seconds")["finding"] == "unusual"


def test_a_route_named_all_and_one_without_a_name_count_among_all_only() -> None:
    frame = week(4, failed=0, route=["all", "a", None, "a"])
    found = monitor_week(frame, history=[])
    assert found["route"].unique().sort().to_list() == ["a", "all"]
    assert row(found, "interactions")["value"] == 4.0


def test_the_histogram_is_bounded_whatever_the_week_holds() -> None:
    # 1e-6 to 1e6 seconds: 12 * ln(10) / ln(1.01) = 2777 buckets; tokens to ten million: 1001 + 926
    generator = np.random.default_rng(5)
    frame = week(
        50_000,
        route=["a"] * 50_000,
        latency_seconds=10 ** generator.uniform(-6, 6, 50_000),
        output_tokens=(10 ** generator.uniform(0, 7, 50_000)).astype(int),
    )
    assert summaries(frame)[1].height <= 2778 + 1927


def test_an_order_statistic_s_interval_has_the_binomial_s_ranks() -> None:
    # median of 1..10 at 95 %: ranks 2 and 9 cover .979 (Conover); ranks 3 and 8 only .891
    found = quantile_of(np.arange(1, 11), 0.5, confidence=0.95)
    assert (found.value, found.lower, found.upper) == (5.0, 2.0, 9.0)


def test_a_high_quantile_of_few_values_has_no_upper_bound() -> None:
    # .95^n <= .025 needs n >= 72
    assert quantile_of(np.arange(71), 0.95, confidence=0.95).upper is None
    assert quantile_of(np.arange(72), 0.95, confidence=0.95).upper == 71.0


def test_quantile_intervals_cover_as_often_as_they_claim() -> None:
    # seed 5, 1,000 samples of 100 exponentials, Monte Carlo error .007; claimed .95 or more
    generator = np.random.default_rng(5)
    truth = -np.log(0.5)
    covered = 0
    for _ in range(1000):
        found = quantile_of(generator.exponential(size=100), 0.5, confidence=0.95)
        covered += float(found.lower or 0) <= truth <= float(found.upper or 9)
    assert covered / 1000 >= 0.935


def test_rates_means_and_ratios_of_nothing_are_nothing() -> None:
    assert rate_of(0, 0, confidence=0.95).value is None
    assert mean_of([], confidence=0.95).value is None
    assert mean_of([3.0], confidence=0.95) == Measured(3.0, None, None, 1)
    assert log_ratio(Measured(1.0, 0.5, 2.0), Measured(None, None, None)).value is None


def test_a_ratio_s_interval_holds_the_ratio() -> None:
    # low: hypot(ln 2, ln 2) = .980, so 2 x exp(-.980) = .750 and 2 x exp(.980) = 5.33
    found = log_ratio(Measured(2.0, 1.0, 4.0), Measured(1.0, 0.5, 2.0))
    assert (found.value, found.lower, found.upper) == pytest.approx((2.0, 0.7504, 5.3304), abs=1e-3)


def test_wilson_interval_of_eight_in_ten() -> None:
    # Newcombe (1998): 8/10 at 95 % gives .4902 to .9433
    found = rate_of(8, 10, confidence=0.95)
    assert (found.lower, found.upper) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_wilson_interval_of_no_success_is_not_empty() -> None:
    # z^2 / (n + z^2) = 3.8415 / 33.8415
    assert wilson(0.0, 30, confidence=0.95) == pytest.approx((0.0, 0.11351), abs=1e-4)
