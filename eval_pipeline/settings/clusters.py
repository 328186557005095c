"""Topics: what conversations are grouped by, how many groups, and how they keep their names."""

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from eval_pipeline.settings.section import Name, Section, Share

MONDAY = 0


class EmbeddingsSettings(Section):
    """A provider's embeddings, of OpenAI style or Gemini's; sent anonymised text only."""

    provider: Name = Field(description="Which of `providers` serves it, at its own API's path.")
    model: str = Field(description="The name that the provider knows it by.")
    batch: int = Field(64, ge=1, le=2048, description="Texts in one request.")


class ClustersSettings(Section):
    """How the week's conversations are grouped into topics, and when two weeks' topics are one."""

    text: Literal["last_user_message", "user_messages", "conversation_text"] = Field(
        "user_messages", description="Which anonymised text of an interaction is grouped."
    )
    vectors: Literal["ppmi", "tfidf"] = Field(
        "ppmi",
        description="Without `embeddings`: word vectors trained on the week (ppmi), or TF-IDF "
        "with truncated SVD.",
    )
    dimensions: int = Field(50, ge=2, le=1000, description="Of those vectors.")
    embeddings: EmbeddingsSettings | None = Field(
        None, description="An embeddings endpoint in place of `vectors`; none: no network."
    )
    minimum: int = Field(10, ge=2, description="Topics that the search begins from, at least.")
    maximum: int = Field(40, ge=2, le=500, description="Topics, at most.")
    minimum_size: int = Field(10, ge=2, description="Conversations of a topic, at least.")
    minimum_conversations: int = Field(
        100, ge=10, description="A week with fewer drawn conversations with text has no topics."
    )
    step_gain: float = Field(
        0.01,
        ge=0,
        lt=1,
        description="A topic is split, or two are joined, where the mean silhouette gains this.",
    )
    similarity_floor: Share = Field(
        0.4, description="Cosine of term profiles from which two weeks' topics are the same."
    )
    remembered_weeks: int = Field(
        8, ge=1, description="For so many weeks a topic that died may return under its id."
    )
    least_term_conversations: int = Field(
        5, ge=2, description="A term stands in a label only if so many conversations hold it."
    )
    reference_weeks: tuple[dt.date, ...] = Field(
        (), description="Mondays that the mix of topics is compared with; none: the week before."
    )
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Of the intervals and the test.")

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"`minimum` is {self.minimum}, above `maximum` {self.maximum}")
        if self.minimum_conversations < 2 * self.minimum_size:
            raise ValueError("`minimum_conversations` must hold at least two of `minimum_size`")
        if any(week.weekday() != MONDAY for week in self.reference_weeks):
            raise ValueError("`reference_weeks` must be Mondays")
        return self
