"""Numbers that name a person or an account, each with its validator: card, IBAN, id, phone."""

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers

from eval_pipeline.anonymisation.spans import Span, context_before

_CARD: Final = re.compile(r"(?<![\w.,\-])[0-9](?:[ \-]?[0-9]){11,18}(?![\w\-]|[.,][0-9])", re.ASCII)
_CARD_CUE: Final = re.compile(
    r"\b(?:cards?|credit|debit|visa|master ?card|amex|american express|discover|cc|maestro|pan)\b"
)
_CARD_PREFIXES: Final = frozenset("23456")
_LEAST_CARD_DIGITS: Final = 13


def cards(text: str) -> Iterator[Span]:
    """Numbers that pass Luhn's check, or of 12 digits and more after a word for a card."""
    for match in _CARD.finditer(text):
        digits = re.sub(r"[ \-]", "", match.group())
        cued = _CARD_CUE.search(context_before(text, match.start())) is not None
        luhn = len(digits) >= _LEAST_CARD_DIGITS and digits[0] in _CARD_PREFIXES and _luhn(digits)
        if cued or (luhn and len(set(digits)) > 1):
            yield Span(match.start(), match.end(), "CARD", cued=True)


def _luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the digit sum of two digits
    return total % 10 == 0


_IBAN: Final = re.compile(
    r"(?<!\w)[A-Z]{2}[0-9]{2}(?:[ \-]?[A-Z0-9]){11,30}(?!\w)", re.IGNORECASE | re.ASCII
)
_IBAN_CUE: Final = re.compile(r"\biban\b")
_IBAN_LENGTHS: Final = range(15, 35)


def ibans(text: str) -> Iterator[Span]:
    """Account numbers that pass the remainder check of ISO 7064, or follow the word IBAN."""
    for match in _IBAN.finditer(text):
        end = _iban_end(match.group())
        if end is None and _IBAN_CUE.search(context_before(text, match.start())):
            end = len(match.group().split(" ")[0])
            end = end if end in _IBAN_LENGTHS else None
        if end is not None:
            yield Span(match.start(), match.start() + end, "IBAN", cued=True)


def _iban_end(candidate: str) -> int | None:
    """Where the longest valid prefix of the candidate ends, or None."""
    compact = ""
    found = None
    for index, character in enumerate(candidate):
        if character in " -":
            continue
        compact += character.upper()
        at_break = index + 1 == len(candidate) or candidate[index + 1] in " -"
        if at_break and len(compact) in _IBAN_LENGTHS and _remainder(compact) == 1:
            found = index + 1
    return found


def _remainder(compact: str) -> int:
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97


_SSN: Final = re.compile(
    r"(?<![\w\-])(?!000|666)[0-8][0-9]{2}([\- ])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![\w\-])",
    re.ASCII,
)
_NINO: Final = re.compile(
    r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?"
    r"[0-9]{2} ?[A-D](?!\w)",
    re.IGNORECASE | re.ASCII,
)
_DNI: Final = re.compile(r"(?<!\w)([XYZ]?)([0-9]{7,8})-?([A-Z])(?!\w)", re.ASCII)
_CPF: Final = re.compile(r"(?<!\w)([0-9]{3})\.([0-9]{3})\.([0-9]{3})-([0-9]{2})(?!\w)", re.ASCII)
_NIR: Final = re.compile(
    r"(?<!\w)([12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]) ?[0-9]{2} ?[0-9]{3} ?[0-9]{3}) ?([0-9]{2})(?!\w)",
    re.ASCII,
)
_ID_CUE: Final = re.compile(
    r"\b(?:ssn|social security|itin|sin|tax(?:payer)? id|passport|national id(?:entity)?|id card"
    r"|identity card|driver'?s?'? licen[cs]e|driving licen[cs]e|nhs|medicare|aadhaar|nino"
    r"|national insurance)\b(?: ?(?:number|num|no|id|#)\b\.?)?(?:'s)?(?: ?(?:is|was))?[ :#=]{0,4}"
    r"(?P<value>(?=[A-Z\-]{0,5}[0-9])[A-Z0-9](?:[ \-]?[A-Z0-9]){4,18})\b",
    re.IGNORECASE | re.ASCII,
)
_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_ID_HINTS: Final = (
    "ssn", "secur", "itin", "sin", "tax", "passp", "ident", "id", "licen", "nhs", "medicare",
    "aadh", "nino", "insur",
)  # fmt: skip


def national_ids(text: str) -> Iterator[Span]:
    """US, UK, Spanish, Brazilian and French ids by their rules; others after their name."""
    for pattern in (_SSN, _NINO):
        for match in pattern.finditer(text):
            yield Span(match.start(), match.end(), "NATIONAL_ID", cued=True)
    checked = ((_DNI, _is_dni), (_CPF, _is_cpf), (_NIR, _is_nir))
    for pattern, is_valid in checked:
        for match in pattern.finditer(text):
            if is_valid(match):
                yield Span(match.start(), match.end(), "NATIONAL_ID", cued=True)
    lowered = text.lower()
    if any(hint in lowered for hint in _ID_HINTS):
        for match in _ID_CUE.finditer(text):
            value = re.match(r"\S*[0-9]\S*(?: [0-9]{2,4}\b)*", match["value"])
            if value:
                start = match.start("value")
                yield Span(start, start + value.end(), "NATIONAL_ID", cued=True)


