"""Towns, countries and regions, for the texts that the model learns from."""

import random
import string
from collections.abc import Callable
from typing import Final

from eval_pipeline.anonymisation.names.invention import invented
from eval_pipeline.anonymisation.names.local_fakers import HOME, LocalFakers
from eval_pipeline.anonymisation.names.sources import cities, countries, regions, towns
from eval_pipeline.anonymisation.names.ways import EVERY, Ways, way_of
from eval_pipeline.anonymisation.names.word_lists import entries
from eval_pipeline.settings import Language

_WIDER_SHARE: Final = 0.08
_SHORT_SHARE: Final = 0.2
_SHORTEST_STEM: Final = 3


class Places:
    """Draws places and codes; the language's own are the most frequent, not the only ones."""

    def __init__(self, language: Language, *, fakers: LocalFakers, draws: random.Random) -> None:
        self._draws = draws
        self._fakers = fakers
        self._cities = [name for name, _ in cities()]
        self._towns = towns()
        self._countries = countries(language)
        self._regions = regions()
        self._home_regions = regions(*HOME[language]) or self._regions
        self._town_ways: Ways[Callable[[], str]] = (
            (0.3, self._large_city),
            (0.5, lambda: draws.choice(self._cities)),
            (0.72, lambda: draws.choice(self._towns)),
            (0.8, lambda: str(fakers.home().city())),
            (0.86, self._town_of_two_words),
            (0.93, lambda: invented(self._towns, draws=draws)),
            (EVERY, self._town_by_its_ending),
        )
        self._region_ways: Ways[tuple[str, ...]] = (
            (0.15, entries("states")),
            (0.75, self._home_regions),
            (EVERY, self._regions),
        )
        self._postcode_ways: Ways[Callable[[], str]] = (
            (0.5, lambda: str(fakers.home().postcode())),
            (0.7, lambda: str(fakers.anywhere().postcode())),
            (EVERY, self._digits),
        )

    def town(self) -> str:
        """A town: large, small, or one that no list holds."""
        return way_of(self._draws.random(), self._town_ways)()

    def listed_town(self) -> str:
        """A town that Faker lists."""
        return self._draws.choice(self._towns)

    def invented_town(self) -> str:
        """A town that no list holds."""
        return invented(self._towns, draws=self._draws)

    def place(self) -> str:
        """A town, now and then a wider or a narrower place."""
        wider = self._draws.random() < _WIDER_SHARE
        return self._draws.choice(entries("wider_places")) if wider else self.town()

    def country(self) -> str:
        """A country, by its whole or short name."""
        short = self._draws.random() < _SHORT_SHARE
        return self._draws.choice(entries("short_countries") if short else self._countries)

    def region(self) -> str:
        """A state or province, whole or by two or three letters."""
        return self._draws.choice(way_of(self._draws.random(), self._region_ways))

    def postcode(self) -> str:
        """A postal code, of a country's own shape or three to six digits."""
        return way_of(self._draws.random(), self._postcode_ways)()

    def _large_city(self) -> str:
        return self._cities[int(len(self._cities) * self._draws.random() ** 4)]

    def _town_of_two_words(self) -> str:
        return f"{self._draws.choice(entries('town_fronts'))} {self.listed_town()}"

    def _town_by_its_ending(self) -> str:
        stem = self.invented_town()
        kept = stem[: max(_SHORTEST_STEM, len(stem) // 2)]
        return kept + self._draws.choice(entries("town_endings"))

    def _digits(self) -> str:
        count = self._draws.choice((4, 5, 5, 6, 3))
        return "".join(self._draws.choice(string.digits) for _ in range(count))
