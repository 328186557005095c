"""A model's weights as arrays, summed per word once: scoring a token is then a few look-ups."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from eval_pipeline.anonymisation.names.features import (
    CASES,
    EDGE,
    LEAST_WORDS,
    OFFSETS,
    WordView,
    case_flags,
)
from eval_pipeline.anonymisation.names.lexicon import Lexicon
from eval_pipeline.anonymisation.names.pair_weights import (
    SHAPE,
    Floats,
    Integers,
    PairWeights,
    cased,
)
from eval_pipeline.anonymisation.names.weights import Weights
from eval_pipeline.anonymisation.names.word_classes import SHAPE_NUMBERS

_MOST_WORDS: Final = 200_000
"""Words remembered before all are forgotten: keeps memory flat over any amount of text."""

_ROWS_AT_FIRST: Final = 1024
_CASE_FLAGS: Final = (4, 5, 6)
_COLUMNS: Final = 7
"""Of a word's classes: those that `pair_weights` names, then what `features.case_flags` tells."""


class Scorer:
    """Scores of every label for every token, as CRFsuite would sum them.

    A score is the sum of the weights of a token's features (`features.attributes_of`). What a word
    lends to its neighbours is summed once, at its first sight, and remembered.
    """

    def __init__(
        self, weights: Weights, *, lexicon: Lexicon, most_words: int = _MOST_WORDS
    ) -> None:
        self._lexicon = lexicon
        self._most_words = most_words
        self._labels = {label: number for number, label in enumerate(weights.labels)}
        self._state = {name: self._row(held) for name, held in weights.state.items()}
        self._pairs = PairWeights(self._state, labels=len(self._labels))
        self._forget()

    def score(self, texts: Sequence[Sequence[str]]) -> list[Floats]:
        """Per text an array of tokens by labels (`Weights.labels`); empty for a text without any.

        All texts are scored in one sweep; a text's scores do not depend on the others.
        """
        if not texts:
            return []
        numbers, starts, here = self._padded(texts)
        scores: Floats = np.zeros((len(here), len(self._labels)))
        for place, offset in enumerate(OFFSETS):
            scores += self._sums[numbers[here + offset], place]
        classes = self._classes[numbers]
        cases = _line_cases(classes, starts=starts)
        self._pairs.add_to(scores, classes=classes, here=here, cases=cases)
        return np.split(scores, np.cumsum([len(words) for words in texts])[:-1])

    def _padded(self, texts: Sequence[Sequence[str]]) -> tuple[Integers, Integers, Integers]:
        """All texts in one row with two edges on both sides of each.

        The number of the word at each place, the places where texts start, and those of tokens.
        """
        if len(self._numbers) > self._most_words:
            self._forget()
        known = self._numbers
        padded: list[int] = []
        starts: list[int] = []
        inside: list[bool] = []
        edges = [known[EDGE]] * 2
        for words in texts:
            starts.append(len(padded))
            padded += edges
            padded += [known[word] if word in known else self._number(word) for word in words]
            padded += edges
            inside += [False, False, *[True] * len(words), False, False]
        return np.array(padded), np.array(starts), np.flatnonzero(inside)

    def _row(self, held: Mapping[str, int]) -> Floats:
        row = np.zeros(len(self._labels))
        for label, weight in held.items():
            row[self._labels[label]] = weight / 1000
        return row

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}
        self._classes = np.zeros((_ROWS_AT_FIRST, _COLUMNS), dtype=np.int64)
        self._sums = np.zeros((_ROWS_AT_FIRST, len(OFFSETS), len(self._labels)))
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
            view.familiarity,
            cased(view.familiarity, case=view.case),
            self._pairs.words.get(view.folded, 0),
            *case_flags(word),
        )
        for place, offset in enumerate(OFFSETS):
            for name in view.attributes[offset]:
                row = self._state.get(name)
                if row is not None:
                    self._sums[number, place] += row
        return number


def _line_cases(classes: Integers, *, starts: Integers) -> Integers:
    """`features.cases_of` of every line of every text, as numbers of `CASES`."""
    breaks = classes[:, SHAPE] == SHAPE_NUMBERS["newline"]
    begins = np.zeros(len(classes), dtype=bool)
    begins[starts] = True
    begins[1:] |= breaks[:-1]
    line = np.cumsum(begins) - 1
    counts = [np.bincount(line, weights=classes[:, column]) for column in _CASE_FLAGS]
    letters, lower, upper = counts
    case = np.full(len(letters), CASES.index("mixed"))
    case[lower * 4 <= letters] = CASES.index("title")
    case[upper * 4 >= letters * 3] = CASES.index("upper")
    case[lower == letters] = CASES.index("lower")
    case[letters < LEAST_WORDS] = CASES.index("mixed")
    found: Integers = case[line]
    found[breaks] = CASES.index("mixed")
    return found
