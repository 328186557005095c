"""The calls that check judges, planned and read back as JUDGE_PROBES."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from eval_pipeline.judging.biases.rationales import (
    SUPPORT_SCHEMA,
    SupportAnswer,
    parse_support,
    support_messages,
)
from eval_pipeline.judging.calls import call_columns, judge_call, judge_of, judge_system_id
from eval_pipeline.judging.pairwise import FIRST_ORDER, SECOND_ORDER, ResponsePair, plan_preferences
from eval_pipeline.judging.panel import SINGLE_ORDER, plan_verdicts, read_verdicts
from eval_pipeline.judging.parsing import PreferenceAnswer, answer_in, parse_preference
from eval_pipeline.judging.rubrics import Rubric, pairwise_for
from eval_pipeline.ports import CallOutcome, ModelCall
from eval_pipeline.settings import JudgeSettings
from eval_pipeline.tables import JUDGE_PROBES

REPEATS = (1, 2)


@dataclass(frozen=True)
class RationaleProbe:
    """One judge's recorded verdict, and the judge that reads its rationale alone."""

    judge_id: str
    reader_id: str
    item_id: str
    interaction_id: str
    rubric_id: str
    verdict: str
    rationale: str


def plan_again(
    interactions: pl.DataFrame,
    *,
    judges: Mapping[str, JudgeSettings],
    rubrics: Sequence[Rubric],
    scope: str,
    trial: int,
) -> list[ModelCall]:
    """Every judge about every response, in the very words of the weekly judging."""
    calls = plan_verdicts(interactions, judges=judges, rubrics=rubrics, scope=scope)
    return [replace(call, trial=trial) for call in calls]


def read_again(
    outcomes: Sequence[CallOutcome],
    *,
    probe: str,
    subjects: pl.DataFrame,
    expected: pl.DataFrame,
    judges: Mapping[str, JudgeSettings],
    rubrics: Sequence[Rubric],
) -> pl.DataFrame:
    """The outcomes of `plan_again` as JUDGE_PROBES.

    `subjects`: item_id, interaction_id, route and source of what was asked about. `expected`:
    interaction_id and expected, and judge_id where it differs from judge to judge.
    """
    read = read_verdicts(outcomes, interactions=subjects, judges=judges, rubrics=rubrics)
    keys = [column for column in ("interaction_id", "judge_id") if column in expected.columns]
    rows = (
        read.join(subjects.select("interaction_id", "item_id", "source"), on="interaction_id")
        .join(expected, on=keys, how="left")
        .with_columns(
            probe=pl.lit(probe),
            answered_by="judge_id",
            repeat=pl.lit(1, dtype=pl.Int64),
            criterion=_broken(read, rubrics),
        )
    )
    return JUDGE_PROBES.conform(rows.select(list(JUDGE_PROBES.schema)))


def _broken(verdicts: pl.DataFrame, rubrics: Sequence[Rubric]) -> pl.Series:
    """By row, the number of the first criterion whose level does not pass, or null."""
    passing = {rubric.rubric_id: [one.passing for one in rubric.criteria] for rubric in rubrics}
    broken = [
        next(
            (
                one["criterion"]
                for one in criteria or ()
                if one["level"] is not None
                and one["level"] not in passing[rubric_id][one["criterion"] - 1]
            ),
            None,
        )
        for rubric_id, criteria in verdicts.select("rubric_id", "criteria").iter_rows()
    ]
    return pl.Series(broken, dtype=pl.Int64)


def with_pairwise(rubrics: Sequence[Rubric]) -> tuple[Rubric, ...]:
    """The rubrics, and each pointwise one asked of two responses where no pairwise one applies."""
    derived = [replace(rubric, form="pairwise") for rubric in rubrics if rubric.form == "pointwise"]
    return (*rubrics, *derived)


def plan_positions(
    pairs: Sequence[ResponsePair],
    *,
    judges: Mapping[str, JudgeSettings],
    rubrics: Sequence[Rubric],
    scope: str,
) -> list[ModelCall]:
    """Four calls per pair and judge: each order twice, in the same words."""
    once = plan_preferences(pairs, judges=judges, rubrics=with_pairwise(rubrics), scope=scope)
    return [replace(call, trial=repeat) for repeat in REPEATS for call in once]


