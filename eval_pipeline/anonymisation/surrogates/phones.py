"""Phone numbers that ring nowhere: from the ranges set aside for fiction, or outside the plan."""

import re
from dataclasses import dataclass
from typing import Final

import phonenumbers

from eval_pipeline.anonymisation.surrogates.contract import compact
from eval_pipeline.anonymisation.surrogates.draws import Draws
from eval_pipeline.anonymisation.surrogates.shapes import overlay, same_shape

_FICTION: Final = {
    # NANPA: 555-0100 to 555-0199 under any area code.
    1: tuple(f"{area}55501" for area in (
        202, 206, 212, 213, 214, 215, 216, 303, 304, 305, 312, 313, 314, 317, 401, 402, 404, 405,
        406, 412, 414, 415, 502, 503, 504, 505, 512, 513, 515, 601, 602, 603, 605, 612, 614, 615,
        617, 701, 702, 704, 713, 716, 717, 718, 801, 802, 803, 804, 816, 817, 901, 904, 907, 918,
    )),
    # Ofcom, "Telephone numbers for use in TV and radio drama programmes".
    44: (
        "113496", "114496", "115496", "116496", "117496", "118496", "121496", "131496", "141496",
        "151496", "161496", "191498", "207946", "290180", "1632960", "7700900",
    ),
    # ARCEP, decision 2012-0856.
    33: ("19900", "26191", "35301", "46571", "53649", "63998"),
    # Bundesnetzagentur, "Rufnummern für Drama".
    49: ("3023125", "6990009", "4066969", "2214710", "8999998", "17139200"),
    # ACMA, numbers for use in radio, film and television.
    61: ("25550", "27010", "35550", "37010", "75550", "77010", "85550", "87010"),
}  # fmt: skip
"""By country code: what a national number of the full length may start with."""

_LENGTHS: Final = {1: 10, 44: 10, 33: 9, 49: 10, 61: 9}
_MOBILE: Final = {44: "7", 33: "6", 49: "1"}
_REGIONS: Final = {"en": ("US", "GB"), "de": ("DE", "AT", "CH"), "fr": ("FR", "CH"), "es": ("ES",)}
_OTHERS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "AU", "IN", "BR", "NL", "SE", "CH", "PL")
_EXTENSION: Final = re.compile(r"\s{0,2}(?:x|ext\.?|extension)\s{0,2}[0-9]{1,6}$", re.IGNORECASE)
_LOCAL_LENGTH: Final = 7
_TRIES: Final = 32


@dataclass(frozen=True)
class _Number:
    country: int
    national: str


def phone_identity(value: str, *, language: str) -> str:
    """What two spellings of one number have in common: the national number without extension."""
    known = _read(value, language=language)
    return compact(_EXTENSION.sub("", value)) if known is None else known.national


def phone(value: str, draws: Draws, *, language: str) -> str | None:
    """Country and grouping stay; fiction's ranges where the plan has some, else no valid number."""
    extension = _EXTENSION.search(value)
    written = value[: extension.start()] if extension else value
    digits = compact(written)
    if not digits.isdigit():
        return None
    known = _read(value, language=language)
    if len(digits) == _LOCAL_LENGTH and language == "en":
        drawn = "55501" + draws.digits(2)
    elif known is not None and digits.endswith(known.national):
        drawn = digits[: -len(known.national)] + _national(known, draws)
    else:
        drawn = "000" + draws.digits(len(digits))
    told = overlay(written, drawn[: len(digits)])
    return told + (same_shape_of_digits(extension.group(), draws) if extension else "")


def same_shape_of_digits(value: str, draws: Draws) -> str:
    """The digits redrawn, the words left."""
    return re.sub(r"[0-9]+", lambda found: same_shape(found.group(), draws), value)


def _read(value: str, *, language: str) -> _Number | None:
    """The number by its country code, else by the first plan that knows it."""
    if value.lstrip().startswith(("+", "00")):
        return _parsed("+" + value.strip().removeprefix("00").removeprefix("+"), None)
    regions = (*_REGIONS.get(language, ()), *_OTHERS)
    for region in dict.fromkeys(regions):
        if (found := _parsed(value, region)) is not None and _is_valid(found):
            return found
    return None


def _parsed(value: str, region: str | None) -> _Number | None:
    try:
        parsed = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    return _Number(int(parsed.country_code or 0), phonenumbers.national_significant_number(parsed))


def _is_valid(number: _Number) -> bool:
    parsed = phonenumbers.PhoneNumber(
        country_code=number.country,
        national_number=int(number.national),
        italian_leading_zero=number.national.startswith("0"),
    )
    return bool(phonenumbers.is_valid_number(parsed))


def _national(number: _Number, draws: Draws) -> str:
    length = len(number.national)
    ranges = _FICTION.get(number.country, ()) if length == _LENGTHS.get(number.country) else ()
    mobile = _MOBILE.get(number.country)
    if mobile is not None:
        is_mobile = number.national.startswith(mobile)
        same = tuple(start for start in ranges if start.startswith(mobile) == is_mobile)
        ranges = same or ranges
    if ranges:
        start = draws.choice(ranges)
        return start + draws.digits(length - len(start))
    for _ in range(_TRIES):
        drawn = draws.choice("01") + draws.digits(length - 1)
        if not _is_valid(_Number(number.country, drawn)):
            return drawn
    return "0" * min(2, length) + draws.digits(length - 2)
