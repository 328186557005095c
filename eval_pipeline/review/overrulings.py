"""Where people's settled labels have overruled the panel's verdict, and where that recurs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.tables import NAMES, schema_of

Cell = tuple[str, str, str]
"""('kind', route, kind) or ('subset', subset, reason of the panel's verdict)."""

LABELLED_SCHEMA: Final = schema_of(
    {
        "week": pl.String,
        "route": pl.String,
        "kind": pl.String,
        "subsets": NAMES,
        "reason": pl.String,  # of the panel's verdict
        "panel_verdict": pl.String,
        "label": pl.String,
        "label_probability": pl.Float64,
    }
)
"""One row per interaction that people labelled and the panel has a verdict on."""


@dataclass(frozen=True)
class Overruling:
    """How people saw one cell's verdicts.

    `share` of the verdicts were overruled, each label standing for 1 / label_probability of them;
    `effective_labels` is Kish's n of these weights; `weeks` had at least one overruling.
    """

    share: float
    effective_labels: float
    weeks: int


def cells_of(row: Mapping[str, Any]) -> Iterator[Cell]:
    """The cells of a judged interaction: route by kind, and each subset by the panel's reason."""
    yield "kind", str(row["route"]), str(row["kind"])
    for subset in row["subsets"] or ():
        yield "subset", str(subset), str(row["reason"])


def overrulings(labelled: pl.DataFrame, *, weeks: int) -> dict[Cell, Overruling]:
    """By cell, over the last so many weeks that have such labels; `labelled` is LABELLED_SCHEMA."""
    recent = sorted(labelled["week"].unique().to_list())[-weeks:]
    by_cell: dict[Cell, list[tuple[float, bool, str]]] = {}
    rows = labelled.filter(pl.col("week").is_in(recent)).to_dicts()
    for row in rows:
        overruled = row["label"] != row["panel_verdict"]
        for cell in cells_of(row):
            by_cell.setdefault(cell, []).append(
                (1 / row["label_probability"], overruled, row["week"])
            )
    return {cell: _overruling(found) for cell, found in sorted(by_cell.items())}


def recurring_cells(found: Mapping[Cell, Overruling], *, at_least: int) -> frozenset[Cell]:
    """The cells in which people overruled the panel in so many of those weeks."""
    return frozenset(cell for cell, one in found.items() if one.weeks >= at_least)


def _overruling(labels: list[tuple[float, bool, str]]) -> Overruling:
    weights = sorted(weight for weight, _, _ in labels)
    total = sum(weights)
    return Overruling(
        share=sum(sorted(weight for weight, overruled, _ in labels if overruled)) / total,
        effective_labels=total**2 / sum(weight**2 for weight in weights),
        weeks=len({week for _, overruled, week in labels if overruled}),
    )
