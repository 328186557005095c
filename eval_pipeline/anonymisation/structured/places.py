"""Where a person lives and when they were born."""

import re
from collections.abc import Iterator
from typing import Final

from eval_pipeline.anonymisation.spans import Span

_PLAIN_STREET: Final = (
    r"(?i:street|streets|avenue|ave|road|rd|boulevard|blvd|lane|highway|parkway|pkwy)"
)
_CAPITAL_STREET: Final = (
    r"(?:Street|Str|St|Avenue|Ave|Av|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Court|Ct|Circle|Cir"
    r"|Place|Pl|Way|Terrace|Ter|Parkway|Pkwy|Square|Squares|Sq|Highway|Hwy|Trail|Trl|Crescent|Cres"
    r"|Close|Gardens|Grove|Loop|Alley|Row|Mews|Plaza|Pike|ST|AVE|RD|DR|LN|BLVD|CT|WAY|STREET)"
)
_NOT_STREET: Final = (
    r"(?!(?i:minutes?|mins?|hours?|hrs?|miles?|mi|km|days?|weeks?|months?|years?|stars?|more|other"
    r"|people|persons?|adults?|guests?|inch(?:es)?|percent|bed(?:room)?s?|bath(?:room)?s?|times?"
    r"|am|pm|of|or|and|to|on|in|at|for|items?|pieces?|lanes?|way)\b)"
)
_UNIT: Final = (
    r"(?:[ \t]*,?\s{0,3}(?i:apt|apartment|suite|ste|unit|flat|floor|#|room|rm)"
    r"\.?[ ]?#?[ ]?\w{1,6})?"
)
_ZIP: Final = (
    r"(?:[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
    r"|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])"
)
_WORD: Final = r"[^\W\d_][\w.'\u2019\-]{1,30}"
_TOWN: Final = (
    rf"(?:[ \t]*,?\s{{1,3}}{_WORD}(?:[ ]{_WORD}){{0,2}}[ ]?,?\s{{1,3}}"
    rf"(?:[A-Z]{{2}}|[^\W\d_]{{4,20}})?,?\s{{0,3}}{_ZIP}(?!\w))?"
)
_NUMBERED: Final = (
    r"(?<![\w.$€£#\-])[0-9]{1,6}(?:[A-Za-z]|-[0-9]{1,4})?,?[ ]+"
    r"(?:(?:[NSEW]|(?i:north|south|east|west))\.?[ ]+)?"
)
_ORDINAL: Final = r"[0-9]{1,4}(?i:st|nd|rd|th)"
_PLAIN: Final = re.compile(
    rf"{_NUMBERED}(?:{_NOT_STREET}"
    rf"(?:[^\W\d_]{{1,3}}\.|[^\W\d_][\w'\u2019\-]{{0,30}}|{_ORDINAL})[ ]+){{1,3}}?"
    rf"{_PLAIN_STREET}\b\.?{_UNIT}{_TOWN}"
)
_CAPITAL: Final = re.compile(
    rf"{_NUMBERED}"
    rf"(?:(?:[^\W\d_a-z]{{1,3}}\.|[^\W\d_a-z][\w'\u2019\-]{{0,30}}|{_ORDINAL})[ ]+){{1,3}}?"
    rf"{_CAPITAL_STREET}\b\.?(?![ ]+of\b){_UNIT}{_TOWN}"
)
_NUMBER: Final = r"[0-9]{1,5}(?: ?[a-zA-Z](?!\w))?(?:[\-/][0-9]{1,4})?"
_COMPOUND_END: Final = re.compile(
    r"(?:straße|strasse|str\.|gasse|weg|platz|allee|gatan|gata|vägen|vej|veien|vegen|gade|gaten"
    r"|vænget|katu|tie|kuja|utca|ulica|straat|laan|plein|stien|stræde|tänav)\.?[ ]+"
    rf"{_NUMBER}(?!\w){_UNIT}",
    re.IGNORECASE,
)
_COMPOUND_START: Final = re.compile(
    r"(?<![\w.\-])(?:[0-9]{1,6}[ ]+)?(?:[^\W\d_a-z][\w'\u2019\-]{0,25}[ ])?[^\W\d_][\w\-]{0,30}$"
)
_PREFIXED: Final = re.compile(
    r"(?<!\w)(?:[0-9]{1,6},?[ ]+)?(?:Rua|Rue|Via|Viale|Calle|Avenida|Av\.|Ulica|ul\.|Plaza|Piazza"
    r"|Boulevard|Avenue|Corso|Largo|Travessa|Paseo|Camino|Carrer|Chemin|Allée|Quai|Impasse)[ ]+"
    rf"{_WORD}(?:[ ]{_WORD}){{0,4}},?[ ]+(?:n[º°.]?[ ]?)?{_NUMBER}(?!\w){_UNIT}"
)
_MULTIWORD: Final = re.compile(
    r"(?<![\w.\-])(?:[^\W\d_a-z][\w'\u2019\-]{1,30}[ ](?:és |and |e |y )?){1,3}"
    rf"(?:u\.|utca|út|tér|köz|krt\.|ulice|cesta)[ ]+{_NUMBER}\.?(?!\w)"
)
_POST_BOX: Final = re.compile(
    r"\b(?:p\.?[ ]?o\.?[ ]?box|post office box|psc|unit)[ ]+[0-9]{1,6}"
    r"(?:,?\s{1,3}box[ ]+[0-9]{1,6})?(?:\s{1,3}(?:APO|FPO|DPO)\s+A[AEP]\s+[0-9]{5})?"
    r"|\b(?:APO|FPO|DPO)\s{1,3}A[AEP]\s{1,3}[0-9]{5}\b",
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
    r"\b(?:zip(?:[ ]?codes?)?|postal[ ]?code|post[ ]?code|postcode|plz)\b(?:[ ]is|[ ]was)?"
    r"[ ]?[:=#]?[ ]{0,2}(?P<value>[A-Z]{0,2}-?[0-9][0-9A-Z]{1,5}(?:[ \-][0-9][0-9A-Z]{1,3})?)\b",
    re.IGNORECASE,
)
_CUED_ADDRESS: Final = re.compile(
    r"\b(?:address(?:[ ]is|[ ]of[ ][^\n]{1,40}?[ ]is|[ ]?:)|liv(?:e|es|ing) at"
    r"|resid(?:e|es|ing) at|ship(?:ped)?(?: it| them)? to|deliver(?:ed)?(?: it| them)? to"
    r"|send[ ](?:a[ ]new[ ]one|it)[ ]to|mail(?:ed)?(?: it)? to|located at|office is at)\s{1,4}"
    r"(?P<value>[0-9]{1,6}[A-Za-z]?,?[ ]+[^\W\d_](?:(?!\s(?:and|with|they|which|that|is|are|has|for"
    r"|but|at|on|by|from|please|if|so|when)\b)[^\n.;?!$]){3,70}"
    r"(?:\n[ \t]{0,4}(?:apt|suite|unit)\.?[ ]\w{1,6})?)",
    re.IGNORECASE,
)


def addresses(text: str) -> Iterator[Span]:
    """Street with number, post box, and postal codes where their form or a word says so."""
    if not any(character.isdigit() for character in text):
        return
    for pattern in (_PLAIN, _CAPITAL, _PREFIXED, _MULTIWORD, _POST_BOX):
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
    rf"|(?:the[ ])?{_MONTH}[ ](?:the[ ])?[0-9]{{1,2}}(?:st|nd|rd|th)?(?:,?[ ][0-9]{{4}})?"
    r"|(?:19|20)[0-9]{6})"
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
