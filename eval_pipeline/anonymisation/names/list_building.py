"""Makes the lists that the model looks words up in from the libraries that hold them."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from eval_pipeline.anonymisation.names.dates import dates_of
from eval_pipeline.anonymisation.names.groups import GROUPS, OCCUPATIONS, plural_of
from eval_pipeline.anonymisation.names.lexicon import BANDS, LETTERS, Known
from eval_pipeline.anonymisation.names.organisations import ORGANISATION_WORDS
from eval_pipeline.anonymisation.names.people import HONORIFICS
from eval_pipeline.anonymisation.names.places import STREET_WORDS
from eval_pipeline.anonymisation.names.sources import (
    cities,
    countries,
    first_names,
    frequent_words,
    last_names,
    regions,
    towns,
)
from eval_pipeline.settings import Language

LANGUAGES: Final[tuple[Language, ...]] = ("en", "de", "fr", "es")
_WORD: Final = re.compile(r"[^\W\d_]{2,}(?:['\u2019][^\W\d_]+)*")
_SHORT_FORMS: Final = """
abby al alex andy barb beth bea ben bill billy bob bobby cathy charlie chris cindy dan danny dave deb
debbie ed eddie fred gabe greg hank jake jeff jen jenny jess jim jimmy joe joey jon josh kate kathy
katie ken kim larry liz lou maggie matt meg mel mike mitch nate ned nick pam pat pete phil rick rob
ron sally sam sandy steph steve sue suzy ted terry theo tim tom tommy tony val vicky wes will zach zoe
"""


def lists() -> dict[str, Known]:
    """Every listed word, case-folded, and what it is listed as; the same for all languages."""
    found: dict[str, Known] = {}
    _add(found, [*first_names(), _SHORT_FORMS], Known.FIRST)
    _add(found, last_names(), Known.LAST)
    _add(found, [*(name for name, _ in cities()), *towns()], Known.PLACE)
    for language in LANGUAGES:
        _add(found, countries(language), Known.COUNTRY)
        groups = GROUPS[language]
        plurals = [plural_of(group, language=language) for group in groups]
        _add(found, [*groups, *plurals], Known.GROUP)
        _add(found, [*OCCUPATIONS[language], *HONORIFICS[language]], Known.TITLE)
        _add(found, [*dates_of(language).months, *dates_of(language).weekdays], Known.DATE)
    _add(found, regions(), Known.COUNTRY)
    _add(found, ORGANISATION_WORDS, Known.ORGANISATION)
    _add(found, STREET_WORDS, Known.STREET)
    return found


def _add(found: dict[str, Known], names: Iterable[str], flag: Known) -> None:
    for name in names:
        for word in _WORD.findall(name):
            folded = word.casefold()
            found[folded] = found.get(folded, Known.NOTHING) | flag


def spell_lists(known: Mapping[str, Known]) -> str:
    """The lists' file: `lexicon.parse_lists` reads it."""
    return "".join(
        f"{word}\t{''.join(letter for letter, flag in LETTERS.items() if flag in known[word])}\n"
        for word in sorted(known)
    )


def spell_frequent(language: Language) -> str:
    """The file of a language's frequent words, one a line, the most frequent first."""
    return "\n".join(frequent_words(language, BANDS[-1])) + "\n"
