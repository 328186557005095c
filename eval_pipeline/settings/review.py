"""What people are asked, and the desk at which they answer."""

from typing import Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Section, Share


class ReviewSettings(Section):
    """What people are asked, and when their answers count."""

    annotators_per_item: int = Field(2, ge=2, le=5, description="Blind labels that a task needs.")
    weekly_budget: int = Field(40, ge=1, description="Tasks a week, audit slice included.")
    annotator_budget: int = Field(
        60, ge=1, description="Answers a week and person; a person may have a budget of their own."
    )
    maximum_extra: int = Field(
        20,
        ge=0,
        description="Further tasks a week while the golden set lacks freshly settled labels.",
    )
    audit_share: Share = Field(0.6, description="Of the budget, for the random audit slice.")
    gold_check_share: Share = Field(
        0.05,
        description="Besides the budget: items whose label is settled, asked again to see how "
        "careful annotators are. They look like any other task.",
    )
    deadline_days: int = Field(
        4, ge=1, description="After the week has ended; then the minimum share suffices."
    )
    carry_over_weeks: int = Field(
        1, ge=0, description="For so many weeks more a task that is not settled is still asked."
    )
    minimum_settled_share: Share = Field(
        0.5, description="At the deadline, publish only if this share of tasks is settled."
    )
    minimum_agreement: float = Field(
        0.0, ge=-1, le=1, description="Krippendorff's alpha between annotators to publish."
    )


class DeskSettings(Section):
    """The web page of the review desk."""

    host: str = Field("127.0.0.1", min_length=1, description="The address it listens on.")
    port: int = Field(8321, ge=1, le=65535, description="And the port.")
    lease_minutes: float = Field(
        20, ge=1, le=480, description="A task is kept for who opened it; the page renews it."
    )
    session_hours: float = Field(12, gt=0, le=720, description="Then people sign in again.")
    token_days: int = Field(90, ge=1, le=730, description="For how long a new token is good.")
    identity_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]*$",
        description="The header in which a proxy names who signed in there; needs "
        "`trusted_proxies`.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="Addresses or networks whose headers are believed."
    )
    behind_tls: bool = Field(
        False,  # noqa: FBT003 - the default of a field
        description="People reach it by https: cookies are then sent by https alone.",
    )
    requests_per_minute: int = Field(
        240, ge=1, description="A signed-in person's; more are answered with 429."
    )
    sign_ins_per_minute: int = Field(
        10, ge=1, description="Failed ones from one address; more are answered with 429."
    )

    @model_validator(mode="after")
    def _headers_are_believed_from_somewhere(self) -> Self:
        if self.identity_header is not None and not self.trusted_proxies:
            raise ValueError("`identity_header` needs `trusted_proxies`: anyone can send a header")
        return self
