"""Production's monitor: how often it may be wrong, what it forgets, and how much is judged."""

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Section, Share

MONDAY = 0


class AcknowledgedWeeks(Section):
    """Weeks that somebody looked at, and that baselines leave out."""

    week: dt.date = Field(description="The Monday of the first of these weeks.")
    until: dt.date | None = Field(None, description="The last Monday; none: that week alone.")
    metrics: tuple[str, ...] = Field((), description="As the alerts name them; empty: every one.")
    routes: tuple[str, ...] = Field(
        (), description="Routes, `all` or subsets' names; empty: every one."
    )
    new_level: bool = Field(
        default=False,
        description="From `week` on is the new normal: all weeks before it are left out.",
    )
    by: str = Field(min_length=1, description="Who looked.")
    reason: str = Field(min_length=1, description="What it was; it names no person's data.")

    @model_validator(mode="after")
    def _weeks_are_mondays_in_order(self) -> Self:
        if any(day is not None and day.weekday() != MONDAY for day in (self.week, self.until)):
            raise ValueError("`week` and `until` must be Mondays")
        if self.until is not None and self.until < self.week:
            raise ValueError(f"`until` {self.until} lies before `week` {self.week}")
        if self.new_level and self.until is not None:
            raise ValueError("a `new_level` has no `until`")
        return self


class MonitorSettings(Section):
    """What a week of production is held against, and when that is an alert."""

    false_alarms_per_year: float = Field(
        0.8,
        gt=0,
        le=12,
        description="Of each metric over all its routes or subsets together, where nothing "
        "changes; the cut-offs follow from it.",
    )
    minimum_weeks: int = Field(
        6, ge=4, le=26, description="With less history of a series nothing is called unusual."
    )
    minimum_measured: int = Field(
        20, ge=2, description="A figure of fewer interactions than this is neither now nor history."
    )
    seasonal_strength: Share = Field(
        0.64,
        description="With two full years of history: the yearly pattern's share of the variation "
        "from which it is taken out before comparing; 1: never.",
    )
    response_characters: Literal["where_tokens_are_missing", "always", "never"] = Field(
        "where_tokens_are_missing",
        description="When DuckDB measures the responses' lengths, which reads their text; on Spark "
        "they are not measured.",
    )
    acknowledged: tuple[AcknowledgedWeeks, ...] = Field(
        (), description="Weeks that baselines leave out, with who looked and why."
    )
    quality_share: float = Field(
        0.01,
        ge=0.01,
        le=0.05,
        description="Of the week's traffic, judged by the panel; beyond the sample, conversations "
        "of the reserve are judged in hash order.",
    )
    quality_maximum: int = Field(
        1000, ge=0, description="Interactions of the reserve judged a week for this, at most."
    )
