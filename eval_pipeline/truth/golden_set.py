"""Composes the next golden version from the one before and the labels settled since."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.settings import GoldenSettings, SubsetSettings
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.entries import item_fingerprint, item_identity, merge
from eval_pipeline.truth.near_duplicates import Neighbours, neighbours
from eval_pipeline.truth.obstacles import Obstacles
from eval_pipeline.truth.rotation import SYNTHETIC, Entry, Filling
from eval_pipeline.truth.shortfalls import (
    Deficit,
    deficits_of,
    places_of,
    require_enough,
)

__all__ = [
    "Change",
    "Composition",
    "Deficit",
    "compose",
    "item_fingerprint",
    "item_identity",
]


@dataclass(frozen=True)
class Change:
    """One item that was admitted, retired or revised, and why.

    Admitted: settled_label | panel_label | synthetic. Retired: stale | contaminated | withdrawn |
    near_duplicate | user_cap | conversation_cap | saturated | crowded_out. Revised: label |
    reference_response | messages. `detail` says more where there is more to say, such as which
    item it duplicates.
    """

    item_id: str
    reason: str
    detail: str | None = None


@dataclass(frozen=True)
class Composition:
    """A golden version before it is published; the lists compare it with the previous version.

    `fresh` counts the items whose label people or the log settled among the candidates; `weeks`
    are those whose labelled interactions the candidates were. `left_out` counts the candidates
    that got no place, per reason: as for retired ones, with no_room in place of crowded_out.
    """

    version: int
    week: str
    as_of: dt.date
    items: pl.DataFrame
    admitted: tuple[Change, ...]
    retired: tuple[Change, ...]
    revised: tuple[Change, ...]
    deficits: tuple[Deficit, ...]
    fresh: int
    left_out: tuple[tuple[str, int], ...]
    weeks: tuple[str, ...] = ()

    @property
    def changes(self) -> int:
        """How many items came, went or were revised."""
        return len(self.admitted) + len(self.retired) + len(self.revised)


@dataclass(frozen=True)
class _Lost:
    """An entry without a place, and why."""

    entry: Entry
    reason: str
    detail: str | None = None


def compose(  # noqa: PLR0913 - all by name; what bars and what tires an item are inputs as well
    *,
    previous: pl.DataFrame | None,
    candidates: pl.DataFrame,
    policy: GoldenSettings,
    subsets: Mapping[str, SubsetSettings],
    week: str,
    as_of: dt.date,
    version: int,
    barred: Mapping[str, Change] | None = None,
    saturated: Collection[str] = (),
) -> Composition:
    """The version that follows `previous`, which is the newest published one, or None at first.

    `candidates` holds `interaction_id` and `CANDIDATE_COLUMNS` of every interaction labelled since
    the version of an earlier week, and of synthetic items. `barred`: why an item may not stand in
    the version (contaminated | withdrawn), by its id; `saturated`: the ids of items that tell
    systems apart no longer. Composing once more on top of the result changes nothing.

    Raises `CompositionError` below the minimum of items or of fresh settled labels; whatever else
    the policy wants and the candidates cannot give is a deficit.
    """
    merged = merge(previous, candidates, saturated=saturated, version=version, as_of=as_of)
    oldest = as_of - dt.timedelta(days=policy.maximum_age_days)
    pool, lost = _admissible(merged.entries, barred=barred or {}, oldest=oldest)
    filled, without_place = _filled(pool, policy=policy, subsets=subsets)
    lost += without_place
    chosen = list(filled.values())
    require_enough(chosen, merged.entries, policy=policy, week=week)
    return Composition(
        version=version,
        week=week,
        as_of=as_of,
        items=_frame(chosen),
        admitted=_changes(
            Change(entry.item_id, _admission(entry)) for entry in chosen if not entry.known
        ),
        retired=_changes(
            Change(one.entry.item_id, one.reason, one.detail) for one in lost if one.entry.known
        ),
        revised=_changes(
            Change(item_id, why) for item_id, why in merged.revised if item_id in filled
        ),
        deficits=deficits_of(chosen, policy=policy, subsets=subsets),
        fresh=sum(entry.fresh for entry in chosen),
        left_out=tuple(sorted(Counter(one.reason for one in lost if not one.entry.known).items())),
        weeks=_weeks(candidates),
    )


def _admissible(
    entries: Iterable[Entry], *, barred: Mapping[str, Change], oldest: dt.date
) -> tuple[list[Entry], list[_Lost]]:
    """The entries that may hold a place, whoever else does, and the others."""
    pool, lost = [], []
    for entry in entries:
        if entry.item_id in barred:
            why = barred[entry.item_id]
            lost.append(_Lost(entry, why.reason, why.detail))
        elif entry.row["labelled_on"] < oldest:
            lost.append(_Lost(entry, "stale"))
        else:
            pool.append(entry)
    return pool, lost


def _filled(
    pool: list[Entry], *, policy: GoldenSettings, subsets: Mapping[str, SubsetSettings]
) -> tuple[dict[str, Entry], list[_Lost]]:
    """Who holds a place, by item, and who holds none.

    An earlier item that loses its place is gone for good, so the places are filled anew without
    it until none does: otherwise what it kept out, such as its near-duplicate, would find a place
    only when the week is composed again.
    """
    alike = neighbours([entry.asks for entry in pool], similarity=policy.near_duplicate_similarity)
    lost: list[_Lost] = []
    while True:
        filling = _fill_once(pool, alike=alike, policy=policy, subsets=subsets)
        without = [entry for entry in pool if entry.item_id not in filling.chosen]
        gone = [entry for entry in without if entry.standing]
        if not gone:
            return filling.chosen, [*lost, *(_why(entry, filling) for entry in without)]
        lost += [_why(entry, filling) for entry in gone]
        departed = {entry.item_id for entry in gone}
        pool = [entry for entry in pool if entry.item_id not in departed]


def _fill_once(
    pool: Sequence[Entry],
    *,
    alike: Neighbours,
    policy: GoldenSettings,
    subsets: Mapping[str, SubsetSettings],
) -> Filling:
    return Filling(
        pool,
        places=places_of(pool, policy=policy, subsets=subsets),
        obstacles=Obstacles(
            alike,
            maximum_per_user=policy.maximum_per_user,
            maximum_per_conversation=policy.maximum_per_conversation,
        ),
    )


def _why(entry: Entry, filling: Filling) -> _Lost:
    obstacle = filling.obstacle(entry)
    if obstacle is not None:
        return _Lost(entry, obstacle.reason, obstacle.detail)
    if entry.saturated:
        return _Lost(entry, "saturated")
    return _Lost(entry, "crowded_out" if entry.known else "no_room")


def _admission(entry: Entry) -> str:
    if entry.synthetic:
        return SYNTHETIC
    return "settled_label" if entry.settled else "panel_label"


def _frame(chosen: Sequence[Entry]) -> pl.DataFrame:
    rows = [dict(entry.row) for entry in chosen]
    return GOLDEN_SET.conform(pl.DataFrame(rows, schema=GOLDEN_SET.schema))


def _changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda change: (change.item_id, change.reason)))


def _weeks(candidates: pl.DataFrame) -> tuple[str, ...]:
    labelled = candidates.filter(pl.col("label_source") != SYNTHETIC)
    return tuple(labelled["week"].unique().sort())
