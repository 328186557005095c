"""A model's weights as arrays, summed per word once: scoring a token is then a few look-ups."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from eval_pipeline.anonymisation.names.features import EDGE, OFFSETS, WordView, cases_of
from eval_pipeline.anonymisation.names.lexicon import Lexicon
from eval_pipeline.anonymisation.names.weights import Weights
from eval_pipeline.anonymisation.names.word_classes import KINDS, SHAPE_NUMBERS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_CASES: Final = {"lower": 0, "upper": 1, "title": 2, "mixed": 3}
_WORD_CASES: Final = {"l": 0, "C": 1, "U": 2, "-": 3}
_MOST_WORDS: Final = 200_000
"""Words remembered before all are forgotten: keeps memory flat over any amount of text."""


class _Pairs:
    """Weights of pairs of numbers, found by bisection; all zero for a pair without any."""

    def __init__(self, rows: Mapping[int, Floats], *, labels: int) -> None:
        self._keys = np.array(sorted(rows), dtype=np.int64)
        found = [rows[int(key)] for key in self._keys]
        self._weights = np.vstack([*found, np.zeros(labels)])

    def add_to(self, scores: Floats, keys: Integers) -> None:
        """Adds the weights of each token's pair to its scores."""
        if self._keys.size == 0:
            return
        places = np.searchsorted(self._keys, keys)
        places[places == self._keys.size] = 0
        hits = np.flatnonzero(self._keys[places] == keys)
        scores[hits] += self._weights[places[hits]]


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
        self._classes = np.zeros((1024, 4), dtype=np.int64)  # shape, kind, case, folded word
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
        )
        for place, offset in enumerate(OFFSETS):
            for name in view.attributes[offset]:
                row = self._state.get(name)
                if row is not None:
                    self._sums[number, place] += row
        return number

    def score(self, words: Sequence[str]) -> Floats:
        """Array of tokens by labels."""
        if len(self._numbers) > _MOST_WORDS:
            self._forget()
        known = self._numbers
        numbers = np.array(
            [known[word] if word in known else self._number(word) for word in words],
            dtype=np.int64,
        )
        padded = np.concatenate([[0, 0], numbers, [0, 0]])
        count = len(numbers)
        scores: Floats = np.zeros((count, len(self._labels)))
        for place, offset in enumerate(OFFSETS):
            scores += self._sums[padded[2 + offset : 2 + offset + count], place]
        cases = np.array([_CASES[case] for case in cases_of(words)], dtype=np.int64)
        classes = self._classes[padded]
        for table, key_of in self._pairs:
            table.add_to(scores, key_of(classes, cases))
        return scores

    def _pair_tables(self) -> list[tuple[_Pairs, Callable[[Integers, Integers], Integers]]]:
        shapes, kinds, words = len(SHAPE_NUMBERS), KINDS, len(self._folded) + 1
        shape, kind, word = SHAPE_NUMBERS.__getitem__, int, self._folded.__getitem__

        def cased(told: str) -> int:
            return int(told[:-1]) * 4 + _WORD_CASES[told[-1]]

        def table(
            prefix: str, before: Callable[[str], int], after: Callable[[str], int], width: int
        ) -> _Pairs:
            rows = {}
            for name, row in self._state.items():
                if name.startswith(prefix):
                    left, _, right = _split(name[len(prefix) :])
                    rows[before(left) * width + after(right)] = row
            return _Pairs(rows, labels=len(self._labels))

        def case_table() -> _Pairs:
            rows = {}
            for name, row in self._state.items():
                if name.startswith("c="):
                    case, kind_told, shape_told = name[2:].split("|", 2)
                    key = (_CASES[case] * kinds + int(kind_told)) * shapes + shape(shape_told)
                    rows[key] = row
            return _Pairs(rows, labels=len(self._labels))

        return [
            (table("ss=", shape, shape, shapes), lambda c, _: c[1:-3, 0] * shapes + c[2:-2, 0]),
            (table("s+=", shape, shape, shapes), lambda c, _: c[2:-2, 0] * shapes + c[3:-1, 0]),
            (table("kk=", kind, kind, kinds), lambda c, _: c[1:-3, 1] * kinds + c[2:-2, 1]),
            (table("k+=", kind, kind, kinds), lambda c, _: c[2:-2, 1] * kinds + c[3:-1, 1]),
            (table("ww=", word, word, words), lambda c, _: _both(c[:-4, 3], c[1:-3, 3], words)),
            (table("w+=", word, word, words), lambda c, _: _both(c[3:-1, 3], c[4:, 3], words)),
            (
                table("wk=", word, cased, kinds * 4),
                lambda c, _: _one(c[1:-3, 3], c[1:-3, 3] * (kinds * 4) + _cased(c[2:-2])),
            ),
            (
                table("k+w=", cased, word, words),
                lambda c, _: _one(c[3:-1, 3], _cased(c[2:-2]) * words + c[3:-1, 3]),
            ),
            (case_table(), lambda c, a: (a * kinds + c[2:-2, 1]) * shapes + c[2:-2, 0]),
        ]


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
