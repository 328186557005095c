"""First and last names of many languages, and the words that only look like names."""

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final

_LOCALES: Final = (
    "en_US", "en_GB", "en_IN", "en_IE", "es_ES", "es_MX", "fr_FR", "fr_CH", "de_DE", "de_AT",
    "it_IT", "pt_BR", "pt_PT", "nl_NL", "nl_BE", "pl_PL", "sv_SE", "no_NO", "da_DK", "fi_FI",
    "cs_CZ", "sk_SK", "sl_SI", "hr_HR", "hu_HU", "ro_RO", "tr_TR", "et_EE", "lt_LT", "lv_LV",
    "is_IS", "id_ID", "vi_VN",
)  # fmt: skip


def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WIDEST: Final = frozenset({"en_US", "en_GB", "es_ES", "es_MX", "fr_FR", "de_DE", "it_IT", "pt_BR"})

WORDS: Final = _vocabulary(
    """
    a about above account actually after again all already also alternatively always am an and any
    anyone anything are as at back be because been before being best better between both but by
    call can cannot card cheers could currently customer day dear delivery did do does doing don
    done email even ever every fine first for from get getting give go going good got great had
    has have having he hello help her here hey hi him his home hopefully how however i id if in
    interested into is it its just know last later let like look looking made make many may maybe
    me mine monday more most much must my name need never new next nice no none not nothing now of
    off ok okay on once one only or order other our out over per phone please really regarding
    right same say see send she should since so some someone something sorry still such sure take
    tell than thank thanks that the their them then there these they thing this those through to
    today tomorrow tonight too try trying under until up upon us use used using very want was way
    we welcome well were what when where whether which while who whom whose why will with within
    without would yes yesterday yet you your yours tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december morning
    afternoon evening night noon am pm mr mrs ms dr sir madam inc ltd llc corp gmbh street avenue
    road lane city county state airport hotel restaurant university college school hospital bank
    beach park river lake station church museum bridge centre center theatre theater pharmacy
    company team support service street st ave blvd north south east west island valley mountain
    house hall tower square street's mall stadium bay hills heights springs international national
    english german french spanish italian american british indian chinese japanese russian
    unavailable available ready happy glad afraid aware able unable here there back fine sick
    pregnant allergic diabetic married single retired worried confused hungry tired bored
    correct right true false san santa santo el los las puerto saint upcoming perfect awesome
    calling writing wondering hoping asking thinking planning
    """
)
"""Never a name or the continuation of one, however written."""

AMBIGUOUS: Final = _vocabulary(
    """
    may will rose mark grace faith hope joy summer april june august art bill chase grant frank
    drew dean earl duke major prince christian jordan chelsea paris austin dallas london georgia
    virginia carolina sierra sydney florence madison charlotte savannah brooklyn sandy penny amber
    ruby pearl crystal tiffany autumn dawn star angel miles guy gene norm rich rob sue pat ray reed
    ross jack max van pat ivy iris lily daisy violet holly heather ginger olive basil rosemary
    melody harmony destiny serenity trinity journey genesis nevada dakota asia india kenya china
    israel jersey lane lee clay cliff dale glen forest brook skye sky stone wood woody buddy sonny
    junior king earnest noble royal justice honor patience prudence constance charity temperance
    mercedes porsche lexus alexa siri cortana apple cherry peaches candy honey sugar coco barb
    rusty dusty stormy misty sunny rainy windy snow winter page paige case chance colt hunter fisher
    mason cooper taylor carter tucker parker porter tanner archer baker cook carpenter smith bishop
    abbot pope deacon cash price worth long short little small young old brown white black green
    gray grey gold silver bush field hill banks rivers lakes wells woods park church bell ball
    ford lincoln washington jackson houston cleveland denver phoenix memphis orlando salem regina
    santiago diego francisco antonio jose cruz santa san los las del mar sol luna maria's nova
    ace bear wolf fox robin jay martin wren lark hawk eagle blaze ash storm ocean river rain
    harper kelly kit mickey minnie donald elmo bert ernie oscar tony emmy nick norton victor
    viola marina eden carmel nat pam pen dot belle bea don dick
    darling mary-jane german roman romeo rob loves young mercy felicity
    see an so ho do le la so long in on he no my ha in ge yu you de la du da di my
    stand ward case post day moon rush sharp strong swift wise sage love valentine noel
    tea alfa camel latte mocha romeo cosmo cal linda orange lemon lime mango kiwi ada java ruby perl
    merry gay gaylord peach plum berry patty jimmy john's papa victoria
    andes king oslo milan lima rio bali nice como tours cannes lourdes assisi siena verona
    vienna geneva alma era mira vera nada zara gala
    """
)
"""Names that are words, places or products too: they need a cue or a last name behind them."""

WORDS_AND_NAMES: Final = frozenset({"may", "will", "april", "june", "august"})
"""Of `WORDS`, those that open a name when a last name follows: Will Smith."""

PARTICLES: Final = _vocabulary(
    """
    de da do dos das del della di du la le van von der den ter ten bin ibn al el y e zu af av
    """
)
"""Small words inside a name."""


_SHORT_FORMS: Final = _vocabulary(
    """
    abby al alex andy barb beth bea ben bill billy bob bobby cathy charlie chris cindy dan danny
    dave deb debbie ed eddie fred gabe greg hank jake jeff jen jenny jess jim jimmy joe joey jon
    josh kate kathy katie ken kim larry liz lou maggie matt meg mel mike mitch nate ned nick pam
    pat pete phil rick rob ron sally sam sandy steph steve sue suzy ted terry theo tim tom tommy
    tony val vicky wes will zach zoe
    """
)
"""First names as people give them, which lists of full names lack."""


@dataclass(frozen=True)
class Gazetteer:
    """Case-folded names."""

    first: frozenset[str]
    last: frozenset[str]
    common: frozenset[str]  # first names of the most widespread languages

    def is_first(self, word: str) -> bool:
        """Whether the word is a first name and nothing else."""
        folded = word.casefold()
        return folded in self.first and folded not in WORDS and folded not in AMBIGUOUS

    def is_common(self, word: str) -> bool:
        """Whether the word is a first name that readers of the widest languages know as one."""
        return self.is_first(word) and word.casefold() in self.common

    def may_be_first(self, word: str) -> bool:
        """Whether the word is a first name, be it also a word or place."""
        folded = word.casefold()
        return folded in self.first and (folded not in WORDS or folded in WORDS_AND_NAMES)

    def is_last(self, word: str) -> bool:
        """Whether the word is a last name."""
        folded = word.casefold()
        return folded in self.last and folded not in WORDS


@cache
def gazetteer() -> Gazetteer:
    """The names that Faker ships for the locales above; read once, from the installed package."""
    first = set(_SHORT_FORMS)
    last: set[str] = set()
    common = set(_SHORT_FORMS)
    for locale in _LOCALES:
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for attribute in dir(provider):
            if attribute.startswith("first_names"):
                found = _words(getattr(provider, attribute))
                first.update(found)
                if locale in _WIDEST:
                    common.update(found)
            elif attribute.startswith("last_names"):
                last.update(_words(getattr(provider, attribute)))
    return Gazetteer(first=frozenset(first), last=frozenset(last), common=frozenset(common))


_WORD: Final = re.compile(r"[^\W\d_]{2,}(?:['\u2019\-][^\W\d_]{2,})*")


def _words(names: object) -> set[str]:
    listed = names if isinstance(names, (list, tuple, dict)) else ()
    return {
        word.casefold() for name in listed if isinstance(name, str) for word in _WORD.findall(name)
    }
