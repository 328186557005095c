import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.json_values import SensitiveKeys
from eval_pipeline.anonymisation.recognisers import compile_custom, find, find_custom
from eval_pipeline.anonymisation.spans import Span, disjoint, lowered_in_place
from eval_pipeline.anonymisation.structured.core import rules_of
from eval_pipeline.settings import ALL_RECOGNISERS, CustomPattern, RecogniserName


def seen(text: str, *recognisers: RecogniserName) -> list[str]:
    """The values that these recognisers find, in order, overlaps joined."""
    spans = disjoint(find(text, recognisers=recognisers or ALL_RECOGNISERS), text=text)
    return [text[span.start : span.end] for span in spans]


def test_every_configured_name_is_known_or_left_to_names() -> None:
    without = {name for name in ALL_RECOGNISERS if not rules_of(name, ("en",))}
    assert without == {"person", "place", "organisation", "group", "title"}


@pytest.mark.parametrize(
    ("recogniser", "text", "expected"),
    [
        ("email", "write to m.lopez+x@mail.example.co.uk.", "m.lopez+x@mail.example.co.uk"),
        ("email", "I am maria dot lopez at example dot com", "maria dot lopez at example dot com"),
        ("phone", "call me on 415-555-2671 please", "415-555-2671"),
        ("phone", "+44 20 7946 0958", "+44 20 7946 0958"),
        ("phone", "my mobile: 0494 92 82 32", "0494 92 82 32"),
        ("phone", "(020) 7946 0958", "(020) 7946 0958"),
        ("phone", "text 07700 900123", "07700 900123"),
        ("phone", "Phone:\n467 3395", "467 3395"),
        ("phone", "tel 5551234567", "5551234567"),
        ("card", "pay with 4111 1111 1111 1111", "4111 1111 1111 1111"),
        ("card", "my card 630427373398 is lost", "630427373398"),
        ("iban", "to gb42nawi04454264788619 today", "gb42nawi04454264788619"),
        ("iban", "DE89 3704 0044 0532 0130 00 is mine", "DE89 3704 0044 0532 0130 00"),
        ("ip", "from 106.31.73.20.", "106.31.73.20"),
        (
            "ip",
            "at 6e40:4041:c617:e898:c11:40d2:c669:2eb4",
            "6e40:4041:c617:e898:c11:40d2:c669:2eb4",
        ),
        ("secret", "sk-abcdefghijklmnopqrstuv is it", "sk-abcdefghijklmnopqrstuv"),
        ("secret", "export DB_PASSWORD=hunter22", "hunter22"),
        ("secret", "password: p4ssw0rd!", "p4ssw0rd!"),
        ("secret", "my password is swordfish", "swordfish"),
        ("secret", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("secret", "eyJhbGciOiJI.eyJzdWIiOiIx.abc-_1", "eyJhbGciOiJI.eyJzdWIiOiIx.abc-_1"),
        ("secret", "postgres://u:pw@db.example/x", "postgres://u:pw@db.example/x"),
        (
            "secret",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        ),
        (
            "secret",
            "-----BEGIN PRIVATE KEY-----\nMIIE cut",
            "-----BEGIN PRIVATE KEY-----\nMIIE cut",
        ),
        ("url", "see https://x.com/a?user=bob.", "https://x.com/a?user=bob"),
        ("url", "at www.x.com/users/bob!", "www.x.com/users/bob"),
        ("url", "http://bob:pw@x.com/", "http://bob:pw@x.com/"),
        ("national_id", "SSN 460-89-9847", "460-89-9847"),
        ("url", "see https://example.com/help/returns", "https://example.com/help/returns"),
        ("national_id", "it is QQ 12 34 56 C? no: AB 12 34 56 C", "AB 12 34 56 C"),
        ("national_id", "DNI 12345678Z", "12345678Z"),
        ("national_id", "CPF 529.982.247-25", "529.982.247-25"),
        ("national_id", "passport number is X1234567", "X1234567"),
        ("national_id", "my driver's license number is F162823540116", "F162823540116"),
        (
            "address",
            "I live at 12 Main Street, Springfield, IL 62701",
            "12 Main Street, Springfield, IL 62701",
        ),
        ("address", "to Bahnhofstraße 12a, bitte", "Bahnhofstraße 12a"),
        ("address", "Calle de Alcalá 45", "Calle de Alcalá 45"),
        ("address", "London SW1A 1AA", "SW1A 1AA"),
        ("address", "my zip code is 35350", "35350"),
        ("address", "PO Box 1234", "PO Box 1234"),
        ("date_of_birth", "She was born on 2/8/1935.", "2/8/1935"),
        ("date_of_birth", "DOB: 12 March 1980", "12 March 1980"),
        ("date_of_birth", "my birthday is May 5th, 1990", "May 5th, 1990"),
    ],
)
def test_a_value_is_found_whole(recogniser: RecogniserName, text: str, expected: str) -> None:
    assert seen(text, recogniser) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "The first primes are 2, 3, 5, 7, 11, 13; is 17077 prime?",
        "order 1234567890 and item 4417822210",
        "2 4 6 8 10 12 14 16",
        "Total 1,234,567.89 at 10:30:45",
        "it rose by 12.5 %",
        "version 10.0.19041 and v1.2.3",
        "ratio 3.14159265358979 of 10",
        "std::vector a::b and 10:30",
        "1234 5678 9012 3456 is no card by Luhn",
        "ISO GB00 XXXX",
        "the secret: be kind; the password is wrong",
        "May I? Will you? A rose, Rose petals. Mark it. In May and June.",
        "Flights from Austin to Dallas on Mondays",
        "Ibuprofen 400 mg with Amoxicillin, Advil or Tylenol",
        "my name is on the list",
        "I am happy. I'm Batman. This is Good.",
        "Dear Customer, Best regards, Customer Service Team",
        "a 10 minute drive, 3 stars way, 2 more places on the road",
        "Dr Pepper and a Tea Latte",
        "the price rose in April",
        "take 400 mg twice a day for 30 days, two weeks ago it was 5 ml",
        "at 5 pm, 10:30 or 17h; tomorrow, next week, in 3 months",
        "I'm 45 minutes late, I am 2 blocks away and 100% sure",
        "turned 180 degrees, turn 2 pages, turned 90\u00b0",
        "a 2000 mile trip, the 2024 items, 1999 people, 2000 words, $1999, 2010 dollars",
        "in 2000 pieces; a total of 1950 units; from 1999 users to 2005 customers",
        "5 years of experience, 3 years ago, a 2 year plan, it was 40 years",
        "Windows 2000, version 2.0.1.4, v10.2.30, section 1.2.3, 24/7, 3/4 cup, 9/10",
        "std::chrono::seconds and a::b::c at 10:30:45:12",
        "the file main.py, done.in time, e.g. this, obj.info(x), order.to go, asp.net",
        "10 may be enough, you may 2 times, 2 may contain nuts",
        "@property def f(): @everyone look; 5 @ 10",
        "tracking 1Z999AA10123456784, invoice 20240001, SKU 12-34567-89",
        "a pinhole, shopping, the keyboard; key takeaways: none; token count: 512",
        "scores 3-2, 21-19; phone plan 500; room 12; chapter 3",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert seen(text) == []


def test_overlapping_finds_become_one_that_covers_all() -> None:
    text = "https://x.com/?to=m@x.com done"
    assert seen(text) == ["https://x.com/?to=m@x.com"]
    assert disjoint([Span(0, 5, "PERSON"), Span(3, 9, "PHONE")], text="x" * 10) == [
        Span(0, 9, "PHONE")
    ]


def test_placeholders_are_left_out_of_finds() -> None:
    text = "ab [PERSON_1] cd"
    assert disjoint([Span(0, 16, "URL")], text=text) == [Span(0, 3, "URL"), Span(13, 16, "URL")]


def test_own_patterns_are_found_and_an_empty_match_is_none() -> None:
    order = CustomPattern(name="ORDER", pattern=r"RX-\d{6}|")
    assert [
        (span.start, span.end, span.kind)
        for span in find_custom("x RX-123456", patterns=compile_custom([order]))
    ] == [(2, 11, "ORDER")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"name": "Mia Li", "total": 3}', ["Mia Li"]),
        ('{"firstName": "Mia", "first-name": "Mio"}', ["Mia", "Mio"]),
        (r'"{\"email\": \"m l\", \"n\": 1}"', ["m l"]),
        (r'{"a": "{\\\"name\\\": \\\"Li\\\"}"}', ["Li"]),
        ('{"address": {"street": "1 A", "zip": 77001}, "x": "y"}', ["1 A", "77001"]),
        ('{"name": ["A b", "C d"], "x": "y"}', ["A b", "C d"]),
        ("{'name': 'Mia', 'last_name': \"O'Li\"}", ["Mia", "O'Li"]),
        ('{"name": "say \\"hi\\"", "x": 1}', ['say \\"hi\\"']),
        ('{"ssn": 123456789, "x": 1}', ["123456789"]),
        ('{"name": "Mia', ["Mia"]),
        ('{"name": "get_user_details", "arguments": {}}', []),
        ('{"username": "mia_li"}', ["mia_li"]),
        ('{"surname_of_plant": "Rosa"}', []),
    ],
)
def test_values_under_sensitive_keys_are_found(text: str, expected: list[str]) -> None:
    keys = SensitiveKeys(("name", "first_name", "last_name", "email", "address", "ssn", "username"))
    assert [text[span.start : span.end] for span in keys.find(text)] == expected


@given(st.text())
def test_lowering_moves_no_character(text: str) -> None:
    assert len(lowered_in_place(text)) == len(text)


@given(st.text(alphabet=st.characters(), max_size=300))
def test_no_text_makes_a_recogniser_fail(text: str) -> None:
    for span in find(text, recognisers=ALL_RECOGNISERS):
        assert 0 <= span.start <= span.end <= len(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "Dr. ",
                "name is ",
                "Maria ",
                "born ",
                "12 ",
                "Via ",
                "@",
                ".",
                "-",
                "GB82",
                "call ",
                "+",
                "1 ",
                "(",
                "http://",
                "=",
                "token ",
                ":",
                '"name": ',
                "{",
                "[PERSON_1]",
            ]
        )
    )
)
def test_no_mixture_of_cues_makes_a_recogniser_fail(parts: list[str]) -> None:
    text = "".join(parts)
    for span in find(text, recognisers=ALL_RECOGNISERS):
        assert 0 <= span.start <= span.end <= len(text)
