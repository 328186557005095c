"""What every scorer's section has: its name, its dimensions, and whether it needs a reference."""

from typing import Literal

from pydantic import Field

from eval_pipeline.settings.section import Name, Section

Measure = Literal["f1", "precision", "recall"]


class Scorer(Section):
    """What every scorer has: the name of its dimension."""

    scorer: str
    name: Name | None = Field(
        None, description="Of the dimension; none: the scorer's own. Unique within a route."
    )

    @property
    def dimension(self) -> str:
        """The dimension's name; those of a scorer with several measures begin with it."""
        return self.name or self.scorer

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names of all that it measures; the first is what decides where it stands first."""
        return (self.dimension,)

    @property
    def needs_reference(self) -> bool:
        """Whether an item without a good reference response cannot be scored this way."""
        return False


class ReferenceScorer(Scorer):
    """A scorer that compares with the reference response."""

    @property
    def needs_reference(self) -> bool:
        """Always."""
        return True


class MeasuredScorer(ReferenceScorer):
    """A scorer of sets: precision, recall and F1, each a dimension of its own."""

    measures: tuple[Measure, ...] = Field(
        ("f1", "precision", "recall"),
        min_length=1,
        description="Each is a dimension `<name>.<measure>`, never averaged with another; the "
        "first of them decides where this scorer is the route's first.",
    )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """One per measure."""
        return tuple(f"{self.dimension}.{measure}" for measure in self.measures)
