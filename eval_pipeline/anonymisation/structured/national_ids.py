"""National identity numbers: a table of forms with their checks, and what a word calls one."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured import national_id_checks as checks
from eval_pipeline.anonymisation.structured.check_digits import is_verhoeff
from eval_pipeline.anonymisation.structured.rule import DIGIT, Rule


@dataclass(frozen=True)
class NumberForm:
    """How a state's number is written and checked; `#` in a layout is a digit.

    A number in one of the `layouts` is taken at its check; written otherwise, only after a `cue`.
    """

    name: str
    digits: int
    is_valid: Callable[[str], bool]
    layouts: tuple[str, ...]
    cue: str


NUMBER_FORMS: Final = (
    NumberForm("US SSN", 9, checks.is_us, ("###-##-####", "### ## ####"),
               r"ssn|social sec|itin|taxpayer"),
    NumberForm("GB NHS", 10, checks.is_nhs, (), r"nhs"),
    NumberForm("BR CPF", 11, checks.is_cpf, ("###.###.###-##",), r"cpf"),
    NumberForm("FR NIR", 15, checks.is_nir,
               ("###############", "# ## ## ## ### ### ##", "#############-##", "############# ##"),
               r"s\u00e9cu|nir\b"),
    NumberForm("DE Steuer-ID", 11, checks.is_steuer_id, ("## ### ### ###",), r"steuer|tax|idnr"),
    NumberForm("PL PESEL", 11, checks.is_pesel, ("###########",), r"pesel"),
    NumberForm("NL BSN", 9, checks.is_bsn, (), r"bsn|burgerservice|sofi"),
    NumberForm("IN Aadhaar", 12, is_verhoeff, ("#### #### ####", "####-####-####"),
               r"aadh?aar|uidai"),
    NumberForm("CA SIN", 9, checks.is_sin, (), r"\bsin\b|social ins"),
    NumberForm("SE personnummer", 10, checks.is_personnummer, ("######-####", "######+####"),
               r"personn|swedish"),
    NumberForm("SE personnummer", 12, checks.is_personnummer, ("########-####",),
               r"personn|swedish"),
)  # fmt: skip

_BY_LAYOUT: Final[Mapping[str, tuple[NumberForm, ...]]] = {
    layout: tuple(form for form in NUMBER_FORMS if layout in form.layouts)
    for layout in {layout for form in NUMBER_FORMS for layout in form.layouts}
}
_BY_DIGITS: Final[Mapping[int, tuple[tuple[NumberForm, re.Pattern[str]], ...]]] = {
    digits: tuple(
        (form, re.compile(form.cue, re.IGNORECASE))
        for form in NUMBER_FORMS
        if form.digits == digits
    )
    for digits in {form.digits for form in NUMBER_FORMS}
}
_NUMBER: Final = re.compile(
    r"[0-9](?<![\w\-][0-9])(?<![0-9][.,][0-9])"
    r"(?:[ .\-+/\u00a0\u202f]?[0-9]){8,14}(?![\w\-]|[.,][0-9])"
)
_NOT_DIGIT: Final = re.compile(r"[^0-9]")
_DIGIT: Final = re.compile(r"[0-9]")
_CUE_WIDTH: Final = 40


def _numbers(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _NUMBER.finditer(text):
        written = match.group().replace("\u00a0", " ").replace("\u202f", " ")
        name = _name_of(written, before=text[max(0, match.start() - _CUE_WIDTH) : match.start()])
        if name is not None:
            rule = f"national_id: {name}"
            yield Span(match.start(), match.end(), "NATIONAL_ID", cued=True, rule=rule)


def _name_of(written: str, *, before: str) -> str | None:
    digits = _NOT_DIGIT.sub("", written)
    if len(digits) not in _BY_DIGITS:
        return None
    for form in _BY_LAYOUT.get(_DIGIT.sub("#", written), ()):
        if form.is_valid(digits):
            return form.name
    for form, cue in _BY_DIGITS.get(len(digits), ()):
        if form.is_valid(digits) and cue.search(before):
            return form.name
    return None


_NINO: Final = re.compile(
    r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?"
    r"[0-9]{2} ?[A-D](?!\w)",
    re.IGNORECASE | re.ASCII,
)
_DNI: Final = re.compile(
    r"(?<!\w)(?:[XYZ][ \-]?[0-9]{7}|[0-9]{8}|[0-9]{2}\.[0-9]{3}\.[0-9]{3})[ \-]?[A-Za-z](?!\w)"
)
_CODICE_FISCALE: Final = re.compile(
    r"(?<!\w)[A-Z]{3} ?[A-Z]{3} ?[0-9]{2}[ABCDEHLMPRST][0-9]{2} ?[A-Z][0-9]{3}[A-Z](?!\w)",
    re.IGNORECASE | re.ASCII,
)


def _ninos(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _NINO.finditer(text):
        yield Span(*match.span(), "NATIONAL_ID", cued=True, rule="national_id: GB NINO")


def _dnis(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _DNI.finditer(text):
        if checks.is_dni(match.group().replace(".", "")):
            yield Span(*match.span(), "NATIONAL_ID", cued=True, rule="national_id: ES DNI")


def _codici(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _CODICE_FISCALE.finditer(text):
        if checks.is_codice_fiscale(match.group()):
            rule = "national_id: IT codice fiscale"
            yield Span(*match.span(), "NATIONAL_ID", cued=True, rule=rule)


_CUE_WORDS: Final = (
    "ssn", "social security", "social insurance", "itin", "sin", "tax id", "taxpayer id",
    "tax identification", "passport", "national id", "national identity", "id card",
    "identity card", "driver license", "driver's license", "drivers license", "driver licence",
    "driver's licence", "drivers licence", "driving licence", "driving license", "nhs",
    "medicare", "medicaid", "aadhaar", "aadhar", "nino", "national insurance", "licence number",
    "license number", "licence no", "license no", "visa number", "resident permit",
    "residence permit", "dni", "nie", "nif", "cpf", "bsn", "pesel", "codice fiscale",
    "personnummer", "mrn", "medical record", "patient id", "personalausweis", "ausweisnummer",
    "reisepass", "passnummer", "f\u00fchrerschein", "steuer-id", "steuernummer",
    "sozialversicherungsnummer", "passeport", "permis de conduire", "carte d'identit\u00e9",
    "num\u00e9ro de s\u00e9curit\u00e9 sociale", "carte vitale", "pasaporte", "permiso de conducir",
    "carnet de conducir", "n\u00famero de la seguridad social",
)  # fmt: skip
_CUED: Final = re.compile(
    r"(?:" + "|".join(sorted(map(re.escape, _CUE_WORDS), key=len, reverse=True)) + r")(?!\w)"
    r"(?:[ \-]?(?:number|num|no|nr|id|#|identification|identifier|nummer|numéro|número)\b\.?)"
    r"{0,2}(?:'s)?(?: ?(?:is|was|ist|lautet|est|es|are)\b)?[ :#=\"']{0,4}"
    r"(?P<value>(?=[A-Z\-]{0,5}[0-9])[A-Z0-9](?:[ \-]?[A-Z0-9]){4,18})\b",
    re.IGNORECASE,
)
_NUMERIC_HEAD: Final = re.compile(r"\S*[0-9]\S*(?: [0-9]{2,4}\b)*")


def _cued(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for start in starts:
        if start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            continue
        match = _CUED.match(text, start)
        value = _NUMERIC_HEAD.match(match["value"]) if match else None
        if match and value:
            first = match.start("value")
            rule = "national_id: cue"
            yield Span(first, first + value.end(), "NATIONAL_ID", cued=True, rule=rule)


NATIONAL_ID_RULES: Final = (
    Rule(pattern=r"[0-9](?:[^0-9a-z]?[0-9]){8}", find=_numbers, needs=DIGIT, near_digits=True),
    Rule(
        pattern=r"\b[a-z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[a-d]\b",
        find=_ninos,
        needs=DIGIT,
        near_digits=True,
    ),
    Rule(
        pattern=r"[0-9]{2}\.?[0-9]{3}\.?[0-9]{2,3}[ -]?[a-z]\b",
        find=_dnis,
        needs=DIGIT,
        near_digits=True,
    ),
    Rule(
        pattern=r"[a-z]{3} ?[0-9]{2}[a-ehlmprst][0-9]{2} ?[a-z][0-9]{3}[a-z]",
        find=_codici,
        needs=DIGIT,
        near_digits=True,
    ),
    Rule(literals=_CUE_WORDS, find=_cued, needs=DIGIT),
)
