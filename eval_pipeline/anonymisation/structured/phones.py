"""Telephone numbers: valid in a numbering plan, or called so by the words around them."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span, context_before
from eval_pipeline.anonymisation.structured.numbering_plans import (
    is_possible_abroad,
    is_valid_somewhere,
)
from eval_pipeline.anonymisation.structured.rule import DIGIT, Rule

_BREAK: Final = r"[ \t.()\-/\u00a0\u202f\u2010-\u2013]"
_PHONE: Final = re.compile(
    r"[+(0-9](?<![\w.\-/$\u20ac\u00a3#+(][+(0-9])(?<![0-9][:,][+(0-9])"
    r"(?:(?<=[0-9])|[ (+]{0,3}[0-9])"
    rf"(?:{_BREAK}{{0,3}}[0-9]){{6,18}}(?![0-9])"
    r"(?:[\s,;]{0,3}(?:x|ext\.?|extension|#|poste|durchwahl)\s{0,2}[0-9]{1,6})?(?!\w)",
    re.IGNORECASE,
)
_PHONE_CUE: Final = re.compile(
    r"(?:\b(?:(?:my|his|her|our|their|your)(?:\snew)?\s(?:number|no\.|#)|phone|telephone|tel|mobile|cell|cellphone|fax|whatsapp|sms|call|calling|called|dial"
    r"|text(?:ed|ing)?|ring|reach|contact|hotline|messages?|answering|landline|ph"
    r"|desk|direct(?: line)?|office line|home|work|telefon\w*"
    r"|handy\w*|mobil\w*|rufnummer|anrufen|t\u00e9l(?:\u00e9phone)?|portable|appele[rz]"
    r"|tel\u00e9fono|m\u00f3vil|celular|llam\w+)\b"
    r"(?!\s+(?:id|plan|order))|\u260e|\U0001f4de)[^0-9\n]{0,30}\s*\W{0,4}$"
)
_PHONE_AFTER: Final = re.compile(
    r"[ \-\\,(]{0,3}(?:office|fax|mobile|cell|home|work)\b", re.IGNORECASE
)
_NOT_PHONE_CUE: Final = re.compile(
    r"\b(?:order|invoice|tracking|confirmation|reservation|booking|reference|ref|ticket|case|sku"
    r"|item|product|isbn|model|version|flight|zip|amount|total|price|balance|id|no|years?|serial"
    r"|part|lot|batch|rx|prescription|bestell\w*|rechnung\w*|commande|facture|pedido|factura)\b"
    r"[^0-9\n]{0,12}$"
)
_DATE_OR_RANGE: Final = re.compile(
    r"(?:(?:19|20)[0-9]{2}[\-/. ](?:[0-9]{1,2}[\-/. ][0-9]{1,2}|(?:19|20)[0-9]{2})"
    r"|[0-9]{1,2}[\-/.][0-9]{1,2}[\-/.](?:19|20)?[0-9]{2})(?![0-9])(?: [0-9]{1,2})?"
)
_IS_IP: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_GROUPED: Final = re.compile(
    r"\(?[0-9]{2,5}\)?(?:[ .\-/\u2011\u2013][0-9]{2,4}){2,5}|\([0-9]{2,5}\)[ .\-]?[0-9][0-9 .\-]+"
    r"|[0-9]{3,5}[ .\-/][0-9]{3,4}[ .\-]?[0-9]{3,4}|0[0-9]{1,4}[ /\-][0-9]{5,9}"
)
_EXTENSION: Final = re.compile(r"[\s,;]*[xepd#]", re.IGNORECASE)
_NARROW: Final = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2010": "-", "\u2012": "-"})
_NOT_DIGIT: Final = re.compile(r"[^0-9]")
_SHORTEST_UNCUED: Final = 9
_LONGEST: Final = 15
_SHORTEST: Final = 7


def _phones(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    """A bare run of digits needs a cue: an order number may by chance be some country's phone."""
    for match in _PHONE.finditer(text):
        number = _EXTENSION.split(match.group(), maxsplit=1)[0]
        digits = _NOT_DIGIT.sub("", number)
        if not _SHORTEST <= len(digits) <= _LONGEST or _DATE_OR_RANGE.fullmatch(number):
            continue
        if _IS_IP.fullmatch(number):
            continue
        before = context_before(text, match.start())
        if _PHONE_CUE.search(before) or _PHONE_AFTER.match(text, match.end()):
            yield Span(match.start(), match.end(), "PHONE", cued=True, rule="phone: cue")
        elif not _NOT_PHONE_CUE.search(before) and _uncued(number, digits=digits):
            yield Span(match.start(), match.end(), "PHONE", cued=True, rule="phone: plan")


def _uncued(number: str, *, digits: str) -> bool:
    if len(digits) < _SHORTEST_UNCUED:
        return False
    if "+" in number[:3]:
        return is_possible_abroad(digits)
    if digits.startswith("00"):
        return is_possible_abroad(digits[2:])
    bare = number.translate(_NARROW).removeprefix("1-").removeprefix("1 ")
    return _GROUPED.fullmatch(bare) is not None and is_valid_somewhere(
        digits[len(number) - len(bare) and 1 :]
    )


PHONE_RULES: Final = (
    Rule(pattern=r"[0-9](?:[^0-9a-z]{0,3}[0-9]){6}", find=_phones, needs=DIGIT, near_digits=True),
)
