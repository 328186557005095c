"""Plain words that nobody listed: compounds, inflections, typing errors.

In made texts an unfamiliar word is nearly always a name, and in people's texts it nearly never is.
So some plain words of the made texts are replaced by others, listed and unlisted, that are no names
either.
"""

import random
from collections.abc import Sequence
from typing import Final

from eval_pipeline.anonymisation.names.lexicon import Lexicon, Listed
from eval_pipeline.anonymisation.names.weights import OUTSIDE

_SHARE: Final = 0.2
_FEWEST_LETTERS: Final = 4
_FROM_RANK: Final = 300
_SUFFIXES: Final = ("s", "es", "ed", "ing", "er", "ly", "less", "ness", "able", "tion", "ment")
_NAMES: Final = Listed.FIRST | Listed.LAST | Listed.PLACE | Listed.COUNTRY | Listed.GROUP

Sentence = Sequence[tuple[str, str]]


class Unfamiliar:
    """Draws plain words of one language."""

    def __init__(self, lexicon: Lexicon, *, draws: random.Random) -> None:
        self._draws = draws
        self._lexicon = lexicon
        self._words = [
            word
            for word, rank in lexicon.ranks.items()
            if rank >= _FROM_RANK
            and len(word) >= _FEWEST_LETTERS
            and not lexicon.lists_of(word) & _NAMES
        ]

    def mixed_in(self, sentence: Sentence) -> list[tuple[str, str]]:
        """The sentence with some of its plain words replaced; labels stay, but for firms.

        A firm named by plain words alone and written in lower case cannot be told from plain words
        and is labelled as such.
        """
        if not self._words:
            return list(sentence)
        return [
            (self._other(word), label)
            if label == OUTSIDE and self._is_plain(word) and self._draws.random() < _SHARE
            else (word, self._relabelled(word, label))
            for word, label in sentence
        ]

    def _is_plain(self, word: str) -> bool:
        return len(word) >= _FEWEST_LETTERS and word.isalpha() and word.islower()

    def _relabelled(self, word: str, label: str) -> str:
        if label != "ORGANISATION" or not word.islower():
            return label
        known = self._lexicon.lists_of(word)
        plain = word in self._lexicon.ranks and not known & (_NAMES | Listed.ORGANISATION)
        return OUTSIDE if plain else label

    def _other(self, word: str) -> str:
        roll = self._draws.random()
        if roll < 0.5:  # noqa: PLR2004 - a share
            return self._draws.choice(self._words)
        if roll < 0.65:  # noqa: PLR2004 - a share
            return self._draws.choice(self._words) + self._draws.choice(self._words)
        if roll < 0.8:  # noqa: PLR2004 - a share
            return self._draws.choice(self._words) + self._draws.choice(_SUFFIXES)
        return self._mistyped(word)

    def _mistyped(self, word: str) -> str:
        place = self._draws.randrange(1, len(word) - 1)
        roll = self._draws.random()
        if roll < 0.4:  # noqa: PLR2004 - a share
            return word[:place] + word[place + 1 :]
        if roll < 0.7:  # noqa: PLR2004 - a share
            return word[:place] + word[place] + word[place:]
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
