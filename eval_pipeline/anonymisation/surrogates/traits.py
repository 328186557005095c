"""What describes a person without naming them: age, origin, creed, title, occupation."""

import re
from typing import Final

from eval_pipeline.anonymisation.surrogates.draws import Draws
from eval_pipeline.anonymisation.surrogates.name_lists import occupations
from eval_pipeline.anonymisation.surrogates.shapes import in_case_of

_NUMBER: Final = re.compile(r"[0-9]{1,3}")
_BAND: Final = 5


def age(value: str, draws: Draws) -> str | None:
    """Another age of the same five years (40 to 44, 45 to 49); ages in words are not read."""
    if _NUMBER.search(value) is None or re.search(r"[0-9]{4}", value):
        return None
    return _NUMBER.sub(lambda found: _other_age(found.group(), draws), value)


def _other_age(written: str, draws: Draws) -> str:
    years = int(written)
    start = years - years % _BAND
    drawn = start + (years % _BAND + draws.between(1, _BAND - 1)) % _BAND
    return str(drawn).zfill(len(written)) if written[0] == "0" else str(drawn)


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_GROUPS: Final = (
    _list(
        "American British Canadian French German Italian Spanish Portuguese Dutch Belgian Swiss"
        " Austrian Polish Czech Swedish Norwegian Danish Finnish Greek Turkish Russian Ukrainian"
        " Indian Pakistani Chinese Japanese Korean Vietnamese Thai Brazilian Mexican Argentinian"
        " Nigerian Kenyan Egyptian Moroccan Australian Irish Scottish Welsh English"
    ),
    _list(
        "Americans Germans Italians Spaniards Swedes Danes Finns Greeks Turks Russians Indians"
        " Brazilians Mexicans Nigerians Kenyans Egyptians Australians Canadians Belgians Austrians"
    ),
    _list("Christian Catholic Protestant Muslim Jewish Hindu Buddhist Sikh Orthodox Lutheran"),
    _list("Christians Catholics Protestants Muslims Jews Hindus Buddhists Sikhs Lutherans"),
    _list("Democrat Republican Liberal Conservative Labour Green Socialist"),
    _list("Democrats Republicans Liberals Conservatives Greens Socialists"),
    _list(
        "deutsch französisch spanisch italienisch polnisch türkisch englisch russisch griechisch"
    ),
    _list("français allemand espagnol italien polonais turc anglais russe grec portugais belge"),
    _list("alemán francés español italiano polaco turco inglés ruso griego portugués mexicano"),
)
_TITLES: Final = (
    _list("Mr Sir"), _list("Mrs Ms Miss Madam"), _list("Dr Prof"), _list("Doctor Professor"),
    _list("Herr Frau"), _list("Monsieur Madame"), _list("Señor Señora"),
)  # fmt: skip


def group(value: str, draws: Draws) -> str | None:
    """Another of its kind: nationality by nationality, creed by creed; unknown ones are not."""
    return _another(value, draws, lists=_GROUPS)


def title(value: str, draws: Draws, *, language: str) -> str | None:
    """Another form of address, or another occupation of the language's list."""
    return _another(value, draws, lists=(*_TITLES, occupations(language)))


def _another(value: str, draws: Draws, *, lists: tuple[tuple[str, ...], ...]) -> str | None:
    plain = value.rstrip(".")
    folded = plain.casefold()
    for options in lists:
        if folded in {option.casefold() for option in options}:
            others = [option for option in options if option.casefold() != folded]
            return in_case_of(plain, draws.choice(others)) + value[len(plain) :]
    return None
