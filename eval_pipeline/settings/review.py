"""What people are asked."""

from pydantic import Field

from eval_pipeline.settings.section import Section, Share


class ReviewSettings(Section):
    """What people are asked, and when their answers count."""

    annotators_per_item: int = Field(2, ge=2, le=5, description="Blind labels that a task needs.")
    weekly_budget: int = Field(40, ge=1, description="Tasks a week, audit slice included.")
    maximum_extra: int = Field(
        20,
        ge=0,
        description="Further tasks a week while the golden set lacks freshly settled labels.",
    )
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
