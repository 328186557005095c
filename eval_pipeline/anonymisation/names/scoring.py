"""A model's weights as arrays, summed per word once: scoring a token is then a few look-ups."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from eval_pipeline.anonymisation.names.features import (
    CASES,
    EDGE,
    LEAST_WORDS,
    OFFSETS,
    WordView,
    case_flags,
)
from eval_pipeline.anonymisation.names.lexicon import Lexicon
from eval_pipeline.anonymisation.names.weights import Weights
from eval_pipeline.anonymisation.names.word_classes import KINDS, SHAPE_NUMBERS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
_KeyOf = Callable[[Integers, Integers, Integers], Integers]
"""From classes of all tokens, which tokens are asked, and cases of all, to a pair's number."""

_WORD_CASES: Final = {"l": 0, "C": 1, "U": 2, "-": 3}
_MOST_WORDS: Final = 200_000
"""Words remembered before all are forgotten: keeps memory flat over any amount of text."""


class _Sparse:
    """Weights of numbered pairs, found by bisection; nothing for a pair without any."""

    def __init__(self, rows: Mapping[int, Floats], *, labels: int) -> None:
        self._keys = np.array([*sorted(rows), np.iinfo(np.int64).max], dtype=np.int64)
        found = [rows[int(key)] for key in self._keys[:-1]]
        self._weights = np.vstack([*found, np.zeros(labels)])

    def add_to(self, scores: Floats, keys: Integers) -> None:
        """Adds the weights of each token's pair to its scores; a key of -1 is no pair."""
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


class Scorer:
    """Scores of every label for every token, as CRFsuite would sum them."""

    def __init__(self, weights: Weights, *, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._labels = {label: number for number, label in enumerate(weights.labels)}
        self._state = {name: self._row(held) for name, held in weights.state.items()}
        self._zero = np.zeros(len(self._labels))
        self._folded = _numbered(weights.state)
        self._pairs = self._pair_tables()
        self._forget()

    def _row(self, held: Mapping[str, int]) -> Floats:
        row = np.zeros(len(self._labels))
        for label, weight in held.items():
            row[self._labels[label]] = weight / 1000
        return row

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}
        self._classes = np.zeros((1024, 7), dtype=np.int64)  # shape, kind, case, word, flags
        self._sums = np.zeros((1024, len(OFFSETS), len(self._labels)))
        self._number(EDGE)

    def _number(self, word: str) -> int:
        """The word's row in the arrays, made at its first sight."""
        number = len(self._numbers)
        if number == len(self._classes):
            self._classes = np.concatenate([self._classes, np.zeros_like(self._classes)])
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)])
        view = WordView(word, lexicon=self._lexicon)
        self._numbers[word] = number
        self._classes[number] = (
            SHAPE_NUMBERS[view.shape],
            view.kind,
            _WORD_CASES[view.case],
            self._folded.get(view.folded, 0),
            *case_flags(word),
        )
        for place, offset in enumerate(OFFSETS):
            for name in view.attributes[offset]:
                row = self._state.get(name)
                if row is not None:
                    self._sums[number, place] += row
        return number

    def score(self, texts: Sequence[Sequence[str]]) -> list[Floats]:
        """Per text an array of tokens by labels; all texts are scored in one sweep."""
        if len(self._numbers) > _MOST_WORDS:
            self._forget()
        known = self._numbers
        padded: list[int] = []
        borders = [0]
        for words in texts:
            padded += (0, 0)
            padded += [known[word] if word in known else self._number(word) for word in words]
            padded += (0, 0)
            borders.append(len(padded))
        numbers = np.array(padded, dtype=np.int64)
        inside = np.ones(len(numbers), dtype=bool)
        for shift in (0, 1):
            inside[np.array(borders[:-1], dtype=np.int64) + shift] = False
            inside[np.array(borders[1:], dtype=np.int64) - 1 - shift] = False
        here = np.flatnonzero(inside)
        scores: Floats = np.zeros((len(here), len(self._labels)))
        for place, offset in enumerate(OFFSETS):
            scores += self._sums[numbers[here + offset], place]
        classes = self._classes[numbers]
        cases = _cases(classes, starts=np.array(borders[:-1], dtype=np.int64))
        for table, key_of in self._pairs:
            table.add_to(scores, key_of(classes, here, cases))
        ends = np.cumsum([len(words) for words in texts])[:-1]
        return np.split(scores, ends)

    def _pair_tables(self) -> list[tuple[_Sparse | _Dense, _KeyOf]]:
        shapes, kinds, words = len(SHAPE_NUMBERS), KINDS, len(self._folded) + 1
        shape, kind, word = SHAPE_NUMBERS.__getitem__, int, self._folded.__getitem__
        labels = len(self._labels)

        def cased(told: str) -> int:
            return int(told[:-1]) * 4 + _WORD_CASES[told[-1]]

        def rows_of(
            prefix: str, before: Callable[[str], int], after: Callable[[str], int], width: int
        ) -> dict[int, Floats]:
            rows = {}
            for name, row in self._state.items():
                if name.startswith(prefix):
                    left, _, right = _split(name[len(prefix) :])
                    rows[before(left) * width + after(right)] = row
            return rows

        def case_rows() -> dict[int, Floats]:
            rows = {}
            for name, row in self._state.items():
                if name.startswith("c="):
                    case, kind_told, shape_told = name[2:].split("|", 2)
                    key = (CASES.index(case) * kinds + int(kind_told)) * shapes
                    rows[key + shape(shape_told)] = row
            return rows

        def dense(rows: Mapping[int, Floats], size: int) -> _Dense:
            return _Dense(rows, labels=labels, size=size)

        def sparse(rows: Mapping[int, Floats]) -> _Sparse:
            return _Sparse(rows, labels=labels)

        of_shapes, of_kinds = shapes * shapes, kinds * kinds
        return [
            (
                dense(rows_of("ss=", shape, shape, shapes), of_shapes),
                lambda c, i, _: c[i - 1, 0] * shapes + c[i, 0],
            ),
            (
                dense(rows_of("s+=", shape, shape, shapes), of_shapes),
                lambda c, i, _: c[i, 0] * shapes + c[i + 1, 0],
            ),
            (
                dense(rows_of("kk=", kind, kind, kinds), of_kinds),
                lambda c, i, _: c[i - 1, 1] * kinds + c[i, 1],
            ),
            (
                dense(rows_of("k+=", kind, kind, kinds), of_kinds),
                lambda c, i, _: c[i, 1] * kinds + c[i + 1, 1],
            ),
            (
                sparse(rows_of("ww=", word, word, words)),
                lambda c, i, _: _both(c[i - 2, 3], c[i - 1, 3], words),
            ),
            (
                sparse(rows_of("w+=", word, word, words)),
                lambda c, i, _: _both(c[i + 1, 3], c[i + 2, 3], words),
            ),
            (
                sparse(rows_of("wk=", word, cased, kinds * 4)),
                lambda c, i, _: _one(c[i - 1, 3], c[i - 1, 3] * (kinds * 4) + _cased(c[i])),
            ),
            (
                sparse(rows_of("k+w=", cased, word, words)),
                lambda c, i, _: _one(c[i + 1, 3], _cased(c[i]) * words + c[i + 1, 3]),
            ),
            (
                dense(case_rows(), len(CASES) * kinds * shapes),
                lambda c, i, a: (a[i] * kinds + c[i, 1]) * shapes + c[i, 0],
            ),
        ]


