"""Companies, authorities, schools, clubs and bands, for the texts that the model learns from."""

import random
from collections.abc import Callable
from typing import Final

from eval_pipeline.anonymisation.names.invention import invented_brand
from eval_pipeline.anonymisation.names.people import People
from eval_pipeline.anonymisation.names.places import Places
from eval_pipeline.anonymisation.names.sources import frequent_words
from eval_pipeline.anonymisation.names.ways import EVERY, Ways, filled, way_of
from eval_pipeline.anonymisation.names.word_lists import entries
from eval_pipeline.settings import Language

_CONTENT_WORDS: Final = slice(300, 6000)
"""Of the frequent words: the first few hundred are articles, pronouns and the like."""

_SHORTEST_WORD: Final = 4
_BRANDS_ENDED: Final = 0.35
_INITIALS_ENDED: Final = 0.3
_WITH_ARTICLE: Final = 0.3


class Organisations:
    """Draws organisations: well-known, named after people or places, invented, by initials."""

    def __init__(
        self, language: Language, *, people: People, places: Places, draws: random.Random
    ) -> None:
        self._draws = draws
        self._people = people
        self._places = places
        self._public = entries("public_organisations", language)
        words = frequent_words(language, _CONTENT_WORDS.stop)[_CONTENT_WORDS.start :]
        self._words = tuple(word for word in words if len(word) >= _SHORTEST_WORD)
        self._ways: Ways[Callable[[], str]] = (
            (0.16, lambda: draws.choice(entries("well_known_organisations"))),
            (0.36, lambda: self._ended(self._brand(), share=_BRANDS_ENDED)),
            (0.5, self._of_a_trade),
            (0.58, lambda: self._ended(self._of_a_trade(), share=1.0)),
            (0.66, self._of_a_family),
            (0.73, self._of_partners),
            (0.88, self._public_body),
            (0.94, self._initials),
            (EVERY, self._phrase),
        )

    def organisation(self) -> str:
        """An organisation."""
        return way_of(self._draws.random(), self._ways)()

    def _of_a_trade(self) -> str:
        return f"{self._stem()} {self._draws.choice(entries('trades'))}"

    def _of_a_family(self) -> str:
        last = self._people.last()
        return self._draws.choice(entries("family_companies")).format(last=last)

    def _of_partners(self) -> str:
        first, second, third = (self._people.last() for _ in range(3))
        pattern = self._draws.choice(entries("partnerships"))
        return pattern.format(first=first, second=second, third=third)

    def _public_body(self) -> str:
        draws = self._draws
        return draws.choice(self._public).format(
            place=self._places.town(),
            word=self._title(),
            first=self._people.first(),
            last=self._people.last(),
            trade=draws.choice(entries("trades")),
        )

    def _stem(self) -> str:
        return self._draws.choice(
            (
                self._title(),
                self._brand(),
                self._people.last(),
                self._places.town(),
                filled("{word} {word}", {"word": self._title}),
            )
        )

    def _phrase(self) -> str:
        """Two or three plain words in capitals, as many firms and bands are called."""
        joined = " ".join(self._title() for _ in range(self._draws.choice((2, 2, 3))))
        return f"The {joined}" if self._draws.random() < _WITH_ARTICLE else joined

    def _initials(self) -> str:
        draws = self._draws
        count = draws.choice((2, 3, 3, 4))
        letters = "".join(draws.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(count))
        return self._ended(letters, share=_INITIALS_ENDED)

    def _ended(self, name: str, *, share: float) -> str:
        """The name, in this share of draws with Inc., GmbH or the like behind it."""
        if self._draws.random() >= share:
            return name
        gap = self._draws.choice((" ", ", "))
        return name + gap + self._draws.choice(entries("company_endings"))

    def _brand(self) -> str:
        return invented_brand(self._words, draws=self._draws)

    def _title(self) -> str:
        return self._draws.choice(self._words).title()
