"""Production's monitor on simulated histories: how often it alarms falsely, and what it sees.

Figures are drawn as the log engine would count them: interactions Poisson, cases binomial, latency
quantiles as order statistics, means with their own errors. Week by week they stray beyond sampling
by a normal amount on the logarithm (of a share: the log odds), drawn once for each series. Each
week is then compared by the product's own stage. `python benchmarks/monitor.py --help` says how.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy

from benchmarks.monitor_chain import chain_agrees
from eval_pipeline.monitoring.comparison import judge
from eval_pipeline.monitoring.scales import Figures, Scale
from eval_pipeline.settings import MonitorSettings
from eval_pipeline.statistics.proportions import clopper_pearson

Floats = np.ndarray[Any, np.dtype[np.float64]]

WEEKS: Final = 52
SEED: Final = 20_260_105
SIZES: Final = (1_000, 5_000, 50_000)
STRAYS: Final = (0.0, 0.02, 0.05)
FALSE_ALARM_WORLDS: Final = (
    *((strays, size, 5) for strays in STRAYS for size in SIZES),
    *((0.03, 5_000, routes) for routes in (1, 20)),
)
POLICY: Final = MonitorSettings()
Z: Final = 1.959964
LATENCY_SPREAD: Final = 0.6
"""Of the logarithm of latencies, so that p99 is four times the median."""
SHIFT_WEEK: Final = 40


@dataclass(frozen=True)
class World:
    """How many histories, how large a week, over how many routes, straying how far."""

    histories: int
    interactions: int
    routes: int
    strays: float
    weeks: int = WEEKS


@dataclass(frozen=True)
class Simulated:
    """A metric's figures, (series, weeks), and the factor by which a planted shift changes it."""

    scale: Scale
    draw: Callable[[np.random.Generator, Floats, Floats], Figures]
    strays_by: float = 1.0


def route_shares(routes: int) -> Floats:
    """All routes together first, then each by Zipf."""
    sizes = 1 / np.arange(1, routes + 1)
    return np.concatenate([[1.0], sizes / sizes.sum()])


def share_metric(rate: float, *, among: float = 1.0) -> Simulated:
    """Cases among so much of the interactions."""

    def draw(rng: np.random.Generator, sizes: Floats, strayed: Floats) -> Figures:
        count = rng.binomial(sizes.astype(np.int64), among)
        odds = np.log(rate / (1 - rate)) + np.log(strayed)
        cases = rng.binomial(count, scipy.special.expit(odds))
        with np.errstate(invalid="ignore"):
            value = np.where(count > 0, cases / count, np.nan)
        return Figures(value, value, value, count.astype(np.float64))

    return Simulated("share", draw)


def count_metric() -> Simulated:
    """The number of interactions."""

    def draw(rng: np.random.Generator, sizes: Floats, strayed: Floats) -> Figures:
        value = rng.poisson(sizes * strayed).astype(np.float64)
        return Figures(value, value, value, value)

    return Simulated("count", draw)


def quantile_metric(quantile: float) -> Simulated:
    """An order statistic of lognormal latencies with the product's ranks as its bounds."""

    def draw(rng: np.random.Generator, sizes: Floats, strayed: Floats) -> Figures:
        count = np.maximum(sizes, 1).astype(np.int64)
        low = scipy.stats.binom.ppf(0.025, count, quantile)
        high = scipy.stats.binom.ppf(0.975, count, quantile) + 1
        rank = np.maximum(1, np.ceil(quantile * count))
        # Three order statistics of as many uniforms, drawn one after the other (Renyi).
        below = np.maximum(low, 1)
        first = rng.beta(below, count - below + 1)
        gap = np.maximum(rank - below, 0)
        middle = first + (1 - first) * np.where(
            gap > 0, rng.beta(np.maximum(gap, 1), np.maximum(count - rank + 1, 1)), 0
        )
        over = np.clip(high - rank, 1, None)
        last = middle + (1 - middle) * rng.beta(
            over, np.maximum(count - np.minimum(high, count) + 1, 1)
        )
        lower, value, upper = (
            strayed * np.exp(LATENCY_SPREAD * scipy.special.ndtri(one))
            for one in (first, middle, last)
        )
        lower = np.where(low >= 1, lower, np.nan)
        upper = np.where(high <= count, upper, np.nan)
        return Figures(value, lower, upper, count.astype(np.float64))

    return Simulated("ratio", draw)


def mean_metric(variation: float, *, among: float = 1.0) -> Simulated:
    """A mean of lognormal values with this coefficient of variation, by its t interval."""

    def draw(rng: np.random.Generator, sizes: Floats, strayed: Floats) -> Figures:
        count = np.maximum(rng.binomial(sizes.astype(np.int64), among), 2).astype(np.float64)
        # The sum of so many lognormals is as good as a gamma of the same mean and variance.
        value = strayed * rng.gamma(count / variation**2, variation**2 / count)
        error = value * variation / np.sqrt(count)
        half = scipy.stats.t.ppf(0.975, count - 1) * error
        return Figures(value, value - half, value + half, count)

    return Simulated("ratio", draw)


