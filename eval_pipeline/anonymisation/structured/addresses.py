"""Where a person lives: streets with numbers and post boxes, and what a word calls an address."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured import address_forms as forms
from eval_pipeline.anonymisation.structured.rule import DIGIT, Finder, Rule

_CUED_ADDRESS: Final = re.compile(
    r"\b(?:address(?:[ ]is|[ ]of[ ][^\n]{1,40}?[ ]is|[ ]?:)|liv(?:e|es|ing) at"
    r"|resid(?:e|es|ing) at|ship(?:ped)?(?: it| them)? to|deliver(?:ed)?(?: it| them)? to"
    r"|send[ ](?:a[ ]new[ ]one|it)[ ]to|mail(?:ed)?(?: it)? to|located at|office is at)\s{1,4}"
    r"(?P<value>[0-9]{1,6}[A-Za-z]?,?[ ]+[^\W\d_](?:(?!\s(?:and|with|they|which|that|is|are|has|for"
    r"|but|at|on|by|from|please|if|so|when)\b)[^\n.;?!$]){3,70}"
    r"(?:\n[ \t]{0,4}(?:apt|suite|unit)\.?[ ]\w{1,6})?)",
    re.IGNORECASE,
)
_CUES: Final = (
    "address", "live at", "lives at", "living at", "reside at", "resides at", "residing at",
    "ship to", "shipped to", "ship it to", "ship them to", "shipped it to", "deliver", "send a new",
    "send it to", "mail", "located at", "office is at",
)  # fmt: skip


def _span(first: int, end: int, *, form: str) -> Span:
    return Span(first, end, "ADDRESS", cued=True, rule=f"address: {form}")


def _near(pattern: re.Pattern[str], *, before: int, after: int, form: str) -> Finder:
    """Finds the pattern within so many characters of a literal, around which it is built."""

    def find(text: str, starts: Sequence[int]) -> Iterator[Span]:
        reached = 0
        for at in starts:
            if at < reached:
                continue
            for match in pattern.finditer(text, max(reached, at - before), at + after):
                if match.start() > at:
                    break
                reached = match.end()
                yield _span(*match.span(), form=form)

    return find


def _numbered(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in forms.CAPITAL.finditer(text):
        yield _span(*match.span(), form="street")


def _compound(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for at in starts:
        match = forms.COMPOUND_END.match(text, at)
        if match is None:
            continue
        joined = text[at] == "-" or (at > 0 and (text[at - 1].isalpha() or text[at - 1] == "-"))
        if not joined and not text[at].isupper():
            continue
        pattern = forms.COMPOUND_START if joined else forms.SEPARATE_START
        start = pattern.search(text, max(0, at - 60), at)
        if start is not None:
            yield _span(start.start(), match.end(), form="compound")


def _prefixed(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for at in starts:
        if at and (text[at - 1].isalnum() or text[at - 1] == "_"):
            continue
        number = forms.NUMBER_BEFORE.search(text, max(0, at - 24), at)
        match = forms.PREFIXED.match(text, at)
        if match is None and number is not None:
            match = forms.NUMBER_FIRST.match(text, at)
        if match is not None:
            yield _span(number.start() if number else at, match.end(), form="prefixed")


def _cued(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for at in starts:
        match = _CUED_ADDRESS.match(text, at)
        if match is not None:
            yield Span(*match.span("value"), "ADDRESS", rule="address: cue")


STREET_RULES: Final = (
    Rule(
        literals=(
            "street",
            " ave",
            "road",
            " rd",
            "boulevard",
            "blvd",
            "lane",
            "highway",
            "parkway",
            "pkwy",
        ),
        find=_near(forms.PLAIN, before=125, after=260, form="street"),
        needs=DIGIT,
    ),
    Rule(
        pattern=r"[0-9](?:[A-Za-z]|-[0-9]{1,4})?,? {1,9}"
        r"(?:[A-Z\x80-\xff?]|[0-9]{1,4}(?:st|nd|rd|th)|north|south|east|west)",
        find=_numbered,
        cased=True,
        needs=DIGIT,
        near_digits=True,
    ),
    Rule(
        literals=tuple(f"{word} ".lower() for word in forms.PREFIX_WORDS),
        find=_prefixed,
        needs=DIGIT,
    ),
    Rule(
        literals=("utca ", "út ", "tér ", "köz ", "krt. ", "ulice ", "cesta ", " u. "),
        find=_near(forms.MULTIWORD, before=105, after=40, form="several words"),
        needs=DIGIT,
    ),
    Rule(
        literals=("box ", "psc ", "unit ", "apo ", "fpo ", "dpo "),
        find=_near(forms.POST_BOX, before=24, after=100, form="post box"),
        needs=DIGIT,
    ),
    Rule(literals=tuple(f"{word} " for word in forms.COMPOUND_WORDS), find=_compound, needs=DIGIT),
    Rule(literals=_CUES, find=_cued, needs=DIGIT),
)
