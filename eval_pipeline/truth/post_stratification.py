"""Weights that make a golden version speak for the live traffic of any week.

Post-stratification (methods 1.4): each cell of the version weighs what its traffic is of the week,
shared equally by its items. Equal and not by design weight, because inside a stratum an item's
probability differs only with the week that drew it. Only drawn items stand for traffic (1.6).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.statistics.clusters import Floats, cluster_codes, kish_effective_items
from eval_pipeline.statistics.design_effect import mean_cluster_size
from eval_pipeline.statistics.weights import MAXIMUM_RATIO, capped, trimmed_mass
from eval_pipeline.tables import GOLDEN_WEIGHTS
from eval_pipeline.truth.traffic_cells import (
    Cell,
    FineCell,
    Traffic,
    fine_cell,
    pooled_cells,
    traffic_of,
)

LEAST_CONVERSATIONS: Final = 5
ROUNDING: Final = 1e-12


@dataclass(frozen=True)
class WeightSummary:
    """What a version's weights for a week cost and what they leave out.

    `uncovered`: share of traffic in strata without items. `borrowed`: share of traffic that only
    a pooled cell stands for. `trimmed`: weight that the cap moved to other items.
    `without_weight`: items per reason.
    """

    items: int
    weighted_items: int
    effective_items: float
    design_effect: float
    uncovered: float
    borrowed: float
    trimmed: float
    cells: int
    without_weight: dict[str, int]


def live_weights(
    items: pl.DataFrame,
    *,
    version: int,
    stratified: pl.DataFrame,
    frame: pl.DataFrame | None,
    gated: Collection[str],
) -> pl.DataFrame:
    """GOLDEN_WEIGHTS of a version's GOLDEN_SET `items` for the week of the other two frames.

    `stratified`: STRATIFIED_INTERACTIONS; `frame`: SAMPLING_FRAME, or None if it was not kept;
    `gated`: the subsets that tell cells apart. Weights sum to 1 over the items that have one.
    """
    traffic = traffic_of(stratified, frame=frame, gated=gated)
    rows = items.sort("item_id").to_dicts()
    cell_of = _cells_by_fine_cell(rows, traffic, gated)
    placed = [
        cell_of.get(fine_cell(row, gated)) if _unusable(row) is None else None for row in rows
    ]
    weights = iter(_weights([cell for cell in placed if cell is not None]))
    weighed = [
        {
            **{name: row[name] for name in _COPIED},
            "golden_version": version,
            **_cell_columns(cell, traffic.strata),
            "live_weight": None if cell is None else float(next(weights)),
            "weight_reason": None if cell is not None else _unusable(row) or "no_traffic",
        }
        for row, cell in zip(rows, placed, strict=True)
    ]
    return GOLDEN_WEIGHTS.conform(pl.DataFrame(weighed, schema=GOLDEN_WEIGHTS.schema))


def live_cells(
    items: pl.DataFrame,
    *,
    drawn: pl.DataFrame,
    stratified: pl.DataFrame,
    frame: pl.DataFrame | None,
    gated: Collection[str],
) -> pl.DataFrame:
    """Which cell each item stands for: `item_id`, `cell`, and the cell's `cell_share` of traffic.

    The cells are those of `live_weights`, which takes the same frames. `drawn` are more items, of
    any week (`item_id`, `stratum`, `kind`, `subsets`), that the cells were not pooled for. Items
    that stand for none of the week's traffic are left out.
    """
    traffic = traffic_of(stratified, frame=frame, gated=gated)
    rows = [row for row in items.sort("item_id").to_dicts() if _unusable(row) is None]
    cell_of = _cells_by_fine_cell(rows, traffic, gated)
    more = drawn.select("item_id", "stratum", "kind", "subsets").iter_rows(named=True)
    found = [(row["item_id"], cell_of.get(fine_cell(row, gated))) for row in (*rows, *more)]
    return pl.DataFrame(
        [(item_id, cell.name, cell.share) for item_id, cell in found if cell is not None],
        schema={"item_id": pl.String, "cell": pl.String, "cell_share": pl.Float64},
        orient="row",
    )


def _cells_by_fine_cell(
    rows: Sequence[Mapping[str, Any]], traffic: Traffic, gated: Collection[str]
) -> dict[FineCell, Cell]:
    """The pooled cells that hold an item, under each fine cell that they stand for."""
    held: dict[FineCell, list[str]] = {}
    for row in filter(lambda row: _unusable(row) is None, rows):
        held.setdefault(fine_cell(row, gated), []).append(row["conversation_key"])
    cells = pooled_cells(traffic, held, least=LEAST_CONVERSATIONS)
    return {fine: cell for cell in cells if cell.items for fine in cell.members}


_COPIED: Final = ("item_id", "item_revision", "conversation_key", "stratum", "kind")


def _unusable(row: Mapping[str, Any]) -> str | None:
    if row["selection"] != "sample":
        return "synthetic"
    return "no_design" if row["stratum"] is None else None


def _cell_columns(
    cell: Cell | None, strata: Mapping[str, tuple[float, float]]
) -> dict[str, str | float | None]:
    stratum, effective = (None, None) if cell is None else strata[cell.members[0][0]]
    return {
        "cell": None if cell is None else cell.name,
        "cell_share": None if cell is None else cell.share,
        "cell_borrowed": None if cell is None else cell.borrowed,
        "stratum_share": stratum,
        "traffic_effective": effective,
    }


def _weights(cells: Sequence[Cell]) -> Floats:
    """One weight per item, in order, from the cell of each."""
    shares = np.array([cell.share / cell.items for cell in cells], dtype=np.float64)
    return capped(shares / shares.sum(), MAXIMUM_RATIO) if shares.size else shares


def summary_of(weights: pl.DataFrame) -> WeightSummary:
    """The summary of GOLDEN_WEIGHTS of one week; without weighted items everything is uncovered."""
    weighed = weights.filter(pl.col("live_weight").is_not_null())
    cells = weighed.unique("cell", maintain_order=True)
    covered = float(cells["cell_share"].sum())
    values = weighed["live_weight"].to_numpy()
    reasons = weights["weight_reason"].drop_nulls().value_counts().sort("weight_reason")
    wanted = weighed.select(pl.col("cell_share") / pl.len().over("cell")).to_series().to_numpy() / (
        covered or 1.0
    )
    effective = kish_effective_items(values) if values.size else 0.0
    return WeightSummary(
        items=weights.height,
        weighted_items=values.size,
        effective_items=effective,
        design_effect=values.size / effective if values.size else 1.0,
        uncovered=_tidy(1 - covered),
        borrowed=float(cells["cell_borrowed"].sum()),
        trimmed=trimmed_mass(wanted, values) if values.size else 0.0,
        cells=cells.height,
        without_weight=dict(reasons.rows()),
    )


def clustered_design_effect(weights: pl.DataFrame, *, correlation: float) -> float:
    """The weights' design effect times that of conversations with this correlation inside.

    deff x (1 + (m - 1) ICC), m the items' mean conversation size, sum m^2 / sum m (methods 1.4);
    1 without weighted items.
    """
    weighed = weights.filter(pl.col("live_weight").is_not_null())
    if weighed.is_empty():
        return 1.0
    codes = cluster_codes(weighed.height, weighed["conversation_key"].to_list())
    size = mean_cluster_size(codes)
    return summary_of(weights).design_effect * (1 + (size - 1) * correlation)


def _tidy(share: float) -> float:
    """Rounding is no share."""
    return share if share > ROUNDING else 0.0
