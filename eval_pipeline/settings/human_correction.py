"""How people's labels of a candidate's answers enter the gate."""

from pydantic import Field

from eval_pipeline.settings.section import Section, Share


class HumanCorrectionSettings(Section):
    """The candidate audit: how much people are asked, and what stands where they were not."""

    audit_items: int = Field(
        60,
        ge=0,
        description="Items of a candidate of which people label both answers, when asked for; "
        "0: none.",
    )
    minimum_per_stratum: int = Field(
        15, ge=2, description="Items drawn at least where judges were split, changed or agreed."
    )
    automatic: bool = Field(
        default=False,
        description="Whether every candidate that is evaluated is audited; else on request, by "
        "`eval-pipeline review audit-candidate`.",
    )
    minimum_labels: int = Field(
        20, ge=10, description="With fewer settled pairs the labels correct nothing."
    )
    maximum_missing: Share = Field(
        0.1,
        description="Where a larger share of the drawn pairs is not settled, they correct "
        "nothing yet.",
    )
    bias_candidates: int = Field(
        8, ge=1, description="So many audited candidates bound the bias of one that is not."
    )
    assumed_bias: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="The judges' bias assumed where no candidate was ever audited; null: none is "
        "bounded, and the decision says so.",
    )
