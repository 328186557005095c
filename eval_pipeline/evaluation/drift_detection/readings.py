"""This week's items beside their reference runs, stream by stream."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.drift_detection.detectors import Reading
from eval_pipeline.evaluation.drift_detection.noise import (
    ITEM,
    LEAST_RUNS,
    NoiseFloor,
    batch_effect,
    item_noise,
    noise_floor,
)
from eval_pipeline.settings import SYNTHETIC_SUBSET

ALL: Final = "all"
STREAMS: Final = ("rerun", "rejudged", "frozen")
FROZEN_COLUMNS: Final = pl.Schema(
    {
        "system_id": pl.String,
        "item_id": pl.String,
        "item_revision": pl.Int64,
        "frozen_week": pl.String,
        "frozen_score": pl.Float64,
    }
)
"""Which week's answer to an item is judged again, and its score as recorded then; the score is
null where it was given under another revision of the item."""


@dataclass(frozen=True)
class Measured:
    """One stream and subset of a week: the reading, and what it does not rest on.

    `reading` is null where no item has a score now and a reference; `referenced` tells why.
    """

    subset: str
    reading: Reading | None
    missing: int
    without_reference: int
    inflation: float = 1.0

    @property
    def referenced(self) -> bool:
        """Whether any item has reference runs at all."""
        return self.reading is not None or self.missing > 0


def active_pin(reference: pl.DataFrame, *, system_id: str, week: str) -> str | None:
    """The newest week up to `week` that the system was pinned in; null if it never was."""
    own = reference.filter(pl.col("system_id") == system_id, pl.col("pinned_week") <= week)
    newest: str | None = own["pinned_week"].max()  # type: ignore[assignment]
    return newest


def measured_stream(
    trials: pl.DataFrame,
    *,
    stream: str,
    runs: pl.DataFrame,
    frozen: pl.DataFrame,
    week: str,
    least: float,
) -> Iterator[Measured]:
    """'all' and every subset of one system's stream, over the items that are asked this week.

    `trials`: the system's DRIFT_TRIALS; `runs`: its DRIFT_REFERENCE rows of the active pin;
    `frozen`: its `FROZEN_COLUMNS`. The reference's mean is over the very items that have a score
    this week, under the same revision, so neither the mix of items nor a revised truth moves it.
    """
    items, used = _beside(trials, stream=stream, runs=runs, frozen=frozen)
    names = sorted(items["subsets"].explode(empty_as_null=True).drop_nulls().unique())
    whole = _members(items, ALL)
    inflation = _inflation(whole, used)
    for name in (ALL, *names):
        rows = _members(items, name)
        usable = _usable(rows)
        reading = None
        if usable.height:
            floor = _floor(usable)
            sigma = floor.sigma * inflation
            reading = Reading(
                week=week,
                value=float(usable["value"].mean()),  # type: ignore[arg-type]
                floor=NoiseFloor(floor.mu0, sigma, floor.runs, floor.items),
                least=least,
            )
        referenced = rows.filter(pl.col("runs") > 0).height
        yield Measured(
            name, reading, referenced - usable.height, rows.height - referenced, inflation
        )


def readings_before(
    history: pl.DataFrame, *, system_id: str, pinned: str, least: float
) -> dict[tuple[str, str], list[Reading]]:
    """The system's earlier readings against the same reference, by stream and subset, by week.

    `history`: DRIFT_SIGNALS of earlier weeks with a column `week`.
    """
    found: dict[tuple[str, str], list[Reading]] = {}
    for row in earlier_rows(history, system_id=system_id, pinned=pinned):
        found.setdefault((row["stream"], row["subset"]), []).append(_as_read(row, least))
    return found


def earlier_rows(history: pl.DataFrame, *, system_id: str, pinned: str) -> list[dict[str, Any]]:
    """The measured rows of earlier weeks against the same reference, by week."""
    return (
        history.filter(
            pl.col("system_id") == system_id,
            pl.col("pinned_week") == pinned,
            pl.col("finding") != "not_measured",
        )
        .sort("week")
        .to_dicts()
    )


def _as_read(row: Mapping[str, Any], least: float) -> Reading:
    floor = NoiseFloor(row["mu0"], row["sigma"], row["k_runs"], row["items"])
    return Reading(row["week"], row["value"], floor, least)


def _beside(
    trials: pl.DataFrame, *, stream: str, runs: pl.DataFrame, frozen: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Per item revision its score now and its reference; and the runs those are made of."""
    asked = (
        trials.filter(pl.col("stream") == ("rerun" if stream == "rerun" else "rejudged"))
        .sort(*ITEM, "trial")
        .group_by(*ITEM, maintain_order=True)
        .agg(pl.col("subsets").first(), pl.col("score").mean().alias("value"))
    )
    if stream == "rerun":
        used = runs.filter(pl.col("stream") == "rerun")
    else:
        asked = asked.join(frozen.drop("system_id"), on=ITEM, how="left")
        used = runs.filter(pl.col("stream") == "rejudged").join(
            asked.select(*ITEM, "frozen_week"), on=[*ITEM, "frozen_week"], how="semi"
        )
        if stream == "frozen":
            asked = asked.with_columns(value=pl.col("frozen_score"))
    held = used.group_by(*ITEM).agg(pl.len().cast(pl.Int64).alias("held"))
    return (
        asked.join(item_noise(used).rename({"runs": "scored"}), on=ITEM, how="left")
        .join(held, on=ITEM, how="left")
        .with_columns(runs=pl.col("held").fill_null(0), scored=pl.col("scored").fill_null(0))
        .sort(*ITEM)
    ), used


def _members(items: pl.DataFrame, name: str) -> pl.DataFrame:
    if name == ALL:
        return items.filter(~pl.col("subsets").list.contains(SYNTHETIC_SUBSET))
    return items.filter(pl.col("subsets").list.contains(name))


def _usable(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("value").is_not_null() & (pl.col("scored") >= LEAST_RUNS))


def _floor(usable: pl.DataFrame) -> NoiseFloor:
    return noise_floor(
        usable["mean"].to_numpy(),
        usable["variance"].to_numpy(),
        usable["scored"].cast(pl.Float64).to_numpy(),
    )


def _inflation(whole: pl.DataFrame, used: pl.DataFrame) -> float:
    usable = _usable(whole)
    if usable.is_empty():
        return 1.0
    return batch_effect(used.join(usable.select(*ITEM), on=ITEM, how="semi"), _floor(usable))
