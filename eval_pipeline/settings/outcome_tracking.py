"""When offline scores are said to track production's outcome no longer."""

import datetime as dt

from pydantic import Field, field_validator

from eval_pipeline.settings.section import Section


class OutcomeTrackingSettings(Section):
    """How predictions of the outcome are followed, and how rarely they may warn for nothing."""

    false_warnings_per_year: float = Field(
        0.2,
        gt=0,
        le=12,
        description="Warnings a year that 'no longer tracks' while nothing has changed, on "
        "average: half of them on all traffic, half on all subsets together.",
    )
    link_from: dt.date | None = Field(
        None,
        description="The Monday from which the link of scores to outcomes is learned anew, once "
        "a person knows why it broke. Earlier weeks then count for nothing.",
    )

    @field_validator("link_from")
    @classmethod
    def _names_a_week(cls, day: dt.date | None) -> dt.date | None:
        if day is not None and day.weekday() != 0:
            raise ValueError(f"`link_from` is a {day:%A}; write the week's Monday")
        return day
