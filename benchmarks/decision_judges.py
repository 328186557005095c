"""Whether what is said of judges, and what triage names, is right at the stated rate.

Run by `benchmarks/decision.py`, or alone: `python -m benchmarks.decision_judges`. Simulated worlds
are seeded; published labels are read where `EVAL_PIPELINE_REAL_DATA` finds them.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from eval_pipeline.evaluation.triage.recurrence import (
    e_value,
    over_candidates,
    recurrence_of,
)
from eval_pipeline.evaluation.triage.slices import slices_lost
from eval_pipeline.judging.biases.measured import Measured, finding_of
from eval_pipeline.review.agreement import cohens_kappa
from eval_pipeline.statistics.probability_scores import (
    Forecasts,
    calibration_error,
    debiased_calibration_error,
)
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.statistics.weighted_agreement import Interval

ROOT = Path(__file__).parents[1]
DATA = (ROOT / os.environ.get("EVAL_PIPELINE_REAL_DATA", "../shared/data")).resolve()
SLICES, ITEMS = 40, 1200
WEEKS, SUBSETS, WEEKLY = 26, 12, 60
ERROR_RATE = 0.05
LIMIT = 0.05
SEED = 8087


def measure(runs: int) -> list[dict[str, Any]]:
    """Rows of claim, bar, value, lower, upper and met, from `runs` worlds for each rate."""
    return [*_calibration(runs), *_slices(runs), *_recurrence(runs), *_published()]


def _calibration(runs: int) -> Iterator[dict[str, Any]]:
    """A perfect judge at 300 labels, and one that promises 15 points too much at 300 and 1,000."""
    raw, debiased, accused = [], [], 0
    found = dict.fromkeys((300, 1000), 0)
    for run in range(runs):
        rng = np.random.default_rng((SEED, 1, run))
        honest = _judge(rng, 300, excess=0.0)
        raw.append(calibration_error(honest))
        said = debiased_calibration_error(honest, seed=run, resamples=100)
        debiased.append(said.value or 0.0)
        accused += _beyond(said)
        for count in found:
            boaster = _judge(rng, count, excess=0.15)
            found[count] += _beyond(debiased_calibration_error(boaster, seed=run, resamples=100))
    yield _mean("raw calibration error of a perfect judge, 300 labels", "above 0.03", raw,
                met=float(np.mean(raw)) > 0.03)  # fmt: skip
    yield _mean("debiased calibration error of the same judge", "at most 0.01", debiased,
                met=abs(float(np.mean(debiased))) <= 0.01)  # fmt: skip
    yield _rate("a perfect judge is called beyond a limit of 5 points", 0.05, accused, runs)
    yield _rate("a judge 15 points off is called so at 300 labels", None, found[300], runs)
    yield _rate("a judge 15 points off is called so at 1,000 labels", 0.90, found[1000], runs,
                at_least=True)  # fmt: skip


def _judge(rng: np.random.Generator, count: int, *, excess: float) -> Forecasts:
    true = rng.uniform(0.05, 0.8, count)
    outcome = (rng.random(count) < true).astype(np.float64)
    names = [f"c{at // 2}" for at in range(count)]
    return Forecasts(true + excess, outcome, rng.uniform(1, 4, count), names)


def _beyond(error: Interval) -> bool:
    measured = Measured(error.value, error.lower, error.upper, items=300)
    return finding_of(measured, LIMIT) == "beyond_limit"


def _slices(runs: int) -> Iterator[dict[str, Any]]:
    """Forty overlapping slices of 1,200 items in 800 conversations, nothing true and one true."""
    clusters = np.arange(ITEMS) * 2 // 3
    naive = false = by = true = 0
    for run in range(runs):
        rng = np.random.default_rng((SEED, 2, run))
        differences = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=ITEMS)
        members = {f"s{at:02}": rng.random(ITEMS) < rng.uniform(0.03, 0.25) for at in range(SLICES)}
        naive += min(float(differences[own].mean()) for own in members.values()) <= -LIMIT
        for kind in ("max_t", "by"):
            named = slices_lost(
                differences, members, clusters=clusters, seed=run, permutations=400, by=kind
            )
            hit = any(test.named for test in named.values())
            false, by = false + hit * (kind == "max_t"), by + hit * (kind == "by")
        hurt = np.flatnonzero(members["s00"] & (differences >= 0))
        differences[rng.choice(hurt, size=int(0.12 * members["s00"].sum()), replace=False)] -= 1.0
        again = slices_lost(differences, members, clusters=clusters, seed=run, permutations=400)
        true += again["s00"].named
    yield _rate("worst slice <= -5 points names one of 40, nothing true (the naive rule)", None,
                naive, runs)  # fmt: skip
    yield _rate("max-T names one of 40 slices, nothing true", 0.05, false, runs)
    yield _rate("BY at 10 % names one of 40 slices, nothing true", 0.05, by, runs)
    yield _rate("max-T names the one slice 12 points worse", None, true, runs)


def _recurrence(runs: int) -> Iterator[dict[str, Any]]:
    """Twelve subsets of 60 items for 26 candidates; in one the loss is 4 points each time."""
    false = true = 0
    for run in range(runs):
        rng = np.random.default_rng((SEED, 3, run))
        found = [_systematic(rng, loss=0.04 if subset == 0 else 0.0) for subset in range(SUBSETS)]
        true += found[0]
        false += any(found[1:])
    yield _rate("a slice without a loss is called systematic in 26 candidates", 0.05, false, runs)
    yield _rate("a loss of 4 points in 1 of 12 subsets is systematic after 26", None, true, runs)


def _systematic(rng: np.random.Generator, *, loss: float) -> bool:
    shares = [0.05 + loss, 0.9 - loss, 0.05]
    values = [e_value(rng.choice([-1.0, 0.0, 1.0], p=shares, size=WEEKLY)) for _ in range(WEEKS)]
    evidence = over_candidates(values)
    return recurrence_of(evidence, slices=SUBSETS, error_rate=ERROR_RATE) == "systematic"


def _published() -> Iterator[dict[str, Any]]:
    """Agreement on published labels against plain counting over the files."""
    pairs = {
        "xstest: two people": ("xstest/labels.parquet", "human_1", "human_2"),
        "xstest: GPT-4 and the final label": ("xstest/labels.parquet", "gpt4", "human_final"),
        "xstest: regex and the final label": ("xstest/labels.parquet", "strmatch", "human_final"),
        "pandalm: people 1 and 2": ("pandalm/pairs.parquet", "human_1", "human_2"),
        "pandalm: people 1 and 3": ("pandalm/pairs.parquet", "human_1", "human_3"),
        "pandalm: people 2 and 3": ("pandalm/pairs.parquet", "human_2", "human_3"),
    }
    for claim, (file, one, other) in pairs.items():
        if not (DATA / file).is_file():
            yield _row(f"kappa, {claim}", "the public data are absent", None, None, None, met=None)
            continue
        rows = pl.read_parquet(DATA / file).select(one, other)
        ours = cohens_kappa(rows.rows(), purpose=claim, resamples=400)
        plain = _plain_kappa(rows[one].to_list(), rows[other].to_list())
        same = ours.value is not None and abs(ours.value - plain) < 1e-9
        yield _row(f"kappa, {claim}", f"{plain:.4f} by counting", ours.value, ours.lower,
                   ours.upper, met=same)  # fmt: skip


def _plain_kappa(one: Sequence[str], other: Sequence[str]) -> float:
    agree = sum(a == b for a, b in zip(one, other, strict=True)) / len(one)
    chance = sum(list(one).count(kind) * list(other).count(kind) for kind in {*one, *other})
    expected = chance / len(one) ** 2
    return (agree - expected) / (1 - expected)


def _rate(
    claim: str, bar: float | None, hits: int, runs: int, *, at_least: bool = False
) -> dict[str, Any]:
    """A rate with Wilson's interval; met unless the whole interval is beyond the bar."""
    rate = hits / runs
    lower, upper = wilson(rate, runs, confidence=0.95)
    met = None
    if bar is not None:
        met = upper >= bar if at_least else lower <= bar
    told = "reported" if bar is None else f"at {'least' if at_least else 'most'} {bar:g}"
    return _row(claim, told, rate, lower, upper, met=met)


def _mean(claim: str, bar: str, values: Sequence[float], *, met: bool) -> dict[str, Any]:
    mean = float(np.mean(values))
    half = 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 1.0
    return _row(claim, bar, mean, mean - half, mean + half, met=met)


def _row(
    claim: str,
    bar: str,
    value: float | None,
    lower: float | None,
    upper: float | None,
    *,
    met: bool | None,
) -> dict[str, Any]:
    return {"claim": claim, "bar": bar, "value": value, "lower": lower, "upper": upper, "met": met}


if __name__ == "__main__":
    for row in measure(200):
        print(json.dumps(row))
