"""Where a person lives and when they were born."""

import re
from collections.abc import Iterator
from typing import Final

from eval_pipeline.intake.spans import Span

_STREET: Final = (
    r"(?:street|str|st|avenue|ave|av|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|circle|cir"
    r"|place|pl|way|terrace|ter|parkway|pkwy|square|sq|highway|hwy|trail|trl|crescent|cres|close"
    r"|gardens|grove|loop|alley|row|mews|plaza|pike|streets)"
)
_UNIT: Final = r"(?:[ \t]*,?\s{0,3}(?:apt|apartment|suite|ste|unit|flat|floor|#|room|rm)\.?[ ]?#?[ ]?\w{1,6})?"
_ZIP: Final = r"(?:[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])"
_TOWN: Final = (
    rf"(?:[ \t]*,?\s{{1,3}}(?:[^\W\d_][\w.'’\-]{{1,30}}[ ]?){{1,3}},?\s{{1,3}}(?:[A-Z]{{2}}|[^\W\d_]{{4,20}})?,?"
    rf"\s{{0,3}}{_ZIP}(?!\w))?"
)
_NUMBERED_STREET: Final = re.compile(
    r"(?<![\w.$€£#\-])[0-9]{1,6}(?:[A-Za-z]|-[0-9]{1,4})?,?[ ]+"
    r"(?:(?:[NSEW]|north|south|east|west)\.?[ ]+)?"
    r"(?:(?:[^\W\d_][\w.'’\-]{0,30}|[0-9]{1,4}(?:st|nd|rd|th))[ ]+){1,3}?"
    + rf"{_STREET}\b\.?(?![ ]+(?:of|in)\b){_UNIT}{_TOWN}",
    re.IGNORECASE,
)
_NUMBER: Final = r"[0-9]{1,5}(?: ?[a-zA-Z](?!\w))?(?:[\-/][0-9]{1,4})?"
_COMPOUND_END: Final = re.compile(
    r"(?:straße|strasse|str\.|gasse|weg|platz|allee|gatan|gata|vägen|vej|veien|vegen|gade|gaten"
    r"|vænget|katu|tie|kuja|utca|ulica|straat|laan|plein|stien|stræde|tänav)\.?[ ]+"
    rf"{_NUMBER}(?!\w){_UNIT}",
    re.IGNORECASE,
)
_COMPOUND_START: Final = re.compile(
    r"(?<![\w.\-])(?:[0-9]{1,6}[ ]+)?(?:[^\W\d_][\w'’\-]{0,25}[ ])?[^\W\d_][\w\-]{0,30}$"
)
_PREFIXED: Final = re.compile(
    r"(?<!\w)(?:[0-9]{1,6},?[ ]+)?(?:Rua|Rue|Via|Viale|Calle|Avenida|Av\.|Ulica|ul\.|Plaza|Piazza|Boulevard|Avenue"
    r"|Corso|Largo|Travessa|Paseo|Camino|Carrer|Chemin|Allée|Quai|Impasse)[ ]+"
    rf"(?:[^\W\d_][\w.'’\-]{{0,30}}[ ]?){{1,5}},?[ ]*(?:n[º°.]?[ ]?)?{_NUMBER}(?!\w){_UNIT}"
)
_MULTIWORD: Final = re.compile(
    r"(?<![\w.\-])(?:[^\W\d_a-z][\w'’\-]{1,30}[ ](?:és |and |e |y )?){1,3}(?:u\.|utca|út|tér|köz|krt\.|ulice|cesta)[ ]+"
    rf"{_NUMBER}\.?(?!\w)"
)
_POST_BOX: Final = re.compile(
    r"\b(?:p\.?[ ]?o\.?[ ]?box|post office box|psc|unit)[ ]+[0-9]{1,6}(?:,?\s{1,3}box[ ]+[0-9]{1,6})?"
    r"(?:\s{1,3}(?:APO|FPO|DPO)\s+A[AEP]\s+[0-9]{5})?|\b(?:APO|FPO|DPO)\s+A[AEP]\s+[0-9]{5}\b",
    re.IGNORECASE,
)
_STATE_ZIP: Final = re.compile(
    r"\b(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI"
    r"|S[CD]|T[NX]|UT|V[AT]|W[AIVY]),?[ ]+(?P<value>[0-9]{5}(?:-[0-9]{4})?)(?![\w\-])"
)
_UK_POSTCODE: Final = re.compile(r"(?<!\w)[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][ABD-HJLNP-UW-Z]{2}(?!\w)")
_CANADIAN: Final = re.compile(
    r"(?<!\w)[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z] [0-9][ABCEGHJ-NPRSTV-Z][0-9](?!\w)"
)
_CUED_CODE: Final = re.compile(
    r"\b(?:zip(?:[ ]?codes?)?|postal[ ]?code|post[ ]?code|postcode|plz)\b(?:[ ]is|[ ]was)?[ ]?[:=#]?[ ]{0,2}"
    r"(?P<value>[A-Z]{0,2}-?[0-9][0-9A-Z]{1,5}(?:[ \-][0-9][0-9A-Z]{1,3})?)\b",
    re.IGNORECASE,
)
_CUED_ADDRESS: Final = re.compile(
    r"\b(?:address(?:[ ]is|[ ]of[ ][^\n]{1,40}?[ ]is|[ ]?:)|liv(?:e|es|ing) at|resid(?:e|es|ing) at"
    r"|ship(?:ped)?(?: it| them)? to|deliver(?:ed)?(?: it| them)? to|send[ ](?:a[ ]new[ ]one|it)[ ]to|mail(?:ed)?(?: it)? to"
    r"|located at|office is at)\s{1,4}"
    r"(?P<value>[0-9]{1,6}[A-Za-z]?,?[ ]+[^\W\d_](?:(?!\s(?:and|with|they|which|that|is|are|has|for|but|at|on|by|from|please|if|so|when)\b)[^\n.;?!$]){3,70}(?:\n[ \t]{0,4}(?:apt|suite|unit)\.?[ ]\w{1,6})?)",
    re.IGNORECASE,
)


