"""How many conversations each stratum gets, by a rule under which more never means less.

Conversations are awarded one at a time, each to the stratum where it lowers the variance of the
estimated mean the most: W S / sqrt(n (n + 1)), Huntington's and Hill's method. Wright (2012) shows
that this is Neyman's allocation, exact in whole numbers; and since an award is never taken back, a
larger budget adds to every allocation. Rounding by largest remainder does not have that property.
Floors are what the awards start from, and a stratum that is used up leaves the race, so the
surplus goes where it helps next.
"""

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from eval_pipeline.intake.steering import GOLDEN_COLUMNS
from eval_pipeline.settings import SamplingSettings
from eval_pipeline.tables import NAMES, SAMPLING_FRAME

Counts = dict[str, int]


@dataclass(frozen=True)
class _Draw:
    """Conversations per stratum: in the sample, and in sample and reserve together."""

    sample: Counts
    together: Counts


def allocate_frame(
    strata: pl.DataFrame,
    *,
    policy: SamplingSettings,
    spreads: pl.DataFrame,
    requests: pl.DataFrame,
    golden_requests: pl.DataFrame | None = None,
    steered_by: int | None = None,
) -> pl.DataFrame:
    """The SAMPLING_FRAME of a week.

    `strata`: stratum, population_size, interactions, late_interactions. `spreads`: stratum,
    spread, scored_interactions; `requests`: stratum, requested, asked_by; `golden_requests`:
    stratum, golden_requested, golden_asked_by. All may lack strata, and what they say of strata
    that the week does not have is left out. `steered_by`: the golden version whose deficits asked.

    The sample gets the budget, each stratum at least the minimum or all it holds. The reserve goes
    on from there with twice the minimum, so that sample and reserve together are allocated as one.
    Requests come on top, at most `maximum_requested` in all, in proportion; and so do the golden
    set's, which lengthen the sample by at most `maximum_golden_requested` and leave the reserve as
    long as it is, as far as the stratum reaches. Minima that the budget cannot pay are cut in
    proportion to themselves, which `reason` tells as 'budget'.
    """
    if strata.is_empty():
        return SAMPLING_FRAME.empty()
    golden = pl.DataFrame(schema=GOLDEN_COLUMNS) if golden_requests is None else golden_requests
    told = _told(strata, spreads=spreads, requests=requests, golden_requests=golden)
    sizes = dict(told.select("stratum", "population_size").iter_rows())
    requested = dict(told.select("stratum", "requested").iter_rows())
    golden_requested = dict(told.select("stratum", "golden_requested").iter_rows())
    weights = _weights(told, policy=policy)
    drawn = _draw(sizes, weights=weights, policy=policy)
    granted = _granted(requested, sizes=sizes, held=drawn.together, most=policy.maximum_requested)
    sampled = _granted(
        golden_requested, sizes=sizes, held=drawn.sample, most=policy.maximum_golden_requested
    )
    wanted = _wanted(sizes, weights=weights, policy=policy)
    counts = pl.DataFrame(
        [
            (
                name,
                wanted[name] + requested[name] + golden_requested[name],
                drawn.sample[name] + sampled[name],
                min(size, drawn.together[name] + granted[name] + sampled[name]),
            )
            for name, size in sizes.items()
        ],
        schema={"stratum": pl.String, "wanted": pl.Int64, "allocated": pl.Int64, "drawn": pl.Int64},
        orient="row",
    )
    framed = told.join(counts, on="stratum").with_columns(
        steered_by=pl.lit(steered_by, dtype=pl.Int64)
    )
    return SAMPLING_FRAME.conform(_with_shortfall(framed, policy=policy))


def _granted(
    requested: Mapping[str, int], *, sizes: Mapping[str, int], held: Mapping[str, int], most: int
) -> Counts:
    """What is granted of requests on top of what strata hold: in proportion, at most so much."""
    return _award(
        dict.fromkeys(sizes, 0),
        weights=requested,
        ceilings={name: min(requested[name], size - held[name]) for name, size in sizes.items()},
        count=most,
    )


def _with_shortfall(frame: pl.DataFrame, *, policy: SamplingSettings) -> pl.DataFrame:
    """What is wanted and not drawn, or the part of the minimum that the sample's budget left open.

    The reason is the population where a stratum is drawn whole, and the budget elsewhere.
    """
    size = pl.col("population_size")
    floor = pl.min_horizontal(size, pl.lit(policy.minimum_per_stratum, dtype=pl.Int64))
    unpaid = floor - pl.col("allocated")
    used_up = (pl.col("drawn") == size) & (unpaid <= 0)
    return frame.with_columns(
        shortfall=pl.max_horizontal(
            pl.lit(0, dtype=pl.Int64), pl.col("wanted") - pl.col("drawn"), unpaid
        )
    ).with_columns(
        reason=pl.when(pl.col("shortfall") > 0).then(
            pl.when(used_up).then(pl.lit("population")).otherwise(pl.lit("budget"))
        )
    )


