"""What is masked, how, and how surely, before any text is written."""

from typing import Literal, get_args

from pydantic import Field

from eval_pipeline.settings.section import Expression, Section


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
    "secret",
    "url",
    "national_id",
    "person",
    "address",
    "date_of_birth",
]


ALL_RECOGNISERS: tuple[RecogniserName, ...] = get_args(RecogniserName)


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