def level_metric(mean: float, spread: float, *, among: float) -> Simulated:
    """A mean on its own scale, such as feedback of a few."""

    def draw(rng: np.random.Generator, sizes: Floats, strayed: Floats) -> Figures:
        count = np.maximum(rng.binomial(sizes.astype(np.int64), among), 2).astype(np.float64)
        error = spread / np.sqrt(count)
        value = mean * strayed + error * rng.standard_normal(count.shape)
        half = scipy.stats.t.ppf(0.975, count - 1) * error
        return Figures(value, value - half, value + half, count)

    return Simulated("level", draw)


METRICS: Final[dict[str, Simulated]] = {
    "interactions": count_metric(),
    "error_share, 1 in 100": share_metric(0.01),
    "refusal_share, 2 in 100": share_metric(0.02),
    "escalation_share, 5 in 100": share_metric(0.05),
    "latency_p50_seconds": quantile_metric(0.50),
    "latency_p95_seconds": quantile_metric(0.95),
    "latency_p99_seconds": quantile_metric(0.99),
    "mean_output_tokens": mean_metric(0.8),
    "cost_per_interaction_usd": mean_metric(1.2),
    "feedback_mean, of 1 in 10": level_metric(0.6, 0.7, among=0.1),
    "quality, of 1 in 100": share_metric(0.85, among=0.01),
}
SHIFTS: Final = {
    "refusals x 2": ("refusal_share, 2 in 100", 2.0),
    "refusals x 2, of 1 in 100": ("error_share, 1 in 100", 2.0),
    "length -30 %": ("mean_output_tokens", 0.7),
    "p99 x 2": ("latency_p99_seconds", 2.0),
}


def figures(
    metric: Simulated, world: World, rng: np.random.Generator, *, shifted: Floats | None = None
) -> Figures:
    """Arrays of (histories, series, weeks); the first series is all routes together."""
    shape = (world.histories, world.routes + 1, world.weeks)
    sizes = rng.poisson(world.interactions * route_shares(world.routes)[None, :, None], shape)
    strayed = np.exp(world.strays * rng.standard_normal(shape))
    factor = 1.0 if shifted is None else shifted
    return metric.draw(rng, sizes.astype(np.float64), strayed * factor)


def compared(
    drawn: Figures, metric: Simulated, *, week: int, policy: MonitorSettings = POLICY
) -> tuple[Floats, Floats]:
    """Whether each series of each history is unusual in `week`, and whether it was compared."""
    histories, series, _ = drawn.value.shape
    flat = Figures(*(part.reshape(histories * series, -1) for part in vars(drawn).values()))
    now = Figures(*(part[:, week] for part in vars(flat).values()))
    past = Figures(*(part[:, :week] for part in vars(flat).values()))
    # As in the product, the budget is shared by the series that can be compared this week.
    found = judge(now, past, metric.scale, policy=policy, series=series)
    comparable = found.comparable.reshape(histories, series)
    unusual = found.unusual.reshape(histories, series).copy()
    number = comparable.sum(axis=1)
    for count in np.unique(number[(number > 0) & (number < series)]):
        chosen = np.repeat(number == count, series)
        few = [
            Figures(*(part[chosen] for part in vars(figures).values())) for figures in (now, past)
        ]
        own = judge(*few, metric.scale, policy=policy, series=int(count))
        unusual[number == count] = own.unusual.reshape(-1, series)
    return unusual, comparable


def false_alarms(world: World, metric: Simulated, rng: np.random.Generator) -> dict[str, float]:
    """Alarms of a metric in a year in which nothing changes, with their interval."""
    drawn = figures(metric, world, rng)
    alarms = np.zeros(world.histories)
    weeks = 0
    for week in range(POLICY.minimum_weeks, world.weeks):
        unusual, comparable = compared(drawn, metric, week=week)
        alarms += unusual.sum(axis=1)
        weeks += int(comparable.any())
    yearly = alarms * WEEKS / max(weeks, 1)
    half = Z * float(yearly.std(ddof=1)) / np.sqrt(world.histories)
    return {"mean": float(yearly.mean()), "half": half}


def detected(
    world: World, name: str, rng: np.random.Generator, *, route: int = 0
) -> tuple[int, int]:
    """In how many histories the metric alarms in the shift's own week, on the shifted series."""
    metric_name, factor = SHIFTS[name]
    metric = METRICS[metric_name]
    shifted = np.ones((1, world.routes + 1, world.weeks))
    shifted[:, :, SHIFT_WEEK:] = factor
    if metric.scale == "share":
        rate = 0.02 if "2 in" in metric_name else 0.01
        # The factor is of the rate; the draw multiplies odds.
        shifted[:, :, SHIFT_WEEK:] = factor * (1 - rate) / (1 - factor * rate)
    drawn = figures(metric, world, rng, shifted=shifted)
    unusual, _ = compared(drawn, metric, week=SHIFT_WEEK)
    return int(unusual[:, route].sum()), world.histories


