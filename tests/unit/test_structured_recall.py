"""Recall per kind on values of many countries in sentences that no rule was written after."""

import datetime as dt
import random
from collections.abc import Callable
from typing import Final

import polars as pl
import pytest
from faker import Faker

from eval_pipeline.anonymisation.structured.core import StructuredCore
from eval_pipeline.settings import ALL_RECOGNISERS
from tests.real_data import DATA, needs

CORE: Final = StructuredCore(ALL_RECOGNISERS, languages=("en", "de", "fr", "es"), engine="re")
LOCALES: Final = (
    "en_US", "en_GB", "en_AU", "en_CA", "en_IE", "en_IN", "de_DE", "de_AT", "de_CH", "fr_FR",
    "fr_CH", "es_ES", "es_MX", "it_IT", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "da_DK", "no_NO",
    "fi_FI", "cs_CZ", "hu_HU", "pt_PT",
)  # fmt: skip
DOCUMENTS: Final = 240

Maker = Callable[[random.Random, Faker], str]


def day(draws: random.Random) -> dt.date:
    return dt.date(1950, 1, 1) + dt.timedelta(days=draws.randrange(27_500))


def by_fours(draws: random.Random, number: str) -> str:
    separator = draws.choice(("", " ", "-"))
    return separator.join(number[i : i + 4] for i in range(0, len(number), 4))


def written_date(draws: random.Random, _faker: Faker) -> str:
    when = day(draws)
    form = draws.choice(
        ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%y",
         "%d.%m.%Y", "%d-%m-%Y", "%Y%m%dT%H%M%SZ", "%d %B %Y", "%B %d, %Y", "%B %Y", "%d-%b-%Y",
         "%b %d", "%b. %d, %Y", "%a, %d %b %Y %H:%M:%S GMT", "%A, %B %d", "%d-%b-%y", "%B %d %Y")
    )  # fmt: skip
    written = when.strftime(form)
    return draws.choice((written, written, written.upper(), written.lower()))


MAKERS: Final[dict[str, tuple[Maker, tuple[str, ...], float]]] = {
    "email": (lambda d, f: f.email(), ("Send it to {} thanks", "<{}>", "user:{};", "(cc {})"), 1.0),
    "url": (
        lambda d, f: d.choice((f.url, f.uri, f.image_url))(),
        ("have a look: {}", "[docs]({})", 'href="{}"', "it redirects to {}, then fails"),
        1.0,
    ),
    "domain": (
        lambda d, f: f.domain_name(),
        ("our shop is {} these days", "{} is down", "hosted at {}/status"),
        0.97,
    ),
    "phone": (
        lambda d, f: f.phone_number(),
        ("my number is {}, any time", "Give me a call: {}", "Telefon {}", "reach me on {}"),
        0.99,
    ),
    "card": (
        lambda d, f: by_fours(d, f.credit_card_number()),
        ("card {} exp next year", "charge it to my Visa {} please"),
        1.0,
    ),
    "iban": (
        lambda d, f: by_fours(d, Faker("de_DE").iban()).replace("-", " "),
        ("wire to {} asap", "{} is the account"),
        1.0,
    ),
    "ip": (
        lambda d, f: d.choice((f.ipv4, f.ipv6))(),
        ("client {} refused", "[{}]", "{}:8080 timed out", "from={}"),
        1.0,
    ),
    "mac": (lambda d, f: d.choice((f.mac_address(), f.mac_address().upper())), ("MAC={}",), 1.0),
    "uuid": (lambda d, f: str(f.uuid4()), ("req {} failed", "/v1/{}/run"), 1.0),
    "ssn": (lambda d, f: Faker("en_US").ssn(), ("social: {}", "{} is it"), 1.0),
    "coordinates": (
        lambda d, f: f"{f.latitude()}, {f.longitude()}",
        ("pin dropped: {}", "({})", "geo:{}"),
        1.0,
    ),
    "date": (written_date, ("We met on {} in town", "due {}", "{}: paid", "since {}"), 0.99),
    "year": (
        lambda d, f: str(d.randint(1900, 2035)),
        ("He moved here in {}.", "summer of {}", "class of {}", "back in {} we won", "(c. {})"),
        0.99,
    ),
    "date of birth": (
        lambda d, f: day(d).strftime(d.choice(("%Y-%m-%d", "%d %B %Y", "%d.%m.%Y", "%m/%d/%Y"))),
        ("born {}", "date of birth: {}", "DOB {}", "birthday is {}"),
        1.0,
    ),
    "age": (
        lambda d, f: str(d.randint(16, 99)),
        ("a {}-year-old man", "I'm {} and tired", "aged {}", "my dad turned {} last week",
         "My age: {}", "he was {} when he died", "{}yo male", "at the age of {}, he left",
         "My son is {}, my wife older", "ich bin {} Jahre alt", "j'ai {} ans", "edad: {}"),
        0.99,
    ),
}  # fmt: skip


def is_masked(text: str, first: int, end: int) -> bool:
    masked = set[int]()
    for span in CORE.find(text):
        masked.update(range(span.start, span.end))
    return all(place in masked or not text[place].isalnum() for place in range(first, end))


@pytest.mark.parametrize("kind", MAKERS)
def test_values_of_many_countries_are_masked_whole(kind: str) -> None:
    make, frames, least = MAKERS[kind]
    draws = random.Random(f"recall {kind}")
    Faker.seed(draws.randrange(1 << 30))
    fakers = [Faker(locale) for locale in LOCALES]
    masked = 0
    for _ in range(DOCUMENTS):
        value = make(draws, draws.choice(fakers))
        frame = draws.choice(frames)
        first = frame.index("{}")
        masked += is_masked(frame.replace("{}", value), first, first + len(value))
    assert masked / DOCUMENTS >= least


@needs("presidio_synth_v2")
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("entity", "least"),
    [
        ("EMAIL_ADDRESS", 1.0),
        ("CREDIT_CARD", 1.0),
        ("IBAN_CODE", 1.0),
        ("US_SSN", 1.0),
        ("IP_ADDRESS", 1.0),
        ("DATE_TIME", 1.0),
        ("DOMAIN_NAME", 1.0),
        ("US_DRIVER_LICENSE", 1.0),
        ("PHONE_NUMBER", 0.99),
        ("AGE", 0.99),
    ],
)
def test_public_documents_with_known_values_are_masked_whole(entity: str, least: float) -> None:
    documents = pl.read_parquet(DATA / "presidio_synth_v2" / "documents.parquet")
    outcomes = [
        is_masked(text, span["start"], span["end"])
        for text, spans in documents.select("text", "spans").iter_rows()
        for span in spans
        if span["entity_type"] == entity
    ]
    assert outcomes
    assert sum(outcomes) / len(outcomes) >= least
