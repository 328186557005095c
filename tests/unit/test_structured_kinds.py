import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.recognisers import find
from eval_pipeline.anonymisation.spans import disjoint
from eval_pipeline.anonymisation.structured.check_digits import (
    is_luhn,
    is_mod_11_10,
    is_verhoeff,
    weighted,
)
from eval_pipeline.anonymisation.structured.core import StructuredCore
from eval_pipeline.settings import ALL_RECOGNISERS, Language, RecogniserName

STRUCTURED: tuple[RecogniserName, ...] = tuple(n for n in ALL_RECOGNISERS if n != "person")


def seen(text: str, *recognisers: RecogniserName, languages: tuple[Language, ...] = ("en",)):
    spans = find(text, recognisers=recognisers or STRUCTURED, languages=languages)
    return [text[span.start : span.end] for span in disjoint(spans, text=text)]


def rules(text: str, languages: tuple[Language, ...] = ("en",)) -> set[str]:
    return {span.rule for span in find(text, recognisers=STRUCTURED, languages=languages)}


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("email", "mailto:m%40x.org", "m%40x.org"),
        ("email", "jo (at) example [dot] org", "jo (at) example [dot] org"),
        ("phone", "tel:+14155552671", "+14155552671"),
        ("phone", "+44 (0)20 7946 0958 ext. 12", "+44 (0)20 7946 0958 ext. 12"),
        ("phone", "(37) 788-063-Office,07700 063 966-Fax", "(37) 788-063"),
        ("card", "4111-1111-1111-1111", "4111-1111-1111-1111"),
        (
            "iban",
            "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
            "DE89\xa03704\xa00044\xa00532\xa00130\xa000",
        ),
        ("ip", "from=10.0.0.1:8080", "10.0.0.1"),
        ("ip", "to 2001:db8::8a2e:370:7334.", "2001:db8::8a2e:370:7334"),
        ("mac", "dev 00-1B-44-11-3A-B7 up", "00-1B-44-11-3A-B7"),
        ("mac", "dev 001b.4411.3ab7 up", "001b.4411.3ab7"),
        (
            "uuid",
            "id=123E4567-e89b-12d3-a456-426614174000;",
            "123E4567-e89b-12d3-a456-426614174000",
        ),
        ("url", "Look: ftp://files.example.org/a(1).", "ftp://files.example.org/a(1)"),
        ("url", "on shop.example.co.uk/cart?id=3 now", "shop.example.co.uk/cart?id=3"),
        ("url", "we run example.com, mostly", "example.com"),
        ("url", "visit our website repubblica.it today", "repubblica.it"),
        ("handle", "thanks @mia_li.", "@mia_li"),
        ("handle", "asked by /u/some-one yesterday", "/u/some-one"),
        ("coordinates", "at 40.7128, -74.0060 exactly", "40.7128, -74.0060"),
        ("coordinates", "40\u00b026'46\"N 79\u00b058'56\"W", "40\xb026'46\"N 79\xb058'56\"W"),
        ("coordinates", '{"latitude": 51.50, "x": 1}', "51.50"),
        (
            "secret",
            "token ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        ),
        ("secret", "x-api-key: 7f3k29dk2", "7f3k29dk2"),
        ("secret", "Authorization: Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz"),
        ("secret", "Set-Cookie: sid=8f2k; path=/; theme=dark12", "sid=8f2k; path=/; theme=dark12"),
        (
            "secret",
            "https://hooks.slack.com/services/T0/B0/xyz123",
            "https://hooks.slack.com/services/T0/B0/xyz123",
        ),
        (
            "secret",
            "bot 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
            "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        ),
        ("secret", "the pin is 4821", "4821"),
        ("secret", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI/K7MDENG"),
        ("national_id", "NHS number 943 476 5919", "943 476 5919"),
        ("national_id", "PESEL 44051401359", "44051401359"),
        ("national_id", "ID 86 095 742 719", "86 095 742 719"),
        ("national_id", "RSSMRA85T10A562S", "RSSMRA85T10A562S"),
        ("national_id", "NIE X-1234567-L", "X-1234567-L"),
        ("national_id", "BSN 111222333", "111222333"),
        ("national_id", "Aadhaar 2341 2341 2346", "2341 2341 2346"),
        ("national_id", "my SIN 046 454 286", "046 454 286"),
        ("national_id", "811218-9876", "811218-9876"),
        ("national_id", "NIR 2 55 08 14 168 025 38", "2 55 08 14 168 025 38"),
        ("date", "at 2026-11-16T10:30:45.123+01:00!", "2026-11-16T10:30:45.123+01:00"),
        ("date", "on 20261116T103045Z", "20261116T103045Z"),
        ("date", "Mon, 16 Nov 2026 10:30:45 GMT", "Mon, 16 Nov 2026 10:30:45 GMT"),
        ("date", "the 3rd of May, 1999", "3rd of May, 1999"),
        ("date", "Nov 16th", "Nov 16th"),
        ("date", "in March 2020", "March 2020"),
        ("date", "may 5-8, 2021", "may 5-8, 2021"),
        ("date", "by 5/12 please", "5/12"),
        ("date", "on 10 may and then", "10 may"),
        ("date", "since may 2, thanks", "may 2"),
        ("date", "expires 12/27", "12/27"),
        ("date", "valid thru 05/2027", "05/2027"),
        ("date", "in 1977, a boat", "1977"),
        ("date", "Since the year 2002", "2002"),
        ("date", "Monet (1840) and Klee (1940)", "1940"),
        ("date", "from 2019-2020", "2019-2020"),
        ("date", "between 2010 and 2014", "2014"),
        ("date", "a 2010 Czech film", "2010"),
        ("date", "Q3 2021", "2021"),
        ("date", "see you Friday", "Friday"),
        ("date_of_birth", "D.O.B. 3/4/78", "3/4/78"),
        ("date_of_birth", '"birth_date": "1980-02-03"', "1980-02-03"),
        ("age", "a 21 year old man", "21"),
        ("age", "aged 61 and well", "61"),
        ("age", "I\u2019m 45, tired", "45"),
        ("age", "a 79-year-old", "79"),
        ("age", "She just turned 33", "33"),
        ("age", "a forty-five year old", "forty-five"),
        ("age", "he was 65.", "65"),
        ("age", "28yo female", "28"),
        ("address", "Lange Stra\u00dfe 12", "Lange Stra\u00dfe 12"),
        ("address", "12 bis, rue de la Paix", "12 bis, rue de la Paix"),
        ("address", "5 Willow Heights, Apt. 4", "5 Willow Heights, Apt. 4"),
    ],
)
def test_a_value_of_the_kind_is_found_whole(kind: RecogniserName, text: str, expected: str) -> None:
    assert expected in seen(text, kind)


@pytest.mark.parametrize(
    ("language", "kind", "text", "expected"),
    [
        ("de", "date", "am 3. M\u00e4rz 1999 um 14:30 Uhr", "3. M\u00e4rz 1999 um 14:30 Uhr"),
        ("de", "date", "bis zum 12.05. bitte", "12.05."),
        ("de", "date", "seit 2002 in Ulm", "2002"),
        ("de", "date", "DONNERSTAG", "DONNERSTAG"),
        ("de", "date_of_birth", "geboren am 3.4.1978", "3.4.1978"),
        ("de", "age", "ich bin 45 Jahre alt", "45"),
        ("de", "age", "ein 79-j\u00e4hriger Mann", "79"),
        ("de", "address", "wohnt in 10115 Berlin", "10115"),
        ("fr", "date", "le 1er ao\u00fbt 2020", "1er ao\u00fbt 2020"),
        ("fr", "date", "mardi", "mardi"),
        ("fr", "date_of_birth", "n\u00e9e le 12 mai 1980", "12 mai 1980"),
        ("fr", "age", "j'ai 45 ans", "45"),
        ("es", "date", "el 2 de enero de 2021", "2 de enero de 2021"),
        ("es", "date", "MI\u00c9RCOLES", "MI\u00c9RCOLES"),
        ("es", "date_of_birth", "nacido el 3/5/1980", "3/5/1980"),
        ("es", "age", "tengo 45 a\u00f1os", "45"),
    ],
)
def test_a_language_brings_its_words(
    language: Language, kind: RecogniserName, text: str, expected: str
) -> None:
    assert seen(text, kind, languages=(language,)) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "il y a 45 ans, depuis 5 ans",
        "vor 3 Jahren, 20 Minuten, 2000 St\u00fcck",
        "hace 20 a\u00f1os atr\u00e1s, 3 veces",
        "Im Mai. En mai. En mayo. Juni?",
    ],
)
def test_durations_and_months_alone_stay_in_every_language(text: str) -> None:
    assert seen(text, languages=("en", "de", "fr", "es")) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a@x.org", "email"),
        ("4111 1111 1111 1111", "card: Luhn"),
        ("my card 630427373398", "card: cue"),
        ("id 86 095 742 719", "national_id: DE Steuer-ID"),
        ("460-89-9847", "national_id: US SSN"),
        ("AB 12 34 56 C", "national_id: GB NINO"),
    ],
)
def test_a_find_names_its_rule(text: str, rule: str) -> None:
    assert rule in rules(text)


