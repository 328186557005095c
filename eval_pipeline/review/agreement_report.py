"""How far people agree, subset by subset: of the tasks asked, and of all that was judged.

The queue is made of what is hard, so raw agreement in it is lower than in the traffic. Two figures
are therefore kept apart: `percent` and the chance-corrected measures are of the tasks as they were
asked; `ceiling` weighs each task by 1 / the chance that it was asked (`label_probability`) and is
the share of all judged responses on which two people would agree.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import polars as pl

from eval_pipeline.review.agreement import (
    PAIR,
    Ratings,
    cohens_kappa,
    fleiss_kappa,
    gwets_ac1,
    krippendorffs_alpha,
    percent_agreement,
    weighted_percent,
)
from eval_pipeline.review.agreement_intervals import AgreementEstimate, Measure
from eval_pipeline.review.blind_labels import (
    AUDIT,
    PERSON,
    SCRIPTED,
    BlindTask,
)
from eval_pipeline.review.states import CANNOT_TELL
from eval_pipeline.tables import ANNOTATOR_AGREEMENT

MEASURES: Final[tuple[Measure, ...]] = (
    "percent",
    "kappa",
    "fleiss",
    "alpha",
    "alpha_cannot_tell",
    "ac1",
    "ceiling",
    "cannot_tell",
)
ALL: Final = "all"
WEEK: Final = "week"
WINDOW: Final = "window"


class _Plain(Protocol):
    def __call__(
        self,
        ratings: Ratings,
        *,
        purpose: str,
        clusters: Sequence[str] | None,
        confidence: float,
        resamples: int,
    ) -> AgreementEstimate: ...


@dataclass(frozen=True)
class Scope:
    """The tasks of one subset, span and kind of annotator; `asked` counts those of every kind."""

    subset: str
    span: str
    annotator_kind: str
    tasks: tuple[BlindTask, ...]
    asked: int


def agreement_report(
    tasks: Sequence[BlindTask], *, week: str, confidence: float = 0.95, resamples: int = 2000
) -> pl.DataFrame:
    """Every measure of every scope, as ANNOTATOR_AGREEMENT.

    `tasks` are those of the window's weeks. Tasks under a rubric that `week` (or the newest week
    that asked anything) no longer applies are left out: agreement under other words says nothing of
    these. Gold checks are left out too: their label was settled before. People and scripts are
    never pooled; a task that a script labelled is the scripts'.
    """
    rows = [
        {
            "subset": scope.subset,
            "span": scope.span,
            "annotator_kind": scope.annotator_kind,
            "measure": found.measure,
            "value": found.value,
            "lower": found.lower,
            "upper": found.upper,
            "tasks": found.tasks,
            "asked": scope.asked,
            "weeks": len({task.week for task in scope.tasks}),
        }
        for scope in _scopes(_comparable(tasks), week=week)
        for found in measures_of(scope, week=week, confidence=confidence, resamples=resamples)
    ]
    return ANNOTATOR_AGREEMENT.conform(pl.DataFrame(rows, schema=ANNOTATOR_AGREEMENT.schema))


def measures_of(
    scope: Scope, *, week: str, confidence: float = 0.95, resamples: int = 2000
) -> Iterator[AgreementEstimate]:
    """The measures of a scope's tasks; Cohen's kappa only where every task needs two labels.

    Whoever could not tell is a missing rating, as for the judges: nobody can agree with silence.
    `alpha_cannot_tell` takes it as a category instead, and `cannot_tell` says how often it stood
    between two people. Both weighted ones are null without a task of the random slice, for a queue
    of disputes alone says nothing of the rest.
    """
    tasks = [task for task in scope.tasks if task.counted]
    decided = [task.decided for task in tasks]
    clusters = [task.conversation for task in tasks]
    purpose = _purpose(scope, week=week)

    def measured(measure: _Plain, ratings: Ratings) -> AgreementEstimate:
        return measure(
            ratings, purpose=purpose, clusters=clusters, confidence=confidence, resamples=resamples
        )

    yield measured(percent_agreement, decided)
    if all(task.needed == PAIR for task in tasks):
        yield measured(cohens_kappa, decided)
    for measure in (fleiss_kappa, krippendorffs_alpha, gwets_ac1):
        yield measured(measure, decided)
    told = measured(krippendorffs_alpha, [task.ratings for task in tasks])
    yield replace(told, measure="alpha_cannot_tell")
    yield ceiling_of(tasks, confidence=confidence)
    yield _cannot_tell(tasks, confidence=confidence)


def ceiling_of(tasks: Sequence[BlindTask], *, confidence: float) -> AgreementEstimate:
    """On how much of what was judged two people agree, of the tasks that two could decide."""
    return _of_the_judged(
        tasks,
        weighted_percent(
            [task.decided for task in tasks],
            [1 / task.label_probability for task in tasks],
            clusters=[task.conversation for task in tasks],
            confidence=confidence,
        ),
    )


def _cannot_tell(tasks: Sequence[BlindTask], *, confidence: float) -> AgreementEstimate:
    """The share of what was judged where one of the annotators could not tell."""
    answered = [task for task in tasks if None not in task.ratings]
    # Two equal ratings where somebody could not tell, two unequal ones elsewhere: the share of the
    # former is the share of agreement.
    told = [("x", "x") if CANNOT_TELL in task.ratings else ("x", "y") for task in answered]
    found = weighted_percent(
        told,
        [1 / task.label_probability for task in answered],
        clusters=[task.conversation for task in answered],
        confidence=confidence,
    )
    return replace(_of_the_judged(answered, found), measure="cannot_tell")


def _of_the_judged(tasks: Sequence[BlindTask], found: AgreementEstimate) -> AgreementEstimate:
    if any(task.selection == AUDIT and None not in task.ratings for task in tasks):
        return found
    return replace(found, value=None, lower=None, upper=None)


def _comparable(tasks: Iterable[BlindTask]) -> list[BlindTask]:
    asked = [task for task in tasks if task.known_label is None]
    newest = max((task.week for task in asked), default="")
    rubrics = {task.rubric_id for task in asked if task.week == newest}
    return [task for task in asked if task.rubric_id in rubrics]


def _scopes(tasks: Sequence[BlindTask], *, week: str) -> Iterator[Scope]:
    spans = {WEEK: [task for task in tasks if task.week == week], WINDOW: list(tasks)}
    subsets = (ALL, *sorted({subset for task in tasks for subset in task.subsets}))
    for span, spanned in spans.items():
        for subset in subsets:
            own = [task for task in spanned if subset == ALL or subset in task.subsets]
            for kind in (PERSON, SCRIPTED):
                answered = tuple(
                    task for task in own if task.counted and task.annotator_kind == kind
                )
                if answered:
                    yield Scope(subset, span, kind, answered, len(own))


def subset_alphas(tasks: Sequence[BlindTask], *, week: str) -> dict[str, AgreementEstimate]:
    """By subset Krippendorff's alpha over the window, people's if there are any, else scripts'."""
    alphas: dict[str, AgreementEstimate] = {}
    for scope in _scopes(_comparable(tasks), week=week):
        if scope.span == WINDOW and scope.subset != ALL:
            # People's scope comes before the scripts'.
            alphas.setdefault(scope.subset, _alpha_of(scope, week=week))
    return alphas


def _alpha_of(scope: Scope, *, week: str) -> AgreementEstimate:
    return krippendorffs_alpha(
        [task.decided for task in scope.tasks],
        purpose=_purpose(scope, week=week),
        clusters=[task.conversation for task in scope.tasks],
    )


def _purpose(scope: Scope, *, week: str) -> str:
    return f"{scope.subset}:{scope.span}:{scope.annotator_kind}:{week}"


def estimates_of(report: pl.DataFrame, *, subset: str, span: str) -> list[AgreementEstimate]:
    """A scope's measures from an ANNOTATOR_AGREEMENT: people's if there are any, else scripts'."""
    rows = report.filter((pl.col("subset") == subset) & (pl.col("span") == span))
    people = rows.filter(pl.col("annotator_kind") == PERSON)
    kept = (people if people.height else rows).select("measure", "value", "lower", "upper", "tasks")
    found = {row["measure"]: AgreementEstimate(**row) for row in kept.to_dicts()}
    return [found[measure] for measure in MEASURES if measure in found]
