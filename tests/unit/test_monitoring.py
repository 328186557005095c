import datetime as dt
import math
from dataclasses import replace
from functools import cache
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import monitor as bench
from benchmarks import monitor_chain as chain
from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.monitoring.anomalies import monitor_week as monitor_counts
from eval_pipeline.monitoring.intervals import (
    Measured,
    log_ratio,
    mean_of,
    quantile_of,
    rate_of,
)
from eval_pipeline.monitoring.traffic import QUANTILE_ERROR, WeekTraffic, measures_characters
from eval_pipeline.settings import MonitorSettings
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import PRODUCTION_MONITOR

FRAMED = pl.Schema(
    {
        "route": pl.String,
        "conversation_id": pl.String,
        "response": pl.String,
        "input_tokens": pl.Int64,
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


def summaries(interactions: pl.DataFrame, *, characters: bool = False) -> WeekTraffic:
    """What the statements say of rows in the view `framed`."""
    lacking = [name for name in FRAMED if name not in interactions.columns]
    framed = interactions.with_columns(
        pl.lit(None, dtype=FRAMED[name]).alias(name) for name in lacking
    )
    in_memory().register("framed", framed.to_arrow())
    names = ("traffic_by_route", "traffic_histogram", "traffic_finish_reasons", "traffic_errors")
    told = [in_memory().sql(load_sql(name)).pl() for name in names]
    lengths = in_memory().sql(load_sql("traffic_characters")).pl() if characters else None
    return WeekTraffic(*told, characters=lengths)


@cache
def in_memory() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 2})


NOW = "2026-11-16"
POLICY = MonitorSettings()


def monday(before: int) -> str:
    """The Monday so many weeks before `NOW`."""
    return (dt.date.fromisoformat(NOW) - dt.timedelta(weeks=before)).isoformat()


def stacked(history: list[pl.DataFrame]) -> pl.DataFrame:
    """The frames as the weeks before `NOW`, the last one's the week before."""
    named = [
        frame.with_columns(week=pl.lit(monday(len(history) - place)))
        for place, frame in enumerate(history)
    ]
    empty = PRODUCTION_MONITOR.empty().with_columns(week=pl.lit("", pl.String))
    return pl.concat([empty, *named])


def judged(
    traffic: WeekTraffic, *, history: list[pl.DataFrame], policy: MonitorSettings = POLICY,
    finished: bool = True,
) -> pl.DataFrame:  # fmt: skip
    return monitor_counts(
        traffic, history=stacked(history), week=NOW, policy=policy, finished=finished
    )


def monitor_week(interactions: pl.DataFrame, *, history: list[pl.DataFrame]) -> pl.DataFrame:
    return judged(summaries(interactions), history=history)


def row(frame: pl.DataFrame, metric: str, route: str = "all") -> dict[str, Any]:
    chosen = (pl.col("metric") == metric) & (pl.col("route") == route)
    return frame.row(by_predicate=chosen, named=True)


def weeks(count: int) -> list[pl.DataFrame]:
    """Weeks of 200 interactions with 1 to 4 failures in turn."""
    return [monitor_week(week(failed=1 + number % 4), history=[]) for number in range(count)]


def test_every_route_and_all_get_every_metric() -> None:
    frame = monitor_week(week(), history=[])
    assert frame["route"].unique().sort().to_list() == ["all", "hours", "orders"]
    assert frame.group_by("route").len()["len"].to_list() == [21, 21, 21]
    assert frame.equals(PRODUCTION_MONITOR.conform(frame))
    # 2 of 200, both on orders: 2 of 100
    assert row(frame, "error_share")["value"] == pytest.approx(0.01)
    assert row(frame, "error_share", "orders")["value"] == pytest.approx(0.02)


def test_what_the_logs_do_not_say_is_not_logged_and_never_zero() -> None:
    found = row(monitor_week(week(), history=[]), "cost_per_interaction_usd")
    assert (found["value"], found["finding"]) == (None, "not_logged")


