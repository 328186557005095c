"""Finds names by the shipped models, masking a word where it is probable enough that it is one."""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Final

import numpy as np

from eval_pipeline.anonymisation.names.lexicon import Lexicon, Listed, lexicon
from eval_pipeline.anonymisation.names.marginals import Floats, marginals
from eval_pipeline.anonymisation.names.scoring import Scorer
from eval_pipeline.anonymisation.names.shipped import model_file, read_shipped
from eval_pipeline.anonymisation.names.tokens import Extent, tokenise, windows, words_of
from eval_pipeline.anonymisation.names.weights import OUTSIDE, Weights, parse_weights
from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import Language

_LONGEST: Final = 120
_MARGIN: Final = 12
_SURE: Final = 0.8
"""From here on a name is known wherever else it stands in its conversation."""

_LONGEST_NUMBER: Final = 7
"""No house number, postal code, age or year has more digits."""

_PERSON: Final = "PERSON"
_LIKELIER: Final = 0.5
"""One of the most frequent words alone is a name only if that is likelier than not."""

_DETERMINERS: Final = frozenset({"the", "a", "an", "my", "your", "our", "his", "her", "their"})
_WITH_DETERMINERS: Final = frozenset({"ADDRESS", "DATE"})
"""The 5th; the corner of two streets."""

_AT_ONCE: Final = 1024
"""Stretches scored in one sweep: more share the work, fewer keep memory flat."""

_DECIMALS: Final = 6
"""A probability is compared with the limit after rounding, so that machines agree."""


class NameModel:
    """One language's model; reads texts in windows, so that memory stays flat."""

    def __init__(self, weights: Weights, *, lexicon: Lexicon, name: str) -> None:
        self.fingerprint = fingerprint(
            [
                weights.labels,
                sorted(weights.transitions.items()),
                weights.state,
                lexicon.fingerprint,
            ]
        )
        self.labels = weights.labels
        self.name = name
        self._lexicon = lexicon
        self._scorer = Scorer(weights, lexicon=lexicon)
        self._outside = weights.labels.index(OUTSIDE)
        self._transitions = np.array(
            [
                [weights.transitions.get((before, after), 0) / 1000 for after in weights.labels]
                for before in weights.labels
            ]
        )

    def probabilities(self, texts: Sequence[Sequence[str]]) -> list[Floats]:
        """Per text an array of tokens by `labels`: how probable each label of each token is.

        Rows sum to one; a text without tokens has none. A text's probabilities do not depend on
        the other texts.
        """
        stretches = [
            (number, *borders)
            for number, words in enumerate(texts)
            for borders in windows(words, longest=_LONGEST, margin=_MARGIN)
        ]
        found: list[list[Floats]] = [[] for _ in texts]
        for first in range(0, len(stretches), _AT_ONCE):
            group = stretches[first : first + _AT_ONCE]
            read = [texts[number][start:end] for number, start, _, _, end in group]
            tables = marginals(self._scorer.score(read), transitions=self._transitions)
            for (number, start, keep, until, _), table in zip(group, tables, strict=True):
                found[number].append(table[keep - start : until - start])
        return [
            np.concatenate(parts) if parts else np.empty((0, len(self.labels))) for parts in found
        ]

    def find(self, texts: Sequence[str], *, taus: Sequence[float]) -> list[list[Span]]:
        """Per text the names in it, in order: words more probably than tau part of a name.

        One tau for each text, 0 to 1. A word's kind is the most probable label of a name;
        adjoining words of one kind are one name, without marks at its ends. A name is cued where
        one of its words is so with 0.8 and more.
        """
        tables = self.probabilities([words_of(text) for text in texts])
        return [
            self._spans(text, table, tau=tau)
            for text, table, tau in zip(texts, tables, taus, strict=True)
        ]

    def _spans(self, text: str, table: Floats, *, tau: float) -> list[Span]:
        inside = np.round(1.0 - table[:, self._outside], _DECIMALS)
        hits = np.flatnonzero(inside > tau)
        if hits.size == 0:
            return []
        words, extents = tokenise(text)
        named = table[hits].copy()
        named[:, self._outside] = -1.0
        kinds = named.argmax(axis=1).tolist()
        found = enumerate(zip(hits.tolist(), kinds, strict=True))
        runs = groupby(found, key=lambda hit: (hit[1][0] - hit[0], hit[1][1]))
        spans: list[Span] = []
        for (_, kind), run in runs:
            indices = [index for _, (index, _) in run]
            spans += self._span(words, extents, indices, kind=kind, inside=inside)
        return spans

    def _span(
        self,
        words: Sequence[str],
        extents: Sequence[Extent],
        run: list[int],
        *,
        kind: int,
        inside: Floats,
    ) -> list[Span]:
        """The run as one span, without marks and line breaks at its ends and articles before it."""
        while run and not words[run[-1]][0].isalnum() and words[run[-1]] != ".":
            run = run[:-1]
        plain = _DETERMINERS if self.labels[kind] not in _WITH_DETERMINERS else frozenset()
        while run and (not words[run[0]][0].isalnum() or words[run[0]] in plain):
            run = run[1:]
        if not run:
            return []
        sure = float(inside[run].max())
        if self.labels[kind] == _PERSON and sure >= _LIKELIER:
            run = run + self._last_names_after(words, extents, run[-1])
        if len(run) == 1 and self._is_no_name(words[run[0]], sure=sure):
            return []
        rule = f"names {self.name}: {sure:.2f}"
        start, end = extents[run[0]][0], extents[run[-1]][1]
        return [Span(start, end, self.labels[kind], cued=sure >= _SURE, rule=rule)]

    def _last_names_after(
        self, words: Sequence[str], extents: Sequence[Extent], last: int
    ) -> list[int]:
        """The listed last names that follow in capitals: Stanley Long, where Long looks plain."""
        found = []
        for index in range(last + 1, len(words)):
            adjoins = extents[index][0] == extents[index - 1][1] + 1
            listed = Listed.LAST in self._lexicon.lists_of(words[index].casefold())
            if not (
                adjoins and listed and words[index][0].isupper() and words[index][1:].islower()
            ):
                break
            found.append(index)
        return found

    def _is_no_name(self, word: str, *, sure: float) -> bool:
        """Whether a word that stands alone is a long number, or plain and no likelier a name."""
        if word.isdigit():
            return len(word) > _LONGEST_NUMBER
        folded = word.casefold()
        band = self._lexicon.band(folded)
        plain = band == 1 or (band == 2 and not self._lexicon.lists_of(folded))  # noqa: PLR2004
        return plain and sure < _LIKELIER


def read_model(data: bytes, *, language: Language) -> NameModel:
    """The model in a file's bytes, with the shipped lists; raises `ModelFileError`."""
    return NameModel(parse_weights(data), lexicon=lexicon(language), name=language)


@cache
def shipped_model(language: Language) -> NameModel:
    """The model that comes with the package; raises `FileNotFoundError` if none does."""
    return read_model(read_shipped(model_file(language)), language=language)
