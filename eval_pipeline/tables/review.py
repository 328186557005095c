"""How far the people at the review desk agree."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

ANNOTATOR_AGREEMENT: Final = Table(
    name="annotator_agreement",
    job="publish",
    grain="one row per subset, span of weeks, kind of annotator and measure of blind agreement",
    partitioned_by="week",
    key=("subset", "span", "annotator_kind", "measure"),
    required=frozenset({"tasks", "asked", "weeks"}),
    schema=schema_of(
        {
            "subset": pl.String,  # a subset, or 'all'
            "span": pl.String,  # week: this week's tasks | window: the last weeks', one rubric
            "annotator_kind": pl.String,  # person | scripted: a script answered one of them
            # percent | kappa | fleiss | alpha | ac1: of the tasks asked, unweighted;
            # alpha_cannot_tell: with cannot_tell as a category of its own;
            # ceiling: percent, weighted to all that was judged; cannot_tell: the share of tasks,
            # weighted alike, where somebody could not tell
            "measure": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "tasks": pl.Int64,  # that the value rests on
            "asked": pl.Int64,  # tasks of this subset and span, whoever answered them
            "weeks": pl.Int64,
        }
    ),
)
