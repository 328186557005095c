import polars as pl
import pytest

from eval_pipeline.monitoring.operations import report_operations
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import REGRESSION_TRIALS


def calls(
    arm: str,
    count: int = 100,
    *,
    latency: float = 1.0,
    cost: float | None = 0.01,
    right: int = 80,
    failed: int = 0,
) -> pl.DataFrame:
    """Calls of one arm; latencies spread by 10 % around the given one."""
    return pl.DataFrame(
        [
            {
                "arm": arm, "system_id": f"{arm}-system", "item_id": f"i{number:03d}", "trial": 1,
                "cluster_id": f"c{number:03d}", "score": float(number < right),
                "status": "failed" if number < failed else "answered",
                "latency_seconds": None if number < failed else latency * (0.9 + number / 500),
                "input_tokens": 10, "output_tokens": 5, "cost_usd": cost, "attempts": 1,
            }
            for number in range(count)
        ],
        schema=REGRESSION_TRIALS.schema,
    )  # fmt: skip


def row(frame: pl.DataFrame, metric: str, arm: str = "candidate") -> dict[str, object]:
    chosen = (pl.col("metric") == metric) & (pl.col("arm") == arm)
    return frame.row(by_predicate=chosen, named=True)


def reported(candidate: pl.DataFrame, **limits: float) -> pl.DataFrame:
    return report_operations(
        pl.concat([calls("baseline"), candidate]), policy=GateSettings(**limits)
    )


def test_cost_per_success_is_all_money_over_all_scores() -> None:
    # 100 x .01 / 80
    report = reported(calls("candidate"))
    assert row(report, "cost_per_success_usd")["value"] == pytest.approx(0.0125)


def test_a_dearer_candidate_that_is_as_often_right_breaks_the_limit() -> None:
    # two cents against one
    found = row(
        reported(calls("candidate", cost=0.02), maximum_cost_ratio=1.5), "cost_per_success_ratio"
    )
    assert found["value"] == pytest.approx(2.0)
    assert (found["limit"], found["within_limit"]) == (1.5, False)
    # the same items are right in both arms, so nothing is left to chance
    assert found["lower"] == pytest.approx(2.0)


def test_a_cheap_candidate_that_is_rarely_right_is_not_cheap() -> None:
    # half the money for half the successes
    found = row(reported(calls("candidate", cost=0.005, right=40)), "cost_per_success_ratio")
    assert found["value"] == pytest.approx(1.0)
    assert found["within_limit"] is None
    assert float(str(found["lower"])) < 1 < float(str(found["upper"]))


def test_latency_is_compared_at_the_ninety_fifth_percentile() -> None:
    found = row(
        reported(calls("candidate", latency=3.0), maximum_latency_ratio=2.0), "latency_p95_ratio"
    )
    assert found["value"] == pytest.approx(3.0)
    assert found["within_limit"] is False
    assert float(str(found["lower"])) > 2.0


def test_unknown_prices_are_not_measured_and_break_no_limit() -> None:
    report = reported(calls("candidate", cost=None), maximum_cost_ratio=1.5)
    found = row(report, "cost_per_success_ratio")
    assert (found["value"], found["within_limit"]) == (None, None)
    assert row(report, "cost_per_call_usd")["value"] is None


def test_failures_and_their_missing_latency_are_counted_apart() -> None:
    report = reported(calls("candidate", failed=10))
    assert row(report, "failure_share")["value"] == pytest.approx(0.10)
    assert row(report, "failure_share", "baseline")["value"] == 0.0
    assert row(report, "refusal_share")["value"] == 0.0
    assert row(report, "latency_p50_seconds")["calls"] == 100


def test_one_arm_alone_is_reported_without_ratios() -> None:
    report = report_operations(calls("baseline"), policy=GateSettings())
    assert report["arm"].unique().to_list() == ["baseline"]
