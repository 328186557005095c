"""Lost items asked again, as FAILING_ITEMS."""

from collections.abc import Mapping, Sequence

import polars as pl

from eval_pipeline.evaluation.triage.repeats import (
    flip_rate,
    is_flaky,
    lost_again,
    reproduced,
    shrunk_flip_rate,
)
from eval_pipeline.settings import TriageSettings
from eval_pipeline.tables import FAILING_ITEMS

ARMS = ("baseline", "candidate")


def failing_items(
    items: pl.DataFrame,
    again: pl.DataFrame,
    *,
    earlier: Mapping[str, Sequence[float]],
    policy: TriageSettings,
) -> pl.DataFrame:
    """FAILING_ITEMS of the items asked again.

    `items`: of `item_differences`. `again`: rows like REGRESSION_TRIALS, one per arm, item and
    repeat, in which `trial` numbers the repeats. `earlier`: what the baseline scored on an item in
    earlier weeks' reruns. An item is flaky if its repeats disagree, or if either system's score
    changes on too many of its runs; only runs on the very same item count.
    """
    asked = sorted(set(again["item_id"]))
    by_arm = {
        (arm, item): own["score"].to_list()
        for (arm, item), own in again.sort("trial").group_by("arm", "item_id", maintain_order=True)
    }
    held = {row["item_id"]: row for row in items.iter_rows(named=True)}
    runs = {
        (arm, item): [
            *(earlier.get(item, ()) if arm == "baseline" else ()),
            held[item][arm],
            *(score for score in by_arm.get((arm, item), []) if score is not None),
        ]
        for item in asked
        for arm in ARMS
    }
    average = {arm: _average([runs[arm, item] for item in asked]) for arm in ARMS}
    costs = dict(again.group_by("item_id").agg(pl.col("cost_usd").sum()).iter_rows())
    rows = [
        _row(held[item], by_arm, runs, average, policy=policy, cost=costs[item]) for item in asked
    ]
    return FAILING_ITEMS.conform(pl.DataFrame(rows, schema=FAILING_ITEMS.schema))


def _row(
    item: Mapping[str, object],
    by_arm: Mapping[tuple[str, str], list[float | None]],
    runs: Mapping[tuple[str, str], list[float]],
    average: Mapping[str, float],
    *,
    policy: TriageSettings,
    cost: float | None,
) -> dict[str, object]:
    name = str(item["item_id"])
    baseline, candidate = (by_arm.get((arm, name), []) for arm in ARMS)
    # A recorded baseline cannot be asked again: its one score stands beside every repeat.
    lost, compared = lost_again(baseline or [_score(item)] * len(candidate), candidate)
    flaky = any(
        is_flaky(
            runs[arm, name],
            average=average[arm],
            least_runs=policy.least_runs,
            limit=policy.flaky_share,
        )
        for arm in ARMS
    )
    shared = ("item_id", "route", "subsets", "source", "weight")
    return {
        **{column: item[column] for column in shared},
        "baseline_score": item["baseline"],
        "candidate_score": item["candidate"],
        "repeats": max(len(baseline), len(candidate)),
        "compared": compared,
        "lost_again": lost,
        **{f"{arm}_runs": len(runs[arm, name]) for arm in ARMS},
        **{f"{arm}_flips": shrunk_flip_rate(runs[arm, name], average=average[arm]) for arm in ARMS},
        "cost_usd": cost,
        "finding": reproduced(lost, compared, flaky=flaky),
    }


def _score(item: Mapping[str, object]) -> float:
    return float(str(item["baseline"]))


def _average(runs: Sequence[Sequence[float]]) -> float:
    rates = [rate for own in runs if (rate := flip_rate(own)) is not None]
    return sum(rates) / len(rates) if rates else 0.0
