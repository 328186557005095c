"""Reference runs of pinned systems, and what the weekly re-runs signal against their noise."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

DRIFT_REFERENCE: Final = Table(
    name="drift_reference",
    job="drift",
    grain="one row per pinned system, stream, item revision and reference run that the week added",
    partitioned_by="week",
    key=("system_id", "pinned_week", "stream", "item_id", "item_revision", "frozen_week", "run"),
    required=frozenset({"scorer"}),
    schema=schema_of(
        {
            "system_id": pl.String,
            "pinned_week": pl.String,  # of the reference that the run belongs to
            "stream": pl.String,  # rerun: asked and scored | rejudged: a frozen answer, scored
            "item_id": pl.String,
            "item_revision": pl.Int64,
            "frozen_week": pl.String,  # of the answer that was scored; pinned_week for rerun
            "run": pl.Int64,  # from 1
            "asked_on": pl.Date,  # in UTC, by the call journal; null for rejudged
            "scorer": pl.String,
            "score": pl.Float64,  # 0 to 1; null where there is none
            "score_error": pl.String,
            "cost_usd": pl.Float64,  # of the system's answer; null where no price came back
        }
    ),
)


DRIFT_SIGNALS: Final = Table(
    name="drift_signals",
    job="drift",
    grain="one row per pinned system, stream and subset: this week against the reference's noise",
    partitioned_by="week",
    key=("system_id", "stream", "subset"),
    required=frozenset({"finding", "alarm", "items", "missing", "without_reference"}),
    schema=schema_of(
        {
            "system_id": pl.String,
            "stream": pl.String,  # rerun: provider and judge | rejudged: judge | frozen: audit
            "subset": pl.String,  # a subset, or 'all'
            "pinned_week": pl.String,  # of the reference; null without one
            "value": pl.Float64,  # this week's mean score of the items
            "mu0": pl.Float64,  # the reference's mean of the same items
            "sigma": pl.Float64,  # noise floor: standard deviation of one run's mean
            "k_runs": pl.Float64,  # reference runs an item, harmonic mean
            "z": pl.Float64,
            "slack": pl.Float64,  # in noise floors, what a week may deviate without being summed
            "cusum_down": pl.Float64,
            "cusum_up": pl.Float64,
            "e_detector": pl.Float64,
            "e_family": pl.Float64,  # mean of e_detector over all subsets and systems of a stream
            "shift": pl.Float64,  # mean deviation since the change began, as far as it shows
            "alarm": pl.Boolean,
            "alarm_since": pl.String,
            "attribution": pl.String,  # provider | judge | unattributed; null without an alarm
            "items": pl.Int64,  # that the figures rest on
            "missing": pl.Int64,  # items with a reference and no usable score, then or now
            "without_reference": pl.Int64,  # items asked this week that have no reference runs
            "finding": pl.String,  # alarm | within_noise | not_measured
            "note": pl.String,
        }
    ),
)
