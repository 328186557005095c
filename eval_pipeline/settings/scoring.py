"""How responses are scored, per route: one scorer, or several that are dimensions side by side."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from eval_pipeline.settings.json_scorers import (
    EntitiesScoring,
    FieldsF1Scoring,
    FieldsScoring,
    JsonSchemaScoring,
    RequiredFieldsScoring,
)
from eval_pipeline.settings.scorer import Scorer
from eval_pipeline.settings.scorers import (
    ChrfScoring,
    CodeScoring,
    ExactScoring,
    NormalisedScoring,
    NumericScoring,
    RegexScoring,
    RougeScoring,
    SimilarityScoring,
)
from eval_pipeline.settings.section import Name


class PanelScoring(Scorer):
    """The mean of the panel's verdicts on the response, reference shown."""

    scorer: Literal["panel"] = "panel"


class JudgeScoring(Scorer):
    """One named judge's verdict; the decision says that no panel stood behind it.

    Its dimension is `judge.<judge>` unless it has a name.
    """

    scorer: Literal["judge"] = "judge"
    judge: Name = Field(description="Which of `judges` decides alone.")

    @property
    def dimension(self) -> str:
        """Named after the judge, so that two judges are two dimensions."""
        return self.name or f"{self.scorer}.{self.judge}"


class PreferenceScoring(Scorer):
    """Which of the two arms' answers the panel prefers, asked in both orders.

    A candidate's score is 1 where it is preferred, 0 where the baseline is, 0.5 for a tie or an
    order-dependent preference; the baseline's is the rest to 1. Where there is only one answer,
    as in the weekly re-runs, the panel scores it alone. It stands first of its route or not at all.
    """

    scorer: Literal["preference"] = "preference"


ProgrammaticScoring = (
    ExactScoring
    | NormalisedScoring
    | NumericScoring
    | RegexScoring
    | JsonSchemaScoring
    | RequiredFieldsScoring
    | FieldsScoring
    | FieldsF1Scoring
    | EntitiesScoring
    | ChrfScoring
    | RougeScoring
    | SimilarityScoring
)

Scoring = Annotated[
    ProgrammaticScoring | CodeScoring | PanelScoring | JudgeScoring | PreferenceScoring,
    Field(discriminator="scorer"),
]


def _form(value: object) -> str:
    return "several" if isinstance(value, list | tuple) else "one"


RouteScoring = Annotated[
    Annotated[Scoring, Tag("one")] | Annotated[tuple[Scoring, ...], Tag("several")],
    Discriminator(_form),
]
"""One scorer, or a list: the first decides, each of the others is reported beside it."""


def scorers_of(held: Scoring | tuple[Scoring, ...]) -> tuple[Scoring, ...]:
    """A route's scorers in order, however they were written."""
    return held if isinstance(held, tuple) else (held,)


def scoring_problems(
    scoring: Mapping[str, Scoring | tuple[Scoring, ...]],
    *,
    judges: Collection[str],
    providers: Collection[str],
    pairwise: bool,
) -> Iterator[str]:
    """What cannot be scored so; `pairwise` says whether there is a rubric that compares."""
    if "default" not in scoring:
        yield "`scoring` needs a `default`"
    for route, held in scoring.items():
        scorers = scorers_of(held)
        if not scorers:
            yield f"`scoring.{route}` names no scorer"
        for place, scorer in enumerate(scorers):
            key = f"scoring.{route}" if held is scorer else f"scoring.{route}.{place}"
            yield from _problems(scorer, key, judges=judges, providers=providers)
            if isinstance(scorer, PreferenceScoring):
                if not pairwise:
                    yield f"`{key}` compares answers, and `rubrics` has no pairwise rubric"
                if place:
                    yield (
                        f"`{key}` is a preference, which says nothing of one answer by itself: "
                        "it must be the first scorer of its route, or absent"
                    )
        counted = Counter(name for scorer in scorers for name in scorer.dimensions)
        yield from (
            f"`scoring.{route}` has {number} dimensions '{name}'; give scorers a `name`"
            for name, number in counted.items()
            if number > 1
        )


def _problems(
    scorer: Scoring, key: str, *, judges: Collection[str], providers: Collection[str]
) -> Iterator[str]:
    if isinstance(scorer, JudgeScoring) and scorer.judge not in judges:
        yield f"`{key}.judge` names '{scorer.judge}', which is not under `judges`"
    if (
        isinstance(scorer, SimilarityScoring)
        and scorer.provider is not None
        and scorer.provider not in providers
    ):
        yield f"`{key}.provider` names '{scorer.provider}', which is not under `providers`"
