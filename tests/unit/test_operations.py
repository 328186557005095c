import polars as pl
import pytest

from eval_pipeline.monitoring.operations import report_operations
from eval_pipeline.monitoring.requests_at_once import requests_at_once
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
    subset: str | None = None,
) -> pl.DataFrame:
    """Calls of one arm; latencies spread by 10 % around the given one."""
    return pl.DataFrame(
        [
            {
                "arm": arm, "system_id": f"{arm}-system", "item_id": f"i{number:03d}", "trial": 1,
                "cluster_id": f"c{number:03d}", "score": float(number < right),
                "error_code": "timeout" if number < failed else None,
                "subsets": [] if subset is None else [subset],
                "status": "failed" if number < failed else "answered",
                "latency_seconds": None if number < failed else latency * (0.9 + number / 500),
                "input_tokens": 10, "output_tokens": 5, "cost_usd": cost, "attempts": 1,
            }
            for number in range(count)
        ],
        schema=REGRESSION_TRIALS.schema,
    )  # fmt: skip


def row(
    frame: pl.DataFrame, metric: str, arm: str = "candidate", subset: str = "all"
) -> dict[str, object]:
    named = (pl.col("metric") == metric) & (pl.col("arm") == arm) & (pl.col("subset") == subset)
    return frame.row(by_predicate=named, named=True)


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
    assert (found["limit"], found["finding"]) == (1.5, "beyond_limit")
    # the same items are right in both arms, so nothing is left to chance
    assert found["lower"] == pytest.approx(2.0)


def test_a_cheap_candidate_that_is_rarely_right_is_not_cheap() -> None:
    # half the money for half the successes
    found = row(reported(calls("candidate", cost=0.005, right=40)), "cost_per_success_ratio")
    assert found["value"] == pytest.approx(1.0)
    assert found["finding"] == "reported"
    assert float(str(found["lower"])) < 1 < float(str(found["upper"]))


def test_latency_is_compared_at_the_ninety_fifth_percentile() -> None:
    found = row(
        reported(calls("candidate", latency=3.0), maximum_latency_ratio=2.0), "latency_p95_ratio"
    )
    assert found["value"] == pytest.approx(3.0)
    assert found["finding"] == "beyond_limit"
    assert float(str(found["lower"])) > 2.0


def test_unknown_prices_are_not_measured_and_break_no_limit() -> None:
    report = reported(calls("candidate", cost=None), maximum_cost_ratio=1.5)
    found = row(report, "cost_per_success_ratio")
    assert (found["value"], found["finding"]) == (None, "not_measured")
    assert row(report, "cost_per_task_usd")["value"] is None
    assert row(report, "cost_per_task_usd")["missing"] == 100


def test_failures_and_their_missing_latency_are_counted_apart() -> None:
    report = reported(calls("candidate", failed=10))
    assert row(report, "failure_share")["value"] == pytest.approx(0.10)
    assert row(report, "failure_share", "baseline")["value"] == 0.0
    assert row(report, "refusal_share")["value"] == 0.0
    assert row(report, "latency_p50_seconds")["calls"] == 100


def test_one_arm_alone_is_reported_without_ratios() -> None:
    report = report_operations(calls("baseline"), policy=GateSettings())
    assert report["arm"].unique().to_list() == ["baseline"]


def test_each_subset_has_its_own_figures_and_all_holds_every_item() -> None:
    slow = calls("candidate", latency=3.0, subset="refunds").with_columns(
        item_id=pl.lit("r") + pl.col("item_id"), cluster_id=pl.lit("r") + pl.col("cluster_id")
    )
    trials = pl.concat(
        [
            calls("baseline"),
            calls("candidate"),
            slow,
            slow.with_columns(
                arm=pl.lit("baseline"),
                system_id=pl.lit("baseline-system"),
                latency_seconds=pl.col("latency_seconds") / 3,
            ),
        ]
    )
    report = report_operations(trials, policy=GateSettings())
    assert row(report, "latency_p95_ratio", subset="refunds")["value"] == pytest.approx(3.0)
    assert row(report, "latency_p50_seconds", subset="refunds")["calls"] == 100
    assert row(report, "latency_p50_seconds")["calls"] == 200


