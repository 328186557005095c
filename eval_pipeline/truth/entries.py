"""Brings the previous version's items and the candidates together, one entry each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from eval_pipeline.errors import TableError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.near_duplicates import instructions, normalised
from eval_pipeline.truth.rotation import NOT_SETTLED, Entry

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Merged:
    """Every row that may hold a place, and (item, why) for known items that were relabelled."""

    entries: tuple[Entry, ...]
    revised: tuple[tuple[str, str], ...]


def item_identity(interaction_id: str) -> str:
    """The id of the item that an interaction becomes: safe as a file's name, never reused."""
    return f"item-{fingerprint(interaction_id)[:16]}"


def item_fingerprint(row: Row) -> str:
    """Of the messages and the reference: what a trial's score depends on."""
    return fingerprint([row["messages"], row["reference_label"], row["reference_response"]])


def merge(
    previous: pl.DataFrame | None,
    candidates: pl.DataFrame,
    *,
    saturated: Collection[str],
    version: int,
    as_of: date,
) -> Merged:
    """Known items first, each candidate in its own place; raises `TableError` on a wrong frame.

    A label that people or the log settled is never taken back for the panel's.
    """
    rows = [] if previous is None else GOLDEN_SET.conform(previous).to_dicts()
    known: dict[str, Row] = {row["item_id"]: row for row in rows}
    told_apart_no_longer = set(saturated)

    def entry(row: Row, *, labelled_now: bool, fresh: bool) -> Entry:
        return Entry(
            row,
            known=row["item_id"] in known,
            labelled_now=labelled_now,
            fresh=fresh,
            saturated=row["item_id"] in told_apart_no_longer,
            asks=normalised(row["messages"]),
            told=instructions(row["messages"]),
        )

    entries = {
        item_id: entry(row, labelled_now=False, fresh=False) for item_id, row in known.items()
    }
    revised = []
    for candidate in candidate_rows(candidates):
        row = admitted_row(candidate, version=version, as_of=as_of)
        item_id = str(row["item_id"])
        if item_id in known:
            row, why = relabelled(known[item_id], row)
            if why is not None:
                revised.append((item_id, why))
        settled = candidate["label_source"] not in NOT_SETTLED
        entries[item_id] = entry(row, labelled_now=True, fresh=settled)
    return Merged(tuple(entries.values()), tuple(revised))


def candidate_rows(candidates: pl.DataFrame) -> list[Row]:
    """One row per interaction: a settled label wins over another, then the later week's.

    Raises `TableError` if a week names one interaction twice under labels of one sort.
    """
    wanted = {"interaction_id": pl.String, **{c: GOLDEN_SET.schema[c] for c in CANDIDATE_COLUMNS}}
    for column, dtype in wanted.items():
        if candidates.schema.get(column) != dtype:
            found = candidates.schema.get(column)
            raise TableError(GOLDEN_SET.name, f"candidates' '{column}' is {found}, not {dtype}")
    rows: dict[str, Row] = {}
    for row in candidates.select(list(wanted)).sort("interaction_id", "week").to_dicts():
        other = rows.get(row["interaction_id"])
        if other is None or _rank(row) > _rank(other):
            rows[row["interaction_id"]] = row
        elif _rank(other) == _rank(row):
            raise TableError(GOLDEN_SET.name, "two candidates are the same interaction")
    return list(rows.values())


def _rank(row: Row) -> tuple[bool, str]:
    return row["label_source"] not in NOT_SETTLED, row["week"]


def admitted_row(candidate: Row, *, version: int, as_of: date) -> Row:
    """The candidate as an item that the version admits, in its first revision."""
    labelled = {column: candidate[column] for column in CANDIDATE_COLUMNS}
    identity = {
        "item_id": item_identity(candidate["interaction_id"]),
        "item_revision": 1,
        "item_fingerprint": item_fingerprint(candidate),
        "admitted_in": version,
        "admitted_on": as_of,
    }
    return {**labelled, **identity}


def relabelled(before: Row, after: Row) -> tuple[Row, str | None]:
    """The known item with its new label, and what makes it a new revision, if anything does."""
    if after["label_source"] in NOT_SETTLED and before["label_source"] not in NOT_SETTLED:
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
