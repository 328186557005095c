"""What people are asked, and what a golden version must hold."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Section, Share


class ReviewSettings(Section):
    """What people are asked, and when their answers count."""

    annotators_per_item: int = Field(2, ge=2, le=5, description="Blind labels that a task needs.")
    weekly_budget: int = Field(40, ge=1, description="Tasks a week, audit slice included.")
    audit_share: Share = Field(0.6, description="Of the budget, for the random audit slice.")
    deadline_days: int = Field(
        4, ge=1, description="After the week has ended; then the minimum share suffices."
    )
    minimum_settled_share: Share = Field(
        0.5, description="At the deadline, publish only if this share of tasks is settled."
    )
    minimum_agreement: float = Field(
        0.0, ge=-1, le=1, description="Krippendorff's alpha between annotators to publish."
    )


class RecordedLabelSettings(Section):
    """Labels that the log itself carries: an outcome or a person's feedback."""

    column: Literal["outcome", "feedback"] = Field(description="Where the label stands.")
    pass_at_least: float = Field(description="Values from here on are a pass.")
    routes: tuple[str, ...] = Field((), description="Where to trust it; empty: everywhere.")


class MixSettings(Section):
    """The target shares of kinds in the golden set."""

    typical: Share = Field(0.60, description="Target share.")
    edge: Share = Field(0.25, description="Target share.")
    adversarial: Share = Field(0.15, description="Target share.")
    tolerance: Share = Field(1.0, description="How far a share may miss its target.")

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.typical + self.edge + self.adversarial
        if not math.isclose(total, 1):
            raise ValueError(f"the shares sum to {total}, not to 1")
        return self


class GoldenSettings(Section):
    """What a golden version must hold to be published."""

    minimum_items: int = Field(200, ge=1, description="With fewer, no version is published.")
    maximum_items: int = Field(500, ge=1, description="Beyond it the oldest items make room.")
    minimum_per_subset: int = Field(
        30, ge=0, description="What is missing is reported as a deficit."
    )
    mix: MixSettings = Field(MixSettings(), description="The target shares of kinds.")
    maximum_age_days: int = Field(120, ge=1, description="Older labels retire.")
    minimum_fresh_share: Share = Field(
        0.02, description="Share of items settled by people or logs since the last version."
    )
    recorded_labels: tuple[RecordedLabelSettings, ...] = Field(
        (), description="Which labels of the log itself to trust."
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.minimum_items > self.maximum_items:
            raise ValueError("`minimum_items` exceeds `maximum_items`")
        return self
