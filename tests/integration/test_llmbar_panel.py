"""Six recorded judges on real pairs: runner, prompts, parser and reading change no verdict."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.schema import metadata
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.judging.pairwise import (
    FIRST_ORDER,
    Preferences,
    ResponsePair,
    mean_preferences,
    plan_preferences,
    read_preferences,
)
from eval_pipeline.judging.parsing import PreferenceAnswer, parse_preference
from eval_pipeline.judging.reliability import judge_weights
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.ports import CallOutcome, Message
from eval_pipeline.settings import JudgeSettings, ProviderSettings
from tests.real_data import DATA, needs

pytestmark = [pytest.mark.slow, pytest.mark.real_data, needs("llmbar")]

JUDGES = ("GPT-4", "PaLM2", "ChatGPT", "ChatGPT-0301", "LLaMA2", "Falcon")
FIVE = ("GPT-4", "PaLM2", "ChatGPT", "LLaMA2", "Falcon")
# Published with the data: accuracy (mean of both orders) and order consistency, 419 pairs.
PUBLISHED = {
    "GPT-4": (0.845, 0.928),
    "PaLM2": (0.698, 0.726),
    "ChatGPT-0301": (0.481, 0.578),
    "ChatGPT": (0.400, 0.659),
}
PAIRS = 419
RUBRIC = Rubric("better", "pairwise", ("Does what was asked.",))
CALM = ("--rate-limited-share", "0", "--failed-share", "0")


def recorded() -> pl.DataFrame:
    """One row per core pair, judge and order: pair, judge, swap, winner, label."""
    return (
        pl.read_parquet(DATA / "llmbar" / "judgments.parquet")
        .filter(
            pl.col("subset").str.starts_with("LLMBar/"),
            pl.col("prompt") == "Vanilla",
        )
        .select(
            "judge", "swap", "winner",
            pair=pl.col("subset") + "|" + pl.col("item").cast(pl.String),
            label=pl.col("label").cast(pl.String),
        )
    )  # fmt: skip


def pairs() -> list[ResponsePair]:
    rows = pl.read_parquet(DATA / "llmbar" / "items.parquet").filter(
        pl.col("subset").str.starts_with("LLMBar/")
    )
    return [
        ResponsePair(
            f"{row['subset']}|{row['item']}",
            "any",
            (Message("user", row["input"]),),
            row["output_1"],
            row["output_2"],
        )
        for row in rows.iter_rows(named=True)
    ]


def served(judge: str) -> str:
    return f"""
  {judge}:
    kind: recorded_preferences
    data: ${{EVAL_PIPELINE_REAL_DATA}}/llmbar/judgments.parquet
    where: {{judge: {judge}, prompt: Vanilla}}
    pairs: ${{EVAL_PIPELINE_REAL_DATA}}/llmbar/items.parquet
    key: [subset, item]
    served_model: {judge}
