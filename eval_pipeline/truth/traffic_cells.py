"""Cells of a week's traffic and of a version's items, pooled where items are too few.

A cell is a stratum, a kind and the gated subsets that hold. One with fewer than the least number
of conversations among its items is sparse. Sparse cells of one stratum and kind pool; a pool that
is still sparse joins the kind's cell of most items; where the kind has none it pools with what
the stratum's other kinds left over, and joins the stratum's cell of most items if that is sparse
still. No cell reaches over two strata, so a stratum without items is not covered (methods 1.4).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import polars as pl

from eval_pipeline.statistics.clusters import kish_effective_items

FineCell = tuple[str, str, str]
"""Stratum, kind and the names of the gated subsets, or `none`."""


@dataclass(frozen=True)
class Cell:
    """Pooled fine cells; `share` and `borrowed` are of the week's whole traffic.

    `borrowed` is the part of fine cells that hold no item themselves.
    """

    members: tuple[FineCell, ...]
    share: float
    borrowed: float
    conversations: frozenset[str] = frozenset()
    items: int = 0

    @property
    def name(self) -> str:
        """Stratum, kinds and subsets, for people."""
        stratum = self.members[0][0]
        return f"{stratum}: " + " / ".join(f"{kind}, {names}" for _, kind, names in self.members)


@dataclass(frozen=True)
class Traffic:
    """A week's traffic by fine cell, as shares of the whole week.

    `strata`: share of the stratum, and the effective conversations behind the shares inside it.
    """

    shares: Mapping[FineCell, float]
    strata: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def fine_cell(row: Mapping[str, Any], gated: Collection[str]) -> FineCell:
    """The finest cell of a row with `stratum`, `kind` and `subsets`."""
    names = sorted(set(row["subsets"]) & set(gated))
    return row["stratum"], row["kind"], "+".join(names) or "none"


def traffic_of(
    stratified: pl.DataFrame, *, frame: pl.DataFrame | None, gated: Collection[str]
) -> Traffic:
    """The week's shares from the STRATIFIED_INTERACTIONS of its sample, by design weight.

    With the week's SAMPLING_FRAME the strata's shares are its exact counts of interactions, and
    only the shares inside a stratum are estimates. Without one the strata's are estimates too:
    then all of them rest on the effective conversations of the whole week.
    """
    sample = stratified.filter(pl.col("selection") == "sample").sort("interaction_id")
    masses: dict[FineCell, float] = {}
    for row in sample.iter_rows(named=True):
        cell = fine_cell(row, gated)
        masses[cell] = masses.get(cell, 0.0) + row["design_weight"]
    drawn = dict(sample.group_by("stratum").agg(pl.col("design_weight").sum()).rows())
    if frame is None:
        total = sum(drawn.values())
        shares = {cell: mass / total for cell, mass in masses.items()}
        effective = _effective(sample)
        return Traffic(shares, dict.fromkeys(drawn, (1.0, effective)))
    counted = {**drawn, **dict(frame.select("stratum", "interactions").rows())}
    total = sum(counted.values()) or 1
    strata = {
        stratum: (count / total, _effective(sample.filter(pl.col("stratum") == stratum)))
        for stratum, count in sorted(counted.items())
    }
    return Traffic(
        {cell: strata[cell[0]][0] * mass / drawn[cell[0]] for cell, mass in masses.items()}, strata
    )


def _effective(sample: pl.DataFrame) -> float:
    masses = sample.group_by("conversation_key").agg(pl.col("design_weight").sum())
    return kish_effective_items(masses["design_weight"].sort()) if masses.height else 0.0


def pooled_cells(
    traffic: Traffic, items: Mapping[FineCell, Collection[str]], *, least: int
) -> list[Cell]:
    """The cells that stand for the week, strata in order; those without an item come along.

    `items` names, per fine cell, the conversation of each of its items; a fine cell without
    traffic is in no cell.
    """
    fine = [
        Cell(
            (cell,),
            share,
            borrowed=share if not items.get(cell) else 0.0,
            conversations=frozenset(items.get(cell, ())),
            items=len(items.get(cell, ())),
        )
        for cell, share in sorted(traffic.shares.items())
    ]
    cells = []
    for _, in_stratum in groupby(fine, key=lambda cell: cell.members[0][0]):
        by_kind = groupby(in_stratum, key=lambda cell: cell.members[0][1])
        cells += _pooled(
            [cell for _, in_kind in by_kind for cell in _pooled(list(in_kind), least)], least
        )
    return cells


def _pooled(cells: list[Cell], least: int) -> list[Cell]:
    """The full cells, with the sparse ones as one more, or in the largest, or alone."""
    full = [cell for cell in cells if len(cell.conversations) >= least]
    sparse = [cell for cell in cells if len(cell.conversations) < least]
    if not sparse:
        return full
    pool = _merged(sparse)
    if not full or len(pool.conversations) >= least:
        return [*full, pool]
    largest = min(full, key=lambda cell: (-cell.items, cell.members))
    return [_merged([cell, pool]) if cell is largest else cell for cell in full]


def _merged(cells: Iterable[Cell]) -> Cell:
    parts = list(cells)
    return Cell(
        members=tuple(sorted(member for part in parts for member in part.members)),
        share=sum(part.share for part in parts),
        borrowed=sum(part.borrowed for part in parts),
        conversations=frozenset().union(*(part.conversations for part in parts)),
        items=sum(part.items for part in parts),
    )
