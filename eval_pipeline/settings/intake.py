"""The draw, and the team's named subsets."""

from typing import Literal, Self

import polars as pl
from pydantic import Field, model_validator

from eval_pipeline.settings.section import Kind, Section
from eval_pipeline.tables import ANONYMISED_INTERACTIONS

PREDICATE_COLUMNS = (
    *(name for name in ANONYMISED_INTERACTIONS.schema if name not in {"messages", "attributes"}),
    "conversation_text",
    "last_user_message",
    "corpus",
)
"""What a subset's predicate may speak of: the anonymised columns and three derived texts."""


class SamplingSettings(Section):
    """How many conversations are drawn each week, and how they spread over strata."""

    budget: int = Field(300, ge=1, description="Conversations a week that judges see.")
    reserve: int = Field(
        600, ge=0, description="Further conversations, anonymised and unlabelled, for the gate."
    )
    minimum_per_stratum: int = Field(
        20, ge=1, description="Conversations that even a rare stratum gets, if it has them."
    )
    strata: tuple[Literal["route", "prompt_version", "requested_model"], ...] = Field(
        ("route",), description="Columns whose values make the strata, together."
    )
    interactions_per_conversation: int = Field(
        1, ge=1, description="Drawn inside each drawn conversation, by hash."
    )
    allocation: Literal["neyman", "proportional"] = Field(
        "neyman",
        description="neyman: beyond the minimum, strata get more where scores spread more; "
        "proportional: by size alone, never below the minimum.",
    )
    spread_weeks: int = Field(
        4, ge=1, description="Weeks of panel scores that the spread of a stratum is taken from."
    )
    maximum_requested: int = Field(
        300,
        ge=0,
        description="Further reserve conversations a week that subsets may ask for which the "
        "gate left undecided.",
    )
    maximum_golden_requested: int = Field(
        40,
        ge=0,
        description="Further sample conversations a week that the golden set may ask for where it "
        "lacks items.",
    )
    salt: str = Field("weekly", description="Changes every draw; keep it for comparability.")


class SubsetSettings(Section):
    """A named slice that the gate decides on: one of the team's failure modes."""

    predicate: str = Field(
        description="A SQL condition over the anonymised interaction's columns, plus "
        "conversation_text, last_user_message and corpus."
    )
    kind: Kind = Field(
        "typical", description="Of the items in it; the most severe of an item's subsets counts."
    )
    owner: str = Field("unowned", description="Who is asked when it blocks.")
    why: str = Field("", description="Why it exists.")
    usd_per_failure: float | None = Field(
        None,
        ge=0,
        description="What one failed interaction in it costs, in USD, beyond the model's price; "
        "ranks what a candidate loses. Decides nothing.",
    )

    @model_validator(mode="after")
    def _predicate_speaks_of_declared_columns(self) -> Self:
        try:
            named = set(pl.sql_expr(self.predicate).meta.root_names())
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise ValueError(f"the predicate is not a condition: {error}") from None
        unknown = sorted(named - set(PREDICATE_COLUMNS))
        if unknown:
            raise ValueError(
                f"the predicate names {unknown}; allowed are {sorted(PREDICATE_COLUMNS)}"
            )
        return self
