"""How often intervals at 95 % hold the truth, through the product's comparison and estimates.

    python benchmarks/decision.py --only coverage [--runs 1000]

Four replicates a run. Paired binary scores: another model of which 15 % of the answers differ in
outcome. Clusters: sizes 1 to 8, about 3 in the mean, correlation .5 inside. Weights: one item in
five stands for eight times as much as another and loses more. Rates: .84 in the mean, three strata
of unequal sampling. Where next to no pair differs (the same model twice at n = 30, thirty clusters)
an interval cannot be exact: those may be wider, and not narrower.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
import scipy

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.estimates import Estimate, hajek_mean, stratified_mean
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.settings import GateSettings

REPLICATES: Final = 4
BATCH_ITEMS: Final = 20_000
POLICY: Final = GateSettings(looks=())
BAR: Final = (0.93, 0.97)
SPARSE_BAR: Final = (0.93, 1.0)
HEAVY: Final = 8.0
HEAVY_SHARE: Final = 0.2
CORRELATION: Final = 0.5
SIZES: Final = np.array([1, 1, 1, 2, 2, 3, 3, 4, 5, 8])
STRATA: Final = {"web": 0.6, "app": 0.3, "mail": 0.1}
RIGHT: Final = {"web": 0.9, "app": 0.8, "mail": 0.6}


@dataclass(frozen=True)
class Sample:
    """One replicate: each item's difference, cluster and weight, and the true mean difference."""

    differences: np.ndarray[Any, Any]
    clusters: np.ndarray[Any, Any]
    weights: np.ndarray[Any, Any]
    truth: float


Draw = Callable[[np.random.Generator], Sample]


def measure(runs: int) -> list[dict[str, Any]]:
    """Rows of claim, bar, value, lower, upper, met: the share of intervals that hold the truth."""
    pairs = [
        (f"paired binary, n = {n}, true difference {100 * (0.075 - loss):+.0f} points", n, loss)
        for n in (30, 50, 100, 200, 400, 1000)
        for loss in (0.075, 0.125)
    ]
    compared = [
        *((claim, binary(n, 0.075, loss), BAR) for claim, n, loss in pairs),
        ("paired binary, the same model twice, n = 30", binary(30, 0.048, 0.048), SPARSE_BAR),
        ("clustered, correlation .5, 30 clusters", clustered(30), SPARSE_BAR),
        *(
            (f"clustered, correlation .5, {groups} clusters", clustered(groups), BAR)
            for groups in (60, 200)
        ),
        *((f"weighted, n = {n}", weighted(n), BAR) for n in (100, 400, 1000)),
        ("clustered and weighted, 200 clusters", clustered(200, heavy=True), BAR),
    ]
    estimated = [
        (f"{name}, n = {n}", n, estimate)
        for n in (100, 400)
        for name, estimate in (
            ("rate, post-stratified", _post_stratified),
            ("rate, Hajek", _hajek),
            ("rate of this very week, a third of it read", _week),
        )
    ]
    return [
        *(_compared(claim, draw, runs, bar) for claim, draw, bar in compared),
        *(_estimated(claim, n, runs, estimate) for claim, n, estimate in estimated),
    ]


def binary(n: int, wins: float, losses: float) -> Draw:
    """Items that stand alone and count alike."""

    def draw(generator: np.random.Generator) -> Sample:
        found = generator.choice([1.0, -1.0, 0.0], size=n, p=[wins, losses, 1 - wins - losses])
        return Sample(found, np.arange(n), np.ones(n), wins - losses)

    return draw


def weighted(n: int) -> Draw:
    """Heavy items lose more: without their weights the mean difference is another."""

    def draw(generator: np.random.Generator) -> Sample:
        heavy = generator.random(n) < HEAVY_SHARE
        found = _outcomes(generator, heavy)
        return Sample(found, np.arange(n), np.where(heavy, HEAVY, 1.0), _truth(heavy=True))

    return draw


def clustered(groups: int, *, heavy: bool = False) -> Draw:
    """Items copy their cluster's outcome with a chance whose square is the correlation."""

    def draw(generator: np.random.Generator) -> Sample:
        sizes = generator.choice(SIZES, size=groups)
        codes = np.repeat(np.arange(groups), sizes)
        is_heavy = (generator.random(groups) < HEAVY_SHARE) & heavy
        shared, own = _outcomes(generator, is_heavy), _outcomes(generator, is_heavy[codes])
        copied = generator.random(codes.size) < np.sqrt(CORRELATION)
        found = np.where(copied, shared[codes], own)
        weights = np.where(is_heavy[codes], HEAVY, 1.0)
        return Sample(found, codes, weights, _truth(heavy=heavy))

    return draw


