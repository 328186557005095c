"""What masking did in a week, and how well: the figures behind the page for data protection."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

ANONYMISATION_REPORT: Final = Table(
    name="anonymisation_report",
    job="refresh",
    grain="one row per measure of the week's masking, and per kind, field, route or identifier",
    partitioned_by="week",
    key=("measure", "dimension", "about"),
    required=frozenset({"anonymiser_fingerprint", "versions"}),
    schema=schema_of(
        {
            # interactions | texts | masked_texts | characters | masked_characters | masked_spans |
            # canary_recall | leaked_canaries | leak_share | unestimated_spans | residual_hits |
            # known_values | known_value_hits | people | conversations | groups | small_groups |
            # smallest_group | present_values | suppressed_values
            "measure": pl.String,
            "dimension": pl.String,  # week | kind | field | route | identifier
            "about": pl.String,  # which kind, field, route or identifier; 'all' for the week
            "value": pl.Float64,  # null where the week does not say
            "lower": pl.Float64,
            "upper": pl.Float64,
            "cases": pl.Int64,  # what the value is a part of, or rests on; null where of nothing
            "limit": pl.Float64,  # the policy's; null where it sets none
            "anonymiser_fingerprint": pl.String,
            "versions": pl.String,  # of this program and the libraries that masked
        }
    ),
)
