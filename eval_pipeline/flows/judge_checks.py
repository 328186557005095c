"""The weekly checks of the judges: anchors frozen, probes asked and paid, biases measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.flows import judge_check_subjects as subjects
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.biases import probes as probing
from eval_pipeline.judging.biases.choosing import chosen, freeze, pairs_from
from eval_pipeline.judging.biases.measures import measure_judges
from eval_pipeline.ports import CallOutcome, ModelCall
from eval_pipeline.tables import JUDGE_ANCHORS, JUDGE_PROBES, VERDICTS

RETEST_TRIAL = 2
"""The week's own verdict is the first trial of the same question."""
ANCHOR_TRIAL = 1


def scope_of_checks(week: str) -> str:
    """What a week's checks are paid for."""
    return f"judge_checks:{week}"


def anchors_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """The week's frozen responses, from the settled labels of earlier weeks, as JUDGE_ANCHORS."""
    frozen = [known for known in pipeline.lake.partitions(JUDGE_ANCHORS) if known < week]
    previous = JUDGE_ANCHORS.empty()
    if frozen:
        previous = pipeline.lake.read(JUDGE_ANCHORS, partition=frozen[-1])
    return freeze(
        previous,
        subjects.labelled_responses(pipeline, week=week),
        count=pipeline.settings.judge_checks.anchors,
        week=week,
    )


def probe_judges(pipeline: Pipeline, anchors: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """Asks every judge the week's probes; calls without an answer are rows without a verdict.

    All of them in one run, each paid once: what is asked again after a kill is what was in flight.
    """
    parts = [
        *_sampled(pipeline, week=week),
        _positions(pipeline, week=week),
        _anchored(pipeline, anchors, week=week),
    ]
    outcomes = pipeline.runner.run(
        [call for part in parts for call in part.calls], purpose=f"checking the judges of {week}"
    )
    frames, start = [JUDGE_PROBES.empty()], 0
    for part in parts:
        end = start + len(part.calls)
        frames.append(part.read(outcomes[start:end]))
        start = end
    return JUDGE_PROBES.conform(pl.concat(frames))


def measure_week(pipeline: Pipeline, probes: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """The week's JUDGE_BIASES, from its probes, earlier anchors' and all labels so far."""
    earlier = [known for known in pipeline.lake.partitions(JUDGE_PROBES) if known < week]
    history = pipeline.lake.read_all(JUDGE_PROBES, partitions=earlier, partition_column="week")
    return measure_judges(
        pl.concat([history, probes.with_columns(week=pl.lit(week))]),
        subjects.judged_so_far(pipeline, week=week),
        week=week,
        judges={name: judge.family.lower() for name, judge in pipeline.settings.judges.items()},
        policy=pipeline.settings.judge_checks,
    )


@dataclass(frozen=True)
class _Part:
    """Some of the week's calls, and what makes JUDGE_PROBES of their outcomes."""

    calls: list[ModelCall]
    read: Callable[[Sequence[CallOutcome]], pl.DataFrame]


def _sampled(pipeline: Pipeline, *, week: str) -> list[_Part]:
    """The same words again, and the reasons read alone, of this week's responses."""
    policy, judges = pipeline.settings.judge_checks, pipeline.settings.judges
    responses = subjects.week_s_responses(pipeline, week=week)
    largest = max(policy.retest_items, policy.rationale_items)
    sample = chosen(responses, largest, salt=f"retest:{week}")
    verdicts = pipeline.lake.read(VERDICTS, partition=week).filter(
        (pl.col("order") == "single") & pl.col("judge_id").is_in(list(judges))
    )
    again = sample.head(policy.retest_items)
    reasons = probing.rationale_probes(
        sample.head(policy.rationale_items)
        .select("interaction_id", "item_id")
        .join(verdicts, on="interaction_id", maintain_order="left"),
        judges=judges,
    )
    return [
        _again(
            pipeline,
            again.with_columns(source=pl.lit("sample")),
            expected=verdicts.select("interaction_id", "judge_id", expected="verdict"),
            probe="retest",
            week=week,
        ),
        _Part(
            probing.plan_rationales(reasons, judges=judges, scope=scope_of_checks(week)),
            lambda outcomes: probing.read_rationales(outcomes, probes=reasons),
        ),
    ]


def _anchored(pipeline: Pipeline, anchors: pl.DataFrame, *, week: str) -> _Part:
    return _again(
        pipeline,
        subjects.anchor_responses(pipeline, anchors),
        expected=anchors.select("interaction_id", expected="label"),
        probe="anchor",
        week=week,
    )


def _again(
    pipeline: Pipeline, asked: pl.DataFrame, *, expected: pl.DataFrame, probe: str, week: str
) -> _Part:
    judges, rubrics = pipeline.settings.judges, pipeline.rubrics
    calls = probing.plan_again(
        asked,
        judges=judges,
        rubrics=rubrics,
        scope=scope_of_checks(week),
        trial=RETEST_TRIAL if probe == "retest" else ANCHOR_TRIAL,
    )
    return _Part(
        calls,
        lambda outcomes: probing.read_again(
            outcomes,
            probe=probe,
            subjects=asked,
            expected=expected,
            judges=judges,
            rubrics=rubrics,
        ),
    )


def _positions(pipeline: Pipeline, *, week: str) -> _Part:
    candidates = subjects.pair_candidates(pipeline, week=week)
    pairs = pairs_from(candidates, pipeline.settings.judge_checks.pairs, week=week)
    sources: dict[str, str] = dict(candidates.select("item_id", "source").iter_rows())
    rubrics = pipeline.rubrics
    calls = probing.plan_positions(
        pairs, judges=pipeline.settings.judges, rubrics=rubrics, scope=scope_of_checks(week)
    )
    return _Part(
        calls,
        lambda outcomes: probing.read_positions(
            outcomes, pairs=pairs, sources=sources, rubrics=rubrics
        ),
    )
