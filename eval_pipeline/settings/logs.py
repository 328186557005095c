"""Where the logs are, what reads them, and what a week of them must look like."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from eval_pipeline.settings.section import Section, Share
from eval_pipeline.tables import INTERACTION_COLUMNS

LogFormat = Literal["canonical", "otel_genai", "langfuse", "litellm", "openai_jsonl", "sql"]


class SparkSettings(Section):
    """The Spark that reads the logs when `logs.engine` is spark."""

    url: str = Field(
        "local[*]",
        description="Spark Connect (sc://host:15002), a standalone master (spark://host:7077), "
        "or local[N] in this process.",
    )
    options: dict[str, str] = Field(
        default_factory=dict, description="Spark's own configuration, as key and value."
    )


class LogsSettings(Section):
    """Where the production logs are and how to read them."""

    format: LogFormat = Field(
        "canonical",
        description="canonical: Parquet or JSONL in the canonical schema; otel_genai: "
        "OpenTelemetry GenAI spans as JSON lines; langfuse: exported traces, observations and "
        "scores; litellm: its spend and proxy logs; openai_jsonl: one request/response pair a "
        "line; sql: your own SELECT to the canonical schema.",
    )
    path: str = Field(
        description="Glob of the files, here or in an object store (s3://, gs://, az://). "
        "`{week}` stands for the week's Monday, if the files are split by week."
    )
    query: str | None = Field(
        None, description="With `format: sql`: the file that holds the SELECT; it reads `$path`."
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Canonical column to the name that your files give it.",
    )
    engine: Literal["duckdb", "spark"] = Field(
        "duckdb", description="What scans the logs; both draw the same sample."
    )
    spark: SparkSettings = Field(SparkSettings(), description="Which Spark, with `engine: spark`.")
    watermark_hours: float = Field(
        2.0,
        ge=0,
        lt=168,
        description="A week is closed this long after its end; nothing is drawn from it before. "
        "Where `columns` maps `arrived_at`, an interaction that arrives later joins the next week.",
    )

    @model_validator(mode="after")
    def _sql_needs_a_query(self) -> Self:
        if (self.format == "sql") != (self.query is not None):
            raise ValueError("`query` goes with `format: sql`, and only with it")
        return self


PromiseName = Literal[
    "schema",
    "minimum_interactions",
    "duplicates",
    "ranges",
    "quarantine",
    "nulls",
    "inside_week",
    "in_the_future",
    "arrival_order",
    "days_present",
    "late",
    "volume",
    "volume_by_stratum",
]
"""What the logs' contract promises, by the name under which its severity is set."""

Severity = Literal["blocking", "warning"]

USUAL_SEVERITIES: Final[Mapping[PromiseName, Severity]] = MappingProxyType(
    {
        "schema": "blocking",
        "minimum_interactions": "blocking",
        "duplicates": "blocking",
        "ranges": "blocking",
        "quarantine": "blocking",
        "nulls": "blocking",
        "inside_week": "blocking",
        "in_the_future": "blocking",
        "arrival_order": "warning",
        "days_present": "warning",
        "late": "warning",
        "volume": "warning",
        "volume_by_stratum": "warning",
    }
)
"""Blocking is what would falsify the sample; a warning is what a sound but unusual week shows."""


class ContractSettings(Section):
    """What a week of logs must look like before anything is sampled from it."""

    minimum_interactions: int = Field(
        1, ge=1, description="Fewer interactions in a week fail the run."
    )
    maximum_null_share: dict[str, Share] = Field(
        default_factory=lambda: {"response": 0.05, "route": 0.0, "conversation_id": 0.0},
        description="Canonical column to the share of its rows that may be empty.",
    )
    maximum_duplicate_share: Share = Field(
        0.0, description="Rows that repeat an id, beyond this share of the week, fail the run."
    )
    maximum_quarantined_share: Share = Field(
        0.01, description="Malformed rows beyond this share of the week fail the run."
    )
    maximum_out_of_range_share: Share = Field(
        0.01,
        description="Share of the interactions that may log an impossible number: negative "
        "latency, tokens or cost, over an hour, over ten million tokens, an outcome outside 0-1.",
    )
    maximum_late_share: Share = Field(
        0.05,
        description="Share of the week's frame that may be of the week before, arrived after it "
        "was closed.",
    )
    maximum_hours_outside_week: float = Field(
        14.0,
        ge=0,
        le=168,
        description="How far the first and the last interaction may lie outside the week (UTC); "
        "14 hours are what a file cut by local time can differ.",
    )
    minimum_days: int = Field(
        7, ge=1, le=7, description="On how many days of the week there must be interactions."
    )
    volume_weeks: int = Field(
        8,
        ge=3,
        le=52,
        description="The week's volume is compared with the median of so many earlier weeks; "
        "with fewer than three it is not judged.",
    )
    minimum_volume_ratio: float = Field(
        0.5, ge=0, le=1, description="The smallest share of the baseline that a week may hold."
    )
    maximum_volume_ratio: float = Field(
        2.0, ge=1, description="How many times the baseline a week may hold at most."
    )
    minimum_volume_baseline: int = Field(
        50,
        ge=1,
        description="A stratum with a smaller baseline is not judged by its volume: chance alone "
        "would move it past the bounds.",
    )
    severity: dict[PromiseName, Severity] = Field(
        default_factory=dict,
        description="Promise to what becomes of a week that breaks it: `blocking` stops the run "
        "before anything is written, `warning` is shown and stops nothing. What is not named "
        "keeps its usual severity (docs/contract.md).",
    )

    @field_validator("maximum_null_share")
    @classmethod
    def _canonical_columns(cls, shares: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(shares) - set(INTERACTION_COLUMNS))
        if unknown:
            raise ValueError(
                f"{', '.join(unknown)} is no canonical column; there are "
                f"{', '.join(sorted(INTERACTION_COLUMNS))}"
            )
        return shares

    def severity_of(self, promise: PromiseName) -> Severity:
        """What the configuration says of this promise, else what is usual."""
        return self.severity.get(promise, USUAL_SEVERITIES[promise])
