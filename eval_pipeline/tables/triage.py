"""Which losses of a candidate are systematic: lost items asked again, slices, failure modes."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import NAMES, Table, schema_of

FAILING_ITEMS: Final = Table(
    name="failing_items",
    job="triage",
    grain="one row per item that the candidate lost and that both systems were asked about again",
    partitioned_by="candidate",
    key=("item_id",),
    required=frozenset({"route", "subsets", "repeats", "lost_again", "compared", "finding"}),
    schema=schema_of(
        {
            "item_id": pl.String,
            "route": pl.String,
            "subsets": NAMES,
            "source": pl.String,  # golden | reserve | synthetic
            "baseline_score": pl.Float64,
            "candidate_score": pl.Float64,
            "weight": pl.Float64,  # of live traffic, 1 on average over the items compared
            "repeats": pl.Int64,  # how often each system was asked again
            "compared": pl.Int64,  # repeats with a score of both
            "lost_again": pl.Int64,  # of those compared
            "baseline_runs": pl.Int64,  # scores of it that are known, earlier weeks' reruns too
            "baseline_flips": pl.Float64,  # share of pairs of runs that differ, shrunk
            "candidate_runs": pl.Int64,
            "candidate_flips": pl.Float64,
            "cost_usd": pl.Float64,  # of asking again, without the judges
            "finding": pl.String,  # reproduced | flaky | not_reproduced | not_measured
        }
    ),
)


FAILURE_TRIAGE: Final = Table(
    name="failure_triage",
    job="triage",
    grain="one row per slice of a candidate's items, and per named failure mode of its losses",
    partitioned_by="candidate",
    key=("about", "attribute", "name"),
    required=frozenset({"golden_version", "items", "losses", "wins", "finding"}),
    schema=schema_of(
        {
            "about": pl.String,  # slice | mode
            "attribute": pl.String,  # subset | route | kind | source; of modes topic and label too
            "name": pl.String,
            "note": pl.String,  # why the team keeps it
            "golden_version": pl.Int64,
            "items": pl.Int64,
            "clusters": pl.Int64,
            "losses": pl.Int64,
            "wins": pl.Int64,
            "difference": pl.Float64,  # candidate minus baseline; below 0 is worse
            "lower": pl.Float64,
            "upper": pl.Float64,
            "p_value": pl.Float64,  # of a loss, adjusted for all slices; null: too few to test
            "fresh_items": pl.Int64,  # of top-ups, which did not find it
            "fresh_p_value": pl.Float64,
            "confirmation": pl.String,  # confirmed | not_confirmed | no_fresh_items; null: unnamed
            "e_value": pl.Float64,  # of this candidate
            "e_product": pl.Float64,  # of all candidates up to this one
            "e_largest": pl.Float64,  # that the product ever was
            "candidates": pl.Int64,  # behind the product
            "recurrence": pl.String,  # systematic | watch | noise
            "reproduced": pl.Int64,  # of the lost items asked again, by what came
            "flaky": pl.Int64,
            "not_reproduced": pl.Int64,
            "cost_points": pl.Float64,  # of the whole score, lost on this mode
            "cost_usd": pl.Float64,  # what the candidate's lost answers cost
            "rank": pl.Int64,  # of modes, 1 costs most
            "finding": pl.String,  # of slices named | not_named | too_small; of modes by items
        }
    ),
)
"""A mode's finding: reproduced | flaky | not_reproduced by most of its items, or not_asked."""
