"""The candidate against the baseline, per subset and overall: certified, blocked or not yet known.

Methods 2.3 and 2.4: a pass is an intersection of non-inferiority claims, so it needs no correction
over subsets; a block is one claim out of many, so it is Holm's. Alpha is shared over the looks
that the policy declares beforehand.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import polars as pl
import scipy

from eval_pipeline.errors import UnplannedLookError
from eval_pipeline.evaluation.human_correction.corrected_readings import (
    human_columns,
    known_bias,
    margin_left,
)
from eval_pipeline.evaluation.human_correction.judge_bias import JudgeBias
from eval_pipeline.evaluation.pairs import Pairs, pair_trials
from eval_pipeline.evaluation.reserve_order import (
    ALL,
    ReserveOrder,
    cumulative_target,
    look_alpha,
    planned_looks,
    reserve_counts,
)
from eval_pipeline.evaluation.standings import (
    BOUND_MISSING_ABOVE,
    Standing,
    looks_at,
    p_harm,
    p_noninferior,
    standings_after,
)
from eval_pipeline.evaluation.subset_readings import Reading, read_subset
from eval_pipeline.settings import (
    MINIMUM_CLUSTERS,
    SYNTHETIC_SUBSET,
    GateSettings,
    least_items,
)
from eval_pipeline.tables import REGRESSION_REPORT

PLANNED_POWER = 0.8
LEAST_VARIANCE = 0.02
"""Planning never assumes that fewer than two items in a hundred flip."""


def compare(
    trials: pl.DataFrame,
    *,
    policy: GateSettings,
    subsets: Collection[str] = (),
    reserve: pl.DataFrame | None = None,
    order: ReserveOrder | None = None,
    alpha: float | None = None,
    beside: int | None = None,
    judge_bias: JudgeBias | None = None,
) -> pl.DataFrame:
    """The REGRESSION_REPORT of REGRESSION_TRIALS: a row per declared subset and 'all'.

    Every look up to the last that asked for an item is replayed, so the same trials always give
    the same report; a subset certified or blocked at a look keeps that look's figures (column
    `looks`), and nothing is looked at after a block. Without declared `subsets` those that items
    name are used. `reserve` (STRATIFIED_INTERACTIONS) says what more could be asked; without it
    what is there is all there is, and a subset too small to certify is infeasible. `order` is the
    reserve's, where it was worked out already. `alpha` is each look's one-sided error, by default
    (1 - confidence) over the looks planned. `beside` other claims of harm share Holm's family,
    by default those of the dimensions that the policy gates. `judge_bias` is what people's
    labels say of the judges: a rectifier is in every difference and its error in every test; a
    bound, where nobody labelled these answers, is what a pass has to clear besides.

    The aggregate is held to the traffic's shares where the trials have a `cell`, else to the mix of
    look 1. Trials may bring a column `weight`, the item's: see `pair_trials`.

    Intervals are two-sided at the policy's confidence and are for reading; p-values decide, under
    the worst case of missing items where more than 0.5 % miss. Synthetic items have a row of their
    own and are in no other; unless the policy gates them it is 'reported', decides nothing and is
    left out where there are none. Raises `UnplannedLookError` for a look that the policy does not
    declare, and `TrialWeightError` for weights that cannot be used.
    """
    pairs = pair_trials(trials)
    traffic = [ALL, *sorted(set(subsets) or set(pairs.named()))]
    names = [*traffic, SYNTHETIC_SUBSET] if policy.decides_on(SYNTHETIC_SUBSET) else traffic
    last = int(pairs.looks.max(initial=1))
    if last > planned_looks(policy):
        raise UnplannedLookError(last, planned_looks(policy))
    spent = look_alpha(policy) if alpha is None else alpha
    bias = known_bias(judge_bias, trials, item_ids=pairs.item_ids)
    looks = looks_at(pairs, names, order=order, bias=bias)
    others = policy.claims_beside(len(names)) if beside is None else beside
    standings = standings_after(looks, last=last, policy=policy, alpha=spent, beside=others)
    held = reserve_counts(reserve) if order is None else order.counts()
    rows = _reported(pairs, policy) if names is traffic else []
    for name in names:
        inside = looks.members[name]
        golden = int((inside & ~pairs.is_reserve).sum())
        reachable = _reachable(name, golden=golden, held=held, policy=policy, names=traffic)
        more = max(0, reachable - int(inside.sum()))
        rows.append(_row(name, standings[name], more=more, policy=policy, alpha=spent))
    return REGRESSION_REPORT.conform(pl.DataFrame(rows, schema=REGRESSION_REPORT.schema))


def losing_items(trials: pl.DataFrame, subset: str, *, limit: int = 20) -> list[str]:
    """The subset's items on which the candidate lost, the largest losses first, then by id."""
    pairs = pair_trials(trials)
    lost = np.flatnonzero(pairs.members(subset) & pairs.complete & (pairs.differences < 0))
    ordered = lost[np.argsort(pairs.differences[lost], kind="stable")]
    return [str(item_id) for item_id in pairs.item_ids.gather(ordered[:limit])]


