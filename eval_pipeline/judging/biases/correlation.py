"""Whether judges err together, and how many judges of independent errors the panel is worth."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.fingerprint import seed_for
from eval_pipeline.judging.biases.labelled import LEAST_ERRORS
from eval_pipeline.judging.biases.measured import PANEL, Measured, unmeasured
from eval_pipeline.statistics.clusters import Floats, cluster_codes


@dataclass(frozen=True)
class SharedErrors:
    """Phi of the errors by pair of judges in name order, and the panel's effective judges."""

    pairs: dict[tuple[str, str], Measured]
    effective_judges: Measured


def shared_errors(
    rows: pl.DataFrame, *, confidence: float, resamples: int = 1000, seed: int | None = None
) -> SharedErrors:
    """From the labelled verdicts of all judges.

    A pair over what both decided, the panel over what all did: a judge that came later takes
    nothing from what is known of the others. Weighted as the calibration is; intervals are the
    percentile bootstrap over conversations. Effective judges are m / (1 + (m - 1) mean phi), at
    most m (Kish's design effect).
    """
    judges = sorted(set(rows["judge_id"].to_list()) - {PANEL})
    wide = (
        rows.filter(pl.col("judge_id") != PANEL)
        .with_columns(wrong=(pl.col("error") != 0).cast(pl.Float64))
        .pivot("judge_id", index=["interaction_id", "conversation_key", "weight"], values="wrong")
        .sort("interaction_id")
    )
    represented = bool(rows.height) and bool(rows["represented"][0])
    drawing = _Drawing(wide, represented, confidence, resamples, seed)
    pairs = {pair: drawing.measured(pair) for pair in combinations(judges, 2)}
    if not pairs:
        return SharedErrors(pairs, unmeasured("fewer than two judges decided labelled responses"))
    return SharedErrors(pairs, drawing.measured(tuple(judges), as_judges=True))


@dataclass(frozen=True)
class _Drawing:
    """The errors by response and judge, and how their intervals are drawn."""

    wide: pl.DataFrame
    represented: bool
    confidence: float
    resamples: int
    seed: int | None

    def measured(self, judges: tuple[str, ...], *, as_judges: bool = False) -> Measured:
        """The mean phi of these judges, or the effective number of them."""
        full = self.wide.drop_nulls(list(judges))
        missing = self.wide.height - full.height
        problem = self._too_little(full, judges)
        if problem is not None:
            return unmeasured(problem, items=full.height, missing=missing)
        wrong = full.select(judges).to_numpy()
        codes = cluster_codes(full.height, full["conversation_key"].to_list())
        sums = _sums(wrong, full["weight"].to_numpy(), codes)
        value = phi(sums.sum(axis=0), judges=len(judges))
        draws = self._replicates(sums, judges)
        if as_judges:
            value, draws = (effective(each, judges=len(judges)) for each in (value, draws))
        else:
            value, draws = value.mean(axis=-1), draws.mean(axis=-1)
        tails = [(1 - self.confidence) / 2, (1 + self.confidence) / 2]
        lower, upper = np.quantile(draws[np.isfinite(draws)], tails)
        return Measured(float(value), float(lower), float(upper), full.height, missing)

    def _too_little(self, full: pl.DataFrame, judges: tuple[str, ...]) -> str | None:
        if full.is_empty():
            return "no labelled response was decided by all of them"
        if not self.represented:
            return "no audit labels: the disputes alone say nothing of the rest"
        if min(full[judge].sum() for judge in judges) < LEAST_ERRORS:
            return f"fewer than {LEAST_ERRORS} errors of one of them"
        return None

    def _replicates(self, sums: Floats, judges: tuple[str, ...]) -> Floats:
        known = seed_for("error_correlation", *judges) if self.seed is None else self.seed
        clusters = sums.shape[0]
        draws = np.random.default_rng(known).multinomial(
            clusters, np.full(clusters, 1 / clusters), size=self.resamples
        )
        return phi(draws @ sums, judges=len(judges))


def effective(phis: Floats, *, judges: int) -> Floats:
    """M / (1 + (m - 1) mean phi) over the last axis; a negative mean counts as none."""
    mean = np.maximum(phis.mean(axis=-1), 0.0)
    number: Floats = judges / (1 + (judges - 1) * mean)
    return number


def phi(sums: Floats, *, judges: int) -> Floats:
    """Phi by pair, from weighted sums of 1, of each judge's errors, and of each pair's products."""
    means = sums[..., 1:] / sums[..., :1]
    own, both = means[..., :judges], means[..., judges:]
    first, second = np.array(list(combinations(range(judges), 2))).T
    covariance = both - own[..., first] * own[..., second]
    spread = own * (1 - own)
    with np.errstate(divide="ignore", invalid="ignore"):
        values: Floats = covariance / np.sqrt(spread[..., first] * spread[..., second])
    return values


def _sums(wrong: Floats, weight: Floats, codes: NDArray[np.int64]) -> Floats:
    """By conversation, the weighted sums that `phi` reads."""
    pairs = [
        wrong[:, one] * wrong[:, other] for one, other in combinations(range(wrong.shape[1]), 2)
    ]
    parts = np.column_stack([np.ones_like(weight), wrong, *pairs]) * weight[:, None]
    sums = np.zeros((int(codes.max()) + 1, parts.shape[1]))
    np.add.at(sums, codes, parts)
    return sums