def _is_dni(match: re.Match[str]) -> bool:
    letter, number, check = match.groups()
    if len(number) != (7 if letter else 8):
        return False
    whole = int({"X": "0", "Y": "1", "Z": "2"}.get(letter, "") + number)
    return _DNI_LETTERS[whole % 23] == check


def _is_cpf(match: re.Match[str]) -> bool:
    digits = [int(digit) for digit in "".join(match.groups())]
    for length in (9, 10):
        total = sum(digit * (length + 1 - i) for i, digit in enumerate(digits[:length]))
        if total * 10 % 11 % 10 != digits[length]:
            return False
    return len(set(digits)) > 1


def _is_nir(match: re.Match[str]) -> bool:
    return 97 - int(match[1].replace(" ", "")) % 97 == int(match[2])


_PHONE: Final = re.compile(
    r"(?<![\w.,\-/$€£#:])(?:\+|00)?\(?[0-9](?:[ \t.()\-/]{0,3}[0-9]){5,16}(?![0-9])"
    r"(?:\s{0,2}(?:x|ext\.?|extension)\s{0,2}[0-9]{1,6})?(?!\w)",
    re.ASCII,
)
_PHONE_CUE: Final = re.compile(
    r"(?:\b(?:phone|telephone|tel|mobile|cell|cellphone|fax|whatsapp|sms|call|calling|called|dial"
    r"|text(?:ed|ing)?|ring|reach|contact|hotline|messages?|answering|landline|ph)\b"
    r"(?!\s+(?:id|plan|order))|☎|📞)[^0-9\n]{0,30}\s*\W{0,4}$"
)
_PHONE_AFTER: Final = re.compile(
    r"[ \-\\,(]{0,3}(?:office|fax|mobile|cell|home|work)\b", re.IGNORECASE
)
_NOT_PHONE_CUE: Final = re.compile(
    r"\b(?:order|invoice|tracking|confirmation|reservation|booking|reference|ref|ticket|case|sku"
    r"|item|product|isbn|model|version|flight|zip|amount|total|price|balance|id|no|years?)\b"
    r"[^0-9\n]{0,12}$"
)
_DATE_OR_RANGE: Final = re.compile(
    r"(?:(?:19|20)[0-9]{2}[\-/. ](?:[0-9]{1,2}[\-/. ][0-9]{1,2}|(?:19|20)[0-9]{2})"
    r"|[0-9]{1,2}[\-/.][0-9]{1,2}[\-/.](?:19|20)?[0-9]{2})(?![0-9])(?: [0-9]{1,2})?"
)
_REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "AU", "IN", "BR", "NL", "SE", "CH", "PL")
_SHORTEST_UNCUED: Final = 9
_LONGEST: Final = 15
_SHORTEST: Final = 7


def phones(text: str) -> Iterator[Span]:
    """Numbers that a numbering plan knows, or that the words around them call a phone number.

    A bare run of digits needs such a word: an order number may by chance be some country's phone.
    """
    for match in _PHONE.finditer(text):
        number = match.group()
        digits = sum(character.isdigit() for character in number)
        if not _SHORTEST <= digits <= _LONGEST or _DATE_OR_RANGE.fullmatch(number):
            continue
        if _IS_IP.fullmatch(number):
            continue
        before = context_before(text, match.start())
        cued = _PHONE_CUE.search(before) or _PHONE_AFTER.match(text, match.end())
        if cued or (_uncued(number, digits=digits) and not _NOT_PHONE_CUE.search(before)):
            yield Span(match.start(), match.end(), "PHONE", cued=True)


_IS_IP: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_GROUPED: Final = re.compile(
    r"\(?[0-9]{2,5}\)?(?:[ .\-/][0-9]{2,4}){2,5}|\([0-9]{2,5}\)[ .\-]?[0-9][0-9 .\-]+"
    r"|[0-9]{3,5}[ .\-][0-9]{3,4}[ .\-]?[0-9]{3,4}"
)


def _uncued(number: str, *, digits: int) -> bool:
    if digits < _SHORTEST_UNCUED:
        return False
    if number.startswith("+"):
        return _is_valid(number, None)
    if number.startswith("00"):
        return _is_valid("+" + number[2:], None)
    bare = re.split(r"\s*[xe]", number)[0]
    if not _GROUPED.fullmatch(bare.removeprefix("1-").removeprefix("1 ")):
        return False
    return any(_is_valid(bare, region) for region in _REGIONS)


def _is_valid(number: str, region: str | None) -> bool:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(
        phonenumbers.is_possible_number(parsed)
        if region is None
        else phonenumbers.is_valid_number(parsed)
    )
