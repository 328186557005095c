"""Drift and the product owner's policy."""

from typing import Final, Self

from pydantic import ConfigDict, Field, model_validator

from eval_pipeline.settings.section import Name, Section, Share

SYNTHETIC_SUBSET: Final = "synthetic_adversarial"
"""Under this name synthetic items are reported; no subset of the traffic may bear it."""


class DriftSettings(Section):
    """Which old versions are re-run each week, and on which systems."""

    systems: tuple[Name, ...] = Field((), description="Pinned systems; empty: the baseline.")
    versions: int = Field(3, ge=1, description="How many of the newest versions are re-run.")
    maximum_items: int = Field(200, ge=1, description="Items a week, over the union of versions.")
    confidence: float = Field(
        0.99, gt=0.5, lt=1, description="Of the intervals that must exclude zero to name drift."
    )
    minimum_difference: Share = Field(0.02, description="Smaller differences are never drift.")


class WatchSettings(Section):
    """How the provider-change sensor looks: a few canary prompts, asked again and again."""

    prompts: int = Field(20, ge=1, description="Golden items that are asked as canaries.")
    repeats: int = Field(
        3, ge=1, description="How often each is asked at one look, to know its own noise."
    )
    false_alarms_per_quarter: float = Field(
        1.0, gt=0, description="At most so many on average, over all systems watched."
    )
    headers: tuple[str, ...] = Field(
        ("openai-version", "openai-processing-model", "anthropic-version", "x-model-version"),
        description="Reply headers that name a version; a new value is a sign of a change.",
    )


class GateSettings(Section):
    """The product owner's policy: what a candidate may lose, and how sure the gate must be."""

    confidence: float = Field(
        0.95, gt=0.5, lt=1, description="How sure the gate must be, shared over all looks."
    )
    aggregate_tolerance: float = Field(
        0.02, gt=0, lt=1, description="The largest drop accepted over all items together."
    )
    tolerances: dict[str, float] = Field(
        default_factory=lambda: {"default": 0.05},
        description="Subset to the largest drop accepted in it; `default` for the others. "
        "Synthetic items are gated only where `synthetic_adversarial` stands here.",
    )
    block_fraction: Share = Field(
        0.5, description="Block only on proof of more than this fraction of the tolerance."
    )
    looks: tuple[int, ...] = Field(
        (400, 800, 1600), description="Cumulative items per subset after the first look."
    )
    maximum_missing: Share = Field(
        0.02, alias="max_missing", description="A larger share of missing scores is no basis."
    )
    maximum_latency_ratio: float | None = Field(
        None, gt=0, description="Candidate's p95 latency over the baseline's."
    )
    maximum_cost_ratio: float | None = Field(
        None, gt=0, description="Candidate's cost per success over the baseline's."
    )
    minimum_judge_agreement: Share | None = Field(
        None, description="Lower bound of the panel's agreement with people; below: invalid."
    )
    minimum_human_agreement: Share | None = Field(
        None,
        description="Where two people agree on less of what is judged, no gated subset can be "
        "certified; nor where it was not measured. Reported only, if null.",
    )
    maximum_golden_age_days: int | None = Field(
        None, ge=1, description="The newest golden version may not be older than this."
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _policy_is_coherent(self) -> Self:
        if "default" not in self.tolerances:
            raise ValueError("`tolerances` needs a `default`")
        for subset, tolerance in self.tolerances.items():
            if not 0 < tolerance < 1:
                raise ValueError(f"the tolerance of '{subset}' is {tolerance}, not between 0 and 1")
        if list(self.looks) != sorted(set(self.looks)):
            raise ValueError("`looks` must grow")
        return self

    def tolerance_of(self, subset: str) -> float:
        """The largest drop that the policy accepts in `subset`; 'all' is the aggregate's."""
        if subset == "all":
            return self.aggregate_tolerance
        return self.tolerances.get(subset, self.tolerances["default"])

    def decides_on(self, subset: str) -> bool:
        """Whether the subset can stop a candidate: synthetic items only where they are named."""
        return subset != SYNTHETIC_SUBSET or subset in self.tolerances
