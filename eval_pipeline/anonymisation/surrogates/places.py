"""Places, organisations and addresses: words that name are replaced, words that describe stay."""

import re
from collections.abc import Callable
from typing import Final

from eval_pipeline.anonymisation.surrogates.contract import vocabulary
from eval_pipeline.anonymisation.surrogates.draws import Draws
from eval_pipeline.anonymisation.surrogates.name_lists import country_names, name_lists
from eval_pipeline.anonymisation.surrogates.shapes import in_case_of, same_shape

_TOKEN: Final = re.compile(r"[^\W_]+")
_MIXED: Final = re.compile(r"(?=.*[0-9]).+")
_SMALL: Final = vocabulary(
    """
    a an and the of on in at for y e de da do dos del della di du des la las le les los el et und
    der die das den dem am an im bei für zu zum zur von upon sur sous
    """
)
_PLACE_WORDS: Final = _SMALL | vocabulary(
    """
    north south east west northern southern eastern western upper lower city town county state
    province district region republic kingdom united island islands lake mount mountain mountains
    river valley bay beach park saint st san santa santo sankt sainte port fort new old great
    airport station nord sud süd ost est ouest norte sur este oeste ciudad ville stadt bad
    """
)
_ORGANISATION_WORDS: Final = _SMALL | vocabulary(
    """
    inc incorporated llc ltd limited plc corp corporation co company group holding holdings gmbh ag
    kg kgaa ohg ev mbh sa sas sarl sl slu spa srl bv nv ab oy as university universität université
    universidad college school hospital clinic klinik clinique bank banco banque insurance
    versicherung assurance airlines airline airways hotel hotels restaurant services service
    solutions systems technologies technology partners associates foundation institute institut
    instituto ministry department agency association society club church sons brothers stiftung
    pharmacy labs laboratories consulting international global national federal
    """
)
_ADDRESS_WORDS: Final = _SMALL | vocabulary(
    """
    street streets st str avenue ave av road rd drive dr lane ln boulevard blvd court ct circle cir
    place pl way terrace ter parkway pkwy square sq highway hwy trail trl crescent cres close
    gardens grove loop alley row mews plaza pike north south east west n s e w ne nw se sw apt
    apartment suite ste unit flat floor room rm po box p o post office apo fpo dpo psc
    straße strasse gasse weg platz allee rua rue via viale calle avenida ulica piazza corso largo
    travessa paseo camino carrer chemin allée quai impasse no nr bis
    """
)
_COMPOUND: Final = re.compile(
    r"(?<=.)(?:straße|strasse|str|gasse|weg|platz|allee|gatan|gata|vägen|vej|veien|gade|katu|utca"
    r"|straat|laan|plein)$",
    re.IGNORECASE,
)
_STATES: Final = sorted(
    vocabulary(
        """
        AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ
        NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY
        """
    )
)
_ENDINGS: Final = {
    "de": ("hausen", "heim", "dorf", "feld", "bach", "rode"),
    "fr": ("ville", "court", "mont", "bourg"),
    "es": ("illo", "eda", "ares", "ales"),
}
_ENGLISH_ENDINGS: Final = ("ton", "ville", "burgh", "bury", "field", "haven", "mouth")


def place(value: str, draws: Draws, *, language: str) -> str:
    """A country by another; else invented towns, word by word."""
    countries = country_names(language)
    folded = value.casefold()
    if any(folded == country.casefold() for country in countries):
        drawn = draws.choice([country for country in countries if folded != country.casefold()])
        return in_case_of(value, drawn)
    endings = _ENDINGS.get(language, _ENGLISH_ENDINGS)

    def town(word: str) -> str:
        return _surname(word, draws, language=language) + draws.choice(endings)

    return _reworded(value, draws, kept=_PLACE_WORDS, named=town)


def organisation(value: str, draws: Draws, *, language: str) -> str:
    """Legal form and kind of business stay; the words that name it become surnames."""
    return _reworded(
        value,
        draws,
        kept=_ORGANISATION_WORDS,
        named=lambda word: _surname(word, draws, language=language),
    )


def address(value: str, draws: Draws, *, language: str) -> str:
    """Digits and codes by their shape, names of streets and towns by surnames, the rest stays."""

    def named(word: str) -> str:
        if word in _STATES:
            return draws.choice([state for state in _STATES if state != word])
        compound = _COMPOUND.search(word)
        kept = compound.group() if compound else ""
        return _surname(word, draws, language=language) + kept

    return _reworded(value, draws, kept=_ADDRESS_WORDS, named=named)


def coordinates(value: str, draws: Draws) -> str:
    """Other numbers of as many digits, each possible as degrees, minutes or seconds."""
    pieces = re.split(r"([0-9]+)", value)
    return "".join(
        _degrees(piece, draws, fraction=before.endswith(".")) if piece.isdigit() else piece
        for before, piece in zip(["", *pieces], pieces, strict=False)
    )


def _degrees(number: str, draws: Draws, *, fraction: bool) -> str:
    if fraction or len(number) == 1:
        return same_shape(number, draws)
    low, high = (100, 179) if len(number) == 3 else (10, 59)  # noqa: PLR2004 - as 151° is written
    drawn = draws.between(low, high - 1)
    return str(drawn + (drawn >= int(number) >= low)).zfill(len(number))


def _reworded(
    value: str, draws: Draws, *, kept: frozenset[str], named: Callable[[str], str]
) -> str:
    def reworded(match: re.Match[str]) -> str:
        word = match.group()
        if _MIXED.fullmatch(word):
            return _number(word, draws)
        return word if word.casefold() in kept else in_case_of(word, named(word))

    return _TOKEN.sub(reworded, value)


def _number(word: str, draws: Draws) -> str:
    """Of the same shape; a house number does not begin with a nought."""
    drawn = same_shape(word, draws)
    return "9" + drawn[1:] if drawn[0] == "0" != word[0] and word[0] != "9" else drawn


def _surname(word: str, draws: Draws, *, language: str) -> str:
    names = name_lists(language).last
    drawn = draws.choice(names)
    while drawn.casefold() in word.casefold() or word.casefold() in drawn.casefold():
        drawn = draws.choice(names)
    return drawn
