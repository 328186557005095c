"""Places, streets and postal addresses, for the texts that the model learns from."""

import random
import string
from collections.abc import Mapping
from typing import Final

from faker import Faker

from eval_pipeline.anonymisation.names.invention import invented
from eval_pipeline.anonymisation.names.sources import (
    cities,
    countries,
    faker_of,
    last_names,
    regions,
    towns,
)
from eval_pipeline.settings import Language

_STREET_LOCALES: Final = (
    "en_US", "en_GB", "en_AU", "en_CA", "en_IE", "en_IN", "de_DE", "de_AT", "de_CH", "fr_FR",
    "fr_CH", "es_ES", "es_MX", "it_IT", "pt_BR", "pt_PT", "nl_NL", "nl_BE", "da_DK", "sv_SE",
    "no_NO", "fi_FI", "pl_PL", "cs_CZ", "sk_SK", "sl_SI", "hr_HR", "hu_HU", "ro_RO", "et_EE",
)  # fmt: skip
_HOME: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("en_US", "en_US", "en_GB", "en_AU", "en_CA"),
    "de": ("de_DE", "de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_FR", "fr_CH", "fr_CA"),
    "es": ("es_ES", "es_ES", "es_MX", "es_CL", "es_AR"),
}
_SHORT_COUNTRIES: Final = (
    "USA", "UK", "U.S.", "U.K.", "US", "UAE", "EU", "England", "Scotland", "Wales", "America",
    "Great Britain", "South Korea", "North Korea", "Russia", "Holland", "Czech Republic",
    "Vietnam", "Taiwan", "Kosovo", "Ivory Coast", "the Netherlands", "Türkiye", "Iran", "Syria",
)  # fmt: skip
_WIDER: Final = (
    "Europe", "Asia", "Africa", "South America", "the Middle East", "Latin America", "Scandinavia",
    "the Balkans", "the Midwest", "New England", "Silicon Valley", "the Bay Area", "Bavaria",
    "Catalonia", "Tuscany", "Normandy", "Brittany", "Siberia", "Patagonia", "Bali", "Hawaii",
    "Manhattan", "Brooklyn", "Queens", "Soho", "Hollywood", "Wall Street", "Times Square",
    "Antarctica", "the Alps", "the Himalayas", "Cornwall", "Yorkshire", "Flanders", "Crete",
)  # fmt: skip
_TOWN_ENDS: Final = (
    "ville", "ton", "burg", "burgh", "ford", "field", "stadt", "berg", "dorf", "heim", "hausen",
    "by", "thorpe", "wick", "haven", "mouth", "port", "bridge", "dale", "ham", "minster", "bury",
    "vik", "sund", "havn", "strand", "borg", "sted", "lund", "ice", "ov", "ovo", "sk", "grad",
    "ac", "ieux", "ello", "ano", "ina", "ola", "eda", "ego", "aku", "jarvi", "mäki", "ing", "ach",
)  # fmt: skip
_TOWN_FRONTS: Final = (
    "New", "Port", "Lake", "North", "South", "East", "West", "Saint", "St.", "San", "Santa", "Fort",
    "Mount", "Upper", "Lower", "Great", "Little", "Old", "Bad", "La", "Le", "El", "Los", "Villa",
)  # fmt: skip
_UNITS: Final = (
    "Apt.",
    "Apt",
    "Suite",
    "Ste.",
    "Unit",
    "Flat",
    "#",
    "Room",
    "Apartment",
    "Fl.",
    "Bldg.",
)
STREET_WORDS: Final = tuple(
    [
        "street",
        "st",
        "str",
        "avenue",
        "ave",
        "road",
        "rd",
        "drive",
        "dr",
        "lane",
        "ln",
        "boulevard",
        "blvd",
        "court",
        "ct",
        "circle",
        "cir",
        "place",
        "pl",
        "way",
        "terrace",
        "parkway",
        "pkwy",
        "square",
        "sq",
        "highway",
        "hwy",
        "trail",
        "crescent",
        "cres",
        "close",
        "gardens",
        "grove",
        "loop",
        "alley",
        "row",
        "mews",
        "plaza",
        "pike",
        "apt",
        "apartment",
        "suite",
        "ste",
        "unit",
        "flat",
        "floor",
        "room",
        "box",
        "straße",
        "strasse",
        "weg",
        "platz",
        "allee",
        "gasse",
        "ring",
        "ufer",
        "damm",
        "rue",
        "quai",
        "chemin",
        "impasse",
        "allée",
        "boulevard",
        "calle",
        "avenida",
        "plaza",
        "paseo",
        "camino",
        "carrer",
        "rua",
        "via",
        "viale",
        "piazza",
        "corso",
        "largo",
        "travessa",
        "ulica",
        "ul",
        "gatan",
        "gata",
        "vägen",
        "vej",
        "vei",
        "veien",
        "gade",
        "straat",
        "laan",
        "plein",
        "katu",
        "tie",
        "utca",
        "út",
        "nagar",
        "tänav",
        "bldg",
        "building",
    ]
)
"""Words that stand in addresses."""