def test_a_wrong_check_digit_is_no_number() -> None:
    assert seen("86 095 742 718", "national_id") == []
    assert seen("529.982.247-26", "national_id") == []
    assert seen("RSSMRA85T10A562T", "national_id") == []
    assert seen("44051401358", "national_id") == []
    assert seen("811218-9875", "national_id") == []


def test_check_digits_by_hand() -> None:
    # Luhn, 79927398713: 3+2+7+6+9+6+7+4+9+9+4+... = 70, from Luhn's patent's usual example
    assert is_luhn("79927398713")
    assert not is_luhn("79927398710")
    # Verhoeff: 236 has the check digit 3
    assert is_verhoeff("2363")
    assert not is_verhoeff("2364")
    # ISO 7064 MOD 11,10: 0794 has the check digit 5
    assert is_mod_11_10("07945")
    assert not is_mod_11_10("07946")
    # 1*3 + 2*2 + 3*1 = 10
    assert weighted("1239", (3, 2, 1)) == 10


@given(st.integers(0, 10**12), st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number: int, place: int, change: int) -> None:
    digits = f"{number:012}"
    for is_right in (is_luhn, is_verhoeff, is_mod_11_10):
        right = next(digits + str(c) for c in range(10) if is_right(digits + str(c)))
        wrong = right[:place] + str((int(right[place]) + change) % 10) + right[place + 1 :]
        assert not is_right(wrong)


def test_recognisers_that_are_not_asked_find_nothing() -> None:
    assert seen("a@x.org 10.0.0.1", "ip") == ["10.0.0.1"]
    assert StructuredCore(()).find("a@x.org") == []
