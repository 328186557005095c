"""The weekly judging: verdicts and refutations."""

import polars as pl

from eval_pipeline.flows.judge_weights import weights_before
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
from eval_pipeline.settings import family_sentences, undeclared_families
from eval_pipeline.tables import REFUTATIONS


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
