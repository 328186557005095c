"""What offline scores foretold of production's outcome, and whether they still foretell it."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

OUTCOME_PREDICTIONS: Final = Table(
    name="outcome_predictions",
    job="publish",
    grain="one row per subset: the outcome that offline scores foretold, and what was observed",
    partitioned_by="week",
    key=("subset",),
    required=frozenset({"items", "labelled", "observed", "link", "link_weeks"}),
    schema=schema_of(
        {
            "subset": pl.String,  # 'all' or a subset
            # Up to `upper` frozen: a partition made again keeps it.
            "basis": pl.String,  # rerun | labels; null: there is no offline score
            "golden_version": pl.Int64,  # whose items were asked; null for labels
            "rerun_week": pl.String,  # of the DRIFT_TRIALS; null for labels
            "offline": pl.Float64,  # score of the system in production, in this week's mix
            "offline_se": pl.Float64,  # by conversation
            "items": pl.Int64,  # scored items of the version behind it
            "kept": pl.Float64,  # share of their weight that the earlier prediction's items had
            "labelled": pl.Int64,  # people's labels behind it, where they are the basis
            "link": pl.String,  # none | level | line
            "link_weeks": pl.Int64,  # weeks with score and outcome behind the link
            "link_from": pl.String,  # the first of them
            "slope": pl.Float64,  # points of outcome per point of score that the link used
            "predicted": pl.Float64,
            "standard_error": pl.Float64,  # scale of its t distribution
            "degrees": pl.Float64,  # of freedom
            "lower": pl.Float64,  # of the outcome that will be observed, at gate.confidence
            "upper": pl.Float64,
            "outcome": pl.Float64,  # success from 0 to 1
            "outcome_se": pl.Float64,
            "outcome_lower": pl.Float64,
            "outcome_upper": pl.Float64,
            "observed": pl.Int64,  # interactions with an outcome
            "outcome_effective": pl.Float64,  # what they count for, after weights
            "outcome_source": pl.String,  # logs | draw; null: none was logged
            "within_interval": pl.Boolean,  # null where prediction or outcome is missing
            "error_score": pl.Float64,  # outcome less predicted, as a standard normal quantile
        }
    ),
)


OUTCOME_TRACKING: Final = Table(
    name="outcome_tracking",
    job="publish",
    grain="one row per subset: how well offline scores foretold the outcome in all weeks so far",
    partitioned_by="week",
    key=("subset",),
    required=frozenset({"weeks", "inside", "finding", "sentence"}),
    schema=schema_of(
        {
            "subset": pl.String,  # 'all' or a subset
            "weeks": pl.Int64,  # with a predicted interval and an outcome
            "inside": pl.Int64,  # of these, with the outcome inside its interval
            "coverage": pl.Float64,
            "coverage_lower": pl.Float64,  # exact binomial
            "coverage_upper": pl.Float64,
            "bias": pl.Float64,  # mean of outcome less predicted
            "bias_lower": pl.Float64,
            "bias_upper": pl.Float64,
            "mean_absolute_error": pl.Float64,
            "naive_error": pl.Float64,  # of predicting the outcome of the week before
            "skill": pl.Float64,  # 1 less the ratio of both; null where nothing ever changed
            "rank_agreement": pl.Float64,  # Spearman, offline score and outcome; from 10 weeks on
            "rank_lower": pl.Float64,
            "rank_upper": pl.Float64,
            "change_agreement": pl.Float64,  # Spearman of their changes from week to week
            "slope": pl.Float64,  # of outcome on score, errors in both; from 10 weeks on
            "slope_lower": pl.Float64,  # null: the weeks leave it open
            "slope_upper": pl.Float64,
            "finding": pl.String,  # tracks | no_longer_tracks | too_little_history | not_measured
            "since_week": pl.String,  # the first that no longer tracked; null otherwise
            "sentence": pl.String,
        }
    ),
)
