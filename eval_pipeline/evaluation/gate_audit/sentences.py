"""What the rows of an audit say, in sentences that a product owner reads."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.gate_audit.rates import EXCEEDED, NOT_MADE
from eval_pipeline.evaluation.reserve_order import ALL

MISSES: Final = ("missed", "unnoticed")
FALSE_BLOCKS: Final = ("false_block",)
FALSE_ALARMS: Final = ("false_alarm",)
DECISIVE: Final = ("nothing", "regression")
"""Without these an audit says nothing of the gate."""

_SEEN: Final = {
    ("nothing", "false_block"): "blocked the baseline against itself",
    ("regression", "missed"): "certified {where} with a planted loss of {planted} points",
    ("dropped_rows", "unnoticed"): "decided although {planted} % of {where} had no score",
    ("dropped_failures", "missed"): (
        "certified {where} with a loss of {planted} points whose failures were dropped"
    ),
    ("swapped_labels", "missed"): (
        "certified {where} with a planted loss where {share} % of the references were swapped"
    ),
    ("swapped_labels", "unnoticed"): "decided with {share} % of the settled labels swapped",
    ("biased_judge", "missed"): (
        "certified {where} with a loss of {planted} points that the judges hid from it"
    ),
    ("model_change", "unnoticed"): (
        "raised no drift alarm on a pinned system that lost {planted} points"
    ),
    ("model_change", "false_alarm"): "raised a drift alarm on a pinned system that is unchanged",
}


def exceeded(audit: pl.DataFrame, measures: tuple[str, ...]) -> pl.DataFrame:
    """The rows of these measures whose true rate is proven above what is allowed."""
    return audit.filter(pl.col("finding") == EXCEEDED, pl.col("measure").is_in(list(measures)))


def exceeded_sentences(audit: pl.DataFrame, measures: tuple[str, ...]) -> Iterator[str]:
    """A sentence a row, all items before subsets."""
    found = exceeded(audit, measures)
    order = ("fault", pl.col("subset") != ALL, "subset", "size")
    for row in found.sort(*order).iter_rows(named=True):
        yield (
            f"The gate {_seen(row)} in {row['count']} of {row['runs']} copies "
            f"({100 * row['lower']:.0f} to {100 * row['upper']:.0f} %; "
            f"{100 * row['allowed']:g} % are allowed)."
        )


def problem_sentences(audit: pl.DataFrame) -> list[str]:
    """All that an audit found against the gate, and why it could not be made, if it could not."""
    every = (*MISSES, *FALSE_BLOCKS, *FALSE_ALARMS)
    return [*not_made_sentences(audit), *exceeded_sentences(audit, every)]


def not_made_sentences(audit: pl.DataFrame) -> Iterator[str]:
    """Why an audit could not be made of what it is about; nothing if it could."""
    for fault in DECISIVE:
        rows = audit.filter(pl.col("fault") == fault)
        if rows.is_empty() or (rows["finding"] == NOT_MADE).all():
            notes = sorted(set(rows["note"].drop_nulls()))
            why = "; ".join(notes) or "it has no row of it"
            yield f"The gate's audit could not be made: {why}."
            return


def _seen(row: Mapping[str, Any]) -> str:
    where = "all items" if row["subset"] == ALL else f"'{row['subset']}'"
    planted = "" if row["planted"] is None else f"{100 * row['planted']:g}"
    words = _SEEN[row["fault"], row["measure"]]
    return words.format(where=where, planted=planted, share=f"{100 * row['size']:g}")
