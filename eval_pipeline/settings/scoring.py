"""How responses are scored, per route."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from eval_pipeline.settings.section import Expression, Name, Section, Share


class ExactScoring(Section):
    """1 if response and reference are the same after normalising case and space."""

    scorer: Literal["exact"] = "exact"


class RegexScoring(Section):
    """1 if what the pattern's first group finds equals what it finds in the reference."""

    scorer: Literal["regex"] = "regex"
    pattern: Expression = Field(description="Its first group, or the whole match, is compared.")


class JsonSchemaScoring(Section):
    """1 if the response is JSON that fits the schema."""

    scorer: Literal["json_schema"] = "json_schema"
    json_schema: dict[str, object] = Field(
        alias="schema", description="A JSON Schema that the response must fit."
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class FieldsScoring(Section):
    """F1 of the JSON object's fields against the reference's."""

    scorer: Literal["fields_f1"] = "fields_f1"
    fields: tuple[str, ...] = Field(
        (), description="Which fields count; empty: those of the reference."
    )


class SimilarityScoring(Section):
    """Cosine of character and word n-gram vectors of response and reference, 0 to 1."""

    scorer: Literal["similarity"] = "similarity"
    pass_at_least: Share | None = Field(
        None, description="If set, the score is 1 at this similarity and 0 below."
    )


class PanelScoring(Section):
    """The mean of the panel's verdicts on the response, reference shown."""

    scorer: Literal["panel"] = "panel"


class JudgeScoring(Section):
    """One named judge's verdict; the decision says that no panel stood behind it."""

    scorer: Literal["judge"] = "judge"
    judge: Name = Field(description="Which of `judges` decides alone.")


class PreferenceScoring(Section):
    """Which of the two arms' answers the panel prefers, asked in both orders.

    A candidate's score is 1 where it is preferred, 0 where the baseline is, 0.5 for a tie or an
    order-dependent preference; the baseline's is the rest to 1. Where there is only one answer,
    as in the weekly re-runs, the panel scores it alone.
    """

    scorer: Literal["preference"] = "preference"


Scoring = Annotated[
    ExactScoring
    | RegexScoring
    | JsonSchemaScoring
    | FieldsScoring
    | SimilarityScoring
    | PanelScoring
    | JudgeScoring
    | PreferenceScoring,
    Field(discriminator="scorer"),
]
