"""Rubrics, identified by what they say: a changed criterion is another rubric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval_pipeline.errors import MissingRubricError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import RubricSettings

RubricForm = Literal["pointwise", "pairwise"]

FINGERPRINT_DIGITS = 8


@dataclass(frozen=True)
class Rubric:
    """The criteria that a judge or an annotator applies; no routes means every route."""

    name: str
    form: RubricForm
    criteria: tuple[str, ...]
    routes: tuple[str, ...] = ()

    @property
    def rubric_id(self) -> str:
        """The name, '@' and eight hex digits of form and criteria: the routes do not count."""
        content = fingerprint({"form": self.form, "criteria": self.criteria})
        return f"{self.name}@{content[:FINGERPRINT_DIGITS]}"

    def applies(self, route: str) -> bool:
        """Whether interactions on this route are judged by it."""
        return not self.routes or route in self.routes


def rubrics_from(settings: Mapping[str, RubricSettings]) -> tuple[Rubric, ...]:
    """The configured rubrics in the configuration's order, which decides between two that apply."""
    return tuple(
        Rubric(
            name=name,
            form=rubric.form,
            criteria=tuple(criterion.text for criterion in rubric.criteria),
            routes=rubric.routes,
        )
        for name, rubric in settings.items()
    )


def pointwise_for(rubrics: Sequence[Rubric], route: str) -> Rubric:
    """The first pointwise rubric that applies; raises `MissingRubricError` if none does."""
    return _first(rubrics, route, form="pointwise")


def pairwise_for(rubrics: Sequence[Rubric], route: str) -> Rubric:
    """The first pairwise rubric that applies; raises `MissingRubricError` if none does."""
    return _first(rubrics, route, form="pairwise")


def _first(rubrics: Sequence[Rubric], route: str, *, form: RubricForm) -> Rubric:
    for rubric in rubrics:
        if rubric.form == form and rubric.applies(route):
            return rubric
    raise MissingRubricError(route, form)
