"""What the gated dimensions certify: the same comparison as the deciding score's, per dimension.

A pass asks for every subset in every gated dimension, so it needs no correction. A block is one
claim of harm out of many, so all of them are one family of Holm's: those of the deciding score
and of every gated dimension. Each comparison counts the others' claims as if nothing spoke for
them, so that what is blocked anywhere is among what Holm would block over all: the chance of any
false block stays the one that the policy states, however many dimensions it names.

Dimensions have no top-up of their own. They share the trials of the looks, each look at its share
of the error, so that it does not matter why looking went on or stopped.
"""

from collections.abc import Collection
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.pairs import pair_trials
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.trial_items import SYNTHETIC
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import DIMENSION_REPORT

REPORTED: Final = "reported"
_COUNTED: Final = ("without_reference", "deciding_items")


def with_states(
    report: pl.DataFrame,
    scores: pl.DataFrame,
    *,
    policy: GateSettings,
    subsets: Collection[str] = (),
) -> pl.DataFrame:
    """The DIMENSION_REPORT with what TRIAL_DIMENSIONS certify in the dimensions that are gated.

    A gated row keeps the figures of the look that decided it. By `default`, 'all' and every subset
    that holds any of the dimension is gated; a subset with a tolerance of its own also where it
    holds none, and is then undecided. `subsets` are all that are declared: they count in Holm's
    family. Synthetic items are gated by no dimension.
    """
    rows = {(row["dimension"], row["subset"]): row for row in report.iter_rows(named=True)}
    traffic = scores.filter(pl.col("source") != SYNTHETIC)
    named = {ALL, *subsets, *traffic["subsets"].explode().drop_nulls()}
    family = len(named) + policy.claims_beside(len(named))
    for dimension in policy.dimensions:
        own = traffic.filter(pl.col("dimension") == dimension)
        for row in _compared(own, dimension, policy=policy, family=family):
            counted = rows.get((dimension, row["subset"]), dict.fromkeys(_COUNTED, 0))
            kept = {name: counted[name] for name in _COUNTED}
            rows[dimension, row["subset"]] = {**row, **kept, "dimension": dimension}
    frame = pl.DataFrame(
        list(rows.values()), schema=DIMENSION_REPORT.schema, infer_schema_length=None
    )
    return DIMENSION_REPORT.conform(frame)


def _compared(
    own: pl.DataFrame, dimension: str, *, policy: GateSettings, family: int
) -> list[dict[str, Any]]:
    own_tolerances = policy.for_dimension(dimension)
    gated = {*pair_trials(own).named(), *own_tolerances.tolerances} - {"default", ALL}
    compared = compare(
        own, policy=own_tolerances, subsets=gated, beside=max(0, family - len(gated) - 1)
    )
    return compared.to_dicts()
