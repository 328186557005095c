"""Builds the files that come with the package from the libraries that hold names and words."""

import bz2
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, get_args

from eval_pipeline.anonymisation.names.facts import plural_of
from eval_pipeline.anonymisation.names.lexicon import BANDS, LETTERS, Listed, parse_lexicon
from eval_pipeline.anonymisation.names.shipped import LISTS, frequent_file, model_file
from eval_pipeline.anonymisation.names.sources import (
    cities,
    countries,
    first_names,
    frequent_words,
    last_names,
    regions,
    require_training_libraries,
    towns,
)
from eval_pipeline.anonymisation.names.training import FULL_EFFORT, Effort, train
from eval_pipeline.anonymisation.names.word_lists import entries
from eval_pipeline.settings import Language

_WORD: Final = re.compile(r"[^\W\d_]{2,}(?:['\u2019][^\W\d_]+)*")
_TELLING_FILES: Final = ("company_endings", "trades", "organisation_words")


def build(
    language: Language,
    *,
    effort: Effort = FULL_EFFORT,
    report: Callable[[str], None] | None = None,
) -> Mapping[str, bytes]:
    """Every file of the language by its name, as `shipped.files_of` lists them.

    The lists of all languages, the language's frequent words, and its model, trained with these
    lists. The same releases of the libraries give the same bytes, so that a difference from
    `shipped.read_shipped` tells that one or the other has changed. Raises
    `MissingTrainingLibraryError`.
    """
    require_training_libraries()
    lists = bz2.compress(spell_lists(listed_words()).encode(), 9)
    frequent = bz2.compress(spell_frequent(language).encode(), 9)
    known = parse_lexicon(lists, frequent=frequent)
    model = train(language=language, effort=effort, report=report, known=known)
    return {LISTS: lists, frequent_file(language): frequent, model_file(language): model}


def listed_words() -> dict[str, Listed]:
    """Every listed word, case-folded, and the lists it stands in; the same for all languages."""
    found: dict[str, Listed] = {}
    _add(found, [*first_names(), *entries("short_first_names")], Listed.FIRST)
    _add(found, last_names(), Listed.LAST)
    _add(found, [*(name for name, _ in cities()), *towns()], Listed.PLACE)
    languages: tuple[Language, ...] = get_args(Language)
    for language in languages:
        groups = entries("groups", language)
        plurals = [plural_of(group, language=language) for group in groups]
        titles = [*entries("occupations", language), *entries("honorifics", language)]
        dates = [*entries("months", language), *entries("weekdays", language)]
        _add(found, countries(language), Listed.COUNTRY)
        _add(found, [*groups, *plurals], Listed.GROUP)
        _add(found, titles, Listed.TITLE)
        _add(found, dates, Listed.DATE)
    _add(found, regions(), Listed.COUNTRY)
    for name in _TELLING_FILES:
        _add(found, entries(name), Listed.ORGANISATION)
    _add(found, entries("address_words"), Listed.STREET)
    return found


def spell_lists(listed: Mapping[str, Listed]) -> str:
    """The lists' file, sorted: `lexicon.parse_lists` reads it."""
    return "".join(
        f"{word}\t{''.join(letter for letter, flag in LETTERS.items() if flag in listed[word])}\n"
        for word in sorted(listed)
    )


def spell_frequent(language: Language) -> str:
    """The file of a language's frequent words, one a line, the most frequent first."""
    return "\n".join(frequent_words(language, BANDS[-1])) + "\n"


def _add(found: dict[str, Listed], names: Iterable[str], flag: Listed) -> None:
    for name in names:
        for word in _WORD.findall(name):
            folded = word.casefold()
            found[folded] = found.get(folded, Listed.NOWHERE) | flag
