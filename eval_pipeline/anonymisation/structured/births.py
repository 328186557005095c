"""Dates of birth: dates after a word of birth."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.date_words import any_of, words
from eval_pipeline.anonymisation.structured.dates import before_month, month_and_after
from eval_pipeline.anonymisation.structured.rule import DIGIT, Finder, Rule
from eval_pipeline.settings import Language

_NUMERIC: Final = r"[0-9]{1,4}[ ]?[/.\-][ ]?[0-9]{1,2}[ ]?[/.\-][ ]?[0-9]{1,4}|(?:19|20)[0-9]{6}"
_TAIL: Final = (
    r"[a-z]{0,10}\.?(?:[ _\-]?(?:day|date|datum|tag))?[\"')]{0,2}"
    r"(?:[ ](?:is|was|on|in|the|in the year|am|ist|le|est|el|es|fue|date|of)\b"
    r"|[ ]?[:=\-,(>]){0,4}[ ]{0,3}[\"']?"
)


def _births(languages: tuple[Language, ...]) -> Finder:
    pattern = re.compile(
        rf"(?<!\w){any_of(words(languages, 'births'))}{_TAIL}"
        rf"(?P<value>{_NUMERIC}|(?:{before_month(languages)})?{month_and_after(languages)}"
        r"|(?:19|20)[0-9]{2})(?!\w)",
        re.IGNORECASE,
    )

    def find(text: str, starts: Sequence[int]) -> Iterator[Span]:
        for start in starts:
            match = pattern.match(text, start)
            if match is not None and any(c.isdecimal() for c in match["value"]):
                rule = "date_of_birth: cue"
                yield Span(*match.span("value"), "DATE_OF_BIRTH", cued=True, rule=rule)

    return find


def birth_rules(languages: tuple[Language, ...]) -> tuple[Rule, ...]:
    """The rule for dates of birth, with the cues of these languages."""
    return (Rule(literals=words(languages, "births"), find=_births(languages), needs=DIGIT),)