def read_positions(
    outcomes: Sequence[CallOutcome],
    *,
    pairs: Sequence[ResponsePair],
    sources: Mapping[str, str],
    rubrics: Sequence[Rubric],
) -> pl.DataFrame:
    """The outcomes of `plan_positions` as JUDGE_PROBES; `sources` by pair id."""
    routes = {pair.pair_id: pair.route for pair in pairs}
    known = with_pairwise(rubrics)
    rows = []
    for outcome in outcomes:
        pair_id, _, order = outcome.call.item_id.rpartition("|")
        answer = answer_in(outcome, parse_preference)
        rows.append(
            {
                "probe": "position",
                "judge_id": judge_of(outcome),
                "answered_by": judge_of(outcome),
                "item_id": pair_id,
                "interaction_id": None,
                "order": order,
                "repeat": outcome.call.trial,
                "rubric_id": pairwise_for(known, routes[pair_id]).rubric_id,
                "source": sources[pair_id],
                "expected": None,
                "verdict": answer.preference if isinstance(answer, PreferenceAnswer) else None,
                "criterion": None,
                **call_columns(outcome, answer),
            }
        )
    return JUDGE_PROBES.conform(pl.DataFrame(rows, schema=JUDGE_PROBES.schema))


def rationale_probes(
    verdicts: pl.DataFrame, *, judges: Mapping[str, JudgeSettings]
) -> list[RationaleProbe]:
    """Each pass or fail with a rationale, for the next judge of another family to read.

    `verdicts`: VERDICTS with item_id. The next in the configuration's order, from the judge on.
    """
    names = list(judges)
    probes = []
    decided = verdicts.filter(
        pl.col("verdict").is_in(["pass", "fail"])
        & (pl.col("rationale").str.strip_chars().fill_null("") != "")
    )
    for row in decided.iter_rows(named=True):
        place = names.index(row["judge_id"])
        others = names[place + 1 :] + names[:place]
        family = judges[row["judge_id"]].family.lower()
        reader = next(name for name in others if judges[name].family.lower() != family)
        probes.append(
            RationaleProbe(
                judge_id=row["judge_id"],
                reader_id=reader,
                item_id=row["item_id"],
                interaction_id=row["interaction_id"],
                rubric_id=row["rubric_id"],
                verdict=row["verdict"],
                rationale=row["rationale"],
            )
        )
    return probes


def plan_rationales(
    probes: Sequence[RationaleProbe], *, judges: Mapping[str, JudgeSettings], scope: str
) -> list[ModelCall]:
    """One call per probe: which verdict do these words support?"""
    return [
        judge_call(
            judges[probe.reader_id],
            support_messages(probe.rationale),
            scope=scope,
            system_id=judge_system_id(probe.reader_id),
            item_id=probe.interaction_id,
            output_schema=SUPPORT_SCHEMA,
        )
        for probe in probes
    ]


def read_rationales(
    outcomes: Sequence[CallOutcome], *, probes: Sequence[RationaleProbe]
) -> pl.DataFrame:
    """The outcomes of `plan_rationales` as JUDGE_PROBES; words that say nothing are an abstain."""
    rows = []
    for probe, outcome in zip(probes, outcomes, strict=True):
        answer = answer_in(outcome, parse_support)
        rows.append(
            {
                "probe": "rationale",
                "judge_id": probe.judge_id,
                "answered_by": probe.reader_id,
                "item_id": probe.item_id,
                "interaction_id": probe.interaction_id,
                "order": SINGLE_ORDER,
                "repeat": 1,
                "rubric_id": probe.rubric_id,
                "source": "sample",
                "expected": probe.verdict,
                "verdict": answer.supports if isinstance(answer, SupportAnswer) else None,
                "criterion": None,
                **call_columns(outcome, answer),
            }
        )
    return JUDGE_PROBES.conform(pl.DataFrame(rows, schema=JUDGE_PROBES.schema))


def scores_of(positions: pl.DataFrame) -> pl.DataFrame:
    """Position probes with `score`: 1 where the pair's first response won, 0.5 a tie, or null."""
    leads = pl.col("order") == FIRST_ORDER
    return positions.filter(pl.col("order").is_in([FIRST_ORDER, SECOND_ORDER])).with_columns(
        score=pl.when(pl.col("verdict") == "tie")
        .then(0.5)
        .when(pl.col("verdict").is_in(["a", "b"]))
        .then(((pl.col("verdict") == "a") == leads).cast(pl.Float64))
    )
