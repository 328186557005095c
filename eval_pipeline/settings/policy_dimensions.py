"""Which dimensions the gate may hold to a tolerance, and what is wrong with those it names."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from eval_pipeline.settings.json_scorers import (
    EntitiesScoring,
    FieldsF1Scoring,
    FieldsScoring,
    JsonSchemaScoring,
    RequiredFieldsScoring,
)
from eval_pipeline.settings.scoring import Scoring, scorers_of

REFUSAL: Final = "refusal"
FORMAT_VALIDITY: Final = "format_validity"
BUILT_IN: Final = (REFUSAL, FORMAT_VALIDITY)
"""Read off every answer, whatever scores it. No scorer's dimension bears one of these names."""

_ALWAYS_JSON: Final = (JsonSchemaScoring, RequiredFieldsScoring, FieldsScoring, FieldsF1Scoring)

WholeScoring = Mapping[str, Scoring | tuple[Scoring, ...]]


def asks_for_format(scorers: Collection[Scoring]) -> bool:
    """Whether an answer that these scorers read must be JSON."""
    return any(
        isinstance(scorer, _ALWAYS_JSON)
        or (isinstance(scorer, EntitiesScoring) and not scorer.patterns)
        for scorer in scorers
    )


def dimensions_given(scoring: WholeScoring) -> tuple[str, ...]:
    """Every dimension that this configuration measures, by name: the scorers' and the built-in."""
    routes = [scorers_of(held) for held in scoring.values()]
    named = {name for scorers in routes for scorer in scorers for name in scorer.dimensions}
    formats = {FORMAT_VALIDITY} if any(map(asks_for_format, routes)) else set()
    return tuple(sorted({REFUSAL, *formats, *named}))


def dimension_problems(
    gated: Mapping[str, Mapping[str, float]],
    *,
    scoring: WholeScoring,
    subsets: Collection[str],
) -> Iterator[str]:
    """Names under `gate.dimensions` that nothing measures, and scorers named like a built-in one.

    That `format_validity` is not measured where no route asks for JSON is told apart.
    """
    given = dimensions_given(scoring)
    for name, tolerances in gated.items():
        if name == FORMAT_VALIDITY and name not in given:
            yield f"`gate.dimensions` names '{name}', and no route of `scoring` asks for JSON"
        elif name not in given:
            yield (
                f"`gate.dimensions` names '{name}', which nothing scores; allowed are "
                f"{', '.join(given)}"
            )
        yield from (
            f"`gate.dimensions.{name}` names '{subset}', which is not under `subsets`"
            for subset in tolerances
            if subset not in {"default", "all", *subsets}
        )
    for route, held in scoring.items():
        yield from (
            f"`scoring.{route}` has a dimension '{name}', which is kept for what is read off every "
            "answer; give the scorer another `name`"
            for scorer in scorers_of(held)
            for name in scorer.dimensions
            if name in BUILT_IN
        )
