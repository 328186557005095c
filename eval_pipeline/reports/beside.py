"""What is known beside a decision and is no part of it: evidence for people, null where absent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl


@dataclass(frozen=True)
class Standing:
    """What the policy lets people do about a decision, and whom to ask about a subset."""

    may_waive: tuple[str, ...] = ()
    waive_blocks: bool = False
    owners: Mapping[str, str] = field(default_factory=dict)
    whys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Beside:
    """What the page shows beside a decision; null where it is not there.

    judges: the newest JUDGE_QUALITY; reliability: its JUDGE_RELIABILITY. triage, failing: the
    candidate's FAILURE_TRIAGE and FAILING_ITEMS. costs: FAILURE_COSTS, of `traffic_week`.
    missing: MISSING_SCORES; refused: refusals by arm. excluded: items left out because a system may
    know them. signals: DRIFT_SIGNALS with `week`. shadow: SHADOW_REPORT. audit: HUMAN_CORRECTION.
    gate_audits: GATE_AUDIT with `week`. standing: null where a decision stands outside a configured
    project.
    """

    judges: pl.DataFrame | None = None
    reliability: pl.DataFrame | None = None
    triage: pl.DataFrame | None = None
    failing: pl.DataFrame | None = None
    costs: pl.DataFrame | None = None
    traffic_week: str | None = None
    missing: pl.DataFrame | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    excluded: int | None = None
    signals: pl.DataFrame | None = None
    shadow: pl.DataFrame | None = None
    audit: pl.DataFrame | None = None
    gate_audits: pl.DataFrame | None = None
    standing: Standing | None = None


NOTHING_BESIDE: Final = Beside()
