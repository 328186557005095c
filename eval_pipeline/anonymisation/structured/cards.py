"""Numbers of accounts: payment cards by Luhn or a word for a card, IBAN by its remainder."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span, context_before
from eval_pipeline.anonymisation.structured.check_digits import is_luhn, modulo_97
from eval_pipeline.anonymisation.structured.rule import DIGIT, Rule

_CARD: Final = re.compile(
    r"[0-9](?<![\w.,\-][0-9])(?:[ \-\u00a0\u202f.]?[0-9]){11,18}(?![\w\-]|[.,][0-9])"
)
_SEPARATORS: Final = re.compile(r"[ \-.\u00a0\u202f]")
_CARD_CUE: Final = re.compile(
    r"\b(?:cards?|credit|debit|visa|master ?card|amex|american express|discover|cc|maestro|pan"
    r"|diners|jcb|kreditkarten?\w*|karten?\w{0,10}|carte\w*|tarjetas?)\b"
)
_CARD_PREFIXES: Final = frozenset("23456")
_LEAST_CARD_DIGITS: Final = 13


def _is_card(digits: str) -> bool:
    known = digits[0] in _CARD_PREFIXES or (digits[:4] == "1800" and len(digits) == 15)  # noqa: PLR2004
    return known and len(digits) >= _LEAST_CARD_DIGITS and is_luhn(digits) and len(set(digits)) > 1


def _cards(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = _SEPARATORS.sub("", match.group())
        if _is_card(digits):
            yield Span(match.start(), match.end(), "CARD", cued=True, rule="card: Luhn")
        elif _CARD_CUE.search(context_before(text, match.start())):
            yield Span(match.start(), match.end(), "CARD", cued=True, rule="card: cue")


_IBAN: Final = re.compile(
    r"[0-9](?<=[A-Za-z]{2}[0-9])(?<!\w[A-Za-z]{2}[0-9])[0-9]"
    r"(?:[ \-\u00a0\u202f]?[A-Za-z0-9]){11,30}(?!\w)"
)
_IBAN_CUE: Final = re.compile(r"\biban\b")
_IBAN_LENGTHS: Final = range(15, 35)
_REGISTRY: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 "
    "DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 "
    "GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 "
    "LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 "
    "PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 "
    "TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 "
)
_LENGTHS: Final = {entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()}
"""Of an account number by its country, from the registry of ISO 13616."""
_BREAKS: Final = " -\u00a0\u202f"


def _ibans(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    position = 0
    while (match := _IBAN.search(text, position)) is not None:
        start = match.start() - 2
        candidate = text[start : match.end()]
        rule, end = "iban: mod 97", _iban_end(candidate)
        if end is None and _IBAN_CUE.search(context_before(text, start)):
            end = len(candidate.split(" ")[0])
            rule, end = "iban: cue", end if end in _IBAN_LENGTHS else None
        position = start + (end or 4)
        if end is not None:
            yield Span(start, position, "IBAN", cued=True, rule=rule)


def _iban_end(candidate: str) -> int | None:
    """Where the account number that starts the candidate ends, or None if it is none."""
    length = _LENGTHS.get(candidate[:2].upper())
    if length is None:
        return None
    compact = ""
    for index, character in enumerate(candidate):
        if character in _BREAKS:
            continue
        compact += character.upper()
        if len(compact) == length:
            at_break = index + 1 == len(candidate) or candidate[index + 1] in _BREAKS
            return index + 1 if at_break and modulo_97(compact[4:] + compact[:4]) == 1 else None
    return None


CARD_RULES: Final = (
    Rule(pattern=r"[0-9](?:[^0-9a-z]?[0-9]){11}", find=_cards, needs=DIGIT, near_digits=True),
)
IBAN_RULES: Final = (
    Rule(
        pattern=r"\b[a-z]{2}[0-9]{2}[^0-9a-z]?[0-9a-z]{2}(?:[^0-9a-z]?[0-9a-z]){9}",
        find=_ibans,
        needs=DIGIT,
    ),
)