"""


@pytest.fixture(scope="module")
def judges() -> Mapping[str, JudgeSettings]:
    return {
        name: JudgeSettings(provider="loopback", model=name, family=name.partition("-")[0])
        for name in JUDGES
    }


@pytest.fixture(scope="module")
def asked(
    tmp_path_factory: pytest.TempPathFactory, judges: Mapping[str, JudgeSettings]
) -> list[CallOutcome]:
    """Every judge asked about every pair in both orders, over HTTP."""
    folder: Path = tmp_path_factory.mktemp("llmbar")
    replay = folder / "replay.yaml"
    replay.write_text("models:" + "".join(map(served, JUDGES)), encoding="utf-8")
    engine = sa.create_engine(f"sqlite:///{folder / 'store.db'}")
    metadata.create_all(engine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVAL_PIPELINE_REAL_DATA", str(DATA))
        arguments = ["--replay", str(replay), *CALM]
        with ProviderProcess(
            models="none", latency_median_seconds=0.0, arguments=arguments
        ) as provider:
            runner = HttpModelRunner(
                {"loopback": ProviderSettings(base_url=provider.base_url)},
                journal=CallJournal(engine),
                redact=lambda texts: [text for text, _ in texts],
                secret=str,
                clock=lambda: dt.datetime(2026, 11, 16, tzinfo=dt.UTC),
            )
            calls = plan_preferences(pairs(), judges=judges, rubrics=(RUBRIC,), scope="llmbar")
            assert len(calls) == 2 * PAIRS * len(JUDGES)
            outcomes = runner.run(calls, purpose="judging llmbar")
    engine.dispose()
    return outcomes


@pytest.fixture(scope="module")
def read(asked: list[CallOutcome], judges: Mapping[str, JudgeSettings]) -> Preferences:
    return read_preferences(pairs(), asked, judges=judges)


def by_order(asked: list[CallOutcome]) -> pl.DataFrame:
    """The winner that each answer names, by pair, judge and order, as the raw file has it."""
    rows = []
    for outcome in asked:
        pair, _, order = outcome.call.item_id.rpartition("|")
        answer = parse_preference(outcome.text)
        swap = order != FIRST_ORDER
        winner = "None"
        if isinstance(answer, PreferenceAnswer):
            winner = {"a": "2" if swap else "1", "b": "1" if swap else "2"}[answer.preference]
        rows.append((outcome.requested_model, swap, winner, pair))
    return pl.DataFrame(rows, schema=["judge", "swap", "winner", "pair"], orient="row")


def test_every_recorded_verdict_arrives_as_it_was_recorded(asked: list[CallOutcome]) -> None:
    columns = ["pair", "judge", "swap", "winner"]
    raw = recorded().select(columns).sort(columns)
    assert by_order(asked).select(columns).sort(columns).equals(raw)
    assert {outcome.status for outcome in asked} == {"answered"}


@pytest.mark.parametrize("judge", PUBLISHED)
def test_accuracy_and_order_consistency_are_the_published_ones(
    asked: list[CallOutcome], judge: str
) -> None:
    labels = recorded().select("pair", "label").unique()
    rows = by_order(asked).filter(pl.col("judge") == judge).join(labels, on="pair")
    right = rows.select((pl.col("winner") == pl.col("label")).mean()).item()
    same = rows.group_by("pair").agg(pl.col("winner").n_unique() == 1)["winner"].mean()
    assert (round(right, 3), round(same, 3)) == PUBLISHED[judge]


def test_what_holds_in_both_orders_counts_and_the_rest_is_tied_or_missing(
    read: Preferences,
) -> None:
    wide = recorded().pivot("swap", index=["pair", "judge", "label"], values="winner")
    expected = {}
    for pair, judge, _, first, second in wide.iter_rows():
        if "None" in (first, second):
            expected[pair, judge] = (None, None)
        elif first == second:
            expected[pair, judge] = (1.0 if first == "1" else 0.0, True)
        else:
            expected[pair, judge] = (0.5, False)
    assert {
        (one.pair_id, one.judge_id): (one.score, one.consistent) for one in read.preferences
    } == expected
    # Ten answers without a preference, four of them the same pairs' in both orders.
    assert read.missing == sum(score is None for score, _ in expected.values()) == 6
    assert read.inconsistent == sum(held is False for _, held in expected.values())


def test_a_plain_majority_of_five_is_worse_than_the_best_judge(asked: list[CallOutcome]) -> None:
    labels = recorded().select("pair", "label").unique()
    rows = by_order(asked).filter(~pl.col("swap")).join(labels, on="pair")
    right = pl.col("winner") == pl.col("label")
    five = rows.filter(pl.col("judge").is_in(FIVE)).group_by("pair").agg(right=right.sum())
    assert round((five["right"] >= 3).mean(), 3) == 0.587
    # 347 of 419
    assert rows.filter(pl.col("judge") == "GPT-4").select(right.mean()).item() > 0.8


def test_votes_weighted_by_what_other_pairs_showed_beat_heads(read: Preferences) -> None:
    # Two halves: what the labels of one showed of each judge weighs its votes on the other.
    truth = first_is_better()
    halves = [set(sorted(truth)[start::2]) for start in (0, 1)]
    weighted = 0.0
    for judged, other in (halves, halves[::-1]):
        weights = judge_weights(calibration(read, among=other), judges=FIVE)
        weighted += accuracy(read, weights, among=judged) * len(judged) / PAIRS
    heads = accuracy(read, dict.fromkeys(FIVE, 1.0), among=set(truth))
    assert weighted > heads + 0.1


def test_the_mean_over_judges_is_null_only_below_the_quorum(read: Preferences) -> None:
    assert [one.value for one in mean_preferences(read, quorum=5).values()].count(None) == 0
    missing = {one.pair_id for one in read.preferences if one.score is None}
    scores = mean_preferences(read, quorum=6)
    assert {pair for pair, score in scores.items() if score.value is None} == missing


def first_is_better() -> dict[str, bool]:
    return {
        pair: label == "1" for pair, label in recorded().select("pair", "label").unique().rows()
    }


def calibration(read: Preferences, *, among: set[str]) -> pl.DataFrame:
    """Each judge's hits where the first is better and where the second is, as JUDGE_CALIBRATION."""
    truth, rows = first_is_better(), []
    for judge in FIVE:
        for measure, first in (("sensitivity", True), ("specificity", False)):
            said = [
                one.score if first else 1 - one.score
                for one in read.preferences
                if one.judge_id == judge and one.pair_id in among and one.score is not None
                and truth[one.pair_id] == first
            ]  # fmt: skip
            rows.append((judge, measure, sum(said) / len(said), len(said)))
    return pl.DataFrame(rows, schema=["judge_id", "measure", "value", "labelled"], orient="row")


def accuracy(read: Preferences, weights: Mapping[str, float], *, among: set[str]) -> float:
    """The share of pairs whose weighted vote over both orders is right; a tie is half right."""
    votes = dict.fromkeys(among, 0.0)
    for one in read.preferences:
        if one.pair_id in votes and one.score is not None:
            votes[one.pair_id] += weights.get(one.judge_id, 0.0) * (one.score - 0.5)
    truth = first_is_better()
    right = [0.5 if not vote else float((vote > 0) == truth[pair]) for pair, vote in votes.items()]
    return sum(right) / len(right)