def addresses(text: str) -> Iterator[Span]:
    """Street with number, post box, and postal codes where their form or a word says so."""
    if not any(character.isdigit() for character in text):
        return
    for pattern in (_NUMBERED_STREET, _PREFIXED, _MULTIWORD, _POST_BOX):
        for match in pattern.finditer(text):
            yield Span(match.start(), match.end(), "ADDRESS", cued=True)
    for match in _COMPOUND_END.finditer(text):
        start = _COMPOUND_START.search(text, max(0, match.start() - 60), match.start())
        if start is not None:
            yield Span(start.start(), match.end(), "ADDRESS", cued=True)
    for pattern in (_UK_POSTCODE, _CANADIAN):
        for match in pattern.finditer(text):
            yield Span(match.start(), match.end(), "ADDRESS")
    for pattern in (_STATE_ZIP, _CUED_CODE, _CUED_ADDRESS):
        for match in pattern.finditer(text):
            yield Span(match.start("value"), match.end("value"), "ADDRESS")


_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE: Final = (
    r"(?:[0-9]{1,4}[ ]?[/.\-][ ]?[0-9]{1,2}[ ]?[/.\-][ ]?[0-9]{1,4}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?(?:[ ]of)?[ \-]{_MONTH}(?:,?[ \-][0-9]{{2,4}})?"
    rf"|(?:the[ ])?{_MONTH}[ ](?:the[ ])?[0-9]{{1,2}}(?:st|nd|rd|th)?(?:,?[ ][0-9]{{4}})?|(?:19|20)[0-9]{{6}})"
)
_BIRTH: Final = re.compile(
    r"\b(?:born|d\.?o\.?b\.?|(?:date|day)[ ]of[ ]birth|birth[ _\-]?da(?:te|y))\b[\"']?"
    r"(?:[ ](?:is|was|on|in|the)|[ ]?[:=\-,(])*[ ]{0,3}[\"']?"
    rf"(?P<value>{_DATE})(?![\w])",
    re.IGNORECASE,
)
_BIRTH_HINT: Final = re.compile(r"born|birth|dob|d\.o\.b", re.IGNORECASE)


def dates_of_birth(text: str) -> Iterator[Span]:
    """Dates after a word of birth; other dates stay, for the task often needs them."""
    if not _BIRTH_HINT.search(text):
        return
    for match in _BIRTH.finditer(text):
        yield Span(match.start("value"), match.end("value"), "DATE_OF_BIRTH", cued=True)
