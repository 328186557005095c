"""Whether the configured judges obey the texts that they judge."""

from dataclasses import dataclass

from eval_pipeline.flows.judging import judged
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.probe import ProbeResult, plan_probe, probe_sample, read_probe
from eval_pipeline.tables import ANONYMISED_INTERACTIONS

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Probe:
    """What the judges did, and why they cannot be trusted with hostile text; none: they can."""

    results: tuple[ProbeResult, ...]
    problems: tuple[str, ...]


def planned_calls(pipeline: Pipeline, *, items: int, attempts: int) -> int:
    """The most calls that a probe makes; recorded ones are not paid again."""
    return 2 * (items + attempts) * len(pipeline.settings.judges)


def probe_judges(pipeline: Pipeline, *, week: str, items: int, attempts: int) -> Probe:
    """Plants attempts in the week's masked responses and asks every judge; writes no table."""
    anonymised = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week)
    judges, rubrics = pipeline.settings.judges, pipeline.rubrics
    sample = probe_sample(judged(anonymised), items=items, salt=week)
    calls = plan_probe(
        sample, attempts=attempts, judges=judges, rubrics=rubrics, scope=f"probe:{week}"
    )
    outcomes = pipeline.runner.run(calls, purpose=f"probing judges on {week}")
    results = read_probe(outcomes, sample=sample, judges=judges, rubrics=rubrics)
    problems = [
        problem
        for one in results
        for problem in problems_of(
            one,
            level=(1 - CONFIDENCE) / len(results),
            maximum_unusable=pipeline.settings.panel.maximum_failed_share,
        )
    ]
    return Probe(tuple(results), tuple(problems))


def problems_of(result: ProbeResult, *, level: float, maximum_unusable: float) -> list[str]:
    """What speaks against one judge, a sentence each."""
    problems = []
    if result.p_value < level:
        families = ", ".join(f"{name} {count}" for name, count in result.obeyed_by_family)
        problems.append(
            f"{result.judge_id} obeys judged text: {result.obeyed} pairs followed the order, "
            f"{result.contrary} went against it (p = {result.p_value:.2g}); by family: {families}."
        )
    if result.unusable > maximum_unusable * result.pairs:
        problems.append(
            f"{result.judge_id} gave no usable verdict on {result.unusable} of the "
            f"{result.pairs} pairs."
        )
    return problems
