"""The weekly judging: verdicts, refutations, and the queue that goes to people."""

import polars as pl

from eval_pipeline.flows.judge_weights import weights_before
from eval_pipeline.flows.steering import steered_by
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.panel import (
    plan_verdicts,
    provisional_passes,
    read_verdicts,
    require_answers,
)
from eval_pipeline.judging.refutation import (
    passed_by_family,
    plan_refutations,
    read_refutations,
)
from eval_pipeline.review.selection import (
    NOTHING_LACKING,
    Lacking,
    review_subjects,
    select_for_review,
)
from eval_pipeline.settings import family_sentences, undeclared_families
from eval_pipeline.tables import REFUTATIONS, SAMPLING_FRAME


def scope_of_week(week: str) -> str:
    """What a week's judging is paid for."""
    return f"refresh:{week}"


def judged(anonymised: pl.DataFrame) -> pl.DataFrame:
    """The interactions that judges see: the sample, not the reserve."""
    return anonymised.filter(pl.col("selection") == "sample")


def judge_week(pipeline: Pipeline, anonymised: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """One verdict per sampled interaction and judge; fails if too many judges did not answer."""
    judges, rubrics = pipeline.settings.judges, pipeline.rubrics
    interactions = judged(anonymised)
    calls = plan_verdicts(interactions, judges=judges, rubrics=rubrics, scope=scope_of_week(week))
    outcomes = pipeline.runner.run(calls, purpose=f"judging {week}")
    verdicts = read_verdicts(outcomes, interactions=interactions, judges=judges, rubrics=rubrics)
    require_answers(verdicts, policy=pipeline.settings.panel, purpose=f"judging {week}")
    return verdicts


def families_told(pipeline: Pipeline) -> str:
    """Which judges are of a family that they judge, and of which systems that is not known."""
    systems = pipeline.settings.systems
    told = [
        *family_sentences(pipeline.settings.judges, systems),
        *(f"System '{name}': family not declared." for name in undeclared_families(systems)),
    ]
    return " ".join(told) or "No judge is of a family under test."


def refute_week(
    pipeline: Pipeline, anonymised: pl.DataFrame, verdicts: pl.DataFrame, *, week: str
) -> pl.DataFrame:
    """The refuter's finding on every response that the judges would pass."""
    refuter = pipeline.settings.refuter
    if refuter is None or not refuter.enabled:
        return REFUTATIONS.empty()
    passes = provisional_passes(
        verdicts,
        policy=pipeline.settings.panel,
        weights=weights_before(pipeline, week=week),
    )
    calls = plan_refutations(
        judged(anonymised),
        passes,
        refuter=refuter,
        rubrics=pipeline.rubrics,
        scope=scope_of_week(week),
    )
    outcomes = pipeline.runner.run(calls, purpose=f"refuting {week}")
    return read_refutations(outcomes, refuter=refuter)


def passed_by_the_refuters_family(
    pipeline: Pipeline, verdicts: pl.DataFrame, refutations: pl.DataFrame
) -> int:
    """How many attacked passes rest on judges of the refuter's own family alone."""
    refuter = pipeline.settings.refuter
    if refuter is None:
        return 0
    return passed_by_family(verdicts, refutations["interaction_id"].to_list(), refuter=refuter)


def queue_week(
    pipeline: Pipeline,
    *,
    anonymised: pl.DataFrame,
    stratified: pl.DataFrame,
    panel_verdicts: pl.DataFrame,
    week: str,
) -> pl.DataFrame:
    """Chooses what people see and opens their tasks; tasks already open stay as they are."""
    disputes = select_for_review(
        panel_verdicts,
        stratified,
        policy=pipeline.settings.review,
        week=week,
        lacking=lacking_for(pipeline, week=week),
    )
    subjects = review_subjects(disputes, anonymised, rubrics=pipeline.rubrics)
    pipeline.review.open_tasks(subjects, week=week, at=pipeline.clock())
    return disputes


def lacking_for(pipeline: Pipeline, *, week: str) -> Lacking:
    """What the golden version that steered the week's draw lacked: the same whenever it is asked.

    The draw's frame holds the version's number, so versions published since change nothing.
    """
    if not pipeline.lake.has(SAMPLING_FRAME, partition=week):
        return NOTHING_LACKING
    version = steered_by(pipeline.lake.read(SAMPLING_FRAME, partition=week))
    if version is None:
        return NOTHING_LACKING
    deficits = pipeline.golden.manifest(version).deficits
    return Lacking(
        subsets=frozenset(gap.name for gap in deficits if gap.of == "subset"),
        kinds=frozenset(gap.name for gap in deficits if gap.of == "kind"),
        labels=sum(gap.required - gap.found for gap in deficits if gap.of == "fresh"),
    )
