"""Years that the words around them tell from other numbers of four digits."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.date_words import words
from eval_pipeline.anonymisation.structured.rule import DIGIT, Finder, Rule
from eval_pipeline.settings import Language

_YEAR: Final = re.compile(
    r"[12](?<![\w.,$\u20ac\u00a3#/+\-][12])(?:(?<=1)9|(?<=2)0)[0-9]{2}"
    r"(?:\s?[-\u2013/]\s?(?:(?:19|20)[0-9]{2}|[0-9]{2})(?![\w]|[-/.][0-9]))?"
    r"(?![\w%$\u20ac\u00a3\u00b0]|[.,:/\-][0-9])"
)
_UNIT: Final = (
    r"(?:\s|-)?(?:miles?|mi|km|kilomet\w+|met(?:er|re)s?|m|cm|mm|feet|ft|yards?|steps?|words?"
    r"|characters?|pages?|people|persons?|users?|customers?|members?|employees?|students?|guests?"
    r"|visitors?|patients?|dollars?|usd|eur|euros?|gbp|pounds?|bucks|points?|units?|items?|pieces?"
    r"|pcs|copies|tablets?|pills|capsules|calories|kcal|cal|mg|mcg|g|kg|ml|l|lbs?|oz|iu|watts?|w"
    r"|kw|mah|hz|mhz|rpm|psi|sq|square|hours?|hrs?|minutes?|mins?|seconds?|secs?|days?|weeks?"
    r"|months?|years?|times|percent|orders?|others?|more|different|new|free|sheets?|gb|mb|tb"
    r"|kilometer|meter|w\u00f6rter|personen|kunden|personnes|mots|personas|palabras|km/h"
    r"|st(?:\u00fcck|ck)|o.clock|uhr|of (?:them|these|those|our|the))\b"
)
_UNITS: Final = re.compile(_UNIT, re.IGNORECASE)
_OPENERS: Final = frozenset(" \t\n\r(-:\u2013\u00a0")
_OPENED: Final = re.compile(r"[(\[]\s?$")
_CLOSED: Final = re.compile(r"\s?[)\];,]")
_MODEL: Final = re.compile(
    r"(?:^|[^\w])(?:a|an|the|this|that|its|her|his|my|our|their|your)\s{1,2}$", re.IGNORECASE
)
_MODEL_OF: Final = re.compile(rf"(?!{_UNIT})\s(?![\w\-]{{2,40}}s\b)[^\W\d_][\w\-]{{1,40}}")
_QUARTER: Final = re.compile(r"(?:\b[QH][1-4]|\bFY|\b[WS]S)[ \-/']{0,2}$")
_ROUND: Final = 100


_BETWEEN: Final = frozenset({"and", "or", "to", "und", "oder", "bis", "et", "y", "a", ","})
_FILLING: Final = frozenset({"the", "year", "jahr", "année", "año"})
_APART: Final = str.maketrans("(-:\u2013", "    ")
_CUE_WIDTH: Final = 40


def _is_cued(before: str, *, cues: frozenset[str]) -> bool:
    """Whether the last words are a cue, or a cue and another year: "from 2019 to"."""
    words_before = before.lower().translate(_APART).split()
    if len(words_before) > 2 and words_before[-1] in _BETWEEN and _is_year(words_before[-2]):  # noqa: PLR2004
        words_before = words_before[:-2]
    while words_before and words_before[-1] in _FILLING and words_before[-1] not in cues:
        words_before.pop()
    if not words_before:
        return False
    return words_before[-1] in cues or " ".join(words_before[-2:]) in cues


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdecimal() and word[:2] in {"19", "20"}  # noqa: PLR2004


def _years(languages: tuple[Language, ...]) -> Finder:
    cues = frozenset(words(languages, "year_cues"))

    def find(text: str, _starts: Sequence[int]) -> Iterator[Span]:
        for match in _YEAR.finditer(text):
            first, start = max(0, match.start() - _CUE_WIDTH), match.start()
            before = text[first:start]
            told = (
                (before[-1:] in _OPENERS and _is_cued(before, cues=cues))
                or _QUARTER.search(before)
                or _is_bracketed(text, match)
                or _is_model(text, match)
            )
            if told and not _UNITS.match(text, match.end()):
                yield Span(*match.span(), "DATE", rule="date: year")

    return find


def _is_bracketed(text: str, match: re.Match[str]) -> bool:
    before = _OPENED.search(text, max(0, match.start() - 2), match.start())
    return before is not None and _CLOSED.match(text, match.end()) is not None


def _is_model(text: str, match: re.Match[str]) -> bool:
    """Of "a 2010 film": a year that is not round, before one thing rather than many."""
    if len(match.group()) != 4 or int(match.group()) % _ROUND == 0:  # noqa: PLR2004 - one year
        return False
    before = _MODEL.search(text, max(0, match.start() - 8), match.start())
    return before is not None and _MODEL_OF.match(text, match.end()) is not None


def year_rules(languages: tuple[Language, ...]) -> tuple[Rule, ...]:
    """The rule for years alone, with the cues of these languages."""
    return (
        Rule(
            pattern=r"\b(?:19|20)[0-9]{2}\b",
            find=_years(languages),
            needs=DIGIT,
            near_digits=True,
        ),
    )
