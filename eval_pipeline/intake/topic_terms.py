"""The texts that topics are found in, their terms, and which terms tell one group from the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from eval_pipeline.anonymisation.spans import PLACEHOLDER

Floats = NDArray[np.float64]
Columns = NDArray[np.int64]
Profile = Mapping[str, float]
"""Terms with weights whose squares sum to one: what is kept of a topic's place."""
Part = Literal["last_user_message", "user_messages", "conversation_text"]

LONGEST_TEXT: Final = 4_000
"""Characters; the topic of a longer text stands in its beginning."""
COMMONEST_SHARE: Final = 0.5
PROFILE_TERMS: Final = 100
DECIMALS: Final = 6
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


def topic_texts(anonymised: pl.DataFrame, *, part: Part) -> pl.DataFrame:
    """interaction_id, conversation_key and text of every interaction, by id, without placeholders.

    A text without any message of the part is empty.
    """
    content, role = (pl.element().struct.field(name) for name in ("content", "role"))
    wanted = content if part == "conversation_text" else content.filter(role == "user")
    passages = pl.col("messages").list.eval(wanted).list.drop_nulls()
    if part == "last_user_message":
        passages = passages.list.tail(1)
    return anonymised.select(
        "interaction_id",
        "conversation_key",
        text=passages.list.join("\n")
        .fill_null("")
        .str.replace_all(PLACEHOLDER.pattern, " ")
        .str.slice(0, LONGEST_TEXT),
    ).sort("interaction_id")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case: runs of at least two letters."""
    return _WORD.findall(text.lower())


@dataclass(frozen=True)
class TermCounts:
    """Which text holds which word: a matrix of ones, a row per text, a column per `words` entry."""

    words: tuple[str, ...]
    held: scipy.sparse.csr_array

    @cached_property
    def place(self) -> dict[str, int]:
        """The column of each word."""
        return {word: column for column, word in enumerate(self.words)}

    @cached_property
    def texts_with(self) -> Floats:
        """By word: the texts that hold it."""
        return np.asarray(self.held.sum(axis=0), dtype=np.float64).ravel()


def count_terms(texts: Sequence[str]) -> TermCounts:
    """Every word of the texts, sorted, and where it stands."""
    found = [sorted(set(words_of(text))) for text in texts]
    words = tuple(sorted({word for row in found for word in row}))
    place = {word: column for column, word in enumerate(words)}
    columns = np.array([place[word] for row in found for word in row], dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum([len(row) for row in found])]).astype(np.int64)
    held = scipy.sparse.csr_array(
        (np.ones(columns.size), columns, ends), shape=(len(texts), max(len(words), 1))
    )
    return TermCounts(words, held)


def are_stop_words(counts: TermCounts) -> NDArray[np.bool_]:
    """For each of the words whether it is one of scikit-learn's English stop words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # noqa: PLC0415 - slow

    return np.array([word in ENGLISH_STOP_WORDS for word in counts.words], dtype=bool)


def telling_terms(counts: TermCounts, *, conversations: Sequence[str], least: int) -> Columns:
    """The columns of words that `least` conversations hold, without stop words and the commonest.

    A word that few conversations hold may tell of a person: it is written nowhere.
    """
    holders = _holders(counts, conversations)
    highest = max(least, COMMONEST_SHARE * len(set(conversations)))
    is_stop = are_stop_words(counts)
    fit = (holders >= least) & (holders <= highest)
    return np.flatnonzero(fit[: is_stop.size] & ~is_stop)


def profile_of(
    counts: TermCounts, members: Columns, *, conversations: Sequence[str], least: int
) -> Profile:
    """The heaviest terms of the texts in rows `members`, by class-based TF-IDF, length one.

    Weight: the share of the group's texts that hold the term times log(texts / texts with it)
    (Grootendorst 2022, with shares of texts). Only terms that `least` of its conversations hold.
    """
    columns = _own_terms(counts, members, conversations=conversations, least=least)
    share = np.asarray(counts.held[members].sum(axis=0)).ravel()[columns] / max(members.size, 1)
    weights = share * np.log(counts.held.shape[0] / counts.texts_with[columns])
    heaviest = np.argsort(-np.round(weights, DECIMALS), kind="stable")[:PROFILE_TERMS]
    length = float(np.linalg.norm(weights[heaviest])) or 1.0
    return {
        counts.words[columns[one]]: round(float(weights[one]) / length, DECIMALS)
        for one in heaviest
        if weights[one] > 0
    }


def distinctive_terms(
    counts: TermCounts,
    members: Columns,
    *,
    conversations: Sequence[str],
    least: int,
    most: int,
) -> list[str]:
    """The terms that tell the texts in rows `members` from the others, the strongest first.

    By the z of the weighted log-odds with a Dirichlet prior from all texts (Monroe, Colaresi and
    Quinn 2008, "Fightin' Words"), counting texts; only terms that lean to the group, and that
    `least` of its conversations hold.
    """
    columns = _own_terms(counts, members, conversations=conversations, least=least)
    everywhere = counts.texts_with
    total = everywhere.sum()
    own = np.asarray(counts.held[members].sum(axis=0)).ravel()
    own_total, rest_total = own.sum(), total - own.sum()
    strength = float(len(counts.words))
    prior = strength * everywhere[columns] / max(total, 1.0)
    inside = own[columns] + prior
    outside = everywhere[columns] - own[columns] + prior
    odds = np.log(inside / (own_total + strength - inside))
    odds -= np.log(outside / (rest_total + strength - outside))
    z = np.round(odds / np.sqrt(1 / inside + 1 / outside), DECIMALS)
    strongest = np.argsort(-z, kind="stable")[:most]
    return [counts.words[columns[one]] for one in strongest if z[one] > 0]


def _own_terms(
    counts: TermCounts, members: Columns, *, conversations: Sequence[str], least: int
) -> Columns:
    """Telling terms that `least` conversations of the group hold."""
    columns = telling_terms(counts, conversations=conversations, least=least)
    inside = TermCounts(counts.words, scipy.sparse.csr_array(counts.held[members]))
    holders = _holders(inside, [conversations[row] for row in members])
    return columns[holders[columns] >= least]


def _holders(counts: TermCounts, conversations: Sequence[str]) -> Columns:
    """By word: the conversations that hold it."""
    keys = {key: number for number, key in enumerate(sorted(set(conversations)))}
    rows = np.array([keys[key] for key in conversations], dtype=np.int64)
    grouping = scipy.sparse.csr_array(
        (np.ones(rows.size), (rows, np.arange(rows.size))), shape=(len(keys), rows.size)
    )
    together = scipy.sparse.csr_array(grouping @ counts.held)
    together.data[:] = 1
    return np.asarray(together.sum(axis=0)).ravel().astype(np.int64)