def _cases(classes: Integers, *, starts: Integers) -> Integers:
    """`features.cases_of` of every line of every text, as numbers of `CASES`."""
    breaks = classes[:, 0] == SHAPE_NUMBERS["newline"]
    begins = np.zeros(len(classes), dtype=np.int64)
    begins[starts] = 1
    begins[1:] += breaks[:-1]
    line = np.cumsum(begins > 0) - 1
    counts = [np.bincount(line, weights=classes[:, column]) for column in (4, 5, 6)]
    letters, lower, upper = counts
    case = np.full(len(letters), CASES.index("mixed"))
    case[lower * 4 <= letters] = CASES.index("title")
    case[upper * 4 >= letters * 3] = CASES.index("upper")
    case[lower == letters] = CASES.index("lower")
    case[letters < LEAST_WORDS] = CASES.index("mixed")
    found: Integers = case[line]
    found[breaks] = CASES.index("mixed")
    return found


def _cased(classes: Integers) -> Integers:
    return classes[:, 1] * 4 + classes[:, 2]


def _both(before: Integers, after: Integers, width: int) -> Integers:
    """Keys of pairs of words, -1 where either is unknown to the model."""
    return np.where((before > 0) & (after > 0), before * width + after, -1)


def _one(word: Integers, key: Integers) -> Integers:
    return np.where(word > 0, key, -1)


def _split(told: str) -> tuple[str, str, str]:
    """The two sides of a pair; a bar may be one of them."""
    return ("|", "|", told[2:]) if told.startswith("||") else told.partition("|")


def _numbered(names: Mapping[str, object]) -> dict[str, int]:
    """Numbers from 1 for every word that stands in a pair's name."""
    words: set[str] = set()
    for name in names:
        prefix, _, told = name.partition("=")
        if prefix in {"ww", "w+", "wk", "k+w"}:
            left, _, right = _split(told)
            words |= {left} if prefix == "wk" else {right} if prefix == "k+w" else {left, right}
    return {word: number for number, word in enumerate(sorted(words), start=1)}
