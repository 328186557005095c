"""What people are asked, and the desk at which they answer."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Section, Share

Alpha = Annotated[float, Field(ge=-1, le=1)]


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
    recurring_weeks: int = Field(
        4, ge=1, description="Of the last so many weeks with labels, those are counted in which ..."
    )
    recurring_at_least: int = Field(
        3,
        ge=1,
        description="... people overruled the panel on a route and kind, or in a subset; where "
        "they did in so many weeks, its verdicts are queued although the judges agree.",
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
    minimum_subset_agreement: dict[str, Alpha] = Field(
        default_factory=dict,
        description="Subset to the alpha that it needs to publish; `default` for the others. Below "
        "it only where the whole interval is, so that noise on a few tasks blocks nothing.",
    )
    agreement_weeks: int = Field(
        8,
        ge=1,
        description="Weeks that agreement is pooled over, this one included, while the rubric is "
        "the same.",
    )

    def minimum_alpha_of(self, subset: str) -> float | None:
        """The alpha that the subset needs to publish, null where the policy asks for none."""
        minimum = self.minimum_subset_agreement
        return minimum.get(subset, minimum.get("default"))

    @model_validator(mode="after")
    def _recurring_can_happen(self) -> Self:
        if self.recurring_at_least > self.recurring_weeks:
            raise ValueError("`recurring_at_least` cannot be more than `recurring_weeks`")
        return self


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
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Names by which people reach it besides `host` and localhost; requests for "
        "any other are refused.",
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
