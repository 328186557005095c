"""People's labels in the interval, measured: coverage, false passes, and what usual practice does.

The worlds of methods 3.4, through the product's own path: judges that share a blind spot score
1,200 items, people label some, and the rate or the gate's verdict is read. Every run has a seed of
its own. `measure(runs)` gives a row for each claim.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.human_correction.audited import audited_pairs, draw_audit
from eval_pipeline.evaluation.human_correction.judge_bias import PooledRectifier
from eval_pipeline.evaluation.human_correction.rectifying import pooled_rectifier, rectify
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.settings import GateSettings, HumanCorrectionSettings
from eval_pipeline.statistics.label_strata import TwoPhaseSample
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.statistics.two_phase import two_phase_mean
from eval_pipeline.statistics.two_phase_rate import mover_wilson
from eval_pipeline.tables import CANDIDATE_AUDIT, REGRESSION_TRIALS

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

ITEMS: Final = 1200
GOOD: Final = 0.80
ERROR_ON_GOOD: Final = 0.055
ERROR_ON_BAD: Final = 0.11
CHURN: Final = 0.04
"""Items that a change of system flips for the better, and as many for the worse."""
BLIND: Final = {"baseline": 0.30, "candidate": 0.55}
"""Bad answers that fool both judges at once: they are more lenient to the candidate."""
COVERED: Final = (0.93, 0.97)
FEW: Final = 20
"""So few random labels leave a stratum with three: the interval is then wider than it says."""
POLICY: Final = GateSettings(aggregate_tolerance=0.05, looks=())
SUBSETS: Final = 12


@dataclass(frozen=True)
class Seen:
    """Which answers are good, what two judges say on average, and where they differ."""

    good: Floats
    scores: Floats
    split: Mask


def judged(good: Mask, rng: np.random.Generator, *, blind: float) -> Seen:
    """Two judges that err alone on some answers, and together on a share of the bad ones."""
    fooled = ~good & (rng.random(good.size) < blind)
    first, second = (
        np.where(
            good,
            rng.random(good.size) >= ERROR_ON_GOOD,
            fooled | (rng.random(good.size) < ERROR_ON_BAD),
        )
        for _ in range(2)
    )
    scores = (first.astype(float) + second) / 2
    return Seen(good.astype(float), scores, first != second)


def rates(run: int, *, audit: int) -> dict[str, tuple[float, float, float]]:
    """(estimate, lower, upper) of the pass rate by each way, all disagreements labelled besides."""
    rng = np.random.default_rng(seed_for("rates", str(audit), str(run)))
    seen = judged(rng.random(ITEMS) < GOOD, rng, blind=BLIND["baseline"])
    chosen = seen.split.copy()
    chosen[rng.permutation(ITEMS)[:audit]] = True
    strata = np.where(seen.split, 2, seen.scores).astype(np.int64)
    labels = np.where(chosen, seen.good, np.nan)
    sample = TwoPhaseSample(seen.scores, labels, strata, 0.5)
    corrected = two_phase_mean(sample)
    error = 1.96 * seen.scores.std() / ITEMS**0.5
    judges = float(seen.scores.mean())
    replaced = float(np.where(seen.split, seen.good, seen.scores).mean())
    on_queue = judges + float((seen.good - seen.scores)[seen.split].mean())
    return {
        "MOVER-Wilson": mover_wilson(sample, confidence=0.95),
        "augmented variance": (corrected.value, *corrected.interval(0.95)),
        "judges alone": (judges, judges - error, judges + error),
        "people where judges differ": (replaced, replaced - error, replaced + error),
        "calibrated on the queue alone": (on_queue, on_queue - error, on_queue + error),
    }


def pair_of_systems(drop: float, rng: np.random.Generator) -> tuple[Seen, Seen]:
    """The baseline's answers and those of a candidate that is worse by `drop` in truth."""
    good = rng.random(ITEMS) < GOOD
    lost = (CHURN + drop) / GOOD
    won = CHURN / (1 - GOOD)
    better = np.where(good, rng.random(ITEMS) >= lost, rng.random(ITEMS) < won)
    return (
        judged(good, rng, blind=BLIND["baseline"]),
        judged(better, rng, blind=BLIND["candidate"]),
    )


def as_trials(arms: tuple[Seen, Seen]) -> pl.DataFrame:
    """REGRESSION_TRIALS of both arms; item i is of subset i modulo twelve."""
    ids = [f"item-{number:05d}" for number in range(ITEMS)]
    constants = {
        "system_id": "any", "trial": 1, "source": "golden", "look": 1, "golden_version": 1,
        "route": "any", "scorer": "panel", "response": "any", "status": "answered", "attempts": 1,
    }  # fmt: skip
    frames = [
        pl.DataFrame(
            {
                "arm": arm,
                "item_id": ids,
                "cluster_id": ids,
                "subsets": [[f"subset_{number % SUBSETS:02d}"] for number in range(ITEMS)],
                "score": seen.scores,
            }
        )
        for arm, seen in zip(("baseline", "candidate"), arms, strict=True)
    ]
    rest = [name for name in REGRESSION_TRIALS.schema if name not in frames[0].columns]
    return (
        pl.concat(frames)
        .with_columns(
            pl.lit(constants.get(name), dtype=REGRESSION_TRIALS.schema[name]).alias(name)
            for name in rest
        )
        .select(list(REGRESSION_TRIALS.schema))
    )


