"""Settled labels, and the golden set they make."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import MESSAGES, NAMES, Table, schema_of

ADJUDICATIONS: Final = Table(
    name="adjudications",
    job="publish",
    grain="one row per interaction whose label is settled, by agreement, adjudication or the log",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset(
        {
            "label",
            "settled_by",
            "selection",
            "labels",
            "annotators",
            "labelled_on",
            "annotator_kind",
            "label_probability",
        }
    ),
    schema=schema_of(
        {
            "interaction_id": pl.String,
            "task_id": pl.String,  # null where the log itself carries the label
            "label": pl.String,  # pass | fail
            "settled_by": pl.String,  # agreement | adjudication | recorded
            "selection": pl.String,  # dispute | audit | recorded
            "reason": pl.String,
            "label_probability": pl.Float64,
            "annotators": NAMES,
            "labels": NAMES,
            "adjudicated_by": pl.String,
            "annotator_kind": pl.String,  # person | scripted | recorded
            "rationale": pl.String,
            "reference_response": pl.String,
            "labelled_on": pl.Date,
        }
    ),
)


GOLDEN_SET: Final = Table(
    name="golden_set",
    job="publish",
    grain="one row per item of one golden version",
    partitioned_by="week",
    key=("item_id",),
    required=frozenset(
        {
            "item_revision",
            "week",
            "route",
            "kind",
            "subsets",
            "messages",
            "label_source",
            "selection",
            "expected_behaviour",
            "conversation_key",
            "admitted_in",
            "admitted_on",
            "labelled_on",
        }
    ),
    schema=schema_of(
        {
            "item_id": pl.String,
            "item_revision": pl.Int64,  # from 1; a new reference label makes a new revision
            "item_fingerprint": pl.String,  # of messages and reference
            "week": pl.String,  # of the interaction it came from
            "route": pl.String,
            "stratum": pl.String,
            "kind": pl.String,
            "subsets": NAMES,
            "messages": MESSAGES,
            "logged_response": pl.String,  # null for a synthetic item: nobody answered it
            "logged_model": pl.String,  # the served model that gave it
            "reference_response": pl.String,  # null where no good response is known
            "reference_label": pl.String,  # of the logged response: pass | fail; null without one
            "label_source": pl.String,  # agreement | adjudication | recorded | panel | synthetic
            "annotator_kind": pl.String,  # person | scripted | recorded | null for the other two
            "selection": pl.String,  # sample | synthetic: where the item comes from
            "expected_behaviour": pl.String,  # answer | graceful_failure
            "derived_from": pl.String,  # a synthetic item's source interaction's item id
            "mutation": pl.String,  # what was done to it; null unless synthetic
            "inclusion_probability": pl.Float64,  # null for a synthetic item: nothing drew it
            "design_weight": pl.Float64,
            "conversation_key": pl.String,
            "user_key": pl.String,
            "admitted_in": pl.Int64,  # golden version
            "admitted_on": pl.Date,
            "labelled_on": pl.Date,
        }
    ),
)
"""Stored under `golden/NNNNNN/items.parquet` with its manifest, not under `golden_set/`."""
