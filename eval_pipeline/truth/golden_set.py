"""Composes the next golden version from the one before and the week's labelled interactions."""

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from eval_pipeline.errors import CompositionError, TableError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import GoldenSettings, SubsetSettings
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.rotation import Entry, Places, fill, kind_quotas, order_key

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One item that was admitted, retired or revised, and why.

    Admitted: settled_label | panel_label. Retired: stale | near_duplicate | crowded_out.
    Revised: label | reference_response | messages. `detail` says more where there is more to say,
    such as which item it duplicates.
    """

    item_id: str
    reason: str
    detail: str | None = None


@dataclass(frozen=True)
class Deficit:
    """What the policy wants and the labelled interactions could not give, in items."""

    of: Literal["subset", "kind"]
    name: str
    required: int
    found: int

    @property
    def missing(self) -> int:
        """Items that would have been needed besides."""
        return self.required - self.found


@dataclass(frozen=True)
class Composition:
    """A golden version before it is published; the lists compare it with the previous version.

    `fresh` counts the items whose label was settled among this week's. `left_out` counts the
    week's candidates that got no place, per reason: stale | near_duplicate | no_room.
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


def compose(
    *,
    previous: pl.DataFrame | None,
    candidates: pl.DataFrame,
    policy: GoldenSettings,
    subsets: Mapping[str, SubsetSettings],
    week: str,
    as_of: dt.date,
    version: int,
) -> Composition:
    """The version that follows `previous`, which is the newest published one, or None at first.

    `candidates` holds `interaction_id` and `CANDIDATE_COLUMNS` of every labelled interaction of
    the week. Composing once more on top of the result changes nothing, unless an item of two that
    asked the same got no place: then the other is free to take one. Raises `CompositionError` below
    the minimum of items or of fresh settled labels; whatever else the policy wants and the
    labels cannot give is a deficit.
    """
    known = {row["item_id"]: row for row in _known_rows(previous)}
    entries, revised = _merge(known, _candidate_rows(candidates), version=version, as_of=as_of)
    pool, dropped = _without_stale_and_duplicates(
        entries, oldest=as_of - dt.timedelta(days=policy.maximum_age_days)
    )
    places = _places(pool, policy=policy, subsets=subsets, week=week)
    chosen = fill(pool, places)
    kept = {entry.item_id for entry in chosen}
    dropped += [
        (entry, "crowded_out" if entry.known else "no_room")
        for entry in pool
        if entry.item_id not in kept
    ]
    return Composition(
        version=version,
        week=week,
        as_of=as_of,
        items=_frame(chosen),
        admitted=_changes(
            (entry.item_id, "settled_label" if entry.settled else "panel_label")
            for entry in chosen
            if not entry.known
        ),
        retired=_changes((entry.item_id, why) for entry, why in dropped if entry.known),
        revised=_changes((item_id, why) for item_id, why in revised if item_id in kept),
        deficits=_deficits(chosen, places),
        fresh=sum(entry.fresh for entry in chosen),
        left_out=tuple(sorted(Counter(why for entry, why in dropped if not entry.known).items())),
    )


def item_identity(interaction_id: str) -> str:
    """The id of the item that an interaction becomes: safe as a file's name, never reused."""
    return f"item-{fingerprint(interaction_id)[:16]}"


def item_fingerprint(row: Row) -> str:
    """Of the messages and the reference: what a trial's score depends on."""
    return fingerprint([row["messages"], row["reference_label"], row["reference_response"]])


def _known_rows(previous: pl.DataFrame | None) -> list[Row]:
    rows: list[Row] = []
    if previous is not None:
        rows.extend(GOLDEN_SET.conform(previous).to_dicts())
    return rows


def _candidate_rows(candidates: pl.DataFrame) -> list[Row]:
    """One row per interaction: a settled label wins over the panel's for the same one."""
    wanted = {"interaction_id": pl.String, **{c: GOLDEN_SET.schema[c] for c in CANDIDATE_COLUMNS}}
    for column, dtype in wanted.items():
        if candidates.schema.get(column) != dtype:
            found = candidates.schema.get(column)
            raise TableError(GOLDEN_SET.name, f"candidates' '{column}' is {found}, not {dtype}")
    rows: dict[str, Row] = {}
    for row in candidates.select(list(wanted)).sort("interaction_id").to_dicts():
        other = rows.get(row["interaction_id"])
        if other is not None and _is_panel(other) == _is_panel(row):
            raise TableError(GOLDEN_SET.name, "two candidates are the same interaction")
        if other is None or _is_panel(other):
            rows[row["interaction_id"]] = row
    return list(rows.values())


def _is_panel(row: Row) -> bool:
    return bool(row["label_source"] == "panel")


