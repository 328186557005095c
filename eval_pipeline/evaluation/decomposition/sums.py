"""The parts of one version and subset, from its paired items and two weeks' traffic."""

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from eval_pipeline.evaluation.decomposition.paired_items import FROZEN, THEN, PairedItems
from eval_pipeline.evaluation.decomposition.paired_parts import paired_parts
from eval_pipeline.evaluation.decomposition.part import PAIRED, TOTAL, Part, unmeasured
from eval_pipeline.evaluation.decomposition.population import population_of
from eval_pipeline.evaluation.decomposition.population_algebra import POPULATION
from eval_pipeline.evaluation.decomposition.strata import Strata, item_weights, strata_of
from eval_pipeline.evaluation.traffic_mix import TrafficWeek
from eval_pipeline.settings import SYNTHETIC_SUBSET

ALL: Final = "all"
COMPONENTS: Final = (*PAIRED, *POPULATION, TOTAL)


@dataclass(frozen=True)
class Sum:
    """The parts and their total, and the value that they start from; null if unmeasured."""

    parts: dict[str, Part]
    start: float | None


def sum_of(
    items: PairedItems, before: TrafficWeek | None, now: TrafficWeek | None, *, subset: str
) -> Sum:
    """Of a subset, or of all but synthetic items; nothing is measured without a paired item."""
    paired, asked = _inside(items.paired, subset), _inside(items.asked, subset)
    incomplete = set(_inside(items.incomplete, subset)["item_id"])
    if paired.is_empty():
        why = _why_nothing(
            frozen=not _inside(items.unfrozen, subset).is_empty(),
            mixed=not _inside(items.unjudgeable, subset).is_empty(),
        )
        nothing = unmeasured(why, missing_items=len(incomplete))
        return Sum(dict.fromkeys(COMPONENTS, nothing), None)
    held = asked.filter("in_now")
    today = held.filter(pl.col("score").is_not_null())
    strata = strata_of(before, now, paired=paired, today=today)
    if isinstance(strata, str):
        found = _without_traffic(paired, strata)
    else:
        found = _with_traffic(paired, today, strata)
    unscored = set(held.filter(pl.col("score").is_null())["item_id"])
    missing = {**dict.fromkeys(PAIRED, incomplete), **dict.fromkeys(POPULATION, unscored)}
    parts = {
        name: replace(part, missing_items=len(missing.get(name, incomplete | unscored)))
        for name, part in found.parts.items()
    }
    left_out = _inside(items.unjudgeable, subset).height
    parts["truth"] = _truth(parts["truth"], paired, left_out=left_out)
    return Sum(parts, found.start)


def _why_nothing(*, frozen: bool, mixed: bool) -> str:
    if mixed:
        return "all references were revised and models judge: truth and judge cannot be told apart"
    if frozen:
        return "no frozen answer was scored again: judge and provider cannot be told apart"
    return "no item has a score in both weeks"


def _inside(items: pl.DataFrame, subset: str) -> pl.DataFrame:
    if subset == ALL:
        return items.filter(~pl.col("subsets").list.contains(SYNTHETIC_SUBSET))
    return items.filter(pl.col("subsets").list.contains(subset))


def _without_traffic(paired: pl.DataFrame, why: str) -> Sum:
    """All items weigh the same, and the total is over truth, judge and provider."""
    parts = paired_parts(paired, weights=None)
    moved = paired.with_columns(**{FROZEN: pl.col(THEN)})
    total = paired_parts(moved, weights=None)["provider"]
    note = f"of the items, each counted once: {why} to speak of production"
    return Sum(
        {
            **parts,
            **{name: unmeasured(f"not measured: {why}") for name in POPULATION},
            TOTAL: replace(total, shapley=None, note=note),
        },
        float(paired[THEN].to_numpy().mean()),
    )


def _with_traffic(paired: pl.DataFrame, today: pl.DataFrame, strata: Strata) -> Sum:
    known = paired.filter(pl.col("route").is_in(strata.before.routes))
    population = population_of(
        strata, paired=known, today=today.filter(pl.col("route").is_in(strata.now.routes))
    )
    weights = item_weights(known, strata.before.shares)
    note = None
    if paired.height > known.height:
        note = f"{paired.height - known.height} items are on routes that count for no traffic then"
    known_parts = {
        name: replace(part, uncovered=strata.uncovered_before, note=note)
        for name, part in paired_parts(known, weights=weights).items()
    }
    parts = {**known_parts, **population.parts, TOTAL: population.total}
    return Sum(parts, population.value_before)


def _truth(truth: Part, paired: pl.DataFrame, *, left_out: int) -> Part:
    """Exactly nothing where no reference was revised; unmeasured where models judge the revised."""
    if paired["revised"].any():
        told = _joined(
            truth.note,
            f"{left_out} revised items that models judge are left out" if left_out else None,
        )
        return replace(truth, note=told)
    if left_out:
        note = f"{left_out} revised items are judged by models, so they are left out"
        return replace(truth, difference=None, standard_error=None, shapley=None, note=note)
    known = replace(truth, standard_error=0.0, degrees=None, centre=0.0)
    return replace(known, note="no reference was revised")


def _joined(*notes: str | None) -> str | None:
    told = [note for note in notes if note]
    return "; ".join(told) if told else None
