"""Dates as people write them, for the texts that the model learns from."""

import datetime as dt
import random
from dataclasses import dataclass
from typing import Final

from eval_pipeline.settings import Language

_FIRST_DAY: Final = dt.date(1925, 1, 1)
_DAYS: Final = 38_000


@dataclass(frozen=True)
class Dates:
    """A language's months, weekdays and ways to write a date (by `str.format`)."""

    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    forms: tuple[str, ...]

    def date(self, draws: random.Random) -> str:
        """A day between 1925 and 2028 in one of the language's forms."""
        day = _FIRST_DAY + dt.timedelta(days=draws.randrange(_DAYS))
        month = self.months[day.month - 1]
        return draws.choice(self.forms).format(
            d=day.day, dd=f"{day.day:02}", m=day.month, mm=f"{day.month:02}", y=day.year,
            yy=f"{day.year % 100:02}", month=month, mon=month[:3],
            weekday=self.weekdays[day.weekday()], th=_ordinal(day.day),
        )  # fmt: skip


def _ordinal(day: int) -> str:
    if day in {11, 12, 13}:
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"


_NUMERIC: Final = ("{m}/{d}/{y}", "{d}/{m}/{y}", "{y}-{mm}-{dd}", "{dd}.{mm}.{y}", "{dd}/{mm}/{yy}",
                   "{d}-{m}-{y}", "{y}/{mm}/{dd}")  # fmt: skip
_DATES: Final[dict[Language, Dates]] = {
    "en": Dates(
        tuple(["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]),
        tuple(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]),
        (
            *_NUMERIC, "{month} {d}", "{month} {th}", "{month} {d}, {y}", "{d} {month} {y}",
            "{th} of {month}", "{th} {month} {y}", "{mon} {d}", "{mon} {d}, {y}", "{d} {mon} {y}",
            "{month} {y}", "{weekday}, {month} {d}", "{weekday} {th} {month}", "{mon}. {d}, {y}",
            "the {th}", "{mon} {y}", "{y}-{mm}-{dd} 12:45:18", "{dd}-{mon}-{y}",
        ),
    ),
    "de": Dates(
        tuple(["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"]),
        tuple(["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]),
        (
            "{dd}.{mm}.{y}", "{d}.{m}.{y}", "{d}.{m}.", "{d}. {month} {y}", "{d}. {month}",
            "{month} {y}", "{weekday}, den {d}. {month}", "{weekday}, {dd}.{mm}.{y}", "{dd}.{mm}.{yy}",
            "{y}-{mm}-{dd}", "{d}. {mon} {y}",
        ),
    ),
    "fr": Dates(
        tuple(["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"]),
        tuple(["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]),
        (
            "{dd}/{mm}/{y}", "{d}/{m}/{yy}", "{d} {month} {y}", "{d} {month}", "{weekday} {d} {month}",
            "{month} {y}", "{weekday} {d} {month} {y}", "{dd}-{mm}-{y}", "{y}-{mm}-{dd}", "{dd}.{mm}.{y}",
        ),
    ),
    "es": Dates(
        tuple(["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"]),
        tuple(["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"]),
        (
            "{dd}/{mm}/{y}", "{d}/{m}/{yy}", "{d} de {month} de {y}", "{d} de {month}",
            "{weekday} {d} de {month}", "{month} de {y}", "{dd}-{mm}-{y}", "{y}-{mm}-{dd}",
            "{weekday}, {d} de {month} de {y}", "{d} {mon} {y}",
        ),
    ),
}  # fmt: skip


def dates_of(language: Language) -> Dates:
    """The language's ways to write dates."""
    return _DATES[language]
