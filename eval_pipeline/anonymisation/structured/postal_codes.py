"""Postal codes whose own form or the words before them tell them from other numbers."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.rule import DIGIT, Finder, Rule
from eval_pipeline.settings import Language

_ZIP: Final = re.compile(r"[0-9](?<=[ ][0-9])[0-9]{4}(?:-[0-9]{4})?(?![\w\-])")
_STATE: Final = re.compile(
    r"\b(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI"
    r"|S[CD]|T[NX]|UT|V[AT]|W[AIVY]),?[ ]+$"
)
_BRITISH: Final = re.compile(
    r"[A-Z](?<!\w[A-Z])[A-Z]?[0-9][A-Z0-9]? [0-9][ABD-HJLNP-UW-Z]{2}(?!\w)"
)
_CANADIAN: Final = re.compile(
    r"[ABCEGHJ-NPRSTVXY](?<!\w[A-Z])[0-9][ABCEGHJ-NPRSTV-Z] [0-9][ABCEGHJ-NPRSTV-Z][0-9](?!\w)"
)
_CUED: Final = re.compile(
    r"\b(?:zip(?:[ ]?codes?)?|postal[ ]?code|post[ ]?code|postcode|plz|postleitzahl|code postal"
    r"|c[óo]digo postal)\b(?:[ ](?:is|was|ist|est|es))?"
    r"[ ]?[:=#]?[ ]{0,2}(?P<value>[A-Z]{0,2}-?[0-9][0-9A-Z]{1,5}(?:[ \-][0-9][0-9A-Z]{1,3})?)\b",
    re.IGNORECASE,
)
_CUES: Final = (
    "zip", "postal", "post code", "postcode", "plz", "postleitzahl", "code postal", "código postal",
    "codigo postal",
)  # fmt: skip
_BEFORE_TOWN: Final = re.compile(r"[0-9](?<=[,\n ][0-9])[0-9]{4}(?=[ ][^\W\d_a-z][^\W\d_]{2,})")
_TOWN_CUE: Final = re.compile(r"(?:,[ ]?|\n[ \t]{0,4}|\b(?:in|nach|aus|à|en|a|D|F|E|CH|A)[ \-])$")


def _form(pattern: re.Pattern[str], *, rule: str) -> Finder:
    def find(text: str, _starts: Sequence[int]) -> Iterator[Span]:
        for match in pattern.finditer(text):
            yield Span(*match.span(), "ADDRESS", rule=rule)

    return find


def _after(cue: re.Pattern[str], pattern: re.Pattern[str], *, rule: str) -> Finder:
    def find(text: str, _starts: Sequence[int]) -> Iterator[Span]:
        for match in pattern.finditer(text):
            if cue.search(text, max(0, match.start() - 10), match.start()):
                yield Span(*match.span(), "ADDRESS", rule=rule)

    return find


def _cued(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for at in starts:
        match = _CUED.match(text, at)
        if match is not None:
            yield Span(*match.span("value"), "ADDRESS", rule="address: cued code")


_RULES: Final = (
    Rule(
        pattern=r"\b[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}\b",
        find=_form(_BRITISH, rule="address: GB postcode"),
        cased=True,
        needs=DIGIT,
        near_digits=True,
    ),
    Rule(
        pattern=r"\b[A-Z][0-9][A-Z] [0-9][A-Z][0-9]\b",
        find=_form(_CANADIAN, rule="address: CA postal code"),
        cased=True,
        needs=DIGIT,
        near_digits=True,
    ),
    Rule(
        pattern=r"\b[A-Z]{2},? {1,5}[0-9]{5}",
        find=_after(_STATE, _ZIP, rule="address: state and ZIP"),
        cased=True,
        needs=DIGIT,
        near_digits=True,
    ),
    Rule(literals=_CUES, find=_cued, needs=DIGIT),
)
_CONTINENTAL: Final = Rule(
    pattern=r"[\n, -][0-9]{5} [A-Z\x80-\xff?]",
    find=_after(_TOWN_CUE, _BEFORE_TOWN, rule="address: code before a town"),
    cased=True,
    needs=DIGIT,
    near_digits=True,
)


def postal_code_rules(languages: Sequence[Language]) -> tuple[Rule, ...]:
    """The rules for postal codes; five digits before a town only where a language writes so."""
    return (*_RULES, _CONTINENTAL) if {"de", "fr", "es"}.intersection(languages) else _RULES
