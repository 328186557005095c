"""What is known of a week when its page is made; null or empty where it was not measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(frozen=True)
class GoldenWeek:
    """The week's golden version: counts by name, what it lacks, and why items came and went."""

    version: int
    items: int
    admitted: Mapping[str, int]
    retired: Mapping[str, int]
    revised: Mapping[str, int]
    per_subset: Mapping[str, int]
    per_kind: Mapping[str, int]
    deficits: tuple[tuple[str, int, int], ...]
    content_fingerprint: str
    anonymiser_fingerprint: str


@dataclass(frozen=True)
class DecidedCandidate:
    """A decision on the week's golden version, as its JSON says it."""

    candidate_id: str
    decision: Mapping[str, Any]


@dataclass(frozen=True)
class WeekEvidence:
    """Tables of the week by their names; `*_before` are the week's before it.

    `drift`, `signals`, `monitor` and `predictions` hold the weeks up to this one with `week`.
    `quality` is PRODUCTION_QUALITY, `alerts` MONITOR_ALERTS, `tracking` OUTCOME_TRACKING.
    `audit` is GATE_AUDIT of the weeks up to this one, with `week`. `quarantined` counts rows of the
    logs that could not be read, by reason. `not_made` names tables that the week lacks, with the
    command that makes each.
    """

    week: str
    confidence: float
    frame: pl.DataFrame | None = None
    masking: pl.DataFrame | None = None
    panel: pl.DataFrame | None = None
    quality: pl.DataFrame | None = None
    quality_before: pl.DataFrame | None = None
    verdicts: pl.DataFrame | None = None
    disputes: pl.DataFrame | None = None
    adjudications: pl.DataFrame | None = None
    agreement: pl.DataFrame | None = None
    judges: pl.DataFrame | None = None
    reliability: pl.DataFrame | None = None
    drift: pl.DataFrame | None = None
    signals: pl.DataFrame | None = None
    monitor: pl.DataFrame | None = None
    alerts: pl.DataFrame | None = None
    outcomes: pl.DataFrame | None = None
    tracking: pl.DataFrame | None = None
    predictions: pl.DataFrame | None = None
    unnamed: pl.DataFrame | None = None
    audit: pl.DataFrame | None = None
    golden: GoldenWeek | None = None
    decisions: tuple[DecidedCandidate, ...] = ()
    quarantined: Mapping[str, int] | None = None
    not_made: Mapping[str, str] = field(default_factory=dict)

    def of_week(self, frame: pl.DataFrame | None) -> pl.DataFrame | None:
        """The week's own rows of a frame with `week`; null where it has none."""
        if frame is None:
            return None
        own = frame.filter(pl.col("week").cast(pl.String) == self.week)
        return None if own.is_empty() else own
