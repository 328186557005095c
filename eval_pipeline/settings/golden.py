"""What a golden version must hold, and what may not stand in one."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Section, Share

Mutation = Literal[
    "conflicting_instructions",
    "near_limit_length",
    "odd_scripts",
    "malformed_input",
    "injection",
]
MUTATIONS: tuple[Mutation, ...] = (
    "conflicting_instructions",
    "near_limit_length",
    "odd_scripts",
    "malformed_input",
    "injection",
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
    tolerance: Share = Field(
        0.10, description="A share that misses its target by more is reported, in items."
    )

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.typical + self.edge + self.adversarial
        if not math.isclose(total, 1):
            raise ValueError(f"the shares sum to {total}, not to 1")
        return self


class SaturationSettings(Section):
    """When an item tells systems apart no longer."""

    weeks: int = Field(
        8, ge=2, description="Saturated: full score from every system in so many newest weeks."
    )
    maximum_share: Share = Field(
        0.5, description="Of a version's items; beyond it the oldest saturated ones retire."
    )


class ContaminationSettings(Section):
    """When an item counts as known to a system beforehand, from its prompt or its training."""

    sources: tuple[str, ...] = Field(
        (),
        description="Files that any system may have learnt from: paths or patterns, text or JSONL.",
    )
    ngram_words: int = Field(8, ge=3, le=50, description="Words in a row that count as a match.")
    covered_share: Share = Field(
        0.6, gt=0, description="Contaminated from this share of the item's n-grams in one record."
    )
    similarity: Share = Field(
        0.8, gt=0, description="Contaminated from this Jaccard similarity to one record."
    )
    verbatim_words: int = Field(
        20,
        ge=5,
        description="A response that repeats so many reference words in a row is warned of.",
    )


class AdversarialSettings(Section):
    """Synthetic items: real questions made hard to read, contradictory or hostile."""

    weekly_items: int = Field(15, ge=0, description="Made a week; 0 makes none.")
    maximum_share: Share = Field(0.10, description="Of a version's items, at most.")
    mutations: tuple[Mutation, ...] = Field(
        MUTATIONS, min_length=1, description="Which kinds to make, in turn."
    )
    limit_characters: int = Field(
        8000, ge=500, description="What counts as the input's limit for `near_limit_length`."
    )


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
    maximum_per_user: int = Field(10, ge=1, description="Items of one person, at most.")
    maximum_per_conversation: int = Field(
        2, ge=1, description="Items of one conversation, at most."
    )
    near_duplicate_similarity: Share = Field(
        0.9, gt=0, description="Questions at least so alike (Jaccard) are merged into one item."
    )
    saturation: SaturationSettings = Field(
        SaturationSettings(), description="When an item tells systems apart no longer."
    )
    contamination: ContaminationSettings = Field(
        ContaminationSettings(), description="When an item is known to a system beforehand."
    )
    adversarial: AdversarialSettings = Field(
        AdversarialSettings(), description="Synthetic hard questions, made from real ones."
    )
    recorded_labels: tuple[RecordedLabelSettings, ...] = Field(
        (), description="Which labels of the log itself to trust."
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.minimum_items > self.maximum_items:
            raise ValueError("`minimum_items` exceeds `maximum_items`")
        return self
