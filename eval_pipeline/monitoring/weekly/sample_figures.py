"""What a week drew, masked and judged, in figures."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from eval_pipeline.monitoring.weekly.evidence import WeekEvidence
from eval_pipeline.monitoring.weekly.figure import Figure, count, ends, percent
from eval_pipeline.monitoring.weekly.panel import ALL, panel_shares

_FRAME: Final = (
    "interactions",
    "population_size",
    "allocated",
    "drawn",
    "shortfall",
    "late_interactions",
)


def traffic(known: WeekEvidence) -> Iterator[Figure]:
    """What could be sampled, what was, and what was not."""
    if known.frame is not None:
        held = {name: int(known.frame[name].sum()) for name in _FRAME}
        yield count(
            "interactions",
            held["interactions"],
            f"{held['interactions']:,} interactions could be sampled.",
        )
        yield count(
            "conversations",
            held["population_size"],
            f"{held['population_size']:,} conversations in {known.frame.height} strata.",
        )
        yield count(
            "judged",
            held["allocated"],
            f"{held['allocated']:,} conversations are in the sample that judges see.",
        )
        reserve = held["drawn"] - held["allocated"]
        yield count("reserve", reserve, f"{reserve:,} further conversations wait in the reserve.")
        yield count(
            "shortfall",
            held["shortfall"],
            f"{held['shortfall']:,} wanted conversations could not be drawn.",
        )
        yield count(
            "late",
            held["late_interactions"],
            f"{held['late_interactions']:,} interactions of earlier weeks arrived late.",
        )
    if known.quarantined is not None:
        bad = sum(known.quarantined.values())
        yield count("quarantined", bad, f"{bad:,} rows of the logs could not be read.")


def masking(known: WeekEvidence) -> Iterator[Figure]:
    """Planted canaries, and what a second scan found."""
    if known.masking is None:
        return
    whole = known.masking.filter(pl.col("dimension") == "week", pl.col("value").is_not_null())
    rows = {row["measure"]: row for row in whole.iter_rows(named=True)}
    recall, residual = rows.get("canary_recall"), rows.get("residual_hits")
    if recall is not None:
        leaked = rows.get("leaked_canaries", {}).get("value") or 0
        yield Figure(
            "canary_recall",
            ALL,
            recall["value"],
            f"Of {recall['cases']} planted canaries {percent(recall['value'])} "
            f"({ends(recall['lower'], recall['upper'])}) were masked whole; {leaked:.0f} leaked.",
            recall["lower"],
            recall["upper"],
        )
    if residual is not None:
        yield count(
            "residual_hits",
            int(residual["value"]),
            f"A second scan found {residual['value']:.0f} values left.",
        )


def panel(known: WeekEvidence) -> Iterator[Figure]:
    """What the panel passes, by subset."""
    if known.quality is None:
        return
    shares = panel_shares(known.quality, confidence=known.confidence)
    for row in shares.iter_rows(named=True):
        where = "all traffic" if row["subset"] == ALL else row["subset"]
        if row["value"] is None:
            told = f"The panel decided nothing on {where}."
        else:
            told = (
                f"The panel passes {percent(row['value'])} "
                f"({ends(row['lower'], row['upper'])}) of {where}, on {row['judged']} judged."
            )
        yield Figure("pass_share", row["subset"], row["value"], told, row["lower"], row["upper"])
    undecided = int(shares["undecided"][0])
    yield count("panel_undecided", undecided, f"On {undecided} responses the panel has no verdict.")
