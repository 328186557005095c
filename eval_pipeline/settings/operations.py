"""Storage, and when the daemon acts on its own."""

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Section


class StorageSettings(Section):
    """Where results live."""

    lake: str = Field("lake", description="Folder, or s3:// gs:// az:// URL.")
    store: str = Field(
        "sqlite:///store.sqlite", description="SQLAlchemy URL, or env:VARIABLE that holds one."
    )
    upgrades: Literal["automatic", "by_command"] = Field(
        "automatic",
        description="Who migrates a store of an earlier schema: whoever opens it first, or "
        "`eval-pipeline store upgrade` alone.",
    )
    erasure_ledger: str | None = Field(
        None,
        description="A folder or URL apart from the lake to which `forget` copies its record, so "
        "that a restored backup is known to hold people who were erased since.",
    )


class AutomationSettings(Section):
    """When the daemon acts on its own (UTC)."""

    weekly_refresh: str = Field("0 2 * * 1", description="Cron of the intake and judging.")
    weekly_drift: str = Field("0 4 * * 1", description="Cron of the re-runs of old versions.")
    weekly_aa: str = Field(
        "0 6 * * 1", description="Cron of the baseline against itself through the gate."
    )
    weekly_digest: str = Field("0 8 * * 1", description="Cron of the digest to the channels.")
    first_week: dt.date = Field(
        dt.date(2026, 1, 5), description="The first Monday that has a partition."
    )
    provider_poll_seconds: int = Field(
        3600, ge=30, description="How often the provider watch asks its canary prompts."
    )
    warn_after_hours: int = Field(
        12,
        ge=1,
        le=167,
        description="A weekly table that is this much older than a week is shown as a warning.",
    )
    late_after_hours: int = Field(
        36,
        ge=1,
        le=168,
        description="Then it is shown as late. What waits for labels has until `review."
        "deadline_days` in addition.",
    )

    @model_validator(mode="after")
    def _first_week_is_a_monday(self) -> Self:
        if self.first_week.weekday() != 0:
            raise ValueError(f"`first_week` is {self.first_week:%A}, not a Monday")
        return self

    @model_validator(mode="after")
    def _a_warning_comes_first(self) -> Self:
        if self.warn_after_hours >= self.late_after_hours:
            raise ValueError(
                f"`warn_after_hours` is {self.warn_after_hours} and `late_after_hours` only "
                f"{self.late_after_hours}; a warning comes first"
            )
        return self
