"""Weights of pairs of neighbouring classes as arrays: which pairs there are, and their look-up.

The counterpart of `features.pair_attributes`: there the pairs are named, here they are numbered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eval_pipeline.anonymisation.names.features import CASES
from eval_pipeline.anonymisation.names.word_classes import FAMILIARITIES, SHAPE_NUMBERS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SHAPE, FAMILIARITY, CASED, WORD = range(4)
"""Columns of a token's classes: its shape, its familiarity, this with its case, its number of
`PairWeights.words` (0 for a word that stands in no pair)."""

CASE_LETTERS: Final = {"l": 0, "C": 1, "U": 2, "-": 3}
_SHAPES: Final = len(SHAPE_NUMBERS)
_NO_PAIR: Final = -1


def cased(familiarity: int, *, case: str) -> int:
    """The number of a familiarity together with the letter of a case."""
    return familiarity * len(CASE_LETTERS) + CASE_LETTERS[case]


@dataclass(frozen=True)
class _Pair:
    """Features of one prefix: a column of one neighbour by a column of another, by offsets."""

    prefix: str
    left: int
    at_left: int
    right: int
    at_right: int

    @property
    def of_words(self) -> bool:
        return WORD in {self.left, self.right}

    def keys(self, classes: Integers, here: Integers, *, width: int) -> Integers:
        """The number of each token's pair; -1 where a word is in no pair of the model."""
        left = classes[here + self.at_left, self.left]
        right = classes[here + self.at_right, self.right]
        keys: Integers = left * width + right
        for column, numbers in ((self.left, left), (self.right, right)):
            if column == WORD:
                keys[numbers == 0] = _NO_PAIR
        return keys


_PAIRS: Final = (
    _Pair("ss=", SHAPE, -1, SHAPE, 0),
    _Pair("s+=", SHAPE, 0, SHAPE, 1),
    _Pair("kk=", FAMILIARITY, -1, FAMILIARITY, 0),
    _Pair("k+=", FAMILIARITY, 0, FAMILIARITY, 1),
    _Pair("ww=", WORD, -2, WORD, -1),
    _Pair("w+=", WORD, 1, WORD, 2),
    _Pair("wk=", WORD, -1, CASED, 0),
    _Pair("k+w=", CASED, 0, WORD, 1),
)
_LINE_CASE: Final = "c="


class PairWeights:
    """The weights of all pairs of a model; `state` gives the row of labels of each feature."""

    def __init__(self, state: Mapping[str, Floats], *, labels: int) -> None:
        self.words = _numbered(state)
        self._tables = [
            (pair, self._width(pair.right), self._table(pair, state, labels=labels))
            for pair in _PAIRS
        ]
        self._line_cases = np.zeros((len(CASES), FAMILIARITIES, _SHAPES, labels))
        for name, row in state.items():
            if name.startswith(_LINE_CASE):
                case, familiarity, shape = name.removeprefix(_LINE_CASE).split("|", 2)
                place = CASES.index(case), int(familiarity), SHAPE_NUMBERS[shape]
                self._line_cases[place] = row

    def add_to(self, scores: Floats, *, classes: Integers, here: Integers, cases: Integers) -> None:
        """Adds to each token's scores the weights of the pairs around it.

        `scores` is tokens by labels; `classes` is places by columns and `cases` each place's
        number of `CASES`, with two edges on both sides of each text; `here` are the places of
        tokens.
        """
        for pair, width, table in self._tables:
            table.add_to(scores, pair.keys(classes, here, width=width))
        own = classes[here]
        scores += self._line_cases[cases[here], own[:, FAMILIARITY], own[:, SHAPE]]

    def _width(self, column: int) -> int:
        sizes = {SHAPE: _SHAPES, FAMILIARITY: FAMILIARITIES, WORD: len(self.words) + 1}
        return sizes.get(column, FAMILIARITIES * len(CASE_LETTERS))

    def _table(
        self, pair: _Pair, state: Mapping[str, Floats], *, labels: int
    ) -> "_Sparse | _Dense":
        number: dict[int, Callable[[str], int]] = {
            SHAPE: SHAPE_NUMBERS.__getitem__,
            FAMILIARITY: int,
            CASED: lambda told: cased(int(told[:-1]), case=told[-1]),
            WORD: self.words.__getitem__,
        }
        width = self._width(pair.right)
        rows = {}
        for name, row in state.items():
            if name.startswith(pair.prefix):
                left, right = _sides(name.removeprefix(pair.prefix))
                rows[number[pair.left](left) * width + number[pair.right](right)] = row
        if pair.of_words:
            return _Sparse(rows, labels=labels)
        return _Dense(rows, labels=labels, size=self._width(pair.left) * width)


class _Sparse:
    """Weights of numbered pairs, found by bisection; nothing for a pair without any."""

    def __init__(self, rows: Mapping[int, Floats], *, labels: int) -> None:
        self._keys = np.array([*sorted(rows), np.iinfo(np.int64).max], dtype=np.int64)
        found = [rows[int(key)] for key in self._keys[:-1]]
        self._weights = np.vstack([*found, np.zeros(labels)])

    def add_to(self, scores: Floats, keys: Integers) -> None:
        """Adds the weights of each token's pair to its scores."""
        asked = np.flatnonzero(keys >= 0)
        wanted = keys[asked]
        places = np.searchsorted(self._keys, wanted)
        hits = np.flatnonzero(self._keys[places] == wanted)
        scores[asked[hits]] += self._weights[places[hits]]


class _Dense:
    """Weights of pairs of few numbers, one row for each possible pair."""

    def __init__(self, rows: Mapping[int, Floats], *, labels: int, size: int) -> None:
        self._weights = np.zeros((size, labels))
        for key, row in rows.items():
            self._weights[key] = row

    def add_to(self, scores: Floats, keys: Integers) -> None:
        """Adds the weights of each token's pair to its scores."""
        scores += self._weights[keys]


def _sides(told: str) -> tuple[str, str]:
    """The two sides of a pair; a bar may be one of them."""
    if told.startswith("||"):
        return "|", told[2:]
    left, _, right = told.partition("|")
    return left, right


def _numbered(names: Mapping[str, object]) -> dict[str, int]:
    """Numbers from 1 for every word that stands in a pair's name."""
    words: set[str] = set()
    for pair in (pair for pair in _PAIRS if pair.of_words):
        for name in (name for name in names if name.startswith(pair.prefix)):
            left, right = _sides(name.removeprefix(pair.prefix))
            if pair.left == WORD:
                words.add(left)
            if pair.right == WORD:
                words.add(right)
    return {word: number for number, word in enumerate(sorted(words), start=1)}
