"""Real questions: unrelated sources hold next to none of them, and one that holds them shows it."""

import json
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.adapters.known_texts import read_records
from eval_pipeline.anonymisation.text_matching import words_of
from eval_pipeline.settings import ContaminationSettings
from eval_pipeline.truth.contamination import SoughtItem, passages_of, user_texts
from eval_pipeline.truth.item_index import ItemIndex
from tests.real_data import DATA, needs

pytestmark = [pytest.mark.real_data, needs("banking77", "clinc150", "real_log")]

POLICY = ContaminationSettings()
ITEMS = 500
LEAST_FOUND = 4


def index_of(items: list[SoughtItem]) -> ItemIndex:
    return ItemIndex(
        [passage for item in items for passage in passages_of(item, policy=POLICY)], policy=POLICY
    )


def found(items: list[SoughtItem], source: Path) -> set[str]:
    return {hit.item_id for hit in index_of(items).search(read_records(source)).best.values()}


@pytest.fixture(scope="module")
def logged() -> list[SoughtItem]:
    log = pl.read_parquet(DATA / "real_log" / "**" / "*.parquet", hive_partitioning=False)
    return [
        SoughtItem(row["interaction_id"], (), user_texts(row["messages"]), row["response"])
        for row in log.sort("interaction_id").sample(ITEMS, seed=3).to_dicts()
    ]


@pytest.fixture(scope="module")
def banking() -> list[SoughtItem]:
    queries = pl.read_parquet(DATA / "banking77" / "queries.parquet").sample(ITEMS, seed=3)
    return [SoughtItem(str(at), (), (text,), None) for at, text in enumerate(queries["text"])]


@pytest.mark.parametrize("source", ["banking77", "clinc150"])
def test_unrelated_queries_hold_only_short_questions_of_the_real_log(
    logged: list[SoughtItem], source: str
) -> None:
    known = found(logged, DATA / source / "queries.parquet")
    assert len(known) <= ITEMS // 100
    lengths = {item.item_id: len(words_of(" ".join(item.questions))) for item in logged}
    assert all(LEAST_FOUND <= lengths[item_id] < POLICY.ngram_words for item_id in known)


def test_unrelated_queries_hold_next_to_none_of_another_domain(banking: list[SoughtItem]) -> None:
    assert len(found(banking, DATA / "clinc150" / "queries.parquet")) <= ITEMS // 100


def test_every_question_in_a_training_file_is_found(
    logged: list[SoughtItem], tmp_path: Path
) -> None:
    planted = logged[::5]
    path = tmp_path / "train.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"messages": [{"role": "user", "content": text} for text in item.questions]})
            for item in planted
        ),
        encoding="utf-8",
    )
    too_short = {item.item_id for item in planted if index_of([item]).too_short}
    wanted = {item.item_id for item in planted} - too_short
    assert len(wanted) > len(planted) * 0.9
    assert wanted <= found(logged, path)
