"""The baseline against itself: nothing can be worse, so every block is a false one.

What differs between two arms of one system is noise of the system and of its judges: how often an
item's score flips is what sizes are planned by, and how often the gate blocks is what its promise
is held against.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import scipy

from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.evaluation.pairs import pair_trials
from eval_pipeline.evaluation.trial_items import TrialItem
from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.settings import GateSettings
from eval_pipeline.statistics.proportions import clopper_pearson
from eval_pipeline.tables import AA_RUNS

SALT: Final = "aa-items"
PROVEN_AT: Final = 0.05


def items_of_run(items: Sequence[TrialItem], *, week: str, policy: GateSettings) -> list[TrialItem]:
    """The golden items that the week's run asks: at most the policy's number, by hash.

    Another choice each week, so that in time all are asked; the same for the same week. Items that
    the policy does not gate are left out.
    """
    gating = [
        item
        for item in items
        if item.source == "golden" or any(policy.decides_on(name) for name in item.subsets)
    ]
    ids = [item.item_id for item in gating]
    chosen = set(smallest_by_hash(ids, policy.aa.maximum_items, salt=f"{SALT}:{week}"))
    return [item for item in gating if item.item_id in chosen]


def aa_rows(
    report: pl.DataFrame,
    trials: pl.DataFrame,
    *,
    decision: Decision,
    golden_version: int,
    cost_usd: float,
) -> pl.DataFrame:
    """AA_RUNS of one week's REGRESSION_REPORT and REGRESSION_TRIALS, a row per gated subset."""
    pairs = pair_trials(trials)
    rows: list[dict[str, Any]] = []
    for told in report.filter(pl.col("state") != "reported").iter_rows(named=True):
        differences = pairs.differences[pairs.members(told["subset"]) & pairs.complete]
        rows.append(
            {
                **{name: told[name] for name in AA_RUNS.schema if name in told},
                "verdict": decision.verdict,
                "discordance": float((differences**2).mean()) if differences.size else None,
                "flip_rate": float((differences != 0).mean()) if differences.size else None,
                "golden_version": golden_version,
                "run_cost_usd": cost_usd,
            }
        )
    return AA_RUNS.conform(pl.DataFrame(rows, schema=AA_RUNS.schema))


@dataclass(frozen=True)
class FalseBlocks:
    """How many of the newest A/A runs blocked, with the exact interval of the rate.

    `p_value`: of so many blocks or more if the true rate were the policy's alpha.
    """

    blocked: int
    runs: int
    lower: float
    upper: float
    p_value: float
    last_blocked: tuple[str, ...] = ()

    @property
    def is_excess(self) -> bool:
        """Whether the rate is shown to be above alpha."""
        return self.p_value <= PROVEN_AT


def false_blocks(runs: pl.DataFrame, *, policy: GateSettings) -> FalseBlocks | None:
    """Over the newest weeks of AA_RUNS (with `week`); None before the first run.

    A run that could not be evaluated is no run. One-sided binomial test at 5 %.
    """
    weekly = runs.filter(pl.col("verdict") != "invalid").unique("week").sort("week")
    newest = weekly.tail(policy.aa.weeks)
    if newest.is_empty():
        return None
    blocked = int((newest["verdict"] == "block").sum())
    lower, upper = clopper_pearson(blocked, newest.height)
    alpha = 1 - policy.confidence
    p_value = scipy.stats.binomtest(blocked, newest.height, alpha, alternative="greater").pvalue
    named = runs.filter(pl.col("week") == newest["week"][-1], pl.col("state") == "blocked")
    return FalseBlocks(
        blocked=blocked,
        runs=newest.height,
        lower=lower,
        upper=upper,
        p_value=float(p_value),
        last_blocked=tuple(named["subset"].sort().to_list()),
    )
