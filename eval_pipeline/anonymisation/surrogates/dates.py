"""Dates moved by whole weeks in the spelling they were written in: intervals and weekdays stay."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Final

from eval_pipeline.anonymisation.surrogates.contract import MemoryOnly
from eval_pipeline.anonymisation.surrogates.date_words import (
    FILLERS,
    MONTHS,
    WEEKDAYS,
    Month,
    month_named,
)
from eval_pipeline.anonymisation.surrogates.draws import Draws
from eval_pipeline.anonymisation.surrogates.shapes import in_case_of

FEWEST_WEEKS: Final = 4
MOST_WEEKS: Final = 52

_MONTH: Final = rf"(?P<name>{'|'.join(MONTHS)})\b\.?"
_DAY: Final = r"(?P<day>[0-9]{1,2})(?P<suffix>st|nd|rd|th|er|º|ª|\.)?"
_OF: Final = r"(?:[ ]+of|[ ]+del?)?[ \-]*"
_YEAR_AFTER: Final = r"(?:(?:,?[ ]+(?:del?[ ]+)?|-|,)(?P<year>[0-9]{4}|'[0-9]{2})(?![0-9]))"
_NUMERIC: Final = (
    r"(?P<first>[0-9]{1,2})(?P<mark>[ ]?[/.\-][ ]?)(?P<second>[0-9]{1,2})(?P=mark)"
    r"(?P<year>[0-9]{4}|[0-9]{2})(?![0-9])"
)


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


_DATES: Final = _compiled(
    r"(?P<year>[0-9]{4})(?P<mark>[ ]?[/.\-][ ]?)(?P<month>[0-9]{1,2})(?P=mark)"
    r"(?P<day>[0-9]{1,2})(?![0-9])",
    r"(?P<year>(?:19|20)[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})(?![0-9])",
    _NUMERIC,
    r"(?P<year>[0-9]{4})[/\-](?P<month>[0-9]{1,2})(?![0-9])",
    r"(?P<month>[0-9]{1,2})[/.\-](?P<year>[0-9]{4})(?![0-9])",
    rf"{_DAY}{_OF}{_MONTH}{_YEAR_AFTER}?",
    rf"{_MONTH}[ ]+(?:the[ ]+)?{_DAY}(?![0-9]){_YEAR_AFTER}?",
    rf"{_MONTH}{_YEAR_AFTER}?",
    r"(?P<first>[0-9]{1,2})(?P<mark>[/.])(?P<second>[0-9]{1,2})(?![0-9])\.?",
    r"(?P<year>(?:19|20)[0-9]{2})(?![0-9])",
)
_WEEKDAY: Final = re.compile(rf"(?:{_any_of(WEEKDAYS)})\b\.?", re.IGNORECASE)
_BESIDE: Final = _compiled(
    r"T?[0-9]{1,2}(?::[0-9]{2}){1,2}(?:[.,][0-9]{1,9})?"
    r"[ ]?(?:[ap]\.?m\b\.?|uhr\b|h\b|z\b|utc\b|gmt\b)?(?:[+\-][0-9]{2}:?[0-9]{2})?",
    r"T[0-9]{6}(?:[.,][0-9]{1,9})?(?:z\b|[+\-][0-9]{2}:?[0-9]{2})?",
    r"[0-9]{1,2}(?:\.[0-9]{2})?[ ]?(?:[ap]\.?m\b\.?|uhr\b|h\b)",
    rf"(?:{_any_of(FILLERS)})\b",
    r"[\s,;.()\-\u2013/]+",
)
_EVIDENCE: Final = re.compile(rf"(?<![\w./\-]){_NUMERIC}")
_MONTHS_A_YEAR: Final = 12
_DAYS_A_MONTH: Final = 31
_CENTURY_TURNS: Final = 69  # POSIX: 69 to 99 are of the 20th century.
_ANY_YEAR: Final = 2023
_LEAP_YEAR: Final = 2024
_MIDDLE: Final = 15


class Calendar(MemoryOnly):
    """Moves the dates of one conversation by one offset.

    A month moves as its middle does; a year by one, in the offset's direction; a date without a
    year is read as one of a common year. A time of day and names of weekdays stay. Numbers that
    may be day and month in either order are read as the first unmistakable date of the
    conversation is written; without one, with dots or outside of English the day is first.
    """

    def __init__(self, draws: Draws, *, language: str) -> None:
        weeks = draws.between(FEWEST_WEEKS, MOST_WEEKS)
        self.offset = dt.timedelta(weeks=weeks if draws.below(2) else -weeks)
        self._language = language
        self._day_first: bool | None = None

    def note(self, text: str) -> None:
        """Looks for the first date that can be read in one order only."""
        if self._day_first is None:
            for match in _EVIDENCE.finditer(text):
                first, second = int(match["first"]), int(match["second"])
                if first <= _MONTHS_A_YEAR < second <= _DAYS_A_MONTH:
                    self._day_first = False
                elif second <= _MONTHS_A_YEAR < first <= _DAYS_A_MONTH and "." not in match["mark"]:
                    self._day_first = True
                if self._day_first is not None:
                    return

    def moved(self, value: str) -> str | None:
        """The value with every date in it moved; None if anything in it cannot be read.

        Weekdays alone come back unchanged: a move by whole weeks leaves them.
        """
        pieces: list[str] = []
        position = 0
        told = False
        while position < len(value):
            match, is_date = _next(value, position)
            if match is None:
                return None
            piece: str | None = match.group()
            if is_date:
                piece = self._rewritten(match)
            if piece is None:
                return None
            told = told or is_date or _WEEKDAY.fullmatch(match.group()) is not None
            pieces.append(piece)
            position = match.end()
        return "".join(pieces) if told else None

    def _rewritten(self, match: re.Match[str]) -> str | None:
        written = {name: text for name, text in match.groupdict().items() if text is not None}
        day, month = self._day_and_month(written)
        joined = "-" in match.group()
        name = written.get("name", "")
        named = month_named(name, language=self._language, joined=joined)
        try:
            if named is None and month not in written:
                changed = {"year": str(int(written["year"]) + (1 if self.offset.days > 0 else -1))}
            else:
                number = int(written[month]) if named is None else named.number
                date = self._date(written, number, day=day) + self.offset
                changed = _spelt(date, written, named=named, day=day, month=month)
        except (ValueError, OverflowError):
            return None
        return _with(match, changed)

    def _day_and_month(self, written: Mapping[str, str]) -> tuple[str, str]:
        """The names of the groups that hold the day and the month."""
        if "first" not in written:
            return "day", "month"
        first, second = int(written["first"]), int(written["second"])
        if first > _MONTHS_A_YEAR or second > _MONTHS_A_YEAR:
            day_first = first > _MONTHS_A_YEAR
        elif "." in written["mark"]:
            day_first = True
        else:
            settled = self._day_first
            day_first = self._language != "en" if settled is None else settled
        return ("first", "second") if day_first else ("second", "first")

    @staticmethod
    def _date(written: Mapping[str, str], month: int, *, day: str) -> dt.date:
        number = int(written[day]) if day in written else _MIDDLE
        if "year" in written:
            return dt.date(_year(written["year"]), month, number)
        return dt.date(_LEAP_YEAR if (month, number) == (2, 29) else _ANY_YEAR, month, number)


def _next(value: str, position: int) -> tuple[re.Match[str] | None, bool]:
    """What stands here, and whether it is a date; times come before the numbers they hold."""
    for pattern in (*_BESIDE[:3], _WEEKDAY):
        if match := pattern.match(value, position):
            return match, False
    for pattern in _DATES:
        if match := pattern.match(value, position):
            return match, True
    for pattern in _BESIDE[3:]:
        if match := pattern.match(value, position):
            return match, False
    return None, False


def _year(written: str) -> int:
    digits = written.lstrip("'")
    if len(digits) == len("1980"):
        return int(digits)
    return int(digits) + (1900 if int(digits) >= _CENTURY_TURNS else 2000)


def _spelt(
    date: dt.date, written: Mapping[str, str], *, named: Month | None, day: str, month: str
) -> dict[str, str]:
    """The new text of each group that the date fills."""
    numbers = [written[group] for group in (day, month) if group in written]
    padded = any(number.startswith("0") for number in numbers) or (
        named is None and all(len(number) > 1 for number in numbers)
    )
    width = 2 if padded else 1
    changed = {}
    if day in written:
        changed[day] = f"{date.day:0{width}}"
    if named is not None:
        changed["name"] = in_case_of(written["name"], named.written_as(date.month))
    else:
        changed[month] = f"{date.month:0{width}}"
    if "year" in written:
        full = f"{date.year:04}"
        mark = "'" if written["year"].startswith("'") else ""
        changed["year"] = full if len(written["year"]) == len(full) else mark + full[-2:]
    if "suffix" in written:
        changed["suffix"] = _suffix(written["suffix"], date.day)
    return changed


def _suffix(written: str, day: int) -> str:
    """1st, 2nd, 11th; French has one for the first alone."""
    if written.lower() == "er":
        return written if day == 1 else ""
    if not written.isalpha() or len(written) == 1:
        return written
    teens = day % 100 in {11, 12, 13}
    return in_case_of(written, "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th"))


def _with(match: re.Match[str], changed: Mapping[str, str]) -> str:
    pieces: list[str] = []
    position = match.start()
    for group in sorted(changed, key=match.start):
        pieces += [match.string[position : match.start(group)], changed[group]]
        position = match.end(group)
    return "".join([*pieces, match.string[position : match.end()]])
