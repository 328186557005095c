"""What the gate's planning and its continuation promise, against simulations of their own.

    python benchmarks/decision_planning.py [--runs 2000]

Ville's bound for the e-processes, the false passes and blocks of planned looks and continuation
together, and the rates that `eval-pipeline plan` foretells against a simulation that shares no code
with the product. Prints a line per claim; exits with 1 if one does not hold.
"""

import argparse
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl
import scipy

from eval_pipeline.evaluation.continuation import continuation_rows, report_continuation
from eval_pipeline.evaluation.e_processes import Steps, log_harm, log_noninferior
from eval_pipeline.evaluation.operating_characteristics import World, characteristics
from eval_pipeline.evaluation.topup import compare_in_looks
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.settings import GateSettings
from eval_pipeline.statistics.proportions import clopper_pearson, newcombe, wilson
from eval_pipeline.tables import CONTINUATION_REPORT, CONTINUATION_TRIALS, REGRESSION_TRIALS

ALPHA: Final = 0.05
HORIZON: Final = 1600
SUBSETS: Final = tuple(f"s{number:02d}" for number in range(6))
POLICY: Final = GateSettings.model_validate(
    {
        "tolerances": {"default": 0.10},
        "aggregate_tolerance": 0.10,
        "looks": [100, 200],
        "continuation": {"share": 0.4, "weekly_items": 200},
    }
)
FORETOLD: Final = GateSettings.model_validate(
    {"tolerances": {"default": 0.05}, "aggregate_tolerance": 0.5, "looks": [200, 400]}
)
WEEKS: Final = ("2026-10-05", "2026-10-12", "2026-10-19")


