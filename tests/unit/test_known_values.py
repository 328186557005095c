"""The known-value scan finds every spelling of a known value, quotes none, and hides its list."""

import hashlib
import hmac
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.anonymisation.checks.known_values import KnownValueScan, hash_known_values
from eval_pipeline.anonymisation.checks.residual import Residual
from eval_pipeline.anonymisation.checks.scans import Scans, require_clean
from eval_pipeline.errors import KnownValueError
from eval_pipeline.tables import ANONYMISED_INTERACTIONS
from tests.sizes import sized

KEY = b"a key"
VALUES = ["Mia Li", "+49 170 1234567", "DE89370400440532013000", "René Weiß", "mia.li@example.org"]


def scan(*values: str, hashed: bool = False, **policy: int) -> KnownValueScan:
    lines = list(hash_known_values(values, key=KEY)) if hashed else list(values)
    return KnownValueScan(lines, key=KEY, **policy)


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "Ask Mia Li.",
        "MIA  LI\nwrote",
        "the user mia_li_3668 wrote",
        "(mia-li)",
        "MiaLi",
        "Mia\u00ad Li\u200b",
        "call +49 1701 23 45 67 now",
        "491701234567",
        "IBAN DE89 3704 0044 0532 0130 00",
        "rené WEISS",
        "Rene\u0301 Weiß",
        '{"note": "by Ren\\u00e9 Wei\\u00df"}',
        '{"note": "Hi\\nMia Li"}',
        '{"a": "{\\"b\\": \\"Hi\\\\nMia Li\\"}"}',
        "https://example.org/?to=mia.li%40example.org",
    ],
)
def test_a_known_value_is_found_however_it_is_written(text, hashed):
    assert scan(*VALUES, hashed=hashed).count(text) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "Miami Li",
        "Mia Lima",
        "Mia [PERSON_1] Li",
        "Rene Weiss",
        "+49 170 1234568",
        "",
        "[PERSON_1]",
    ],
)
def test_what_is_no_known_value_is_not_found(text):
    assert scan(*VALUES).count(text) == 0


def test_every_occurrence_counts_and_one_inside_another_counts_for_itself():
    # "Mia Li" twice, and "Mia Li Weber" once around the second.
    assert scan("Mia Li", "Mia Li Weber").count("Mia Li met Mia Li Weber.") == 3


def test_values_with_fewer_letters_and_digits_than_the_minimum_are_not_looked_for():
    assert len(scan("Li", "Ann", "12 34")) == 1
    assert scan("Li", minimum_length=2).count("Mia Li") == 1


def test_hashed_lines_are_keyed_hashes_of_the_joined_folded_value():
    check, line = hash_known_values(["  Mia  LI "], key=KEY)
    expected = hmac.new(KEY, b"known_value\x1fmiali", hashlib.sha256).hexdigest()[:32]
    assert line == f"hmac:3:{expected}"  # a word more than it has
    assert check.startswith("hmac:0:")
    # Twelve digits may stand in pairs.
    assert list(hash_known_values(["49 1701234567"], key=KEY))[1].startswith("hmac:6:")


def test_hashing_leaves_out_repeats_and_short_values_and_forgets_the_order():
    one = list(hash_known_values(["Mia Li", "mia li", "Bo", "Tom Ray"], key=KEY))
    assert one == list(hash_known_values(["Tom Ray", "Mia Li"], key=KEY))
    assert len(one) == 3


def test_a_file_hashed_with_another_key_is_refused_rather_than_never_matched():
    lines = list(hash_known_values(VALUES, key=b"another key"))
    with pytest.raises(ValueError, match="hashed with another key"):
        KnownValueScan(lines, key=KEY)
    with pytest.raises(ValueError, match="tells their key"):
        KnownValueScan(lines[1:], key=KEY)


def test_a_malformed_hash_is_told_by_its_line_number_and_not_quoted():
    with pytest.raises(ValueError, match="line 2 is no hash") as refused:
        scan("Mia Li", "hmac:two:mia")
    assert "mia" not in str(refused.value)


def test_the_scan_tells_counts_by_interaction_and_field_and_reads_ids_and_names_too():
    rows = [
        {"interaction_id": "a", "response": "Mia Li and Mia Li", "route": "r"},
        {"interaction_id": "b", "messages": [{"role": "user", "content": "MIA LI"}], "route": "r"},
        {"interaction_id": "c", "attributes": [{"key": "mia-li", "value": "x"}], "route": "Mia Li"},
        {"interaction_id": "d", "response": "nobody", "route": "r"},
    ]
    hits = scan("Mia Li").scan(pl.DataFrame(rows, schema=ANONYMISED_INTERACTIONS.schema))
    assert hits.interactions == {"a": 2, "b": 1, "c": 2}
    assert hits.fields == {"response": 2, "messages": 1, "attributes": 1, "route": 1}
    with pytest.raises(
        KnownValueError, match="5 occurrences of known values in 3 interactions"
    ) as e:
        require_clean(Scans(Residual({}, 0), known_values=1, known_hits=hits))
    assert "Mia" not in str(e.value)


@given(
    before=st.text(max_size=30),
    value=st.text(st.sampled_from("abcdefgh 0123456789éß"), min_size=6, max_size=20),
    after=st.text(max_size=30),
)
@settings(max_examples=200, deadline=None)
def test_a_value_between_any_words_is_found_plain_and_hashed_alike(before, value, after):
    text = f"{before} {value.upper()} {after}"
    plain, hashed = scan(value).count(text), scan(value, hashed=True).count(text)
    assert plain == hashed
    assert plain >= len(scan(value))


def test_time_grows_no_faster_than_the_text():
    looking = scan(*VALUES)

    def seconds(words: int) -> float:
        text = " ".join(f"word{number}" for number in range(words))
        start = time.process_time()
        looking.count(text)
        return time.process_time() - start

    seconds(1_000)
    assert seconds(40_000) < 12 * seconds(10_000)


@pytest.mark.slow
@pytest.mark.no_cover
def test_hashes_take_eight_bytes_each_and_a_million_would_load_in_seconds():
    people = sized(100_000, full=1_000_000)
    lines = list(hash_known_values((f"person {number}" for number in range(people)), key=KEY))
    start = time.process_time()
    looking = KnownValueScan(lines, key=KEY)
    assert time.process_time() - start < people * 20e-6
    assert len(looking) == people
    assert looking._hashes.nbytes == people * 8
    assert looking.count(f"so said Person {people - 1} today") == 1
    assert looking.count(f"so said Person {people} today") == 0
