"""Finds the recorded conversation that a request means: the same one, or else the nearest."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

Turns = tuple[tuple[str, str], ...]
"""Role and normalised content of each message that is not a system message."""

_PLACEHOLDER = re.compile(r"\[[a-z][a-z_]*_\d+\]")
_FEATURES = 2**18
_LAST_TURN_WEIGHT = 2


def normalise(text: str) -> str:
    """The text in one case with single spaces."""
    return " ".join(text.split()).casefold()


def turns_of(messages: Sequence[Mapping[str, str]]) -> Turns:
    """The conversation that identifies a request; system messages are the caller's own."""
    return tuple(
        (message.get("role") or "user", normalise(message.get("content") or ""))
        for message in messages
        if message.get("role") != "system"
    )


@dataclass(frozen=True)
class Match:
    """A recorded conversation by its row, and how like the request it is (1: the same)."""

    row: int
    similarity: float


@dataclass(frozen=True)
class _Shelf:
    """The recorded conversations of one number of turns, as postings: features by rows."""

    rows: np.ndarray[Any, np.dtype[np.int64]]
    postings: Any


class ConversationIndex:
    """Recorded conversations, looked up exactly and, below `minimum_similarity` 1, by likeness.

    Likeness is the cosine of hashed word 1- and 2-gram vectors, weighted by rarity, the last turn
    counted three times. Masking replaces words and never removes turns, so only conversations of
    as many turns are compared. Among equals the first row wins.
    """

    def __init__(self, conversations: Sequence[Turns], *, minimum_similarity: float) -> None:
        self._minimum = minimum_similarity
        self._exact: dict[Turns, int] = {}
        for row, turns in enumerate(conversations):
            self._exact.setdefault(turns, row)
        self._shelves: dict[int, _Shelf] = {}
        if minimum_similarity < 1 and conversations:
            self._shelve(conversations)

    def find(self, turns: Turns) -> Match | None:
        """The same or the nearest recorded conversation; None if none is near enough."""
        row = self._exact.get(turns)
        if row is not None:
            return Match(row, 1.0)
        shelf = self._shelves.get(len(turns))
        if shelf is None:
            return None
        query = self._weigh(self._vectorizer.transform([_text(turns)]))
        likeness = shelf.postings[query.indices].T @ query.data
        best = int(np.argmax(likeness))
        if likeness[best] < self._minimum:
            return None
        return Match(int(shelf.rows[best]), float(min(likeness[best], 1.0)))

    def _shelve(self, conversations: Sequence[Turns]) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer  # noqa: PLC0415 - slow

        self._vectorizer = HashingVectorizer(
            ngram_range=(1, 2),
            n_features=_FEATURES,
            norm=None,
            alternate_sign=False,
            token_pattern=r"[^\W_]+",  # noqa: S106 - a word pattern, not a password
        )
        counts = self._vectorizer.transform([_text(turns) for turns in conversations]).tocsr()
        found_in = np.bincount(counts.indices, minlength=_FEATURES)
        self._rarity = np.log((1 + len(conversations)) / (1 + found_in)) + 1
        weighted = self._weigh(counts)
        lengths = np.array([len(turns) for turns in conversations])
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            self._shelves[int(length)] = _Shelf(rows, weighted[rows].T.tocsr())

    def _weigh(self, counts: Any) -> Any:
        """Counts dampened, weighted by rarity, each row of length one."""
        weighted = scipy.sparse.csr_matrix(counts, dtype=np.float64)
        weighted.data = (1 + np.log(weighted.data)) * self._rarity[weighted.indices]
        norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        norms[norms == 0] = 1
        weighted.data /= np.repeat(norms, np.diff(weighted.indptr))
        return weighted


def _text(turns: Turns) -> str:
    contents = [content for _, content in turns]
    contents += contents[-1:] * _LAST_TURN_WEIGHT
    return _PLACEHOLDER.sub(" ", "\n".join(contents))
