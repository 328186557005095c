"""What the gate says where offline scores no longer foretell production's outcome.

A score that has lost its link to what customers experience still tells two systems apart, so by
itself it changes no verdict; the policy may ask for more.
"""

from collections.abc import Iterator

import polars as pl

from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.settings import GateSettings

REQUIRED = (
    "The policy asks for scores that track production: find out why, then set "
    "`outcome_tracking.link_from`."
)


def tracking_grounds(tracking: pl.DataFrame | None, policy: GateSettings) -> Grounds:
    """From the newest OUTCOME_TRACKING, a sentence for each subset that has a warning."""
    sentences = tuple(_warnings(tracking))
    if policy.require_outcome_tracking and sentences:
        return Grounds(unknown=(*sentences, REQUIRED))
    return Grounds(notes=sentences)


def _warnings(tracking: pl.DataFrame | None) -> Iterator[str]:
    if tracking is None:
        return
    rows = tracking.filter(pl.col("finding") == "no_longer_tracks")
    for row in rows.sort(pl.col("subset") != "all", "subset").iter_rows(named=True):
        name = "All traffic" if row["subset"] == "all" else f"Subset '{row['subset']}'"
        yield f"Outcome, {name[0].lower()}{name[1:]}: {row['sentence']}"