def items_for_power(*, variance: float, margin: float, alpha: float) -> int:
    """Items to certify with 80 % probability if the candidate is truly no worse (methods 1.7)."""
    z = _planning_quantile(alpha)
    planned = math.ceil(z**2 * max(variance, LEAST_VARIANCE) / margin**2)
    return max(planned, least_items(margin=margin, alpha=alpha))


def _reachable(
    name: str, *, golden: int, held: Mapping[str, int], policy: GateSettings, names: list[str]
) -> int:
    """Items that the subset could hold after the last planned look."""
    if not policy.looks:
        return golden
    last = cumulative_target(
        name, look=planned_looks(policy), policy=policy, subsets=len(names) - 1
    )
    return golden + min(held.get(name, 0), max(0, last - golden))


def _row(
    name: str, standing: Standing, *, more: int, policy: GateSettings, alpha: float
) -> dict[str, Any]:
    margin = policy.tolerance_of(name)
    reading = standing.reading
    if reading is None:
        return {
            "subset": name, "state": "undecided", "margin": margin, "items": 0, "clusters": 0,
            "wins": 0, "losses": 0, "missing_baseline": 0, "missing_candidate": 0,
            "looks": standing.look, "effective_items": 0.0,
            "items_needed": items_for_power(variance=0.0, margin=margin, alpha=alpha),
        }  # fmt: skip
    lower, upper = reading.test.interval(policy.confidence)
    state = standing.state
    needed = None
    if state == "undecided":
        hopeless = reading.items + more < least_items(margin=margin, alpha=alpha)
        if hopeless or reading.clusters + more < MINIMUM_CLUSTERS:
            state = "infeasible"
        needed = _items_needed(reading, margin=margin, alpha=alpha)
    return {
        "subset": name,
        "state": state,
        "baseline_mean": reading.baseline_mean,
        "candidate_mean": reading.candidate_mean,
        "difference": reading.difference,
        "lower": lower,
        "upper": upper,
        "margin": margin,
        "items": reading.items,
        "effective_items": reading.effective_items,
        "design_effect": reading.design_effect,
        "intraclass_correlation": reading.correlation,
        "clusters": reading.clusters,
        "wins": reading.wins,
        "losses": reading.losses,
        "p_noninferior": p_noninferior(reading, margin),
        "p_harm": p_harm(name, reading, policy),
        "missing_baseline": reading.missing_baseline,
        "missing_candidate": reading.missing_candidate,
        "looks": standing.look,
        "items_needed": needed,
        "method": reading.test.method,
        "uncovered": reading.uncovered,
        **human_columns(reading),
    }


def _reported(pairs: Pairs, policy: GateSettings) -> list[dict[str, Any]]:
    """The row of synthetic items that decide nothing; its figures are for reading."""
    chosen = pairs.is_synthetic
    if not chosen.any():
        return []
    margin = policy.tolerance_of(SYNTHETIC_SUBSET)
    reading = read_subset(
        pairs, chosen, weights=pairs.weights, bound_missing_above=BOUND_MISSING_ABOVE
    )
    row: dict[str, Any]
    if reading is None:
        row = {
            "subset": SYNTHETIC_SUBSET, "margin": margin, "items": 0, "clusters": 0, "wins": 0,
            "losses": 0, "looks": 1, "effective_items": 0.0,
            "missing_baseline": int(np.isnan(pairs.baseline[chosen]).sum()),
            "missing_candidate": int(np.isnan(pairs.candidate[chosen]).sum()),
        }  # fmt: skip
    else:
        standing = Standing("certified", 1, reading)
        row = _row(SYNTHETIC_SUBSET, standing, more=0, policy=policy, alpha=look_alpha(policy))
    undecided = {"p_noninferior": None, "p_harm": None, "items_needed": None}
    return [{**row, **undecided, "state": "reported"}]


def _items_needed(reading: Reading, *, margin: float, alpha: float) -> int | None:
    """In items as clustered and weighted here: the planned n times what a pair loses of its own.

    Planned for a candidate that is no worse; where as many items left it open, for one that is as
    much worse as it seems. None where no number of items would do: it seems to lose the tolerance,
    or what is not known of the judges is wider than that.
    """
    left = margin_left(reading, margin=margin, quantile=_planning_quantile(alpha))
    if left is None:
        return None
    needed = _planned(reading, margin=left, alpha=alpha)
    if needed > reading.items:
        return needed
    left += min(0.0, reading.difference)
    if left <= 0:
        return None
    return max(reading.items + 1, _planned(reading, margin=left, alpha=alpha))


def _planned(reading: Reading, *, margin: float, alpha: float) -> int:
    planned = items_for_power(variance=reading.variance, margin=margin, alpha=alpha)
    return math.ceil(reading.design_effect * planned)


def _planning_quantile(alpha: float) -> float:
    return float(scipy.special.ndtri(PLANNED_POWER) - scipy.special.ndtri(alpha))
