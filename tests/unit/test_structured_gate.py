import importlib.util
import random
import stat
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from faker import Faker
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.structured.core import StructuredCore
from eval_pipeline.settings import ALL_RECOGNISERS, Language
from tests.sizes import sized

LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es")
PLAIN = StructuredCore(ALL_RECOGNISERS, languages=LANGUAGES, engine="re")

FRAGMENTS = (
    "a.b@example.com", "m%40x.org", "write at x dot com", "bob (at) x [dot] org", "@mia_li",
    "u/mia", "415-555-2671", "+44 20 7946 0958", "tel:+4930123456", "4111 1111 1111 1111",
    "card 630427373398", "GB82 WEST 1234 5698 7654 32", "de89370400440532013000", "10.0.0.1",
    "v1.2.3.4", "::1", "fe80::1ff", "2001:db8:85a3::8a2e:370:7334", "00:1B:44:11:3A:B7",
    "0011.2233.4455", "123e4567-e89b-12d3-a456-426614174000", "sk-abcdefghijklmnopqrstuv",
    "AKIAIOSFODNN7EXAMPLE", "xoxb-1234567890", "DB_PASSWORD=hunter22", "api key: x9-2k",
    "pin is 4821", "Bearer abcdefgh12345678", "Authorization: Basic dXNlcjpwdw==",
    "Cookie: sid=abcdef12; b=2", "postgres://u:p@h/x", "-----BEGIN RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----", "https://x.com/a?b=c", "www.x.co.uk", "shop.example.it/a",
    "foo.in", "40.7128, -74.0060", '40\xb026\'46"N', "lat: 51.5", "460-89-9847", "AB 12 34 56 C",
    "12345678Z", "529.982.247-25", "44051401359", "86 095 742 719", "RSSMRA85T10A562S",
    "passport X1234567", "nhs 943 476 5919", "2026-11-16T10:30:45Z", "12/05/2026", "16 Nov 2026",
    "Nov 16th, 2026", "3. M\xe4rz 1999", "1er ao\xfbt 2020", "2 de enero de 2021", "Monday",
    "MI\xc9RCOLES", "in 1977", "(1999)", "a 2010 film", "on 5/12", "am 12.05.", "exp 12/27",
    "born on 2/8/1935", "n\xe9 le 3 mai 1980", "DOB:", "I'm 45", "aged 61", "33 y/o", "45 ans",
    "turned 33", "twenty-one years old", "12 Main Street, Springfield, IL 62701",
    "Bahnhofstra\xdfe 12a", "Lange Stra\xdfe 5", "Calle de Alcal\xe1 45",
    "12 bis, rue de la Paix", "PO Box 123", "SW1A 1AA", "K1A 0B1", "zip code 35350",
    "10115 Berlin", "lives at 5 Low Hill", "in", "on", "card", "key", "is", "token", "call",
    "born", "the", "may", "sin", "\u212aey", "\u0131tin", "\u017fsn 460899847",
    "pa\u017f\u017fword=x1y2", "M\u0130ami", "\ud800", "\udfff", "\x00", "\xa0", "\u202f",
    "\u2011", "e\u0301", "\U0001f4de", "\u0663\u0664", "\uff11\uff12\uff13", "?", "\xff", "\x85",
    "\u2028", "[PERSON_1]", "{", '"name":', "\\n", "'", "\u2019",
)  # fmt: skip
SEPARATORS = (
    " ",
    " ",
    " ",
    "",
    "\n",
    ".",
    ", ",
    ":",
    "-",
    "/",
    "\t",
    "\u00a0",
    "(",
    ")",
    "\r\n",
    "_",
)
FAKED = (
    "email", "phone_number", "credit_card_number", "iban", "ipv4", "ipv6", "mac_address", "uuid4",
    "url", "date", "iso8601", "street_address", "address", "ssn", "user_name", "sentence", "name",
)  # fmt: skip
LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "pl_PL", "sv_SE", "it_IT", "ja_JP", "ru_RU",
           "hi_IN", "ar_SA", "tr_TR", "el_GR", "zh_CN", "pt_BR")  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        if importlib.util.find_spec("hyperscan"):
            hyperscan_core()  # compiling takes longer than an example may
        yield


@cache
def hyperscan_core() -> StructuredCore:
    pytest.importorskip("hyperscan")
    return StructuredCore(ALL_RECOGNISERS, languages=LANGUAGES, engine="hyperscan")