def _outcomes(generator: np.random.Generator, heavy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Wins in 7.5 of 100; losses in 7.5, in 17.5 of heavy items."""
    drawn = generator.random(heavy.size)
    losses = np.where(heavy, 0.175, 0.075)
    return np.where(drawn < 0.075, 1.0, np.where(drawn < 0.075 + losses, -1.0, 0.0))


def _truth(*, heavy: bool) -> float:
    mass = HEAVY * HEAVY_SHARE
    return -0.10 * mass / (mass + 1 - HEAVY_SHARE) if heavy else 0.0


def _compared(claim: str, draw: Draw, runs: int, bar: tuple[float, float]) -> dict[str, Any]:
    """Each replicate is a subset of its own, and many of them are compared at once."""
    generator = np.random.default_rng(seed_for("decision coverage", claim))
    held = total = 0
    waiting: list[Sample] = []
    for number in range(REPLICATES * runs):
        waiting.append(draw(generator))
        if (
            sum(one.weights.size for one in waiting) >= BATCH_ITEMS
            or number == REPLICATES * runs - 1
        ):
            held += sum(_covered(waiting))
            total += len(waiting)
            waiting = []
    return _row(claim, held, total, bar)


def _covered(samples: list[Sample]) -> Iterator[bool]:
    frames = [_trials(f"s{place:04d}", sample) for place, sample in enumerate(samples)]
    report = compare(pl.concat(frames), policy=POLICY)
    ends = {
        name: (low, high) for name, low, high in report.select("subset", "lower", "upper").rows()
    }
    for place, sample in enumerate(samples):
        low, high = ends[f"s{place:04d}"]
        yield low <= sample.truth <= high


def _trials(name: str, sample: Sample) -> pl.DataFrame:
    size = sample.weights.size
    shared = pl.DataFrame(
        {
            "item_id": [f"{name}-{place:05d}" for place in range(size)],
            "cluster_id": [f"{name}-{code}" for code in sample.clusters],
            "weight": sample.weights,
        }
    ).with_columns(
        trial=pl.lit(1, pl.Int64),
        look=pl.lit(1, pl.Int64),
        source=pl.lit("golden"),
        subsets=pl.lit([name], dtype=pl.List(pl.String)),
        score_error=pl.lit(None, pl.String),
    )
    return pl.concat(
        shared.with_columns(pl.lit(arm).alias("arm"), pl.Series("score", scores.astype(float)))
        for arm, scores in (
            ("baseline", sample.differences <= 0),
            ("candidate", sample.differences >= 0),
        )
    )


def _estimated(
    claim: str,
    n: int,
    runs: int,
    estimate: Callable[[np.random.Generator, int], tuple[Estimate | None, float]],
) -> dict[str, Any]:
    generator = np.random.default_rng(seed_for("decision coverage", claim))
    held = 0
    for _ in range(REPLICATES * runs):
        found, truth = estimate(generator, n)
        assert found is not None
        assert found.lower is not None
        assert found.upper is not None
        held += found.lower <= truth <= found.upper
    return _row(claim, held, REPLICATES * runs, BAR)


def _drawn(generator: np.random.Generator, n: int) -> tuple[np.ndarray[Any, Any], list[str]]:
    """As many of each stratum, though their traffic is unequal."""
    strata = [name for name in STRATA for _ in range(n // len(STRATA))]
    chances = np.array([RIGHT[name] for name in strata])
    return (generator.random(len(strata)) < chances).astype(float), strata


def _post_stratified(generator: np.random.Generator, n: int) -> tuple[Estimate | None, float]:
    values, strata = _drawn(generator, n)
    found = stratified_mean(values, strata=strata, population=STRATA)
    return found, sum(STRATA[name] * RIGHT[name] for name in STRATA)


def _hajek(generator: np.random.Generator, n: int) -> tuple[Estimate | None, float]:
    values, strata = _drawn(generator, n)
    found = hajek_mean(values, weights=np.array([STRATA[name] for name in strata]))
    return found, sum(STRATA[name] * RIGHT[name] for name in STRATA)


def _week(generator: np.random.Generator, n: int) -> tuple[Estimate | None, float]:
    """The truth is the mean of the week that was drawn from, every third of each stratum."""
    values, strata = _drawn(generator, 3 * n)
    names = np.array(strata)
    population = {name: float((names == name).sum()) for name in STRATA}
    read = np.concatenate(
        [
            generator.permutation(np.flatnonzero(names == name))[: n // len(STRATA)]
            for name in STRATA
        ]
    )
    found = stratified_mean(
        values[read], strata=names[read].tolist(), population=population, realised=True
    )
    return found, float(values.mean())


def _row(claim: str, held: int, total: int, bar: tuple[float, float]) -> dict[str, Any]:
    interval = scipy.stats.binomtest(held, total).proportion_ci(method="wilson")
    value = held / total
    return {
        "claim": f"95 % interval holds the truth: {claim}",
        "bar": f"{bar[0]:g} to {bar[1]:g}",
        "value": value,
        "lower": float(interval.low),
        "upper": float(interval.high),
        "met": bar[0] <= value <= bar[1],
    }
