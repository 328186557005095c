import numpy as np
import polars as pl
import pytest

from eval_pipeline.monitoring.anomalies import cut_off, monitor_week
from eval_pipeline.monitoring.intervals import (
    Measured,
    log_ratio,
    mean_of,
    quantile_of,
    rate_of,
    wilson,
)
from eval_pipeline.tables import PRODUCTION_MONITOR


def week(count: int = 200, *, failed: int = 2, **columns: object) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "route": ["orders"] * (count // 2) + ["hours"] * (count - count // 2),
            "error": ["timeout"] * failed + [None] * (count - failed),
            "finish_reason": ["stop"] * count,
            "latency_seconds": np.linspace(0.5, 1.5, count),
            "output_tokens": [20] * count,
            **columns,
        },
        schema_overrides={"error": pl.String},
    )


def row(frame: pl.DataFrame, metric: str, route: str = "all") -> dict[str, object]:
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
    assert abs(float(str(found["robust_z"]))) < 1


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
