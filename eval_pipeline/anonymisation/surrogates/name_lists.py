"""Names to draw from: those that Faker ships for a language, read once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

from eval_pipeline.anonymisation.propagation import is_plain_word

_LOCALES: Final = {"en": "en_US", "de": "de_DE", "fr": "fr_FR", "es": "es_ES"}
_OTHERWISE: Final = "en_US"
_PLAIN: Final = re.compile(r"[^\W\d_]{3,14}")


@dataclass(frozen=True)
class NameLists:
    """Single words with a capital, sorted: equal on every machine with the same Faker."""

    female: tuple[str, ...]
    male: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


@cache
def name_lists(language: str) -> NameLists:
    """The names of the language's widest locale, without those that are words too."""
    provider = _provider("person", language)
    female = _plain(provider.first_names_female)
    male = _plain(provider.first_names_male)
    return NameLists(
        female=female,
        male=male,
        first=tuple(sorted({*female, *male})),
        last=_plain(provider.last_names),
    )


@cache
def country_names(language: str) -> tuple[str, ...]:
    """Countries as the language calls them; several words are possible."""
    return tuple(sorted(set(_provider("address", language).countries)))


@cache
def occupations(language: str) -> tuple[str, ...]:
    """Occupations as the language calls them."""
    return tuple(sorted(set(_provider("job", language).jobs)))


def _provider(subject: str, language: str) -> Any:
    locale = _LOCALES.get(language, _OTHERWISE)
    return import_module(f"faker.providers.{subject}.{locale}").Provider


def _plain(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        sorted(
            name
            for name in set(names)
            if _PLAIN.fullmatch(name) and name.istitle() and not is_plain_word(name.casefold())
        )
    )
