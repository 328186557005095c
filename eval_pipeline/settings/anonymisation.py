"""What is masked, how, and how surely, before any text is written."""

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from eval_pipeline.settings.presidio import PresidioSettings
from eval_pipeline.settings.section import Expression, Name, Section, Share
from eval_pipeline.tables import INTERACTION_COLUMNS


class CustomPattern(Section):
    """One of the organisation's own identifiers that no general recogniser can know."""

    name: str = Field(
        pattern=r"^[A-Z][A-Z_]*$", description="Stands in the placeholder: ORDER gives [ORDER_1]."
    )
    pattern: Expression = Field(description="A regular expression; the whole match is masked.")


Language = Literal["en", "de", "fr", "es"]
"""Languages whose names and formats are known; the structured core works on any text."""

RecogniserName = Literal[
    "email",
    "phone",
    "card",
    "iban",
    "ip",
    "mac",
    "uuid",
    "secret",
    "url",
    "handle",
    "coordinates",
    "national_id",
    "person",
    "place",
    "organisation",
    "group",
    "title",
    "address",
    "date",
    "date_of_birth",
    "age",
]


ALL_RECOGNISERS: tuple[RecogniserName, ...] = get_args(RecogniserName)


Probability = Annotated[float, Field(gt=0, lt=1)]


class RewriterSettings(Section):
    """Your own model rewrites masked text to blur what identifies indirectly; off unless named."""

    model: Name = Field(description="Which of `judges` or `systems` rewrites, at temperature 0.")
    routes: tuple[str, ...] = Field((), description="Whose texts it is sent; empty: all routes.")


class KnownValuesSettings(Section):
    """Values of real customers that must never be written: the only leak test with real truth."""

    file: str | None = Field(
        None,
        description="One value a line, or one keyed hash, so that the file holds nothing personal.",
    )
    minimum_length: int = Field(
        4, ge=1, description="Values with fewer letters and digits are not looked for."
    )


COARSE_COLUMNS: Final = (
    "route", "prompt_version", "provider", "requested_model", "served_model", "finish_reason",
)  # fmt: skip
"""The columns of an interaction that a quasi-identifier can be; others are no coarse text."""


class AnonymisationSettings(Section):
    """What is masked before any text is written."""

    key_variable: str = Field(
        "EVAL_PIPELINE_KEY",
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="The environment variable that holds the key of the pseudonyms.",
    )
    recognisers: tuple[RecogniserName, ...] = Field(
        ALL_RECOGNISERS, description="Which kinds of personal data are looked for."
    )
    languages: tuple[Language, ...] = Field(
        ("en",), min_length=1, description="Of the texts: whose names and formats are looked for."
    )
    tau: dict[str, Probability] = Field(
        default_factory=lambda: {"default": 0.2},
        description="How probable a name must be to be masked, `default` and per subset: less "
        "masks more. Of an interaction in several subsets the least counts, for its whole "
        "conversation.",
    )
    name_models: dict[Language, str] = Field(
        default_factory=dict,
        description="Files of models of your own, by language, in place of those shipped.",
    )
    custom_patterns: tuple[CustomPattern, ...] = Field(
        (), description="Identifiers of your own, such as order numbers."
    )
    allow: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Per route ('*' for all): words that are never masked, such as product names.",
    )
    sensitive_keys: tuple[str, ...] = Field(
        (
            "name",
            "first_name",
            "last_name",
            "email",
            "phone",
            "address",
            "street",
            "dob",
            "date_of_birth",
            "ssn",
            "password",
            "token",
            "api_key",
            "card_number",
            "iban",
            "user_id",
            "username",
        ),
        description="Values under these keys in JSON text are masked whatever they look like.",
    )
    rewriter: RewriterSettings | None = Field(
        None,
        description="A model that is sent masked text and says it so that it tells of nobody.",
    )
    presidio: PresidioSettings | None = Field(
        None, description="Presidio recognisers of yours, beside our own."
    )
    surrogates: Literal["placeholders", "realistic"] = Field(
        "placeholders",
        description="What stands for a value: [PERSON_1], or an invented value of the same form; "
        "realistic dates are shifted, by the same weeks in the whole conversation.",
    )

    # How it is checked that masking worked.
    known_values: KnownValuesSettings = KnownValuesSettings()
    canaries: int = Field(
        500,
        ge=0,
        le=100_000,
        description="Invented personal values masked every week to measure recall; 0: none.",
    )
    minimum_canary_recall: Share = Field(
        0.95,
        description="What the lower bound of the canaries' recall must reach, or a check warns.",
    )
    quasi_identifiers: tuple[str, ...] = Field(
        ("route",),
        description="Columns or attribute keys that narrow down who it is; the last gives way "
        "first. `route` is reported and never suppressed.",
    )
    minimum_group: int = Field(
        5, ge=1, description="Fewest people who may share a combination of quasi-identifiers."
    )

    @model_validator(mode="after")
    def _tau_has_a_default(self) -> Self:
        if "default" not in self.tau:
            raise ValueError("tau needs a value for 'default', such as 0.2")
        return self

    @model_validator(mode="after")
    def _a_rewriter_needs_placeholders(self) -> Self:
        if self.rewriter is not None and self.surrogates == "realistic":
            raise ValueError(
                "a rewriter needs `surrogates: placeholders`, by which its answers are checked"
            )
        return self

    @field_validator("quasi_identifiers")
    @classmethod
    def _can_be_suppressed(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        fine = sorted(set(names) & (set(INTERACTION_COLUMNS) - set(COARSE_COLUMNS)))
        if fine:
            raise ValueError(f"cannot be suppressed, being no coarse text: {', '.join(fine)}")
        if len(set(names)) < len(names):
            raise ValueError("a name stands there twice")
        return names