def test_under_six_weeks_nothing_is_called_unusual() -> None:
    frame = monitor_week(week(failed=150), history=weeks(5))
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
    # Two million latencies have an interval narrower than a bucket: 1 % wide. 26 weeks in bucket
    # 0 and one just above its end: .00995 over hypot(.00995 / 3.92, .0045) = 1.9, and the cut-off
    # of 26 weeks and two series is above 2.5; three buckets above it is 5.8.
    histogram = {"route": "a", "metric": "latency_seconds", "interactions": 2_000_000}
    traffic = summaries(week(2, failed=0, route=["a", "a"]))

    def monitored(bucket: int, history: list[pl.DataFrame]) -> pl.DataFrame:
        changed = pl.DataFrame([{**histogram, "bucket": bucket}])
        return judged(replace(traffic, histogram=changed), history=history)

    past = [monitored(0, []) for _ in range(26)]
    assert row(monitored(1, past), "latency_p50_seconds")["finding"] == "usual"
    assert row(monitored(3, past), "latency_p50_seconds")["finding"] == "unusual"


def test_a_route_named_all_and_one_without_a_name_count_among_all_only() -> None:
    frame = week(4, failed=0, route=["all", "a", None, "a"])
    found = monitor_week(frame, history=[])
    assert found["route"].unique().sort().to_list() == ["a", "all"]
    assert row(found, "interactions")["value"] == 4.0


def reasons(count: int = 2000, **cases: int) -> pl.DataFrame:
    told = [name for name, number in cases.items() for _ in range(number)]
    return week(count, failed=0, finish_reason=[*told, *["stop"] * (count - len(told))])


def test_a_mix_that_moves_is_unusual_with_the_categories_that_moved() -> None:
    past = [monitor_week(reasons(length=60 + 5 * (place % 3)), history=[]) for place in range(10)]
    usual = monitor_week(reasons(length=66), history=past)
    assert row(usual, "finish_reason_mix")["finding"] == "usual"
    moved = monitor_week(reasons(length=260, tool_calls=40), history=past)
    mix = row(moved, "finish_reason_mix")
    assert mix["finding"] == "unusual"
    for name in ("length", "stop", "tool_calls"):
        assert row(moved, f"finish_reason_share: {name}")["finding"] == "unusual"
    # usual: length .0325, stop .9675; now .13, .85 and tool_calls .02: half of .0975 + .1175 + .02
    assert mix["value"] == pytest.approx(0.1175)


def test_a_category_without_a_case_was_none_of_the_weeks_before() -> None:
    past = [monitor_week(reasons(), history=[]) for _ in range(8)]
    found = row(
        monitor_week(reasons(content_filter=90), history=past),
        "finish_reason_share: content_filter",
    )
    assert (found["baseline_median"], found["baseline_weeks"]) == (0.0, 8)
    assert found["finding"] == "unusual"


def test_a_category_that_vanishes_is_told_as_none() -> None:
    past = [monitor_week(reasons(length=200 + place), history=[]) for place in range(8)]
    found = row(monitor_week(reasons(), history=past), "finish_reason_share: length")
    assert (found["value"], found["finding"]) == (0.0, "unusual")


def test_an_error_is_told_by_its_code_and_never_by_its_words() -> None:
    # 'timeout' 6 times; a card number, a name and a code that only four conversations met
    errors = ["Timeout: Ana waited"] * 6 + ["4111 1111"] * 3 + ["ana"] * 4 + ["", "no answer, Bo"]
    frame = week(
        100,
        failed=0,
        error=[*errors, *[None] * 85],
        conversation_id=[f"c-{place}" for place in range(100)],
    )
    found = monitor_week(frame, history=[])
    told = found.filter(pl.col("metric").str.starts_with("error_code_share: "))["metric"].unique()
    assert sorted(told) == ["error_code_share: other", "error_code_share: timeout"]
    assert row(found, "error_code_share: timeout")["value"] == pytest.approx(0.06)
    assert row(found, "error_code_share: other")["value"] == pytest.approx(0.09)


def test_a_code_that_one_conversation_met_often_is_not_named() -> None:
    frame = week(100, failed=0, error=["ana"] * 20 + [None] * 80, conversation_id=["c"] * 100)
    found = monitor_week(frame, history=[])
    assert row(found, "error_code_share: other")["value"] == pytest.approx(0.2)


def test_lengths_of_responses_are_measured_in_characters_where_asked() -> None:
    texts = ["", "ä", "漢字", "😀😀😀"] * 25
    frame = week(100, failed=0, response=texts, output_tokens=[None] * 100)
    found = judged(summaries(frame, characters=True), history=[])
    assert row(found, "mean_response_characters")["value"] == pytest.approx(1.5)
    assert row(found, "median_response_characters")["value"] == 1.0
    assert (
        row(monitor_week(frame, history=[]), "mean_response_characters")["finding"] == "not_logged"
    )


