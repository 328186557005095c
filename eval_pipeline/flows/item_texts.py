"""What the items of an evaluation ask, wherever their conversations lie."""

from collections.abc import Collection

import polars as pl

from eval_pipeline.evaluation.trial_items import reserve_names
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import Message
from eval_pipeline.tables import ANONYMISED_INTERACTIONS


def item_texts(
    pipeline: Pipeline, item_ids: Collection[str], trials: pl.DataFrame
) -> dict[str, tuple[tuple[Message, ...], str | None]]:
    """The anonymised conversation and reference of golden and reserve items, by item id.

    `trials` name the golden versions; items whose texts were erased are left out.
    """
    versions = trials["golden_version"].unique().to_list()
    found: dict[str, tuple[tuple[Message, ...], str | None]] = {}
    for version in sorted(versions):
        items = pipeline.golden.items(version).filter(pl.col("item_id").is_in(list(item_ids)))
        for row in items.iter_rows(named=True):
            found[row["item_id"]] = (_messages(row), row["reference_response"])
    missing = {item_id for item_id in item_ids if item_id not in found}
    if missing:
        reserve = pipeline.lake.read_all(ANONYMISED_INTERACTIONS)
        for row in reserve.select("interaction_id", "messages").iter_rows(named=True):
            for item_id in missing.intersection(reserve_names(row["interaction_id"])):
                found[item_id] = (_messages(row), None)
    return found


def _messages(row: dict[str, object]) -> tuple[Message, ...]:
    messages: list[dict[str, str]] = row["messages"]  # type: ignore[assignment]
    return tuple(Message(part["role"], part["content"]) for part in messages)
