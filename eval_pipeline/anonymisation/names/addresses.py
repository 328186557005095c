"""Streets and postal addresses, for the texts that the model learns from."""

import random
from collections.abc import Callable
from typing import Final

from eval_pipeline.anonymisation.names.local_fakers import LocalFakers
from eval_pipeline.anonymisation.names.places import Places
from eval_pipeline.anonymisation.names.sources import last_names
from eval_pipeline.anonymisation.names.ways import EVERY, Ways, filled, way_of
from eval_pipeline.anonymisation.names.word_lists import entries

_BOX_SHARE: Final = 0.06
_CORNER_SHARE: Final = 0.02
_READY_SHARE: Final = 0.15
_READY_LINES: Final = 0.4
"""Of addresses as Faker writes them: the share kept on several lines."""

_UNIT_SHARE: Final = 0.35
_TOWN_AS_IS: Final = 0.85
_CODE_BESIDE: Final = 0.4
_COUNTRY_SHARE: Final = 0.12
_GAPS: Final = (", ", ", ", ", ", "\n", "\n", " ", "\n ", "\n, ", " , ")


class Addresses:
    """Draws addresses in towns of `places`."""

    def __init__(self, places: Places, *, fakers: LocalFakers, draws: random.Random) -> None:
        self._draws = draws
        self._places = places
        self._fakers = fakers
        self._street_ways: Ways[Callable[[], str]] = (
            (0.6, lambda: str(fakers.home().street_address()).replace("\n", " ")),
            (0.72, lambda: str(fakers.anywhere().street_address()).replace("\n", " ")),
            (0.85, self._number_before),
            (0.94, self._number_behind),
            (EVERY, self._numbers_around),
        )
        self._locality_ways: Ways[Callable[[str], list[str]]] = (
            (0.25, lambda _: []),
            (0.45, lambda town: [town]),
            (0.65, self._town_region_code),
            (0.8, self._town_and_code),
            (EVERY, self._town_and_land),
        )

    def street(self) -> str:
        """A street with its number, before or behind, or both."""
        return way_of(self._draws.random(), self._street_ways)()

    def address(self) -> str:
        """A postal address of one to five parts, on one line or on several."""
        draws = self._draws
        if draws.random() < _BOX_SHARE:
            return self._post_box()
        if draws.random() < _CORNER_SHARE:
            corner = f"corner of {self.street()} and {self._street_name()}"
            return draws.choice(("", "the ")) + corner
        if draws.random() < _READY_SHARE:
            ready = str(self._fakers.home().address())
            return ready if draws.random() < _READY_LINES else ready.replace("\n", ", ")
        return self._in_parts()

    def _post_box(self) -> str:
        slots = {
            "box": lambda: str(self._draws.randint(1, 9999)),
            "code": lambda: str(self._draws.randint(10000, 99999)),
            "town": self._places.town,
            "ship": lambda: self._draws.choice(last_names()),
        }
        return self._draws.choice([filled(pattern, slots) for pattern in entries("post_boxes")])

    def _in_parts(self) -> str:
        draws = self._draws
        gap = draws.choice(_GAPS)
        street = self.street()
        if draws.random() < _UNIT_SHARE:
            street += draws.choice((" ", ", ", "\n", " ")) + self._unit()
        roll = draws.random()
        as_is = draws.random() < _TOWN_AS_IS
        town = self._places.town() if as_is else self._places.town().upper()
        locality = way_of(roll, self._locality_ways)(town)
        if locality and draws.random() < _COUNTRY_SHARE:
            locality.append(self._places.country())
        return gap.join([street, *locality])

    def _town_region_code(self, town: str) -> list[str]:
        gap = self._draws.choice((", ", " "))
        return [f"{town}{gap}{self._places.region()} {self._places.postcode()}"]

    def _town_and_code(self, town: str) -> list[str]:
        code = self._places.postcode
        return [self._draws.choice((f"{code()} {town}", f"{town} {code()}", f"{town}, {code()}"))]

    def _town_and_land(self, town: str) -> list[str]:
        land = self._draws.choice((self._places.region(), self._places.country()))
        code = self._places.postcode()
        beside = self._draws.random() < _CODE_BESIDE
        return [town, f"{land} {code}"] if beside else [town, land, code]

    def _name_and_number(self) -> tuple[str, str]:
        name = self._street_name()
        return name, str(self._draws.randint(1, self._draws.choice((99, 999, 99999))))

    def _number_before(self) -> str:
        name, number = self._name_and_number()
        return f"{number} {name}"

    def _number_behind(self) -> str:
        name, number = self._name_and_number()
        return f"{name} {number}{self._draws.choice(('', '', 'a', 'B', '/2', '-4'))}"

    def _numbers_around(self) -> str:
        name, number = self._name_and_number()
        return f"{self._draws.randint(1, 99999)} {name} {number}"

    def _street_name(self) -> str:
        """A street without its number, of a country's own or made here."""
        draws = self._draws
        faker = self._fakers.anywhere()
        ways: Ways[Callable[[], str]] = (
            (0.6, lambda: str(faker.street_name())),
            (0.85, self._name_with_ending),
            (EVERY, self._name_with_front),
        )
        return way_of(draws.random(), ways)()

    def _name_with_ending(self) -> str:
        named = self._draws.choice((self._draws.choice(last_names()), self._places.invented_town()))
        return f"{named} {self._draws.choice(entries('street_endings'))}"

    def _name_with_front(self) -> str:
        return f"{self._draws.choice(entries('street_fronts'))} {self._places.listed_town()}"

    def _unit(self) -> str:
        draws = self._draws
        mark = draws.choice(entries("address_units"))
        number = draws.choice(
            (
                str(draws.randint(1, 999)),
                f"{draws.randint(1, 40)}{draws.choice('ABCD')}",
                draws.choice("ABCDEF"),
            )
        )
        return f"{mark}{number}" if mark == "#" else f"{mark} {number}"
