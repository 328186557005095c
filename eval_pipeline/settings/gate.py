"""The watch on providers, and the product owner's policy."""

from collections.abc import Iterator, Mapping
from typing import Final, Self

from pydantic import ConfigDict, Field, model_validator

from eval_pipeline.settings.gate_audit import GateAuditSettings
from eval_pipeline.settings.human_correction import HumanCorrectionSettings
from eval_pipeline.settings.judge_quality import JudgeQualitySettings
from eval_pipeline.settings.planning import (
    AASettings,
    ContinuationSettings,
    LedgerSettings,
    PlanningSettings,
)
from eval_pipeline.settings.section import Section, Share
from eval_pipeline.settings.triage import TriageSettings

SYNTHETIC_SUBSET: Final = "synthetic_adversarial"
"""Under this name synthetic items are reported; no subset of the traffic may bear it."""


def _tolerance_problems(key: str, tolerances: Mapping[str, float]) -> Iterator[str]:
    if "default" not in tolerances:
        yield f"`{key}` needs a `default`"
    for subset, tolerance in tolerances.items():
        if not 0 < tolerance < 1:
            yield f"the tolerance of '{subset}' is {tolerance} in `{key}`, not between 0 and 1"


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


class SubsetLimits(Section):
    """Limits on latency and cost in one subset, beside those over all items."""

    maximum_latency_ratio: float | None = Field(
        None, gt=0, description="Candidate's p95 latency over the baseline's, in this subset."
    )
    maximum_cost_ratio: float | None = Field(
        None, gt=0, description="Candidate's cost per success over the baseline's, in this subset."
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
    maximum_uncovered: Share = Field(
        0.02,
        description="Where a larger share of the week's traffic has no item, nothing passes.",
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
    subset_limits: dict[str, SubsetLimits] = Field(
        default_factory=dict,
        description="Limits of latency and cost in single subsets, by name; the two above hold "
        "over all items.",
    )
    prove_limits: bool = Field(
        default=False,
        description="Whether a limit of latency or cost must be kept beyond doubt: where the "
        "interval reaches over it, nothing passes. If not, a figure within the limit is enough.",
    )
    minimum_judge_agreement: Share | None = Field(
        None, description="Lower bound of the panel's agreement with people; below: invalid."
    )
    judges: JudgeQualitySettings = Field(
        JudgeQualitySettings(), description="What the judges behind the scores have to keep."
    )
    minimum_human_agreement: Share | None = Field(
        None,
        description="Where two people agree on less of what is judged, no gated subset can be "
        "certified; nor where it was not measured. Reported only, if null.",
    )
    triage: TriageSettings = Field(
        TriageSettings(), description="What is asked again after a decision; it changes no verdict."
    )
    human: HumanCorrectionSettings = Field(
        default_factory=HumanCorrectionSettings,
        description="How people's labels of a candidate's answers correct the judges.",
    )
    maximum_golden_age_days: int | None = Field(
        None, ge=1, description="The newest golden version may not be older than this."
    )
    aa: AASettings = AASettings()
    continuation: ContinuationSettings = ContinuationSettings()
    ledger: LedgerSettings = LedgerSettings()
    planning: PlanningSettings = PlanningSettings()
    minimum_fresh_share: Share | None = Field(
        None,
        description="Of the golden version's items, the share whose label was settled since the "
        "version before; below: invalid.",
    )
    dimensions: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="Dimension to the largest drop accepted in it, by subset: `default` for all "
        "items (`all`) and every subset that holds any of it. Those not named are reported only. "
        "Beside the scorers' there are `refusal` and `format_validity`.",
    )
    review_beyond: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="A drop beyond this, in any dimension and subset, keeps a candidate from "
        "passing until a person has recorded that they looked. No rule, if null.",
    )
    require_outcome_tracking: bool = Field(
        default=False,
        description="Whether nothing passes while offline scores no longer track production's "
        "outcome; if false, the decision says so and changes nothing.",
    )
    audit: GateAuditSettings = Field(
        GateAuditSettings(), description="Faults that are planted every week to hold the gate to."
    )
    require_audit: bool = Field(
        default=False,
        description="Whether nothing passes without an audit of the gate that is recent and could "
        "be made; if false, the decision says so and changes nothing.",
    )
    may_waive: tuple[str, ...] = Field(
        (), description="Who may waive subsets that are not certified; nobody, if empty."
    )
    waive_blocks: bool = Field(
        default=False, description="Whether they may waive a subset whose loss is proven, too."
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _policy_is_coherent(self) -> Self:
        for problem in _tolerance_problems("tolerances", self.tolerances):
            raise ValueError(problem)
        for dimension, tolerances in self.dimensions.items():
            for problem in _tolerance_problems(f"dimensions.{dimension}", tolerances):
                raise ValueError(problem)
        if list(self.looks) != sorted(set(self.looks)):
            raise ValueError("`looks` must grow")
        return self

    @property
    def planned_looks(self) -> int:
        """How often the gate may look: once at the golden items, then once per top-up."""
        return 1 + len(self.looks)

    @property
    def look_alpha(self) -> float:
        """The one-sided error of each planned look: what no continuation keeps, shared equally."""
        return (1 - self.confidence) * (1 - self.continuation.share) / self.planned_looks

    @property
    def continuation_alpha(self) -> float:
        """The one-sided error of the e-processes after the last planned look; 0 without any."""
        return (1 - self.confidence) * self.continuation.share

    def tolerance_of(self, subset: str) -> float:
        """The largest drop that the policy accepts in `subset`; 'all' is the aggregate's."""
        if subset == "all":
            return self.aggregate_tolerance
        return self.tolerances.get(subset, self.tolerances["default"])

    def for_dimension(self, dimension: str) -> Self:
        """The policy as it reads in this dimension's scores; raises `KeyError` if it is not gated.

        Only the tolerances differ, so that the same comparison decides.
        """
        tolerances = self.dimensions[dimension]
        whole = tolerances.get("all", tolerances["default"])
        own = {name: value for name, value in tolerances.items() if name != "all"}
        return self.model_copy(update={"tolerances": own, "aggregate_tolerance": whole})

    def claims_beside(self, names: int) -> int:
        """How many claims of harm the gated dimensions add to those of `names` subsets.

        Counted before anything is measured: each dimension as if every subset held some of it.
        """
        return len(self.dimensions) * names

    def limits_in(self, subset: str) -> SubsetLimits:
        """The limits of latency and cost in `subset`; 'all' are those over all items."""
        if subset != "all":
            return self.subset_limits.get(subset, SubsetLimits())
        return SubsetLimits(
            maximum_latency_ratio=self.maximum_latency_ratio,
            maximum_cost_ratio=self.maximum_cost_ratio,
        )

    def decides_on(self, subset: str) -> bool:
        """Whether the subset can stop a candidate: synthetic items only where they are named."""
        return subset != SYNTHETIC_SUBSET or subset in self.tolerances