def test_a_subset_has_the_limit_that_the_policy_gives_it_and_no_other() -> None:
    policy = GateSettings(
        maximum_cost_ratio=3.0, subset_limits={"refunds": {"maximum_cost_ratio": 1.5}}
    )
    arms = [calls("baseline", subset="refunds"), calls("candidate", cost=0.02, subset="refunds")]
    report = report_operations(pl.concat(arms), policy=policy)
    whole = row(report, "cost_per_success_ratio")
    inside = row(report, "cost_per_success_ratio", subset="refunds")
    assert (whole["limit"], whole["finding"]) == (3.0, "within_limit")
    assert (inside["limit"], inside["finding"]) == (1.5, "beyond_limit")
    assert row(report, "latency_p95_ratio", subset="refunds")["limit"] is None


def test_an_interval_that_spans_the_limit_is_neither_within_nor_beyond_it() -> None:
    # half the money for half the successes: 1.0 with an interval on both sides
    for limit in (0.95, 1.05):
        report = reported(calls("candidate", cost=0.005, right=40), maximum_cost_ratio=limit)
        assert row(report, "cost_per_success_ratio")["finding"] == "undecided"
    report = reported(calls("candidate", cost=0.005, right=40), maximum_cost_ratio=2.0)
    assert row(report, "cost_per_success_ratio")["finding"] == "within_limit"


def test_a_99th_percentile_of_100_calls_has_no_upper_bound() -> None:
    found = row(reported(calls("candidate")), "latency_p99_seconds")
    assert found["value"] is not None
    assert found["upper"] is None


def test_tokens_are_told_apart_as_means_and_totals() -> None:
    report = reported(calls("candidate"))
    told = {
        metric: row(report, metric)["value"]
        for metric in ("mean_input_tokens", "total_input_tokens", "mean_output_tokens",
                       "total_output_tokens", "total_cost_usd", "attempts_per_task")
    }  # fmt: skip
    # 100 calls of 10 tokens in, 5 out, one cent and one attempt each
    assert told == pytest.approx(
        {"mean_input_tokens": 10, "total_input_tokens": 1000, "mean_output_tokens": 5,
         "total_output_tokens": 500, "total_cost_usd": 1.0, "attempts_per_task": 1}
    )  # fmt: skip


def test_a_code_that_one_arm_met_is_told_of_both() -> None:
    report = reported(calls("candidate", failed=10))
    assert row(report, "error_share:timeout")["value"] == pytest.approx(0.10)
    assert row(report, "error_share:timeout", "baseline")["value"] == 0.0


def test_money_counts_only_beside_the_score_that_it_bought() -> None:
    # of 80 right answers the first ten have no price: 90 x .01 / 70
    candidate = calls("candidate").with_columns(
        cost_usd=pl.when(pl.col("item_id") < "i010").then(None).otherwise(pl.col("cost_usd"))
    )
    found = row(reported(candidate), "cost_per_success_usd")
    assert found["value"] == pytest.approx(0.90 / 70)
    assert found["missing"] == 10


def test_a_failed_call_costs_what_it_costs_and_is_no_success() -> None:
    # the first 10 of 80 right answers failed instead: 100 x .01 / 70
    candidate = calls("candidate", failed=10).with_columns(
        score=pl.when(pl.col("status") == "failed").then(None).otherwise(pl.col("score"))
    )
    found = row(reported(candidate), "cost_per_success_usd")
    assert found["value"] == pytest.approx(1.0 / 70)
    assert found["missing"] == 0


def test_the_load_that_latencies_hold_for_stands_beside_them() -> None:
    report = report_operations(
        pl.concat([calls("baseline"), calls("candidate")]),
        policy=GateSettings(),
        at_once={"candidate-system": (7.5, 16)},
    )
    assert row(report, "requests_at_once_mean")["value"] == 7.5
    assert row(report, "requests_at_once_maximum")["value"] == 16
    assert report.filter(pl.col("metric") == "requests_at_once_mean").height == 1


def test_requests_under_way_are_counted_when_one_is_sent() -> None:
    # sent at 0, 1, 2 and 10 seconds, two seconds each but the last: 1, 2, 2 (the first has just
    # ended) and 1 under way
    spans = pl.DataFrame(
        {"system_id": ["s"] * 4, "seconds": [2, 3, 4, 11], "latency_seconds": [2.0, 2.0, 2.0, 1.0]}
    ).with_columns(
        ended_at=pl.datetime(2026, 11, 16, time_zone="UTC") + pl.duration(seconds="seconds")
    )
    assert requests_at_once(spans) == {"s": (1.5, 2)}
