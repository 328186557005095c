"""Rubrics, judges, the refuter, the panel, and how the judges themselves are checked."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from eval_pipeline.settings.models import ModelSettings
from eval_pipeline.settings.section import Name, Section, Share

BINARY_LEVELS = ("not_met", "met")


class CriterionExample(Section):
    """A response, or a part of one, with the level that it reaches and why."""

    response: str = Field(min_length=1, description="What an assistant might say.")
    level: Name = Field(description="One of the criterion's levels.")
    why: str = Field(min_length=1, description="One sentence.")


class CriterionSettings(Section):
    """One thing that is looked for; a plain sentence stands for a binary criterion."""

    text: str = Field(min_length=1, description="One sentence that can be checked.")
    levels: tuple[Name, ...] = Field(
        BINARY_LEVELS,
        min_length=2,
        max_length=5,
        description="From worst to best: two, or a short ordinal scale.",
    )
    passes_from: Name | None = Field(
        None, description="The lowest level that passes; none: the best alone."
    )
    examples: tuple[CriterionExample, ...] = Field((), description="Shown to the judge.")

    @model_validator(mode="after")
    def _levels_are_known(self) -> Self:
        if len(set(self.levels)) != len(self.levels):
            raise ValueError("`levels` names a level twice")
        named = [example.level for example in self.examples]
        named += [] if self.passes_from is None else [self.passes_from]
        for level in named:
            if level not in self.levels:
                raise ValueError(f"'{level}' is none of the levels {', '.join(self.levels)}")
        if self.passes_from == self.levels[0]:
            raise ValueError(f"`passes_from` is the worst level '{self.levels[0]}': nothing fails")
        return self

    @property
    def passing(self) -> tuple[str, ...]:
        """The levels that pass, from the lowest to the best; never empty, never all."""
        lowest = self.levels[-1] if self.passes_from is None else self.passes_from
        return self.levels[self.levels.index(lowest) :]

    @property
    def is_plain(self) -> bool:
        """Whether its text says it all: met or not met, and no examples."""
        return self.levels == BINARY_LEVELS and not self.examples


def _criterion(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


Criterion = Annotated[
    CriterionSettings,
    BeforeValidator(_criterion, json_schema_input_type=str | CriterionSettings),
]


class RubricSettings(Section):
    """The criteria that a judge or an annotator applies, versioned by their text."""

    form: Literal["pointwise", "pairwise"] = Field(
        "pointwise", description="One response alone, or two side by side."
    )
    criteria: tuple[Criterion, ...] = Field(
        min_length=1,
        description="What is looked for; changing one makes a new rubric.",
    )
    routes: tuple[str, ...] = Field((), description="Where it applies; empty: everywhere.")


class JudgeSettings(ModelSettings):
    """One judge: a model with a family; the rubric says what it looks for."""

    family: str = Field(description="Who trained the model: judges must span two families.")


class RefuterSettings(JudgeSettings):
    """The model that attacks every pass with a concrete claim of what is wrong."""

    enabled: bool = Field(default=True, description="Off: no response is attacked.")


class PanelSettings(Section):
    """When the judges together have spoken."""

    quorum: int = Field(2, ge=1, description="Judges that must have answered.")
    maximum_failed_share: Share = Field(
        0.05, description="Beyond this share of failed judge calls the step fails."
    )
    weights: Literal["equal", "reliability"] = Field(
        "equal",
        description="A strict majority of heads, or of judges weighted by what earlier weeks' "
        "labels showed of them.",
    )
    family_under_test: Literal["refuse", "allow"] = Field(
        "refuse",
        description="Whether a judge may be of the family of a system that it judges; where it "
        "may, the report says so.",
    )


class JudgeChecksSettings(Section):
    """What the weekly measurements of the judges' own biases may ask for."""

    retest_items: int = Field(80, ge=0, description="Responses judged twice on the same words.")
    pairs: int = Field(60, ge=0, description="Pairs of responses compared in both orders, twice.")
    rationale_items: int = Field(
        80, ge=0, description="Responses whose verdicts' reasons another judge reads alone."
    )
    anchors: int = Field(
        200, ge=0, description="Frozen responses with a settled label, judged again every week."
    )
    minimum_anchor_change: Share = Field(
        0.02, description="A change of accuracy on anchors smaller than this raises no alarm."
    )
    minimum_recurring_share: Share = Field(
        0.05,
        description="The same fault on a smaller share of the anchors, week after week, raises no "
        "alarm.",
    )
    maximum_retest_flips: Share = Field(0.05, description="More than this is reported.")
    maximum_position_excess: Share = Field(
        0.05, description="Flips under a swap beyond those on a rerun; more is reported."
    )
    maximum_position_bias: Share = Field(
        0.03, description="How much more than half whatever stands first wins; more is reported."
    )
    maximum_rationale_mismatch: Share = Field(
        0.05, description="Verdicts whose reasons support the other one; more is reported."
    )
    maximum_self_preference: Share = Field(0.02, description="More than this is reported.")
    maximum_verbosity_effect: Share = Field(
        0.01, description="Of one standard deviation of length; more is reported."
    )
    maximum_error_correlation: Share = Field(
        0.5, description="Above this a second judge adds little; it is reported."
    )
