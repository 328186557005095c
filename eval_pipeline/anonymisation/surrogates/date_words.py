"""The words of dates in English, German, French and Spanish."""

from dataclasses import dataclass
from typing import Final

from eval_pipeline.anonymisation.surrogates.contract import vocabulary

_FULL: Final = {
    "en": "january february march april may june july august september october november december",
    "de": "januar februar märz april mai juni juli august september oktober november dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre"
    " diciembre",
}
_SHORT: Final = {
    "en": "jan feb mar apr may jun jul aug sep oct nov dec",
    "de": "jan feb mär apr mai jun jul aug sep okt nov dez",
    "fr": "janv févr mars avr mai juin juil août sept oct nov déc",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
}
_SPELLINGS: Final = {
    "en": {"sept": "sep"},
    "de": {"maerz": "märz", "mrz": "mär", "mae": "mär", "sept": "sep", "jänner": "januar"},
    "fr": {
        "fevrier": "février", "fevr": "févr", "aout": "août", "decembre": "décembre", "dec": "déc",
        "jan": "janv", "fév": "févr", "jul": "juil",
    },
    "es": {"setiembre": "septiembre", "sept": "sep"},
}  # fmt: skip
_CAPITALISED: Final = frozenset({"en", "de"})

WEEKDAYS: Final = vocabulary(
    """
    monday tuesday wednesday thursday friday saturday sunday mon tues tue wed thurs thur thu fri sat
    sun montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so
    lundi mardi mercredi jeudi vendredi samedi dimanche lun mer jeu ven sam dim lunes martes
    miércoles miercoles jueves viernes sábado sabado domingo mié jue vie sáb dom
    """
)
"""Whole weeks leave them as they are."""

FILLERS: Final = vocabulary(
    """
    the on of at in from to until till and or by since before after um am im den der dem vom von bis
    und seit le la du au et à depuis el los del de al y a las desde hasta dated on
    """
)
"""What may stand around a date; it tells of nobody anything."""


@dataclass(frozen=True)
class Month:
    """A month as written: 1 to 12, in whose language, and whether in full."""

    number: int
    language: str
    full: bool

    def written_as(self, number: int) -> str:
        """Another month in the same language and form, with a capital where it takes one."""
        names = (_FULL if self.full else _SHORT)[self.language].split()
        name = names[number - 1]
        return name.capitalize() if self.language in _CAPITALISED else name


def month_named(word: str, *, language: str, joined: bool = False) -> Month | None:
    """The month; of a word that several languages know, in `language` if it knows it.

    "May" is read as the full name, or, `joined` by hyphens (12-May-2021), as the short one.
    """
    forms = ((_SHORT, False), (_FULL, True)) if joined else ((_FULL, True), (_SHORT, False))
    folded = word.casefold()
    for candidate in dict.fromkeys((language, *_FULL)):
        known = _SPELLINGS.get(candidate, {}).get(folded, folded)
        for names, full in forms:
            listed = names.get(candidate, "").split()
            if known in listed:
                return Month(listed.index(known) + 1, candidate, full)
    return None


MONTHS: Final = tuple(
    sorted(
        {
            *" ".join((*_FULL.values(), *_SHORT.values())).split(),
            *(spelling for spellings in _SPELLINGS.values() for spelling in spellings),
        },
        key=lambda name: (-len(name), name),
    )
)
"""Every way to write a month, the longest first."""
