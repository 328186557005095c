"""What the panel said of a week's traffic, subset by subset."""

from typing import Any, Final

import polars as pl

from eval_pipeline.statistics.proportions import wilson

ALL: Final = "all"
UNDECIDED: Final = ("undecided", "below_quorum", "unanswerable")
PANEL_SHARES: Final = pl.Schema(
    {
        "subset": pl.String,
        "value": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "judged": pl.Int64,
        "undecided": pl.Int64,
    }
)
"""One row per subset and 'all': the share of traffic that the panel passes, of what it decides.
`undecided`: judged and without a panel verdict; those are in no share."""


def panel_shares(quality: pl.DataFrame, *, confidence: float) -> pl.DataFrame:
    """PANEL_SHARES of a week, from PRODUCTION_QUALITY; 'all' first.

    Wilson's interval at the share's effective number of interactions.
    """
    rows = quality.with_columns(undecided=pl.sum_horizontal(UNDECIDED)).sort(
        pl.col("subset") != ALL, "subset"
    )
    shares = [_share(row, confidence=confidence) for row in rows.iter_rows(named=True)]
    return pl.DataFrame(shares, schema=PANEL_SHARES)


def _share(row: dict[str, Any], *, confidence: float) -> dict[str, Any]:
    told = {name: row[name] for name in ("subset", "judged", "undecided")}
    if row["quality"] is None:
        return {**told, "value": None, "lower": None, "upper": None}
    lower, upper = wilson(row["quality"], row["effective"], confidence=confidence)
    return {**told, "value": row["quality"], "lower": lower, "upper": upper}