def _merge(
    known: Mapping[str, Row], candidates: Sequence[Row], *, version: int, as_of: dt.date
) -> tuple[list[Entry], list[tuple[str, str]]]:
    """Every row that may hold a place, and (item, why) for known items that were relabelled."""
    entries = {
        item_id: Entry(row, known=True, labelled_now=False, fresh=False)
        for item_id, row in known.items()
    }
    revised = []
    for candidate in candidates:
        labelled = {column: candidate[column] for column in CANDIDATE_COLUMNS}
        item_id = item_identity(candidate["interaction_id"])
        identity = {
            "item_id": item_id,
            "item_revision": 1,
            "item_fingerprint": item_fingerprint(candidate),
            "admitted_in": version,
            "admitted_on": as_of,
        }
        row: Row = {**labelled, **identity}
        before = known.get(item_id)
        if before is not None:
            row, why = _relabelled(before, row)
            if why is not None:
                revised.append((item_id, why))
        entries[item_id] = Entry(
            row, known=before is not None, labelled_now=True, fresh=not _is_panel(candidate)
        )
    return list(entries.values()), revised


def _relabelled(before: Row, after: Row) -> tuple[Row, str | None]:
    """The known item with its new label, and what makes it a new revision, if anything does."""
    if _is_panel(after) and not _is_panel(before):
        return before, None
    stays = {column: before[column] for column in ("item_revision", "admitted_in", "admitted_on")}
    row = {**after, **stays}
    if before["item_fingerprint"] == after["item_fingerprint"]:
        return row, None
    row["item_revision"] = before["item_revision"] + 1
    for column, why in (("reference_label", "label"), ("messages", "messages")):
        if before[column] != after[column]:
            return row, why
    return row, "reference_response"


def _without_stale_and_duplicates(
    entries: Sequence[Entry], *, oldest: dt.date
) -> tuple[list[Entry], list[tuple[Entry, str]]]:
    """Of entries that ask the same, case and spacing apart, the first in order stays."""
    kept, dropped = [], []
    seen: set[str] = set()
    for entry in sorted(entries, key=order_key):
        question = fingerprint(
            [
                [message["role"], " ".join((message["content"] or "").split()).casefold()]
                for message in entry.row["messages"]
            ]
        )
        if entry.row["labelled_on"] < oldest:
            dropped.append((entry, "stale"))
        elif question in seen:
            dropped.append((entry, "near_duplicate"))
        else:
            seen.add(question)
            kept.append(entry)
    return kept, dropped


def _places(
    pool: Sequence[Entry],
    *,
    policy: GoldenSettings,
    subsets: Mapping[str, SubsetSettings],
    week: str,
) -> Places:
    total = min(policy.maximum_items, len(pool))
    fresh_needed = math.ceil(policy.minimum_fresh_share * total - 1e-9)
    fresh = sum(entry.fresh for entry in pool)
    problems = []
    if total < policy.minimum_items:
        problems.append(
            f"{total} items are at hand and `golden.minimum_items` asks for "
            f"{policy.minimum_items}: {policy.minimum_items - total} are missing"
        )
    if fresh < fresh_needed:
        problems.append(
            f"{fresh} of them were settled by people or the log this week and "
            f"`golden.minimum_fresh_share` asks for {fresh_needed}: "
            f"{fresh_needed - fresh} are missing"
        )
    if problems:
        raise CompositionError(
            f"The golden set of {week} cannot be composed: {'; '.join(problems)}. No version was "
            "published and earlier ones are untouched. Settle more of the week's review tasks, "
            "judge a larger sample (`sampling.budget`), or lower the bound in the configuration."
        )
    return Places(
        total=total,
        fresh=fresh_needed,
        per_subset=policy.minimum_per_subset,
        subsets=tuple(sorted(subsets)),
        per_kind=kind_quotas(policy.mix, total=total),
    )


def _frame(chosen: Sequence[Entry]) -> pl.DataFrame:
    rows = [dict(entry.row) for entry in chosen]
    return GOLDEN_SET.conform(pl.DataFrame(rows, schema=GOLDEN_SET.schema))


def _changes(pairs: Any) -> tuple[Change, ...]:
    return tuple(Change(item_id, reason) for item_id, reason in sorted(pairs))


def _deficits(chosen: Sequence[Entry], places: Places) -> tuple[Deficit, ...]:
    subsets = Counter(subset for entry in chosen for subset in set(entry.row["subsets"]))
    kinds = Counter(entry.row["kind"] for entry in chosen)
    wanted = [
        *(Deficit("subset", name, places.per_subset, subsets[name]) for name in places.subsets),
        *(Deficit("kind", name, quota, kinds[name]) for name, quota in places.per_kind.items()),
    ]
    return tuple(deficit for deficit in wanted if deficit.missing > 0)
