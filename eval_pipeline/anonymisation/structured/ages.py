"""How old somebody is: the number alone, where the words around it say so."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.rule import DIGIT, Finder, Rule
from eval_pipeline.settings import Language

_N: Final = r"(?P<value>1[01][0-9]|[1-9][0-9]?)"
_BARE_N: Final = (
    r"(?P<value>[1-9](?<![\w.,$\u20ac\u00a3#/\-][1-9])(?:(?<=1)[01][0-9]|[0-9])?)(?![0-9])"
)
_SPELT: Final = (
    r"(?P<value>(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
    r"(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    r"|sixteen|seventeen|eighteen|nineteen)"
)
_OLD: Final = (
    r"\s{0,2}-?\s?(?:(?:years?|yrs?|y|months?|mos?|weeks?)\.?[\s\-]{1,2}(?:old\b|of[\s\-]age\b)"
    r"|y\s?[/.]\s?o\b|yo\b|y\.o\b|yr\.?[\s\-]olds?\b|year[\s\-]olds?\b|years[\s\-]young\b)"
)
_AFTER_AGE: Final = (
    r"$|[.,;!?)\n\"'\u2014\u2013]|-\s|(?:and|but|now|so|or|with|when|today|tomorrow|next|this|soon|in"
    r"|on|at|he|she|if|as|because|who|living|from|already|while|yrs?|male|female|m|f|wom[ae]n|man"
    r"|single|married|retired|y|jahren?|und|oder|mit|aber|et|mais|y|pero)\b"
    r"|years?(?!\s+(?:ago|later|in\b|experience|of exp|into|late|away|behind|ahead|to\b|from|at\b"
    r"|with|on\b))"
)
_END: Final = rf"(?![\w%\u00b0/:]|[.,\-][0-9]|\s?[%\u00b0])(?=\s{{0,2}}(?:{_AFTER_AGE}))"
"""What follows an age: the end of a clause or more of the person, not a unit."""
_WHO: Final = (
    r"(?:i|he|she|they|who|husband|wife|son|daughter|mother|father|mom|mum|dad|brother|sister|child"
    r"|kid|baby|patient|grand(?:mother|father|ma|pa|son|daughter)|uncle|aunt|niece|nephew|boyfriend"
    r"|girlfriend|partner|boy|girl|man|woman|client|applicant|we)"
)
_Forms = tuple[tuple[str, str], ...]
"""What must stand in the text, in one byte per character, and the form of an age with `value`."""

_ENGLISH: Final[_Forms] = (
    (r"[0-9][ -]{0,3}(?:y|mo|week)", rf"{_BARE_N}{_OLD}"),
    (r"[a-z][ -]years?[ -]o[lf]", rf"\b{_SPELT}[\s\-]years?[\s\-](?:old|of[\s\-]age)\b"),
    (
        r"\bage[sd]?\b.{0,12}[0-9]",
        (rf"\baged?[\"']?(?:\s?[:=\-(]\s?|\s(?:is|was|of|at)\s|\s)\"?(?:about\s|only\s)?{_N}"
        r"(?![\w%]|[.,][0-9]|\s?(?:days?|hours?|weeks?|to\s[0-9]|%))"),
    ),
    (r"\bages [^0-9]{0,3}[0-9]", rf"\bages\s(?:of\s)?{_N}(?=\s(?:and|to|or)\s[0-9]|-[0-9])"),
    (
        r"\bturn(?:ed|s|ing)?\s(?:just )?[0-9]",
        (r"\bturn(?:ed|s|ing)?\s(?:just\s)?"
        rf"{_N}(?![\w%\u00b0/:]|[.,\-][0-9]|\s?(?:%|\u00b0|degrees?|pages?|times|minutes?|hours?"
        r"|days?|of\b|points?|percent|into\b|right|left|knobs?|dollars?|screws?|notch))"),
    ),
    (
        r"[0-9](?:st|nd|rd|th) birthday",
        rf"\b(?:my|his|her|their|[^\W\d_]{{2,20}}['\u2019]s)\s{_N}(?:st|nd|rd|th)\sbirthday\b",
    ),
    (
        r"(?:died|married|retired|widowed|pregnant|diagnosed) at [0-9]",
        rf"\b(?:died|married|retired|widowed|pregnant|diagnosed)\sat\s{_N}{_END}",
    ),
)  # fmt: skip
_FORMS: Final[Mapping[Language, _Forms]] = {
    "en": _ENGLISH,
    "de": (
        (r"[0-9]\s?-?\s?j.hrig", rf"{_BARE_N}\s?-?\s?j\u00e4hrig"),
        (r"[0-9]\sjahren? (?:alt|jung)", rf"{_BARE_N}\sjahren?\s(?:alt|jung)\b"),
        (
            r"\balter\b.{1,6}[0-9]|\bbin.{1,7}[0-9]",
            rf"\b(?:alter(?:\svon)?:?|bin(?:\sjetzt|\sschon)?)\s{_N}{_END}",
        ),
    ),
    "fr": (
        (
            r"[0-9]\sans\b",
            (r"(?:\b(?:j['\u2019]ai|(?<!y\s)a|as|avait|avais|ont|aura|\u00e2ge\sde)|\u00e2g\u00e9e?s?\sde)"
            rf"\s{_N}\sans\b"),
        ),
        (r".ge ?: ?[0-9]", rf"\b\u00e2ge\s?:\s?{_N}\b"),
    ),
    "es": (
        (
            r"[0-9]\sa.os",
            (rf"\b(?:tengo|tiene|ten\u00eda|cumpl\w{{1,6}}|de|edad:?)\s{_N}\sa\u00f1os"
            r"(?!\s(?:atr\u00e1s|antes))"),
        ),
        (r"\bedad\b.{1,4}[0-9]", rf"\bedad\s?(?::|de)\s?{_N}\b"),
    ),
}  # fmt: skip


_NUMBER: Final = re.compile(rf"[1-9](?<=\s[1-9])(?:(?<=1)[01][0-9]|[0-9])?{_END}", re.IGNORECASE)
_WHOSE: Final = re.compile(
    rf"(?<!\w)(?:i['\u2019]?m|i am|{_WHO}(?:['\u2019]s|['\u2019]re)"
    rf"|{_WHO}\s(?:is|was|am|are|were|will be))"
    r"\s(?:about\s|only\s|just\s|now\s|already\s|almost\s|nearly\s|over\s|currently\s)?$",
    re.IGNORECASE,
)


def _after_person(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _NUMBER.finditer(text):
        if _WHOSE.search(text, max(0, match.start() - 34), match.start()):
            yield Span(*match.span(), "AGE", rule="age: of a person")


_AFTER_PERSON: Final = Rule(
    pattern=r"(?:[^a-z](?:m|s|re|am|is|was|are|were|be)|\bim)\s(?:[a-z]{2,9}\s)?[1-9][0-9]{0,2}\b",
    find=_after_person,
    needs=DIGIT,
    near_digits=True,
)


def _finder(form: str) -> Finder:
    pattern = re.compile(form, re.IGNORECASE)

    def find(text: str, _starts: Sequence[int]) -> Iterator[Span]:
        for match in pattern.finditer(text):
            yield Span(*match.span("value"), "AGE", rule="age")

    return find


def age_rules(languages: tuple[Language, ...]) -> tuple[Rule, ...]:
    """The rules for ages in these languages."""
    forms = [form for language in languages for form in _FORMS[language]]
    of_persons = (_AFTER_PERSON,) if "en" in languages else ()
    return of_persons + tuple(
        Rule(
            pattern=gate,
            find=_finder(form),
            needs=DIGIT if "[0-9]" in gate else "",
            near_digits="[0-9]" in gate,
        )
        for gate, form in forms
    )
