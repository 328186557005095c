"""Words of the calendar by language: months, weekdays, and what stands before years and births."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eval_pipeline.settings import Language


@dataclass(frozen=True)
class DateWords:
    """Lower-case words; `months` with every spelling, longest need not come first.

    `year_cues` make a four-digit number after them a year, `day_cues` a pair such as 5/12 a day,
    `births` are followed by a date of birth. `joiners` may stand between day, month and year.
    """

    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    year_cues: tuple[str, ...]
    day_cues: tuple[str, ...]
    births: tuple[str, ...]
    joiners: tuple[str, ...] = ()


DATE_WORDS: Final[Mapping[Language, DateWords]] = {
    "en": DateWords(
        months=(
            "january", "february", "march", "april", "may", "june", "july", "august", "september",
            "october", "november", "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug",
            "sep", "sept", "oct", "nov", "dec",
        ),
        weekdays=(
            "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
        ),
        year_cues=(
            "in", "since", "from", "until", "till", "by", "during", "before", "after", "of",
            "year", "years", "circa", "ca.", "c.", "around", "early", "late", "mid", "summer",
            "spring", "fall", "autumn", "winter", "between", "class of", "dated", "copyright",
            "©", "throughout", "as of", "est.", "back in", "end of", "established",
            "founded", "published", "released", "graduated", "born", "died", "season",
        ),
        day_cues=(
            "on", "by", "until", "till", "since", "from", "before", "after", "dated", "date",
            "due", "expires", "expiry", "exp", "exp.", "expiration", "thru", "through", "between",
        ),
        births=("born", "dob", "d.o.b", "birth", "bday", "b-day"),
        joiners=("of", "the", "in"),
    ),
    "de": DateWords(
        months=(
            "januar", "jänner", "februar", "feber", "märz", "maerz", "april", "mai", "juni", "juli",
            "august", "september", "oktober", "november", "dezember", "jan", "feb", "mär", "mrz",
            "apr", "jun", "jul", "aug", "sep", "sept", "okt", "nov", "dez",
        ),
        weekdays=(
            "montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonnabend",
            "sonntag",
        ),
        year_cues=(
            "im jahr", "im jahre", "jahr", "jahre", "seit", "ab", "bis", "von", "vor", "nach",
            "anfang", "mitte", "ende", "sommer", "winter", "herbst", "frühjahr", "frühling",
            "jahrgang", "gegründet", "geboren", "stand",
        ),
        day_cues=("am", "vom", "bis", "zum", "seit", "ab", "der", "dem", "den"),
        births=("geboren", "geb.", "geburt", "geb"),
    ),
    "fr": DateWords(
        months=(
            "janvier", "février", "fevrier", "mars", "avril", "mai", "juin", "juillet", "août",
            "aout", "septembre", "octobre", "novembre", "décembre", "decembre", "janv", "févr",
            "fév", "avr", "juil", "sept", "oct", "nov", "déc",
        ),
        weekdays=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        year_cues=(
            "en", "depuis", "avant", "après", "dès", "année", "an", "vers", "jusqu'en", "début",
            "fin", "été", "hiver", "automne", "printemps", "de", "entre", "fondée en",
        ),
        day_cues=("le", "du", "au", "jusqu'au", "depuis", "avant", "après"),
        births=("né le", "née le", "né(e) le", "naissance", "né en", "née en"),
        joiners=("er",),
    ),
    "es": DateWords(
        months=(
            "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto",
            "septiembre", "setiembre", "octubre", "noviembre", "diciembre", "ene", "abr", "ago",
            "feb", "mar", "jun", "jul", "sep", "oct", "nov", "dic",
        ),
        weekdays=(
            "lunes", "martes", "miércoles", "miercoles", "jueves", "viernes", "sábado", "domingo",
        ),
        year_cues=(
            "en", "desde", "hasta", "año", "del", "de", "antes de", "después de", "verano",
            "invierno", "otoño", "primavera", "entre", "hacia",
        ),
        day_cues=("el", "del", "al", "hasta", "desde", "día"),
        births=("nacid", "nací", "nació", "nacimiento", "nac."),
        joiners=("de", "del"),
    ),
}  # fmt: skip

_ABBREVIATED_WEEKDAYS: Final[Mapping[Language, str]] = {
    "en": r"(?:mon|tues?|wed|thur?s?|fri|sat|sun)",
    "de": r"(?:mo|di|mi|do|fr|sa|so)",
    "fr": r"(?:lun|mar|mer|jeu|ven|sam|dim)",
    "es": r"(?:lun|mar|mié|jue|vie|sáb|dom)",
}


def words(languages: Sequence[Language], kind: str) -> tuple[str, ...]:
    """All words of a kind (a field of `DateWords`) in these languages, each once."""
    return tuple(
        dict.fromkeys(
            word for language in languages for word in getattr(DATE_WORDS[language], kind)
        )
    )


def any_of(choices: Sequence[str]) -> str:
    """A pattern for any of the words, the longest first."""
    escaped = (word.replace(".", r"\.").replace("(", r"\(").replace(")", r"\)") for word in choices)
    return "(?:" + "|".join(sorted(escaped, key=lambda word: (-len(word), word))) + ")"


def weekday_before_date(languages: Sequence[Language]) -> str:
    """A pattern for a weekday, whole or cut short, with what parts it from a date."""
    whole = any_of(words(languages, "weekdays"))
    cut = "|".join(_ABBREVIATED_WEEKDAYS[language] for language in languages)
    return rf"(?:(?<!\w)(?:{whole}|(?:{cut})\.?),?\s{{1,2}}(?:the |den |le |el )?)"