@pytest.mark.parametrize(
    ("logged", "when", "engine", "measured"),
    [
        (49, "where_tokens_are_missing", True, True),
        (50, "where_tokens_are_missing", True, False),
        (0, "where_tokens_are_missing", False, False),
        (100, "always", True, True),
        (0, "never", True, False),
    ],
)
def test_texts_are_scanned_only_where_tokens_are_missing(logged, when, engine, measured) -> None:
    counts = summaries(week(100, output_tokens=[7] * logged + [None] * (100 - logged))).by_route
    assert measures_characters(counts, when=when, scans_texts=engine) == measured


def test_the_mean_of_tokens_is_exact_and_negative_counts_are_none() -> None:
    frame = week(4, failed=0, output_tokens=[1, 2, 12, -5], input_tokens=[10, 20, 30, 40])
    found = monitor_week(frame, history=[])
    assert row(found, "mean_output_tokens")["value"] == 5.0
    assert row(found, "mean_input_tokens")["value"] == 25.0
    assert row(found, "median_input_tokens")["value"] == 20.0


@pytest.mark.parametrize(("count", "bounded"), [(367, False), (368, True)])
def test_p99_has_an_upper_bound_only_where_a_rank_reaches_it(count: int, bounded: bool) -> None:
    # .99^367 = .02500 and a little more, .99^368 = .02475; .025 to either side
    found = row(monitor_week(week(count, failed=0), history=[]), "latency_p99_seconds")
    assert (found["upper"] is not None) == bounded


def test_a_quantile_without_both_bounds_is_told_and_not_compared() -> None:
    past = [monitor_week(week(200), history=[]) for _ in range(8)]
    found = row(monitor_week(week(200), history=past), "latency_p99_seconds")
    assert found["value"] is not None
    assert found["finding"] == "too_few"


def test_an_unfinished_week_s_volume_is_not_compared_and_its_shares_are() -> None:
    past = weeks(8)
    part = judged(summaries(week(60, failed=30)), history=past, finished=False)
    assert row(part, "interactions")["finding"] == "unfinished"
    assert row(part, "error_share")["finding"] == "unusual"


def test_the_week_s_own_rows_and_later_ones_are_no_history() -> None:
    past = stacked(weeks(8))
    own = past.with_columns(week=pl.lit(NOW), value=pl.lit(0.9))
    later = past.with_columns(week=pl.lit("2027-01-04"), value=pl.lit(0.9))
    frame = summaries(week(failed=3))
    seen = [
        monitor_counts(frame, history=one, week=NOW, policy=POLICY)
        for one in (past, pl.concat([past, own, later]))
    ]
    assert seen[0].equals(seen[1])


@pytest.mark.slow
def test_stationary_years_alarm_falsely_within_the_budget_and_shifts_are_seen_at_once() -> None:
    # 60 histories of 52 weeks, 5 routes, 5,000 a week, weeks straying by .03: the benchmark's
    # worlds in small, seeds 3 and 4. Budget .8 a year; Monte Carlo error of a mean about .15.
    world = bench.World(60, 5_000, 5, 0.03)
    for place, name in enumerate(bench.METRICS):
        generator = np.random.default_rng([3, place])
        found = bench.false_alarms(world, bench.METRICS[name], generator)
        assert found["mean"] - found["half"] <= 1, name
    for name in ("refusals x 2", "length -30 %", "p99 x 2"):
        hits, runs = bench.detected(world, name, np.random.default_rng(4))
        assert hits / runs >= 0.95, name


@pytest.mark.slow
def test_what_goes_through_tables_is_judged_as_the_arrays_are() -> None:
    assert chain.chain_agrees()


def test_the_histogram_is_bounded_whatever_the_week_holds() -> None:
    # 1e-6 to 1e6 seconds: 12 * ln(10) / ln(1.01) = 2777 buckets; tokens to ten million: 1001 + 926
    generator = np.random.default_rng(5)
    frame = week(
        50_000,
        route=["a"] * 50_000,
        latency_seconds=10 ** generator.uniform(-6, 6, 50_000),
        output_tokens=(10 ** generator.uniform(0, 7, 50_000)).astype(int),
    )
    assert summaries(frame).histogram.height <= 2778 + 1927


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
