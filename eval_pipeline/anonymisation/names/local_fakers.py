"""Faker's generators of the countries whose towns, codes and streets texts hold."""

import random
from collections.abc import Mapping
from typing import Final

from faker import Faker

from eval_pipeline.anonymisation.names.sources import faker_of
from eval_pipeline.settings import Language

_ANYWHERE: Final = (
    "en_US", "en_GB", "en_AU", "en_CA", "en_IE", "en_IN", "de_DE", "de_AT", "de_CH", "fr_FR",
    "fr_CH", "es_ES", "es_MX", "it_IT", "pt_BR", "pt_PT", "nl_NL", "nl_BE", "da_DK", "sv_SE",
    "no_NO", "fi_FI", "pl_PL", "cs_CZ", "sk_SK", "sl_SI", "hr_HR", "hu_HU", "ro_RO", "et_EE",
)  # fmt: skip
HOME: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("en_US", "en_US", "en_GB", "en_AU", "en_CA"),
    "de": ("de_DE", "de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_FR", "fr_CH", "fr_CA"),
    "es": ("es_ES", "es_ES", "es_MX", "es_CL", "es_AR"),
}
"""Locales of the language's countries; those named twice are drawn twice as often."""


class LocalFakers:
    """One generator for each locale, all seeded from the stream of draws."""

    def __init__(self, language: Language, *, draws: random.Random) -> None:
        self._draws = draws
        self._home = HOME[language]
        self._fakers = {locale: faker_of(locale) for locale in {*_ANYWHERE, *self._home}}
        for locale in sorted(self._fakers):
            self._fakers[locale].seed_instance(draws.getrandbits(64))

    def home(self) -> Faker:
        """The generator of one of the language's countries."""
        return self._fakers[self._draws.choice(self._home)]

    def anywhere(self) -> Faker:
        """The generator of one of thirty countries."""
        return self._fakers[self._draws.choice(_ANYWHERE)]
