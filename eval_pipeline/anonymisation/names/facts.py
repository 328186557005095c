"""What else is told of people: origin, belief, work, age and dates, to make texts with."""

import datetime as dt
import random
from typing import Final

from eval_pipeline.anonymisation.names.sources import jobs
from eval_pipeline.anonymisation.names.word_lists import entries
from eval_pipeline.settings import Language

_LISTED_HERE: Final = 0.6
_TITLE_CASE: Final = 0.4
_FIRST_DAY: Final = dt.date(1925, 1, 1)
_DAYS: Final = 38_000


class Facts:
    """Draws one language's groups, occupations, ages and dates."""

    def __init__(self, language: Language, *, draws: random.Random) -> None:
        self._draws = draws
        self._language = language
        self._groups = entries("groups", language)
        self._months = entries("months", language)
        self._weekdays = entries("weekdays", language)
        self._forms = entries("date_forms", language)

    def group(self) -> str:
        """A nationality, people or belief, as an adjective or singular."""
        return self._draws.choice(self._groups)

    def groups(self) -> str:
        """A nationality, people or belief, as a plural."""
        return plural_of(self.group(), language=self._language)

    def occupation(self) -> str:
        """What someone does for a living; in English some from Faker's list."""
        draws = self._draws
        if self._language != "en" or draws.random() < _LISTED_HERE:
            return draws.choice(entries("occupations", self._language))
        listed = draws.choice(jobs("en_US"))
        name = listed.split(" (")[0]
        first, comma, rest = name.partition(", ")
        name = f"{rest} {first.lower()}" if comma else name
        return name if draws.random() < _TITLE_CASE else name.lower()

    def age(self) -> str:
        """Years, 1 to 99."""
        return str(self._draws.randint(1, 99))

    def year(self) -> str:
        """1930 to 2029."""
        return str(self._draws.randint(1930, 2029))

    def weekday(self) -> str:
        """Monday, Montag."""
        return self._draws.choice(self._weekdays)

    def month(self) -> str:
        """March, März."""
        return self._draws.choice(self._months)

    def date(self) -> str:
        """A day between 1925 and 2028 in one of the language's forms."""
        day = _FIRST_DAY + dt.timedelta(days=self._draws.randrange(_DAYS))
        month = self._months[day.month - 1]
        return self._draws.choice(self._forms).format(
            d=day.day, dd=f"{day.day:02}", m=day.month, mm=f"{day.month:02}", y=day.year,
            yy=f"{day.year % 100:02}", month=month, mon=month[:3],
            weekday=self._weekdays[day.weekday()], th=ordinal(day.day),
        )  # fmt: skip


def ordinal(day: int) -> str:
    """The day of a month as English counts it: 1st, 12th, 23rd."""
    if day in {11, 12, 13}:
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"


def plural_of(group: str, *, language: Language) -> str:
    """The people of this group, as many of them: Canadians, Chinese, Polen.

    By rules of thumb: some plurals of German, French and Spanish are not quite right.
    """
    if language == "en":
        return _english_plural(group)
    if language == "de":
        if group.endswith("e"):
            return f"{group}n"
        return f"{group}en" if group.endswith("in") else group
    if group.endswith(("s", "x", "í")):
        return group
    return f"{group}es" if language == "es" and group.endswith(tuple("lnzr")) else f"{group}s"


def _english_plural(group: str) -> str:
    irregular = dict(line.split("\t") for line in entries("irregular_plurals", "en"))
    if group in irregular:
        return irregular[group]
    return group if group.endswith(("ese", "ss", "sh", "ch")) else f"{group}s"
