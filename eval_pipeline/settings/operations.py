"""Alerts, storage, and when the daemon acts on its own."""

import datetime as dt
from typing import Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Section


class AlertsSettings(Section):
    """Where failures are told: a Slack-compatible webhook, by environment variable."""

    webhook_variable: str | None = Field(
        None,
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="The environment variable that holds the webhook's URL; none: no alerts.",
    )


class StorageSettings(Section):
    """Where results live."""

    lake: str = Field("lake", description="Folder, or s3:// gs:// az:// URL.")
    store: str = Field(
        "sqlite:///store.sqlite", description="SQLAlchemy URL, or env:VARIABLE that holds one."
    )


class AutomationSettings(Section):
    """When the daemon acts on its own (UTC)."""

    weekly_refresh: str = Field("0 2 * * 1", description="Cron of the intake and judging.")
    weekly_drift: str = Field("0 4 * * 1", description="Cron of the re-runs of old versions.")
    weekly_aa: str = Field(
        "0 6 * * 1", description="Cron of the baseline against itself through the gate."
    )
    first_week: dt.date = Field(
        dt.date(2026, 1, 5), description="The first Monday that has a partition."
    )
    provider_poll_seconds: int = Field(
        3600, ge=30, description="How often the provider watch asks its canary prompts."
    )

    @model_validator(mode="after")
    def _first_week_is_a_monday(self) -> Self:
        if self.first_week.weekday() != 0:
            raise ValueError(f"`first_week` is {self.first_week:%A}, not a Monday")
        return self