def _told(
    strata: pl.DataFrame,
    *,
    spreads: pl.DataFrame,
    requests: pl.DataFrame,
    golden_requests: pl.DataFrame,
) -> pl.DataFrame:
    """The strata by name with what is known and asked of each."""
    return (
        strata.select("stratum", "population_size", "interactions", "late_interactions")
        .join(spreads.select("stratum", "spread", "scored_interactions"), on="stratum", how="left")
        .join(requests.select("stratum", "requested", "asked_by"), on="stratum", how="left")
        .join(golden_requests.select(list(GOLDEN_COLUMNS)), on="stratum", how="left")
        .with_columns(
            pl.col("scored_interactions", "requested", "golden_requested").fill_null(0),
            pl.col("asked_by", "golden_asked_by").fill_null(pl.lit([], dtype=NAMES)),
        )
        .sort("stratum")
    )


def _weights(told: pl.DataFrame, *, policy: SamplingSettings) -> dict[str, float]:
    """N S by stratum: the spread shrunk by half to the overall one, which stands in for it too.

    Overall is pooled by degrees of freedom. Where no spread is known, or all are 0, size decides
    alone.
    """
    sizes = dict(told.select("stratum", "population_size").iter_rows())
    known = told.filter(pl.col("spread").is_not_null() & (pl.col("scored_interactions") > 1))
    freedom = (known["scored_interactions"] - 1).to_list()
    spreads = known["spread"].to_list()
    pooled = math.fsum(df * s * s for df, s in zip(freedom, spreads, strict=True))
    if policy.allocation == "proportional" or pooled == 0:
        return {name: float(size) for name, size in sizes.items()}
    overall = math.sqrt(pooled / sum(freedom))
    own = dict(zip(known["stratum"], spreads, strict=True))
    return {name: size * (own.get(name, overall) + overall) / 2 for name, size in sizes.items()}


def _draw(
    sizes: Mapping[str, int], *, weights: Mapping[str, float], policy: SamplingSettings
) -> _Draw:
    sample = _fill(
        dict.fromkeys(sizes, 0),
        floors={name: min(policy.minimum_per_stratum, size) for name, size in sizes.items()},
        weights=weights,
        ceilings=sizes,
        count=policy.budget,
    )
    together = _fill(
        sample,
        floors={name: min(2 * policy.minimum_per_stratum, size) for name, size in sizes.items()},
        weights=weights,
        ceilings=sizes,
        count=policy.reserve,
    )
    return _Draw(sample, together)


def _wanted(
    sizes: Mapping[str, int], *, weights: Mapping[str, float], policy: SamplingSettings
) -> Counts:
    """What the rule would draw if no stratum could be used up and every minimum were paid."""
    minimum = policy.minimum_per_stratum * (2 if policy.reserve else 1)
    endless = policy.budget + policy.reserve + minimum
    drawn = _draw(
        {name: endless if size else 0 for name, size in sizes.items()},
        weights=weights,
        policy=policy,
    )
    return {name: max(drawn.together[name], minimum) if size else 0 for name, size in sizes.items()}


def _fill(
    held: Mapping[str, int],
    *,
    floors: Mapping[str, int],
    weights: Mapping[str, float],
    ceilings: Mapping[str, int],
    count: int,
) -> Counts:
    """`held` and `count` more: floors first, in proportion to them, then by weight."""
    lowest = {name: max(held[name], floors[name]) for name in held}
    missing = sum(lowest.values()) - sum(held.values())
    if count <= missing:
        return _award(held, weights=floors, ceilings=lowest, count=count)
    return _award(lowest, weights=weights, ceilings=ceilings, count=count - missing)


def _award(
    held: Mapping[str, int],
    *,
    weights: Mapping[str, float],
    ceilings: Mapping[str, int],
    count: int,
) -> Counts:
    """`held` and up to `count` more, one by one, each to the highest priority below its ceiling.

    Ties go to the larger weight, then to the first name.
    """
    awarded = dict(held)
    race = [
        _place(name, weight=weights[name], held=held[name])
        for name in held
        if held[name] < ceilings[name]
    ]
    heapq.heapify(race)
    for _ in range(count):
        if not race:
            break
        name = race[0][2]
        awarded[name] += 1
        if awarded[name] < ceilings[name]:
            heapq.heapreplace(race, _place(name, weight=weights[name], held=awarded[name]))
        else:
            heapq.heappop(race)
    return awarded


def _place(name: str, *, weight: float, held: int) -> tuple[float, float, str]:
    """Where a stratum stands in the race; the squared priority orders alike and needs no root."""
    priority = weight * weight / (held * (held + 1)) if held else math.inf
    return (-priority, -weight, name)
