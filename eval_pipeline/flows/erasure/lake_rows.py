"""What an erasure makes of each table of the lake, by what its columns lead to."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from eval_pipeline.adapters.lake import partition_path, sealed_parquet
from eval_pipeline.adapters.review.erasure import tombstone
from eval_pipeline.evaluation.decision import Decision, SubsetFinding, newest_row, read_decision
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.flows.decision_pages import render_pages, shown_items
from eval_pipeline.flows.erasure.inventory import Inventory, is_theirs
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.review.states import ERASED
from eval_pipeline.tables import ALL_TABLES, GATE_DECISION, Table
from eval_pipeline.tables.personal import Treatment, columns_with, treatment_of

ORDER: tuple[Treatment, ...] = ("blank", "document", "unlist", "remove")
"""Trials before everything that could be missing when an erasure is run again."""


@dataclass(frozen=True)
class Change:
    """One file of the lake as it will be; `data` is in no representation of the object."""

    place: str
    treatment: str
    rows_removed: int
    rows_blanked: int
    old_hash: str
    data: bytes = field(repr=False)

    @property
    def new_hash(self) -> str:
        """Of the file that takes its place."""
        return content_hash(self.data)


def lake_changes(pipeline: Pipeline, inventory: Inventory) -> Iterator[Change]:
    """Every change but those of golden versions and of the mapping, in the order to make them."""
    for treatment in ORDER:
        for table in ALL_TABLES:
            if treatment_of(table) == treatment:
                yield from table_changes(pipeline, table, inventory)
        if treatment == "document":
            yield from _page_changes(pipeline, inventory)


def table_changes(pipeline: Pipeline, table: Table, inventory: Inventory) -> Iterator[Change]:
    """The table's partitions that hold something of the person."""
    for partition in pipeline.lake.partitions(table):
        frame = pipeline.lake.read(table, partition=partition)
        after, removed, blanked = erased_frame(frame, table, inventory)
        if removed or blanked:
            place = partition_path(table, partition)
            yield Change(
                place=place,
                treatment="removed" if removed else "blanked",
                rows_removed=removed,
                rows_blanked=blanked,
                old_hash=content_hash(pipeline.lake.read_bytes(place)),
                data=sealed_parquet(table.conform(after), place=place),
            )


def erased_frame(
    frame: pl.DataFrame, table: Table, inventory: Inventory
) -> tuple[pl.DataFrame, int, int]:
    """The frame without the person, the rows that went and the rows that lost something."""
    kept = frame
    if treatment_of(table) in {"remove", "mapping"}:
        kept = frame.filter(~is_theirs(table, inventory))
    after = _unlisted(kept, table, inventory)
    if treatment_of(table) == "blank":
        after = _blanked(after, table, inventory)
    if treatment_of(table) == "document":
        after = _documents(after, inventory)
    return after, frame.height - kept.height, _differing(kept, after)


def _differing(before: pl.DataFrame, after: pl.DataFrame) -> int:
    if after.equals(before):
        return 0
    return sum(
        one != other for one, other in zip(before.iter_rows(), after.iter_rows(), strict=True)
    )


def _unlisted(frame: pl.DataFrame, table: Table, inventory: Inventory) -> pl.DataFrame:
    gone = sorted(inventory.interaction_ids)
    return frame.with_columns(
        pl.col(column).list.eval(pl.element().filter(~pl.element().is_in(gone)))
        for column in columns_with(table, "interactions")
    )


def _blanked(frame: pl.DataFrame, table: Table, inventory: Inventory) -> pl.DataFrame:
    """Rows keep scores, subsets and counts; text goes, and a conversation becomes a tombstone.

    Equal conversations get equal tombstones, so clusters stay what they were.
    """
    own = is_theirs(table, inventory)
    blank = [
        pl.when(own).then(_nothing(table, column)).otherwise(pl.col(column)).alias(column)
        for column in columns_with(table, "text")
    ]
    renamed = [
        pl.col(column).replace(_tombstones(frame[column], inventory)).alias(column)
        for column in columns_with(table, "conversation")
    ]
    hashed = [
        pl.col(column).replace(inventory.legacy_ids) for column in columns_with(table, "item")
    ]
    return frame.with_columns(*blank, *renamed, *hashed)


def _nothing(table: Table, column: str) -> pl.Expr:
    dtype = table.schema[column]
    if column not in table.required:
        return pl.lit(None, dtype=dtype)
    return pl.lit("") if dtype == pl.String else pl.lit([], dtype=dtype)


def _tombstones(keys: pl.Series, inventory: Inventory) -> dict[str, str]:
    """New names for the person's conversations, numbered after those that stand there already."""
    start = f"{ERASED}-{inventory.person.erasure_id}-"
    standing = keys.filter(keys.str.starts_with(start)).str.strip_prefix(start).cast(pl.Int64)
    first = 1 + (int(str(standing.max())) if len(standing) else 0)
    theirs = sorted(set(keys.drop_nulls()) & inventory.conversation_keys)
    return {
        key: tombstone(inventory.person.erasure_id, number)
        for number, key in enumerate(theirs, start=first)
    }


def _documents(frame: pl.DataFrame, inventory: Inventory) -> pl.DataFrame:
    return frame.with_columns(
        pl.Series(
            column,
            [_renamed(read_decision(text), inventory).to_json() for text in frame[column]],
            dtype=pl.String,
        )
        for column in columns_with(GATE_DECISION, "document")
    )


def _renamed(decision: Decision, inventory: Inventory) -> Decision:
    """The decision, its id and its verdict as they were, no item named by an interaction's id."""
    hashes = inventory.legacy_ids

    def told(finding: SubsetFinding) -> dict[str, Any]:
        return {"losing_items": tuple(hashes.get(item, item) for item in finding.losing_items)}

    return decision.model_copy(
        update={
            "aggregate": decision.aggregate.model_copy(update=told(decision.aggregate)),
            "subsets": tuple(each.model_copy(update=told(each)) for each in decision.subsets),
        }
    )


def _page_changes(pipeline: Pipeline, inventory: Inventory) -> Iterator[Change]:
    """The pages of decisions that name or show one of the person's items, without its texts."""
    for candidate_id in pipeline.lake.partitions(GATE_DECISION):
        rows = pipeline.lake.read(GATE_DECISION, partition=candidate_id)
        decision = _renamed(read_decision(newest_row(rows)["decision_json"]), inventory)
        named = {
            item for each in (decision.aggregate, *decision.subsets) for item in each.losing_items
        }
        named |= {one.item_id for one in shown_items(pipeline, candidate_id, decision)}
        if named.isdisjoint(inventory.item_ids):
            continue
        pages = render_pages(pipeline, candidate_id, decision, erased=inventory.item_ids)
        for place, data in pages.items():
            before = pipeline.lake.read_bytes(place) if pipeline.lake.exists(place) else None
            if before is not None and before != data:
                yield Change(place, "rendered", 0, 0, content_hash(before), data)