def as_audit(drawn: pl.DataFrame, arms: tuple[Seen, Seen]) -> pl.DataFrame:
    """The drawn items as CANDIDATE_AUDIT, every answer settled as what it is."""
    places = [int(item_id.removeprefix("item-")) for item_id in drawn["item_id"]]
    rows = [
        drawn.select("item_id", "label_stratum", "label_probability").with_columns(
            arm=pl.lit(arm),
            task_id=pl.col("item_id"),
            score=pl.Series(seen.scores[places]),
            state=pl.lit("agreed"),
            label=pl.Series(np.where(seen.good[places] == 1, "pass", "fail").tolist()),
            settled_by=pl.lit("agreement"),
            annotators=pl.lit(None, dtype=pl.List(pl.String)),
            labels=pl.lit(None, dtype=pl.List(pl.String)),
            annotator_kind=pl.lit("person"),
            labelled_on=pl.lit(dt.date(2026, 11, 16)),
        )
        for arm, seen in zip(("baseline", "candidate"), arms, strict=True)
    ]
    return CANDIDATE_AUDIT.conform(pl.concat(rows).select(list(CANDIDATE_AUDIT.schema)))


def gates(run: int, *, drop: float, audit: int) -> dict[str, dict[str, Any]]:
    """The aggregate's row of the report: by judges alone, with people where they differ, corrected.

    Subsets are there for the variance between them; the aggregate, at 5 points, decides.
    """
    rng = np.random.default_rng(seed_for("gates", str(drop), str(audit), str(run)))
    arms = pair_of_systems(drop, rng)
    trials = as_trials(arms)
    policy = HumanCorrectionSettings(audit_items=audit)
    pairs = audited_pairs(trials)
    drawn = draw_audit(pairs, candidate_id=f"run {run}", policy=policy)
    labelled = as_audit(drawn, arms)
    found = rectify(pairs, labelled, policy=policy, trials_fingerprint="any")
    differ = arms[0].split | arms[1].split
    replaced = (Seen(one.good, np.where(differ, one.good, one.scores), one.split) for one in arms)
    return {
        "judges alone": _aggregate(trials),
        "people where judges differ": _aggregate(as_trials(tuple(replaced))),  # type: ignore[arg-type]
        "corrected": _aggregate(trials, rectifier=pooled_rectifier(found)),
    }


def _aggregate(trials: pl.DataFrame, *, rectifier: PooledRectifier | None = None) -> dict[str, Any]:
    report = compare(trials, policy=POLICY, judge_bias=rectifier)
    return report.filter(subset="all").row(0, named=True)


def measure(runs: int) -> list[dict[str, Any]]:
    """A row per claim: claim, bar, value with its 95 % Wilson interval over the runs, and met.

    Met: the interval does not exclude the bar. Rows without a bar are for comparison.
    """
    return [*_coverage_rows(runs), *_gate_rows(runs)]


def _coverage_rows(runs: int) -> Iterator[dict[str, Any]]:
    for audit in (20, 60, 150):
        found = [rates(run, audit=audit) for run in range(runs)]
        for way in found[0]:
            covered = [one[way][1] <= GOOD <= one[way][2] for one in found]
            bar = COVERED if way == "MOVER-Wilson" and audit > FEW else None
            bias = 100 * (float(np.mean([one[way][0] for one in found])) - GOOD)
            yield _row(f"coverage, audit {audit}, {way} (bias {bias:+.1f} points)", covered, bar)


def _gate_rows(runs: int) -> Iterator[dict[str, Any]]:
    for drop, audit in ((0.08, 300), (0.08, 390), (0.05, 390), (0.0, 300), (0.0, 390)):
        found = [gates(run, drop=drop, audit=audit) for run in range(runs)]
        for way in found[0]:
            told = f"truly {_points(drop)} points, {audit} items labelled, {way}"
            passed = [one[way]["state"] == "certified" for one in found]
            blocked = [one[way]["state"] == "blocked" for one in found]
            bars = {0.08: (0.0, 0.01), 0.05: (0.0, 0.05)} if way == "corrected" else {}
            yield _row(f"pass: {told}", passed, bars.get(drop))
            yield _row(f"block: {told}", blocked, (0.0, 0.05) if bars and drop == 0 else None)
            if way == "corrected":
                covered = [one[way]["lower"] <= -drop <= one[way]["upper"] for one in found]
                yield _row(f"coverage: {told}", covered, COVERED)


def _points(drop: float) -> str:
    return f"-{100 * drop:.0f}" if drop else "0"


def _row(claim: str, hits: list[bool], bar: tuple[float, float] | None) -> dict[str, Any]:
    value = sum(hits) / len(hits)
    lower, upper = wilson(value, len(hits), confidence=0.95)
    met = None if bar is None else bar[0] <= upper and lower <= bar[1]
    shown = None
    if bar is not None:
        shown = f"{bar[0]:g} to {bar[1]:g}" if bar[0] else f"<= {bar[1]:g}"
    return {
        "claim": claim, "bar": shown, "value": value, "lower": lower, "upper": upper, "met": met,
    }  # fmt: skip


if __name__ == "__main__":
    for line in measure(400):
        print(line)
