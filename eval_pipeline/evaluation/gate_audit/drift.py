"""A model that changes under its name: how soon the drift alarm sees it, and how often for nothing.

A week of an unchanged system is drawn from its own reference runs, one of each item's at random;
a change turns so many of the scores to 0 that the mean falls by the planted drop.
"""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import polars as pl

from eval_pipeline.evaluation.gate_audit.material import Auditor, PinnedRuns
from eval_pipeline.evaluation.gate_audit.rates import Count
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.tables import DRIFT_SIGNALS, schema_of

TOO_LOW = "its mean score is lower than the planted drop"


def changed_model(auditor: Auditor) -> Iterator[Count]:
    """Unchanged, then changed by each drop, over the weeks in which an alarm is waited for."""
    policy, pinned = auditor.material.policy.audit, auditor.material.pinned
    for drop in (0.0, *policy.drifts):
        problem = auditor.material.lacking.get("drift") if pinned is None else None
        if pinned is not None and drop > _mean(pinned):
            problem = TOO_LOW
        runs = 0 if problem or pinned is None else max(5, policy.replications // 4)
        alarms = sum(
            pinned is not None and _alarms(auditor, pinned, drop=drop, run=run)
            for run in range(runs)
        )
        if drop:
            yield Count(
                "model_change", "unnoticed", ALL, size=drop, planted=drop, count=runs - alarms,
                runs=runs, allowed=policy.maximum_unnoticed_rate, note=problem,
            )  # fmt: skip
        else:
            yield Count(
                "model_change", "false_alarm", ALL, count=alarms, runs=runs,
                allowed=policy.maximum_false_alarm_rate, note=problem,
            )  # fmt: skip


def _alarms(auditor: Auditor, pinned: PinnedRuns, *, drop: float, run: int) -> bool:
    """Whether any of the weeks raises an alarm of the re-run."""
    rng = auditor.rng("model_change", drop, run)
    first = dt.date.fromisoformat(auditor.material.week)
    columns = schema_of({"week": pl.String, **DRIFT_SIGNALS.schema})
    history = pl.DataFrame(schema=columns)
    lost = drop / _mean(pinned)
    for place in range(auditor.material.policy.audit.drift_weeks):
        week = (first + dt.timedelta(weeks=place)).isoformat()
        signals = pinned.signal(_week(pinned, lost=lost, rng=rng), history, week)
        if signals.filter(pl.col("stream") == "rerun", pl.col("alarm")).height:
            return True
        told = signals.with_columns(week=pl.lit(week)).select(list(columns))
        history = pl.concat([history, told])
    return False


def _week(pinned: PinnedRuns, *, lost: float, rng: np.random.Generator) -> pl.DataFrame:
    """DRIFT_TRIALS with a score drawn from each item's runs, and so many of them lost."""
    keys = ["item_id", "item_revision"]
    shuffled = pinned.runs.sort(keys).with_columns(order=pl.Series(rng.random(pinned.runs.height)))
    drawn = shuffled.sort(*keys, "order").unique(keys, keep="first", maintain_order=True)
    kept = pl.Series(rng.random(drawn.height) >= lost)
    scores = drawn.select(*keys, score=pl.col("score") * kept.cast(pl.Float64))
    return (
        pinned.trials.drop("score")
        .join(scores, on=keys, how="left", maintain_order="left")
        .select(pinned.trials.columns)
    )


def _mean(pinned: PinnedRuns) -> float:
    """The mean of the items' mean scores."""
    means = pinned.runs.group_by("item_id", "item_revision").agg(pl.col("score").mean())
    return float(str(means["score"].mean())) if means.height else 0.0
