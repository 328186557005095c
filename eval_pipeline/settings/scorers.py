"""Scorers of texts that need no judge: what each compares, and how it reads."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.scorer import Measure, ReferenceScorer, Scorer
from eval_pipeline.settings.section import Expression, Name, Share


class ExactScoring(ReferenceScorer):
    """1 if response and reference are the same after normalising case and space."""

    scorer: Literal["exact"] = "exact"
    strict: bool = Field(
        default=False, description="Character by character: nothing is normalised."
    )


class NormalisedScoring(ReferenceScorer):
    """1 if response and reference are the same in Unicode NFKC, whatever their case and space."""

    scorer: Literal["normalised"] = "normalised"
    punctuation: bool = Field(
        default=True, description="Whether punctuation counts; false: it is dropped."
    )
    articles: tuple[str, ...] = Field(
        (), description="Words that are dropped, such as [a, an, the]."
    )


class NumericScoring(ReferenceScorer):
    """1 if the response's number is the reference's within the larger of two tolerances.

    Both texts are read by the same rule. Signs of currency and thousands separators are read
    over; what they say is not compared.
    """

    scorer: Literal["numeric"] = "numeric"
    number: Literal["first", "last"] = Field("last", description="Which of a text's numbers.")
    pattern: Expression | None = Field(
        None, description="Only its first group, or its whole match, is searched for the number."
    )
    absolute_tolerance: float = Field(0, ge=0, description="Largest difference that is none.")
    relative_tolerance: float = Field(
        0, ge=0, description="The same, as a share of the reference's size."
    )
    decimal_comma: bool = Field(default=False, description="1.234,5 is what 1,234.5 is otherwise.")
    percent_as_share: bool = Field(
        default=False, description="12 % is 0.12; else the sign is read over."
    )


class RegexScoring(Scorer):
    """1 if what the pattern's first group finds equals what it finds in the reference."""

    scorer: Literal["regex"] = "regex"
    pattern: Expression = Field(description="Its first group, or the whole match, is compared.")
    expect: Literal["same_as_reference", "match", "no_match"] = Field(
        "same_as_reference",
        description="match / no_match: 1 if the response holds / does not hold the pattern, "
        "without a reference.",
    )

    @property
    def needs_reference(self) -> bool:
        """Only where it compares."""
        return self.expect == "same_as_reference"


class ChrfScoring(ReferenceScorer):
    """chrF of the response against the reference by sacrebleu, 0 to 1; needs extra `scorers`."""

    scorer: Literal["chrf"] = "chrf"
    word_order: int = Field(0, ge=0, le=4, description="2 is chrF++.")
    pass_at_least: Share | None = Field(None, description="If set: 1 from there on, 0 below.")


class RougeScoring(ReferenceScorer):
    """ROUGE of the response against the reference by rouge-score; needs the extra `scorers`.

    Words are runs of letters and digits of any script, whatever their case, unstemmed. Of each
    text the first 2,000 words are compared.
    """

    scorer: Literal["rouge"] = "rouge"
    variant: Literal["rougeL", "rouge1", "rouge2"] = Field(
        "rougeL", description="Longest common subsequence, words, or pairs of words."
    )
    measure: Measure = Field("f1", description="Which of the three is the score.")
    pass_at_least: Share | None = Field(None, description="If set: 1 from there on, 0 below.")


class SimilarityScoring(ReferenceScorer):
    """Cosine of character and word n-gram vectors of response and reference, 0 to 1.

    With `provider` and `model` it is the cosine of that model's embeddings, none below zero. They
    are asked again at every run.
    """

    scorer: Literal["similarity"] = "similarity"
    pass_at_least: Share | None = Field(
        None, description="If set, the score is 1 at this similarity and 0 below."
    )
    provider: Name | None = Field(
        None, description="Which of `providers` serves /embeddings; it is sent anonymised text."
    )
    model: str | None = Field(None, description="The embeddings model, where a provider is named.")

    @model_validator(mode="after")
    def _provider_and_model(self) -> Self:
        if (self.provider is None) != (self.model is None):
            raise ValueError("`provider` and `model` stand together or not at all")
        return self


class CodeScoring(Scorer):
    """What an operator's sandbox makes of the response; nothing of a response is run outside of it.

    The sandbox reads one JSON object {response, reference, item} and answers {"score": 0 to 1} or
    {"error": code}; see docs/scoring.md.
    """

    scorer: Literal["code"] = "code"
    command: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (),
        description="The sandbox's program and its arguments, never a shell's line: found on PATH, "
        "absolute, or beside the configuration.",
    )
    url: str | None = Field(
        None, pattern=r"^https?://", description="Or where a sandbox answers POST."
    )
    with_reference_only: bool = Field(
        default=False, description="Items without a reference response are not sent."
    )
    timeout_seconds: float = Field(10, gt=0, le=3600, description="For one response, in all.")
    maximum_output_bytes: int = Field(
        65536, ge=16, le=2**24, description="A longer output is an error."
    )
    concurrency: int = Field(2, ge=1, le=64, description="Responses in sandboxes at one time.")

    @property
    def needs_reference(self) -> bool:
        """If it says so."""
        return self.with_reference_only

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("a sandbox is either a `command` or a `url`")
        return self
