"""The weekly audit of the gate: which faults are planted, how often, and what it may miss."""

from typing import Annotated, Literal

from pydantic import Field

from eval_pipeline.settings.section import Section, Share

Size = Annotated[float, Field(gt=0)]
PlantedShare = Annotated[float, Field(gt=0, lt=0.5)]
Drop = Annotated[float, Field(gt=0, lt=1)]


class GateAuditSettings(Section):
    """Known faults in copies of the week's evidence, and what the gate may make of them."""

    enabled: bool = Field(
        True,  # noqa: FBT003 - pydantic's default
        description="Whether decisions tell what the newest audit found, or that there is none.",
    )
    replications: int = Field(
        40,
        ge=5,
        le=10_000,
        description="Copies a fault, subset and size; five times as many with nothing planted.",
    )
    sizes: tuple[Size, ...] = Field(
        (1.0, 1.5, 2.0),
        min_length=1,
        description="Planted regressions, in multiples of a subset's tolerance. Below 1 the gate "
        "may pass them, so what it does is told and held against nothing.",
    )
    swapped_shares: tuple[PlantedShare, ...] = Field(
        (0.1, 0.3), min_length=1, description="Shares of settled labels that are turned around."
    )
    drifts: tuple[Drop, ...] = Field(
        (0.05, 0.1, 0.2),
        min_length=1,
        description="Drops of a pinned system's mean score that are planted as a silent change of "
        "its model.",
    )
    drift_weeks: int = Field(
        4, ge=1, le=52, description="Weeks in which the drift alarm has to see a planted change."
    )
    confidence: float = Field(
        0.99,
        gt=0.5,
        lt=1,
        description="How sure an audit must be that a rate is above what is allowed, over all its "
        "rates together.",
    )
    maximum_false_block_rate: Share | None = Field(
        None, description="Of copies with nothing planted; null: 1 - `gate.confidence`."
    )
    maximum_miss_rate: Share | None = Field(
        None,
        description="Of copies in which a planted regression of at least the tolerance is "
        "certified; null: 1 - `gate.confidence`.",
    )
    maximum_unnoticed_rate: Share | None = Field(
        None,
        description="Of swapped labels and of changed models that nothing notices; null: told and "
        "held against nothing.",
    )
    maximum_false_alarm_rate: Share | None = Field(
        None,
        description="Of unchanged models that raise a drift alarm in `drift_weeks`; null: told.",
    )
    maximum_age_days: int = Field(
        14, ge=7, description="An audit of an older week says nothing of today's gate."
    )
    when_missing_too_much: Literal["inconclusive", "note"] = Field(
        "inconclusive",
        description="What a proven excess of misses does to a decision: nothing passes, or a "
        "sentence.",
    )
    when_blocking_too_much: Literal["inconclusive", "note"] = Field(
        "note",
        description="What a proven excess of false blocks does: no block is believed, or a "
        "sentence.",
    )