def found(core: StructuredCore, text: str) -> list[tuple[int, int, str, bool, str]]:
    return [(s.start, s.end, s.kind, s.cued, s.rule) for s in core.find(text)]


def invented(draws: random.Random) -> tuple[str, ...]:
    """Values of many countries, made once: making them is slower than reading them."""
    values = []
    for locale in LOCALES:
        faker = Faker(locale)
        faker.seed_instance(draws.randrange(1 << 30))
        for name in FAKED:
            if hasattr(faker, name):
                values += [str(getattr(faker, name)()) for _ in range(12)]
    return tuple(values)


def document(draws: random.Random, values: tuple[str, ...]) -> str:
    parts = []
    for _ in range(draws.randint(1, 6)):
        kind = draws.random()
        if kind < 0.5:
            parts.append(draws.choice(FRAGMENTS))
        elif kind < 0.75:
            parts.append(draws.choice(values))
        elif kind < 0.85:
            parts.append("".join(chr(draws.randrange(0x3000)) for _ in range(draws.randint(1, 8))))
        elif kind < 0.95:
            parts.append("".join(draws.choices("0123456789.-/: +()", k=draws.randint(2, 16))))
        else:
            parts.append("".join(draws.choices(string.printable, k=draws.randint(2, 12))))
        if draws.random() < 0.15:
            piece = parts[-1]
            parts[-1] = draws.choice((piece.upper(), piece.lower(), piece[1:], piece[:-1]))
        parts.append(draws.choice(SEPARATORS))
    return "".join(parts)


@pytest.mark.slow
@pytest.mark.no_cover
def test_both_gates_find_the_same_in_documents_of_many_countries() -> None:
    fast = hyperscan_core()
    draws = random.Random(20261116)
    values = invented(draws)
    documents, spans = sized(20_000, full=100_000), 0
    for _ in range(documents):
        text = document(draws, values)
        by_plain = found(PLAIN, text)
        assert found(fast, text) == by_plain, repr(text)
        spans += len(by_plain)
    assert spans > documents  # more than one value a document: the comparison is not of nothing


@given(st.text(max_size=400))
def test_both_gates_find_the_same_in_any_text(text: str) -> None:
    assert found(hyperscan_core(), text) == found(PLAIN, text)


@given(st.lists(st.sampled_from((*FRAGMENTS, *SEPARATORS)), max_size=12).map("".join))
def test_both_gates_find_the_same_in_any_mixture_of_fragments(text: str) -> None:
    assert found(hyperscan_core(), text) == found(PLAIN, text)


def test_a_value_at_either_end_or_next_to_any_character_is_found_by_both() -> None:
    fast = hyperscan_core()
    for value in ("a.b@example.com", "4111 1111 1111 1111", "+44 20 7946 0958", "2026-11-16"):
        for character in ("", " ", "\x00", "\ud800", "\u212a", "\u0131", "\U0001f4de", "\u00df"):
            for text in (character + value, value + character, character + value + character):
                assert found(fast, text) == found(PLAIN, text)
    assert found(PLAIN, "\U0001f4de a.b@example.com") == [(2, 17, "EMAIL", False, "email")]


def test_places_are_counted_in_characters_and_not_in_bytes() -> None:
    text = "\U0001f600\u0416\ud800 x a.b@example.com"
    for core in (PLAIN, hyperscan_core()):
        (span, *_) = core.find(text)
        assert text[span.start : span.end] == "a.b@example.com"


def test_the_engine_is_told_and_auto_takes_what_is_there() -> None:
    assert PLAIN.engine == "re"
    pytest.importorskip("hyperscan")
    assert StructuredCore(("email",)).engine == "hyperscan"


def test_a_core_of_names_alone_finds_nothing() -> None:
    for engine in ("re", "auto"):
        assert StructuredCore(("person", "place", "title"), engine=engine).find("Dr. A, 1999") == []


def test_the_compiled_gate_is_kept_for_its_owner_and_a_broken_one_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hyperscan")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = StructuredCore(("email",), engine="hyperscan")
    (file,) = (tmp_path / "eval-pipeline").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    again = StructuredCore(("email",), engine="hyperscan")
    assert (
        found(again, "to a@x.org")
        == found(first, "to a@x.org")
        == [(3, 10, "EMAIL", False, "email")]
    )
    assert file.read_bytes() == whole


def test_a_cache_folder_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hyperscan")
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert StructuredCore(("email",), engine="hyperscan").find("a@x.org")