def measure(runs: int) -> list[dict[str, Any]]:
    """Rows of claim, bar, value, lower, upper and met."""
    return [*_ville(runs), *_continued(max(20, runs // 4)), *_foretold(max(20, runs // 4))]


def main() -> int:
    """Prints every claim; 0 if all hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=2_000)
    rows = measure(parser.parse_args().runs)
    for row in rows:
        print(
            f"{'holds' if row['met'] else 'FAILS'}  {row['claim']}: {row['value']:.4f} "
            f"({row['lower']:.4f} to {row['upper']:.4f}); bar {row['bar']:g}"
        )
    return int(not all(row["met"] for row in rows))


def at_most(claim: str, count: int, runs: int, *, bar: float) -> dict[str, Any]:
    """A row whose bar holds unless the exact interval lies above it."""
    lower, upper = clopper_pearson(count, runs)
    return {
        "claim": claim, "bar": bar, "value": count / runs, "lower": lower, "upper": upper,
        "met": lower <= bar,
    }  # fmt: skip


def _ville(runs: int) -> Iterator[dict[str, Any]]:
    """P(E ever reaches 1 / alpha) at the edge of the null, where it is largest."""
    for margin, discordance in ((0.05, 0.05), (0.05, 0.15), (0.10, 0.30)):
        reached = {"noninferior": 0, "harm": 0}
        accepted = margin / 2
        for run in range(runs):
            generator = np.random.default_rng(seed_for("ville", str(margin), str(run)))
            edge = _draw(generator, HORIZON, mean=-margin, discordance=discordance)
            one = np.ones(HORIZON)
            found = log_noninferior(Steps(edge, one), margin=margin).max()
            reached["noninferior"] += found >= np.log(1 / ALPHA)
            half = _draw(generator, HORIZON, mean=-accepted, discordance=discordance)
            found = log_harm(Steps(half, one), accepted=accepted).max()
            reached["harm"] += found >= np.log(1 / ALPHA)
        for claim, count in reached.items():
            told = f"Ville, {claim}, margin {margin:g}, discordance {discordance:g}"
            yield at_most(f"{told}: ever at 1/alpha in {HORIZON} looks", count, runs, bar=ALPHA)


def _draw(
    generator: np.random.Generator, size: int, *, mean: float, discordance: float
) -> np.ndarray[Any, np.dtype[np.float64]]:
    total = max(discordance, abs(mean))
    wins = (total + mean) / 2
    drawn = generator.random(size)
    return np.where(drawn < wins, 1.0, np.where(drawn < total, -1.0, 0.0))


def _continued(runs: int) -> Iterator[dict[str, Any]]:
    """One subset through the product's planned looks and three weeks of continuation."""
    margin = POLICY.tolerance_of("a")
    for told, drop, state, bar in (
        ("at the tolerance: certified falsely", margin, "certified", ALPHA),
        ("at half the tolerance: blocked falsely", margin / 2, "blocked", ALPHA),
        ("without regression: certified falsely blocked", 0.0, "blocked", ALPHA),
    ):
        count = sum(_ended(drop, run) == state for run in range(runs))
        claim = f"planned looks and continuation, {told}"
        yield at_most(claim.replace("certified falsely blocked", "blocked"), count, runs, bar=bar)
    planned = sum(_ended(0.0, run, weeks=0) == "certified" for run in range(runs))
    gone_on = sum(_ended(0.0, run) == "certified" for run in range(runs))
    lower, upper = clopper_pearson(gone_on, runs)
    yield {
        "claim": "continuation certifies at least as often as the planned looks alone",
        "bar": planned / runs, "value": gone_on / runs, "lower": lower, "upper": upper,
        "met": gone_on >= planned,
    }  # fmt: skip


def _ended(drop: float, run: int, *, weeks: int = len(WEEKS)) -> str:
    generator = np.random.default_rng(seed_for("continued", f"{drop:g}", str(run)))

    def ask(look: int, item_ids: Any, source: str = "reserve") -> pl.DataFrame:
        wins = 0.05
        drawn = generator.random(len(item_ids))
        return _trials(item_ids, look, source, won=drawn < wins,
                       lost=(drawn >= wins) & (drawn < 2 * wins + drop))  # fmt: skip

    held = pl.DataFrame({"interaction_id": [f"r{n}" for n in range(200)], "subsets": [["a"]] * 200})
    compared = compare_in_looks(
        ask(1, [f"g{n}" for n in range(60)], "golden"),
        ask=ask, reserve=held, policy=POLICY, subsets=["a"],
    )  # fmt: skip
    report = compared.report
    state = report.row(by_predicate=pl.col("subset") == "a", named=True)["state"]
    if state in {"certified", "blocked"} or not weeks:
        return str(state)
    done = CONTINUATION_TRIALS.empty()
    for week in WEEKS[:weeks]:
        ids = [reserve_identity(f"{week}-{n}") for n in range(200)]
        rows = continuation_rows(
            ask(4, ids), week=week, weights=dict.fromkeys(ids, 1.0)
        )  # fmt: skip
        done = pl.concat([done, rows])
    told = report_continuation(report, done, golden_version=1, policy=POLICY)
    own = told.filter(pl.col("subset") == "a")
    return str(own["state"][0]) if own.height else str(CONTINUATION_REPORT.name)


def _trials(item_ids: Any, look: int, source: str, *, won: Any, lost: Any) -> pl.DataFrame:
    ids = list(item_ids)
    constants = {
        "system_id": "s", "trial": 1, "source": source, "look": look, "golden_version": 1,
        "scorer": "exact", "status": "answered", "attempts": 1,
    }  # fmt: skip
    arms = [
        pl.DataFrame(
            {
                "arm": arm, "item_id": ids, "cluster_id": ids, "subsets": [["a"]] * len(ids),
                "score": (~failed).astype(float),
            },
            schema_overrides={"subsets": pl.List(pl.String), "item_id": pl.String,
                              "cluster_id": pl.String},
        )
        for arm, failed in (("baseline", won), ("candidate", lost))
    ]  # fmt: skip
    rows = pl.concat(arms)
    return rows.with_columns(
        pl.lit(constants.get(name), dtype=dtype).alias(name)
        for name, dtype in REGRESSION_TRIALS.schema.items()
        if name not in rows.columns
    ).select(list(REGRESSION_TRIALS.schema))


def _foretold(runs: int) -> Iterator[dict[str, Any]]:
    """The plan's rates minus those of `independent`, with Newcombe's interval over both."""
    golden, reserve, discordance = 80, 320, 0.10
    ids = [(f"{name}-g{n}", [name]) for name in SUBSETS for n in range(golden)]
    held = [(f"{name}-{n}", [name]) for name in SUBSETS for n in range(reserve)]
    world = World(
        golden=pl.DataFrame(ids, schema=["item_id", "subsets"], orient="row").with_columns(
            cluster_id=pl.col("item_id")
        ),
        reserve=pl.DataFrame(held, schema=["interaction_id", "subsets"], orient="row").with_columns(
            conversation_key=pl.col("interaction_id")
        ),
        subsets=SUBSETS,
        discordance=dict.fromkeys(("all", *SUBSETS), discordance),
    )
    plan = characteristics(world, policy=FORETOLD, runs=runs)
    others = 10 * runs
    passed, certified = independent(others, targets=(golden, 200, 400), discordance=discordance)
    told = "plan against an independent simulation"
    fine = plan.no_regression
    yield _agree(f"{told}: passes without regression", (fine.verdicts["pass"], runs),
                 (passed, others))  # fmt: skip
    yield _agree(f"{told}: subsets certified without regression",
                 (sum(fine.certified[name] for name in SUBSETS), runs * len(SUBSETS)),
                 (certified, others * len(SUBSETS)))  # fmt: skip


def _agree(claim: str, first: tuple[int, int], second: tuple[int, int]) -> dict[str, Any]:
    shares = []
    for count, of in (first, second):
        # Three standard errors: of a handful of such claims none should fail by chance.
        lower, upper = wilson(count / of, of, confidence=0.997)
        shares.append((count / of, lower, upper))
    lower, upper = newcombe(shares[0], shares[1])
    return {
        "claim": claim, "bar": 0.0, "value": shares[0][0] - shares[1][0],
        "lower": lower, "upper": upper, "met": lower <= 0.0 <= upper,
    }  # fmt: skip


def independent(
    runs: int, *, targets: tuple[int, ...], discordance: float, drop: float = 0.0
) -> tuple[int, int]:
    """Passes, and certified subsets, of the same design written down again in plain numpy.

    Disjoint subsets, an aggregate that is always certified, tolerance .05, alpha .05 over the
    looks, block at half the tolerance by Holm over the subsets and the aggregate.
    """
    alpha, margin, hypotheses = ALPHA / len(targets), 0.05, len(SUBSETS) + 1
    generator = np.random.default_rng(seed_for("independent", str(runs)))
    shape = (runs, len(SUBSETS))
    wins, losses, size = np.zeros(shape), np.zeros(shape), 0
    certified, over = np.zeros(shape, dtype=bool), np.zeros(runs, dtype=bool)
    harm = np.ones(shape)
    for target in targets:
        more = target - size
        drawn = generator.multinomial(
            more, [discordance / 2, discordance / 2 + drop, 1 - discordance - drop], size=shape
        )
        live = ~certified & ~over[:, None]
        wins += np.where(live, drawn[..., 0], 0)
        losses += np.where(live, drawn[..., 1], 0)
        size = target
        above = scipy.stats.norm.sf(tango(wins, losses, size, -margin))
        fresh = scipy.stats.norm.cdf(tango(wins, losses, size, -margin / 2))
        # A decided subset keeps the p-value of its own look.
        harm = np.where(live, fresh, harm)
        adjusted = harm_adjusted(harm, hypotheses)
        blocked = live & (adjusted <= alpha) & ((wins - losses) / size <= -margin)
        certified |= live & (above <= alpha)
        over |= (blocked & ~certified).any(axis=1)
    return int((certified.all(axis=1) & ~over).sum()), int(certified.sum())


def tango(wins: Any, losses: Any, size: int, difference: float) -> Any:
    """Tango's score statistic, for arrays."""
    b = -wins - losses + (2 * size - wins + losses) * difference
    c = -losses * difference * (1 - difference)
    rate = (np.sqrt(np.maximum(b * b - 8 * size * c, 0)) - b) / (4 * size)
    variance = size * (2 * rate + difference * (1 - difference))
    return (wins - losses - size * difference) / np.sqrt(variance)


def harm_adjusted(p_values: Any, hypotheses: int) -> Any:
    """Holm's adjusted p-values along the last axis, with one further hypothesis of p = 1."""
    order = np.argsort(p_values, axis=1)
    ranked = np.take_along_axis(p_values, order, axis=1)
    factors = hypotheses - np.arange(p_values.shape[1])
    stepped = np.maximum.accumulate(np.minimum(1.0, ranked * factors), axis=1)
    adjusted = np.empty_like(p_values)
    np.put_along_axis(adjusted, order, stepped, axis=1)
    return adjusted


if __name__ == "__main__":
    sys.exit(main())
