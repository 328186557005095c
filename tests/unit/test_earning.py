import numpy as np
import polars as pl
import pytest

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.earning import earning_sentences, earnings
from eval_pipeline.settings import GateSettings
from eval_pipeline.statistics.ratios import fieller, paired_means
from eval_pipeline.tables import REGRESSION_TRIALS

SUBSETS = ("orders", "refunds")


def arm(name: str, scores: list[float], *, cost: float | None, clusters: int = 1) -> pl.DataFrame:
    rows = [
        {
            "arm": name, "system_id": name, "item_id": f"i{n:03}", "trial": 1, "source": "golden",
            "look": 1, "golden_version": 1, "route": "r", "subsets": [SUBSETS[n % 2]],
            "cluster_id": f"c{n // clusters:03}", "scorer": "exact", "score": score,
            "status": "answered", "attempts": 1, "cost_usd": cost,
        }
        for n, score in enumerate(scores)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema)


def told(trials: pl.DataFrame, naive_arm: str = "candidate"):
    policy = GateSettings()
    report = compare(trials, policy=policy, subsets=SUBSETS)
    return earnings(
        trials, report, naive_arm=naive_arm, subsets=SUBSETS, confidence=policy.confidence
    )


# 200 items: on orders (even places) the model wins 90 of 100, on refunds both are right.
MODEL = [1.0] * 200
NAIVE = [1.0 if n % 2 or n < 20 else 0.0 for n in range(200)]


def test_what_a_success_costs_is_the_extra_cost_over_the_gain() -> None:
    found = told(pl.concat([arm("baseline", MODEL, cost=0.01), arm("candidate", NAIVE, cost=0.0)]))
    whole, orders, refunds = found
    assert (whole.subset, whole.naive_mean, whole.model_mean) == ("all", 0.55, 1.0)
    assert whole.difference == pytest.approx(0.45)
    # 0.01 USD a task over 0.45 successes a task.
    assert whole.extra_cost_usd == pytest.approx(0.01)
    assert whole.cost_per_success_usd == pytest.approx(0.01 / 0.45)
    assert whole.cost_per_success_lower is not None
    assert whole.cost_per_success_upper is not None
    assert whole.cost_per_success_lower < 0.01 / 0.45 < whole.cost_per_success_upper
    assert orders.cost_per_success_usd == pytest.approx(0.01 / 0.9)
    assert (orders.finding, refunds.finding) == ("model_better", "not_shown_worse")
    assert refunds.cost_per_success_usd is None
    first, last = earning_sentences(found)
    assert first == "On 1 of 2 subsets the naive system is not shown to be worse: refunds."
    assert last.startswith("Over all items the model costs 0.01 USD (0.01 to 0.01) more per task;")


def test_it_is_the_same_told_from_either_side() -> None:
    one = told(pl.concat([arm("baseline", MODEL, cost=0.01), arm("candidate", NAIVE, cost=0.0)]))
    other = told(
        pl.concat([arm("baseline", NAIVE, cost=0.0), arm("candidate", MODEL, cost=0.01)]),
        "baseline",
    )
    for first, second in zip(one, other, strict=True):
        for name, value in first.as_dict().items():
            assert getattr(second, name) == pytest.approx(value), name


def test_a_naive_system_that_is_better_is_said_to_be() -> None:
    found = told(pl.concat([arm("baseline", NAIVE, cost=0.01), arm("candidate", MODEL, cost=0.0)]))
    assert found[0].finding == "naive_better"
    sentences = earning_sentences(found)
    assert "The naive system is shown to be better on orders." in sentences
    assert "is not shown to answer better" in sentences[-1]


def test_costs_that_are_not_known_are_counted_and_never_zero() -> None:
    found = told(pl.concat([arm("baseline", MODEL, cost=None), arm("candidate", NAIVE, cost=0.0)]))
    assert (found[0].costs_unknown, found[0].extra_cost_usd) == (200, None)
    assert earning_sentences(found)[-1].startswith("What a task costs is not known")


def test_a_ratio_has_no_bounds_where_the_gain_may_be_none() -> None:
    rng = np.random.default_rng(5)
    gains = rng.choice([-1.0, 1.0], 40)
    means = paired_means(np.ones(40), gains, weights=np.ones(40), codes=np.arange(40))
    assert means is not None
    told_ratio = fieller(means, confidence=0.95)
    assert (told_ratio.lower, told_ratio.upper) == (None, None)


def test_the_ratios_interval_covers_as_often_as_it_says() -> None:
    # 500 draws of 60 clusters of 3, seed 20261122: cost 2 + noise, gain 0.4: the ratio is 5.
    rng, covered, bounded = np.random.default_rng(20261122), 0, 0
    codes = np.repeat(np.arange(60), 3)
    for _ in range(500):
        shared = rng.normal(size=60)[codes]
        chance = np.clip(0.4 + 0.1 * shared, 0, 1)
        gains = (rng.random(180) < chance).astype(float)
        costs = 2 + 0.5 * shared + rng.normal(size=180)
        means = paired_means(costs, gains, weights=np.ones(180), codes=codes)
        assert means is not None
        ratio = fieller(means, confidence=0.95)
        if ratio.lower is not None and ratio.upper is not None:
            bounded += 1
            covered += ratio.lower <= 5 <= ratio.upper
    assert bounded == 500
    # The two pseudo-observations, of 60 clusters' worth, make it rather too wide.
    assert 0.93 <= covered / 500 <= 0.995
