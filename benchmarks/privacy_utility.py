"""What masking costs a classifier of intents: accuracy on raw and on masked queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from privacy_engines import (
    OURS,
    PRESIDIO,
    Find,
    Mask,
    UnavailableError,
    masking,
    presidio,
    replaced,
    whole_engine,
)
from privacy_tables import CONFIDENCE, Table, interval, share
from scipy.stats import binomtest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

SETS: Final = ("clinc150", "banking77")
RESAMPLES: Final = 2_000


@dataclass(frozen=True)
class Queries:
    """Texts with intents; those out of scope are left out."""

    texts: tuple[str, ...]
    intents: tuple[str, ...]

    @classmethod
    def of(cls, data: Path, name: str, *, split: str, count: int | None) -> "Queries":
        frame = pl.read_parquet(data / name / "queries.parquet").filter(pl.col("split") == split)
        if count is not None:
            # Of every intent alike, or so few queries would hold few intents.
            frame = frame.filter(pl.int_range(pl.len()).over("intent") < count)
        return cls(tuple(frame["text"]), tuple(frame["intent"]))

    def masked(self, mask: Mask) -> "Queries":
        return Queries(tuple(map(mask, self.texts)), self.intents)


def utility(data: Path, name: str, *, count: int | None = None) -> Table:
    """Accuracy before and after; `count` limits the queries of an intent.

    Raises `OSError` where the data are absent.
    """
    train = Queries.of(data, name, split="train", count=count)
    test = Queries.of(data, name, split="test", count=count)
    raw_model = _fitted(train)
    raw = _right(raw_model, test)
    rows = [["none", "raw", share(int(raw.sum()), raw.size), "", "", "", ""]]
    notes = []
    for engine, make in (OURS, _ours), (PRESIDIO, _theirs):
        try:
            mask, find = make()
        except UnavailableError as reason:
            notes.append(f"{engine}: skipped, {reason}.")
            continue
        hidden = test.masked(mask)
        touched = _touched(test.texts, hidden.texts, find)
        for told, model in (
            ("masked", _fitted(train.masked(mask))),
            ("raw", raw_model),
        ):
            right = _right(model, hidden)
            accuracy = share(int(right.sum()), right.size)
            rows.append([engine, told, accuracy, *_loss(raw, right), *touched])
    about = (
        f"{len(train.texts):,} queries to train on and {len(test.texts):,} to test, of "
        f"{len(set(train.intents))} intents; TF-IDF of words and pairs, linear SVM. The loss is "
        "paired: its interval by resampling the test's queries, p by McNemar's exact test. "
        "95 % intervals."
    )
    return Table(
        f"{name}: accuracy of intents after masking",
        [
            "masked by",
            "trained on",
            "accuracy",
            "loss, points",
            "p",
            "queries touched",
            "characters",
        ],
        rows,
        [about, *notes],
    )


def _ours() -> tuple[Mask, Find]:
    return masking(), whole_engine()


def _theirs() -> tuple[Mask, Find]:
    find = presidio()
    return partial(_masked_by, find), find


def _masked_by(find: Find, text: str) -> str:
    return replaced(text, find(text))


def _fitted(queries: Queries) -> Pipeline:
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LinearSVC(random_state=0)
    )
    return model.fit(queries.texts, queries.intents)


def _right(model: Pipeline, queries: Queries) -> np.ndarray:
    return np.asarray(model.predict(queries.texts) == np.asarray(queries.intents))


def _loss(raw: np.ndarray, masked: np.ndarray) -> list[str]:
    """Points of accuracy lost, and McNemar's p."""
    gaps = raw.astype(int) - masked.astype(int)
    lost, won = int((gaps > 0).sum()), int((gaps < 0).sum())
    points = 100 * _resampled_means(gaps)
    p = binomtest(lost, lost + won).pvalue if lost + won else 1.0
    return [interval(100 * float(gaps.mean()), *_bounds(points), decimals=2), f"{p:.2g}"]


def _touched(raw: Sequence[str], masked: Sequence[str], find: Find) -> list[str]:
    """The shares of queries and of characters that masking touches."""
    queries = sum(before != after for before, after in zip(raw, masked, strict=True))
    hidden = np.array([sum(span.end - span.start for span in find(text)) for text in raw])
    lengths = np.array([len(text) for text in raw])
    drawn = _resampled_means(hidden) / _resampled_means(lengths)
    characters = interval(float(hidden.sum() / lengths.sum()), *_bounds(drawn), decimals=4)
    return [share(queries, len(raw)), characters]


def _resampled_means(values: np.ndarray) -> np.ndarray:
    """Means of resamples; the same draws for every array of a length, so ratios are paired."""
    rng = np.random.default_rng(2026)
    return np.array(
        [values[rng.integers(0, values.size, values.size)].mean() for _ in range(RESAMPLES)]
    )


def _bounds(values: np.ndarray) -> tuple[float, float]:
    tail = 50 * (1 - CONFIDENCE)
    lower, upper = np.percentile(values, [tail, 100 - tail])
    return float(lower), float(upper)
