"""Places on the globe as pairs of degrees, or single ones after their name."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.rule import DIGIT, Rule

_PAIR: Final = re.compile(
    r"[+\-\u22120-9](?<![\w.,\-\u2212$\u20ac\u00a3][+\-\u22120-9])(?:(?<=[0-9])|[0-9])[0-9]{0,2}\.[0-9]{3,15}\s?\u00b0?\s?[NS]?"
    r"(?:\s{0,2}[,;/|]\s{0,2}|\s{1,3})"
    r"[+\-\u2212]?[0-9]{1,3}\.[0-9]{3,15}(?:\s?\u00b0)?(?:\s?[EWO](?!\w))?(?![\w]|[.,][0-9])"
)
_MINUTES: Final = (
    r"[0-9]{1,3}\s?[\u00b0\u00ba]\s?(?:[0-9]{1,2}(?:\.[0-9]{1,8})?\s?['\u2032\u2019]\s?)"
    r"(?:[0-9]{1,2}(?:\.[0-9]{1,8})?\s?(?:\"|\u2033|\u201d|'')\s?)?"
)
_SEXAGESIMAL: Final = re.compile(
    rf"(?<!\w){_MINUTES}[NS](?:\s{{0,2}}[,;/]?\s{{0,2}}{_MINUTES}[EWO])?(?!\w)"
    rf"|(?<!\w){_MINUTES}[EW](?!\w)|(?<!\w)[NS]\s?{_MINUTES}[,;]?\s{{0,2}}[EWO]\s?{_MINUTES}"
)
_NAMED: Final = re.compile(
    r"(?:itude|\blat|\blng|\blon|\blong)[\"']?\s?(?:is|was|[:=])\s{0,2}[\"']?"
    r"(?P<value>[+\-\u2212]?[0-9]{1,3}\.[0-9]{2,15})(?![\w]|\.[0-9])",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"[0-9]{1,3}\.[0-9]+")
_LARGEST_LATITUDE: Final = 90
_LARGEST_LONGITUDE: Final = 180


def _pairs(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _PAIR.finditer(text):
        first, second = (float(value) for value in _NUMBER.findall(match.group()))
        low, high = sorted((first, second))
        if low <= _LARGEST_LATITUDE and high <= _LARGEST_LONGITUDE:
            yield Span(match.start(), match.end(), "COORDINATES", rule="coordinates: pair")


def _sexagesimal(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _SEXAGESIMAL.finditer(text):
        yield Span(match.start(), match.end(), "COORDINATES", rule="coordinates: minutes")


def _named(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _NAMED.finditer(text):
        yield Span(*match.span("value"), "COORDINATES", rule="coordinates: named")


COORDINATES_RULES: Final = (
    Rule(
        pattern=r"[0-9]\.[0-9]{3,15}[^0-9a-z.]{0,5}[ns]?[^0-9a-z.]{1,5}[0-9]{1,3}\.[0-9]{3}",
        find=_pairs,
        needs=DIGIT,
        near_digits=True,
    ),
    Rule(pattern=r"[0-9] ?[\xb0\xba] ?[0-9]", find=_sexagesimal, needs=DIGIT, near_digits=True),
    Rule(
        pattern=r"(?:itude|lat|lng|lon|long)[\"']? ?(?:is|was|[:=]).{1,4}[0-9]",
        find=_named,
        needs=DIGIT,
        near_digits=True,
    ),
)
