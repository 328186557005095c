"""Days and years that stand for themselves: dates in every common spelling, weekdays, years.

What is told relative to today, durations and times of day alone stay.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.date_words import any_of, weekday_before_date, words
from eval_pipeline.anonymisation.structured.rule import DIGIT, Finder, Rule
from eval_pipeline.settings import Language

_ZONE: Final = (
    r"(?:\s?(?:[Zz]|UTC|GMT|[+\-\u2212][0-9]{2}:?[0-9]{2}|[CEPM][SD]T|CES?T|AEST|BST)(?!\w))?"
)
TIME: Final = (
    r"(?:(?:[Tt_ ]|,\s?|\s{1,2}(?:at|um|\u00e0|a las|-)\s)\s?[0-2]?[0-9][:.h][0-5][0-9]"
    r"(?:[:.][0-5][0-9](?:[.,][0-9]{1,9})?)?(?:\s?[AaPp]\.?[Mm]\b\.?)?(?: Uhr\b)?"
    rf"{_ZONE})?"
)
_NUMERIC: Final = (
    r"(?:(?P<y>(?<=1)[89][0-9]{2}|(?<=2)0[0-9]{2})"
    r"(?P<s>[-/._]|\s[-/]\s)(?P<m>[0-9]{1,2})(?P=s)(?P<d>[0-9]{1,2})"
    r"|(?P<a>[0-9]?)(?P<t>[-/._]|\.\s|\s?[-/]\s)(?P<b>[0-9]{1,2})(?P=t)"
    r"(?P<z>(?:1[89]|20)[0-9]{2}|[0-9]{2})"
    r"|(?P<compact>(?:(?<=1)9|(?<=2)0)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))"
    r"(?=[Tt][0-2][0-9])"
    r"|(?P<my>[0-9]?/(?:19|20)[0-9]{2}))"
)
"""What follows the first digit of a date in numbers."""

_NUMERIC_DATE: Final = re.compile(
    r"[0-9](?<![\w$\u20ac\u00a3%.\-/][0-9])"
    + _NUMERIC
    + r"(?![0-9]|[./\-,][0-9]|[A-SU-Zac-su-z])"
    + TIME
)
_NUMERIC_GATE: Final = (
    r"[0-9] ?[-/._] ?[0-9]{1,2} ?[-/._] ?[0-9]{2}|[0-9]/(?:19|20)[0-9]{2}|(?:19|20)[0-9]{6}t[0-2]"
)
_COMPACT_TIME: Final = re.compile(
    r"[Tt][0-2][0-9][0-5][0-9](?:[0-5][0-9])?(?:\.[0-9]{1,9})?" + _ZONE
)
_VERSION_BEFORE: Final = re.compile(
    r"(?:\bv|\bversions?|\brelease|\bbuild|\bsection|\u00a7)\.?\s?$", re.IGNORECASE
)
_VERSION_ENDS: Final = frozenset("vVsSnNeEdD.\u00a7")
_MONTHS: Final = 12
_DAYS: Final = 31


def _is_day_and_month(one: str, other: str) -> bool:
    """Whether the two are a day and a month in either order."""
    low, high = sorted((int(one), int(other)))
    return 1 <= low <= _MONTHS and high <= _DAYS


def _is_numeric_date(match: re.Match[str]) -> bool:
    """Whether the numbers of a match of the numeric form can be a date."""
    if match["y"] is not None:
        return _is_day_and_month(match["m"], match["d"])
    first = match.group()[0] + (match["a"] or "")
    if match["a"] is None:
        return match["my"] is None or 1 <= int(match.group().split("/")[0]) <= _MONTHS
    if not _is_day_and_month(first, match["b"]):
        return False
    padded = len(first) == len(match["b"]) == len(match["z"]) == 2  # noqa: PLR2004
    return len(match["z"]) == 4 or padded or "/" in match["t"]  # noqa: PLR2004 - a whole year


def _is_version(text: str, start: int) -> bool:
    before = text[max(0, start - 10) : start].rstrip()
    return before[-1:] in _VERSION_ENDS and _VERSION_BEFORE.search(before) is not None


def _numeric(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _NUMERIC_DATE.finditer(text):
        if _is_numeric_date(match) and not _is_version(text, match.start()):
            end = match.end()
            if match["compact"] is not None:
                time = _COMPACT_TIME.match(text, end)
                end = time.end() if time else end
            yield Span(match.start(), end, "DATE", rule="date: numeric")


_DAY: Final = r"(?:0?[1-9]|[12][0-9]|3[01])(?:\s?(?:st|nd|rd|th|er|\u00ba|\.|\u00aa))?"
_YEAR: Final = r"(?:1[6-9][0-9]{2}|20[0-9]{2})"
_SHORT_YEAR: Final = r"(?:'|\u2019)[0-9]{2}"
_DAY_AFTER: Final = r"(?:0?[1-9]|[12][0-9]|3[01])(?:\s?(?:st|nd|rd|th))?(?![\w%]|[.,:][0-9])"


def _gap(languages: tuple[Language, ...]) -> str:
    joiners = any_of(words(languages, "joiners") or ("of",))
    return rf"(?:\s{{1,2}}(?:{joiners}\s{{1,2}}){{0,2}}|[-/.]\s?|\s?,\s?)"


def before_month(languages: tuple[Language, ...]) -> str:
    """A pattern for a day or a year with what parts it from the month that follows."""
    return rf"(?<![\w.,])(?:{_DAY}|{_YEAR}){_gap(languages)}"


def month_and_after(languages: tuple[Language, ...]) -> str:
    """A pattern for the name of a month with what follows: day, year, both or (`alone`) neither."""
    month, gap = rf"{any_of(words(languages, 'months'))}\.?", _gap(languages)
    year = rf"(?:{_YEAR}|{_SHORT_YEAR})(?![\w]|[.,][0-9])"
    to_day = rf"(?:\s?(?:-|\u2013|to|and)\s?{_DAY_AFTER})?"
    day_and_year = (
        rf"(?:\s{{1,2}}(?:the\s)?|[-/.]){_DAY_AFTER}{to_day}"
        rf"(?:(?:\s?,\s?|\s|[-/])(?:of\s)?(?:{_YEAR}|{_SHORT_YEAR}|(?<=[-/])[0-9]{{2}})(?!\w))?"
    )
    short_year = r"\s?[-/,]\s?[0-9]{2}(?![\w%]|[:.,][0-9])|\s[0-9]{2}(?![\w%]|[:.,][0-9])"
    return rf"{month}(?:{gap}{year}|{day_and_year}|(?P<alone>{short_year}|(?!\w)))"


_BEFORE: Final = 24
_WEEKDAY_WIDTH: Final = 24
_NEAR: Final = re.compile(r"[0-9]")


_FOLLOWS_A_DAY: Final = frozenset(
    {"and", "or", "to", "at", "on", "in", "for", "from", "until", "till", "is", "was", "if", "with",
     "please", "through", "by", "but", "then", "when", "because", "as", "so", "after", "before"}
)  # fmt: skip
_MAY: Final = frozenset(
    {"i", "you", "we", "they", "he", "she", "it", "this", "that", "there", "which", "who", "one",
     "some", "these", "those"}
)  # fmt: skip
_PLAIN_MAY: Final = re.compile(r"may\s[0-9]{1,2}|[0-9]{1,2}\smay", re.IGNORECASE)
_WORD_AFTER: Final = re.compile(r"\s([a-z]+)")


def _is_verb(text: str, start: int, end: int) -> bool:
    """Of "10 may be enough" and "you may 2 times": no year, and a sentence that goes on."""
    found = text[start:end]
    if _PLAIN_MAY.fullmatch(found) is None:
        return False
    if found[0] == "m":
        return not _MAY.isdisjoint(text[max(0, start - 12) : start].lower().split()[-1:])
    after = _WORD_AFTER.match(text, end)
    return after is not None and after[1] not in _FOLLOWS_A_DAY


def _spelt(languages: tuple[Language, ...]) -> Finder:
    before = re.compile(before_month(languages) + "$", re.IGNORECASE)
    after = re.compile(month_and_after(languages) + TIME, re.IGNORECASE)
    weekday = re.compile(weekday_before_date(languages) + "$", re.IGNORECASE)

    def find(text: str, starts: Sequence[int]) -> Iterator[Span]:
        reached = 0
        for at in starts:
            if at < reached or (at and text[at - 1].isalpha()):
                continue
            if not _NEAR.search(text, max(0, at - _BEFORE), at + _BEFORE):
                continue
            match = after.match(text, at)
            if match is None:
                continue
            day = before.search(text, max(reached, at - _BEFORE), at)
            if day is None and match["alone"] is not None:
                continue
            start = day.start() if day else at
            if text.startswith("may", at) and _is_verb(text, start, match.end()):
                continue
            named = weekday.search(text, max(reached, start - _WEEKDAY_WIDTH), start)
            reached = match.end()
            yield Span(named.start() if named else start, reached, "DATE", rule="date: month")

    return find


def _weekdays(languages: tuple[Language, ...]) -> Finder:
    names = any_of(words(languages, "weekdays"))
    pattern = re.compile(rf"(?<!\w){names}(?!\w)", re.IGNORECASE)

    def find(text: str, starts: Sequence[int]) -> Iterator[Span]:
        for at in starts:
            match = pattern.match(text, at)
            if match is not None:
                yield Span(*match.span(), "DATE", rule="date: weekday")

    return find


_PAIR: Final = re.compile(
    r"[0-9](?<=[\s:][0-9])(?P<a>[0-9]?)(?:/(?P<b>[0-9]{1,2})|\.(?P<c>[0-9]{1,2})\.)"
    r"(?![\w/%]|[.,\-][0-9])"
)


def _days_after_cue(languages: tuple[Language, ...]) -> Finder:
    cue = re.compile(rf"(?<!\w)({any_of(words(languages, 'day_cues'))}):?\s{{1,2}}$", re.IGNORECASE)

    def find(text: str, _starts: Sequence[int]) -> Iterator[Span]:
        for match in _PAIR.finditer(text):
            told = cue.search(text, max(0, match.start() - 16), match.start())
            if told is None:
                continue
            first = match.group()[0] + match["a"]
            expiry = match["b"] is not None and 1 <= int(first) <= _MONTHS
            if _is_day_and_month(first, match["b"] or match["c"]) or (
                expiry and told[1].lower().startswith("exp")
            ):
                yield Span(*match.span(), "DATE", rule="date: day after a cue")

    return find


def date_rules(languages: tuple[Language, ...]) -> tuple[Rule, ...]:
    """The rules for dates with the words of these languages."""
    months = dict.fromkeys(month[:3] for month in words(languages, "months"))
    literals = tuple(months) + tuple(month.upper() for month in months if not month.isascii())
    days = words(languages, "weekdays")
    return (
        Rule(pattern=_NUMERIC_GATE, find=_numeric, needs=DIGIT, near_digits=True),
        Rule(literals=literals, find=_spelt(languages), needs=DIGIT),
        Rule(literals=days + tuple(day.upper() for day in days), find=_weekdays(languages)),
        Rule(
            pattern=r"[\s:][0-9]{1,2}(?:/[0-9]{1,2}(?:[^/0-9]|$)|\.[0-9]{1,2}\.)",
            find=_days_after_cue(languages),
            needs=DIGIT,
            near_digits=True,
        ),
    )
