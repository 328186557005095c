"""Topics of a week from the lake, by an embeddings endpoint that is sent anonymised text only."""

import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from eval_pipeline.flows.clusters import cluster_week
from eval_pipeline.tables import ANONYMISED_INTERACTIONS
from tests.scenario import WEEKS, World
from tests.unit.test_embeddings import served

WORDS = ("refund", "prescription", "open", "order")


def by_words(request: dict[str, Any], number: int) -> tuple[int, Any]:
    entries = [
        {"index": index, "embedding": [float(word in text.lower()) for word in WORDS] + [0.1]}
        for index, text in enumerate(request["input"])
    ]
    return 200, {"data": entries, "model": request["model"]}


def embedded(url: str) -> Callable[[Any], object]:
    def change(tree: Any) -> None:
        tree["providers"]["embedder"] = {"base_url": url}
        tree["clusters"] = {
            "embeddings": {"provider": "embedder", "model": "small"},
            "minimum_conversations": 20,
            "minimum_size": 5,
            "minimum": 2,
        }

    return change


@pytest.fixture
def lines_in_lake(world: World) -> set[str]:
    """Every line that people asked, as the lake has it, without its placeholders."""
    with world.pipeline() as pipeline:
        texts = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=WEEKS[0])
    messages = texts.explode("messages").unnest("messages")
    asked = messages.filter(pl.col("role") == "user")["content"].str.split("\n").explode()
    return {bare(line) for line in asked}


def bare(line: str) -> str:
    return " ".join(re.sub(r"\[[A-Z_]+_\d+\]", " ", line).split())


def test_embeddings_make_the_topics_and_see_anonymised_text_only(world, lines_in_lake):
    with served(by_words) as endpoint:
        world.configure(embedded(endpoint.url))
        with world.pipeline() as pipeline:
            topics = cluster_week(pipeline, week=WEEKS[0])
    assert endpoint.requests[0]["model"] == "small"
    sent = [text for request in endpoint.requests for text in request["input"]]
    assert topics.conversations >= 20
    assert sent
    for text in sent:
        assert {bare(line) for line in text.split("\n")} <= lines_in_lake, text
    assert topics.clusters["vectors"].unique().to_list() == ["small"]
    # The words part the texts into few groups, each of which has its own among its terms.
    living = topics.clusters.filter(pl.col("identity") != "died")
    assert 2 <= living.height <= 2 ** len(WORDS)
    inside = (living["share_lower"] < living["share"]) & (living["share"] < living["share_upper"])
    assert inside.all()


def test_a_week_with_few_conversations_has_no_topics_and_asks_nothing(world):
    with served(by_words) as endpoint:
        world.configure(embedded(endpoint.url))
        world.configure(lambda tree: tree["clusters"].update(minimum_conversations=10_000))
        with world.pipeline() as pipeline:
            topics = cluster_week(pipeline, week=WEEKS[0])
    assert endpoint.requests == []
    assert topics.clusters.is_empty()
    assert "`clusters.minimum_conversations` is 10000" in topics.told
