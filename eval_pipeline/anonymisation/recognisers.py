"""The recognisers by their names in the configuration, and those of the organisation."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.numbers import cards, ibans, national_ids, phones
from eval_pipeline.anonymisation.structured.places import addresses, dates_of_birth
from eval_pipeline.anonymisation.structured.secrets import emails, ip_addresses, secrets, urls
from eval_pipeline.settings import CustomPattern, RecogniserName

Recogniser = Callable[[str], Iterable[Span]]

RECOGNISERS: Final[Mapping[RecogniserName, Recogniser]] = {
    "email": emails,
    "phone": phones,
    "card": cards,
    "iban": ibans,
    "ip": ip_addresses,
    "secret": secrets,
    "url": urls,
    "national_id": national_ids,
    "address": addresses,
    "date_of_birth": dates_of_birth,
}

RECOGNISER_VERSION: Final = 1
"""Raised whenever a rule changes what is masked: part of the anonymiser's fingerprint."""

_FEWEST_DIGITS: Final[Mapping[RecogniserName, int]] = {
    "phone": 7, "card": 12, "iban": 2, "national_id": 5, "address": 1, "date_of_birth": 2,
}  # fmt: skip
"""Below this many digits in the whole text a recogniser cannot find anything."""

_DIGIT: Final = re.compile(r"[0-9]")


def find(text: str, *, recognisers: Sequence[RecogniserName]) -> Iterator[Span]:
    """What these recognisers see in the text, overlaps included."""
    digits = len(_DIGIT.findall(text))
    for name in recognisers:
        if name not in RECOGNISERS:
            continue
        if digits >= _FEWEST_DIGITS.get(name, 0):
            yield from RECOGNISERS[name](text)


def compile_custom(patterns: Sequence[CustomPattern]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The organisation's patterns, compiled; that they compile, the configuration has checked."""
    return tuple((custom.name, re.compile(custom.pattern)) for custom in patterns)


def find_custom(text: str, *, patterns: Sequence[tuple[str, re.Pattern[str]]]) -> Iterator[Span]:
    """Every match of the organisation's own patterns; empty matches are none."""
    for name, pattern in patterns:
        for match in pattern.finditer(text):
            if match.end() > match.start():
                yield Span(match.start(), match.end(), name, cued=True)