_STATES: Final = (
    "AL", "AZ", "CA", "CO", "CT", "FL", "GA", "IA", "IL", "IN", "KY", "LA", "MA", "MD", "MI", "MN",
    "MO", "NC", "ND", "NE", "NJ", "NV", "NY", "OH", "OK", "OR", "PA", "RI", "SC", "TN", "TX", "UT",
    "VA", "VT", "WA", "WI", "WV", "WY", "NSW", "VIC", "QLD", "ON", "BC", "QC",
)  # fmt: skip


class Places:
    """Draws places and addresses; the language's own are the most frequent, not the only ones."""

    def __init__(self, language: Language, *, draws: random.Random) -> None:
        self._draws = draws
        self._home = _HOME[language]
        self._cities = [name for name, _ in cities()]
        self._towns = towns()
        self._countries = countries(language)
        self._regions = (regions(*self._home), regions())
        self._fakers = {locale: faker_of(locale) for locale in {*_STREET_LOCALES, *self._home}}
        for locale in sorted(self._fakers):
            self._fakers[locale].seed_instance(draws.getrandbits(64))

    def town(self) -> str:
        """A town: large, small, or one that no list holds."""
        draws = self._draws
        roll = draws.random()
        if roll < 0.3:
            return self._cities[int(len(self._cities) * draws.random() ** 4)]
        if roll < 0.5:
            return draws.choice(self._cities)
        if roll < 0.72:
            return draws.choice(self._towns)
        if roll < 0.8:
            return str(self._faker(self._home).city())
        if roll < 0.86:
            return f"{draws.choice(_TOWN_FRONTS)} {draws.choice(self._towns)}"
        if roll < 0.93:
            return invented(self._towns, draws=draws)
        stem = invented(self._towns, draws=draws)
        return stem[: max(3, len(stem) // 2)] + draws.choice(_TOWN_ENDS)

    def place(self) -> str:
        """A town, now and then a wider or a narrower place."""
        return self._draws.choice(_WIDER) if self._draws.random() < 0.08 else self.town()

    def country(self) -> str:
        """A country, by its whole or short name."""
        short = self._draws.random() < 0.2
        return self._draws.choice(_SHORT_COUNTRIES if short else self._countries)

    def region(self) -> str:
        """A state or province, whole or by two letters."""
        draws = self._draws
        roll = draws.random()
        if roll < 0.15:
            return draws.choice(_STATES)
        return draws.choice(self._regions[0 if roll < 0.75 and self._regions[0] else 1])

    def postcode(self) -> str:
        """A postal code."""
        draws = self._draws
        roll = draws.random()
        if roll < 0.5:
            return str(self._faker(self._home).postcode())
        if roll < 0.7:
            return str(self._faker(_STREET_LOCALES).postcode())
        return "".join(draws.choice(string.digits) for _ in range(draws.choice((4, 5, 5, 6, 3))))

    def street(self) -> str:
        """A street with its number, before or behind, or both."""
        draws = self._draws
        roll = draws.random()
        if roll < 0.6:
            return str(self._faker(self._home).street_address()).replace("\n", " ")
        if roll < 0.72:
            street = str(self._faker(_STREET_LOCALES).street_address()).replace("\n", " ")
            return street
        name = self._street_name()
        number = str(draws.randint(1, draws.choice((99, 999, 99999))))
        if roll < 0.85:
            return f"{number} {name}"
        if roll < 0.94:
            return f"{name} {number}{draws.choice(('', '', 'a', 'B', '/2', '-4'))}"
        return f"{draws.randint(1, 99999)} {name} {number}"

    def _street_name(self) -> str:
        draws = self._draws
        locale = self._faker(_STREET_LOCALES)
        roll = draws.random()
        if roll < 0.6:
            return str(locale.street_name())
        if roll < 0.85:
            named = draws.choice((draws.choice(last_names()), invented(self._towns, draws=draws)))
            return f"{named} {draws.choice(('Street', 'St', 'Road', 'Rd', 'Avenue', 'Ave', 'Lane', 'Drive', 'Way', 'Close', 'Court', 'Place', 'Crescent', 'Terrace'))}"
        front = draws.choice(
            (
                "Rua",
                "Via",
                "Calle",
                "Rue",
                "Avenida",
                "ul.",
                "Avenue",
                "C/",
                "Plaza",
                "Largo",
                "Boulevard",
                "Camino",
                "Piazza",
            )
        )
        return f"{front} {draws.choice(self._towns)}"

    def _unit(self) -> str:
        draws = self._draws
        mark = draws.choice(_UNITS)
        value = draws.choice(
            (
                str(draws.randint(1, 999)),
                f"{draws.randint(1, 40)}{draws.choice('ABCD')}",
                draws.choice("ABCDEF"),
            )
        )
        return f"{mark}{'' if mark == '#' else ' '}{value}"

    def address(self) -> str:
        """A postal address of one to five parts, on one line or on several."""
        draws = self._draws
        if draws.random() < 0.06:
            return draws.choice(
                (
                    f"PO Box {draws.randint(1, 9999)}",
                    f"P.O. Box {draws.randint(1, 9999)}, {self.town()}",
                    f"PSC {draws.randint(1, 9999)}, Box {draws.randint(1, 9999)}\nAPO AE {draws.randint(10000, 99999)}",
                    f"USNS {draws.choice(last_names())}\nFPO AP {draws.randint(10000, 99999)}",
                    f"Unit {draws.randint(1, 9999)} Box {draws.randint(1, 9999)}\nDPO AA {draws.randint(10000, 99999)}",
                )
            )
        if draws.random() < 0.02:
            corner = f"corner of {self.street()} and {self._street_name()}"
            return draws.choice(("", "the ")) + corner
        if draws.random() < 0.15:
            whole = str(self._faker(self._home).address())
            return whole if draws.random() < 0.4 else whole.replace("\n", ", ")
        gap = draws.choice((", ", ", ", ", ", "\n", "\n", " ", "\n ", "\n, ", " , "))
        parts = [self.street()]
        if draws.random() < 0.35:
            parts[0] += draws.choice((" ", ", ", "\n", " ")) + self._unit()
        roll = draws.random()
        town = self.town() if draws.random() < 0.85 else self.town().upper()
        if roll < 0.25:
            return parts[0]
        if roll < 0.45:
            parts.append(town)
        elif roll < 0.65:
            parts.append(f"{town}{draws.choice((', ', ' '))}{self.region()} {self.postcode()}")
        elif roll < 0.8:
            parts.append(
                draws.choice(
                    (
                        f"{self.postcode()} {town}",
                        f"{town} {self.postcode()}",
                        f"{town}, {self.postcode()}",
                    )
                )
            )
        else:
            parts += [town, draws.choice((self.region(), self.country())), self.postcode()]
            if draws.random() < 0.4:
                parts[-2:] = [f"{parts[-2]} {parts[-1]}"]
        if draws.random() < 0.12:
            parts.append(self.country())
        return gap.join(parts)

    def _faker(self, locales: tuple[str, ...]) -> Faker:
        return self._fakers[self._draws.choice(locales)]