def seasonal_case(histories: int, rng: np.random.Generator, *, strength: float) -> dict[str, float]:
    """Three years of a yearly wave, +-30 %, and its last year's alarms: as counted, and x 1.5."""
    weeks = 3 * WEEKS
    world = World(histories, 5_000, 1, 0.03, weeks=weeks + 1)
    policy = POLICY.model_copy(update={"seasonal_strength": strength})
    wave = 1 + 0.3 * np.sin(2 * np.pi * np.arange(weeks + 1) / 52.18)
    metric = METRICS["mean_output_tokens"]
    checked = range(2 * WEEKS, weeks, 6)
    alarms = 0
    drawn = figures(metric, world, rng, shifted=wave[None, None, :])
    for week in checked:
        alarms += int(compared(drawn, metric, week=week, policy=policy)[0].sum())
    jumped = wave.copy()
    jumped[weeks] *= 1.3
    drawn = figures(metric, world, rng, shifted=jumped[None, None, :])
    seen = compared(drawn, metric, week=weeks, policy=policy)[0][:, 0].mean()
    yearly = alarms * WEEKS / (len(checked) * histories)
    return {"false alarms": yearly, "+30 % seen": float(seen)}


def masked_case(histories: int, rng: np.random.Generator, *, masked: bool) -> float:
    """Refusals x 2 after ten bad weeks of 26: how often seen, those acknowledged or left in."""
    world = World(histories, 5_000, 5, 0.03)
    metric = METRICS["refusal_share, 2 in 100"]
    shifted = np.ones((1, 1, WEEKS))
    shifted[:, :, 26:36] = 4.0
    shifted[:, :, SHIFT_WEEK] = 2.0
    drawn = figures(metric, world, rng, shifted=shifted)
    if masked:
        drawn.value[:, :, 26:36] = np.nan
    return float(compared(drawn, metric, week=SHIFT_WEEK)[0][:, 0].mean())


def report_false_alarms(histories: int) -> bool:
    """Prints the table; whether no metric alarms more than once a year on average."""
    print("\nFalse alarms of a metric a year, all its routes together (95 % interval of the mean)")
    print("strays  interactions  routes  " + "  ".join(name.split(",")[0] for name in METRICS))
    worst = 0.0
    for strays, size, routes in FALSE_ALARM_WORLDS:
        row = []
        for place, metric in enumerate(METRICS.values()):
            rng = np.random.default_rng([SEED, place, size, routes, int(1000 * strays)])
            found = false_alarms(World(histories, size, routes, strays), metric, rng)
            worst = max(worst, found["mean"])
            row.append(f"{found['mean']:.2f}+-{found['half']:.2f}")
        print(f"{strays:6.2f}  {size:12,}  {routes:6}  " + "  ".join(row), flush=True)
    print(f"The most of any metric: {worst:.2f} a year. Bar: 1.")
    return worst <= 1


def report_detection(histories: int) -> bool:
    """Prints the table; whether every shift is seen in 95 % at some size of the bar's."""
    print(f"\nSeen in the shift's own week, with {SHIFT_WEEK} weeks of history")
    print("shift  strays  routes  " + "  ".join(f"{size:,}" for size in (500, *SIZES)))
    met = True
    for name in SHIFTS:
        for strays, routes in [*((one, 5) for one in STRAYS), (0.03, 1), (0.03, 20)]:
            row = []
            for size in (500, *SIZES):
                rng = np.random.default_rng([SEED, 7, size, routes, int(1000 * strays)])
                hits, runs = detected(World(histories, size, routes, strays), name, rng)
                lower, upper = clopper_pearson(hits, runs)
                row.append(f"{hits / runs:.3f} ({lower:.3f} to {upper:.3f})")
                met &= hits / runs >= 0.95 or size < max(SIZES)
            print(f"{name}  {strays:.2f}  {routes}  " + "  ".join(row), flush=True)
    return met


def main(arguments: Iterable[str] | None = None) -> int:
    """Exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--only", choices=("alarms", "detection", "seasons", "chain"))
    given = parser.parse_args(None if arguments is None else list(arguments))
    met = True
    if given.only in {None, "chain"}:
        agreed = chain_agrees()
        print(f"Through tables and frames as through arrays: {'alike' if agreed else 'DIFFERENT'}.")
        met &= agreed
    if given.only in {None, "alarms"}:
        met &= report_false_alarms(given.histories)
    if given.only in {None, "detection"}:
        met &= report_detection(given.histories)
    if given.only in {None, "seasons"}:
        for strength in (POLICY.seasonal_strength, 1.0):
            rng = np.random.default_rng([SEED, 9])
            found = seasonal_case(max(20, given.histories // 10), rng, strength=strength)
            named = "taken out" if strength < 1 else "left in"
            told = ", ".join(f"{what} {value:.2f}" for what, value in found.items())
            print(f"\nYearly wave {named}: {told}")
        for masked in (True, False):
            seen = masked_case(given.histories, np.random.default_rng([SEED, 11]), masked=masked)
            named = "acknowledged" if masked else "left in"
            print(f"Refusals x 2 with ten bad weeks before it, {named}: seen in {seen:.3f}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
