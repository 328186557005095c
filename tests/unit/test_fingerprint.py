"""Identity by content and derived randomness."""

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.fingerprint import (
    canonical_json,
    content_hash,
    fingerprint,
    keyed_pseudonym,
    seed_for,
    smallest_by_hash,
    unit_hash,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
DUCKDB_ARITHMETIC = """
SELECT (CAST('0x' || substr(md5($salt || '|' || key), 1, 13) AS BIGINT) + 0.5)
  / 4503599627370496 AS unit_hash
FROM keys
ORDER BY place;
"""


def unit_hashes_of_duckdb(keys: list[str], *, salt: str) -> list[float]:
    frame = pl.DataFrame(
        {"place": range(len(keys)), "key": keys}, schema_overrides={"key": pl.String}
    )
    with duckdb.connect() as connection:
        connection.register("keys", frame.to_arrow())
        return connection.sql(DUCKDB_ARITHMETIC, params={"salt": salt}).pl()["unit_hash"].to_list()


@settings(deadline=None, max_examples=60)
@given(keys=st.lists(TEXT, min_size=1, max_size=30), salt=TEXT)
def test_python_and_duckdb_compute_the_same_unit_hash_bit_for_bit(keys, salt):
    assert unit_hashes_of_duckdb(keys, salt=salt) == [unit_hash(salt, key) for key in keys]


@pytest.mark.parametrize(
    "key", ["", "Zoë", "薬局", "🧪🧬", "a|b", "'; DROP TABLE x; --", "e\u0301"]
)
def test_unit_hash_agrees_with_duckdb_on_awkward_keys(key):
    assert unit_hashes_of_duckdb([key], salt="weekly|2026") == [unit_hash("weekly|2026", key)]


def test_unit_hash_is_the_first_52_bits_of_md5():
    # md5("s|k") = 9a450051c5b30 2342a1a902ffeabc340: 13 hex digits over 2**52, half a step up
    assert unit_hash("s", "k") == (0x9A450051C5B30 + 0.5) / 2**52


@given(TEXT, TEXT)
def test_unit_hash_lies_strictly_between_zero_and_one(salt, key):
    assert 0 < unit_hash(salt, key) <= 1


def test_unit_hashes_are_spread_evenly_over_the_unit_interval():
    # 10 000 keys in 10 cells: each cell expects 1000, sd sqrt(10000 * .1 * .9) = 30; 5 sd = 150
    hashes = [unit_hash("spread", str(number)) for number in range(10_000)]
    cells = [sum(cell / 10 < value <= (cell + 1) / 10 for value in hashes) for cell in range(10)]
    assert max(abs(cell - 1000) for cell in cells) < 150


@given(st.sets(TEXT, max_size=20), st.integers(0, 10), st.integers(0, 10))
def test_a_larger_draw_contains_the_smaller_one(keys, first, more):
    ordered = sorted(keys)
    small = smallest_by_hash(ordered, first, salt="draw")
    large = smallest_by_hash(list(reversed(ordered)), first + more, salt="draw")
    assert large[: len(small)] == small


@given(st.dictionaries(TEXT, st.integers() | TEXT | st.none(), max_size=6))
def test_the_order_of_keys_does_not_change_a_fingerprint(value):
    turned = dict(reversed(list(value.items())))
    assert fingerprint(value) == fingerprint(turned)
    assert canonical_json(value) == canonical_json(turned)


def test_equal_looking_values_of_other_types_have_other_fingerprints():
    values = [1, "1", True, None, [], {}, [1], ["1"], 1.5]
    assert len({fingerprint(value) for value in values}) == len(values)


def test_a_number_that_json_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint({"score": float("nan")})


def test_text_with_a_lone_surrogate_has_a_fingerprint():
    assert fingerprint("\ud800") != fingerprint("\ud801")
    assert unit_hash("s", "\ud800") != unit_hash("s", "\ud801")


def test_fingerprint_and_content_hash_stay_what_published_files_hold():
    # printf '{"a":1}' | sha256sum
    known = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert content_hash(b'{"a":1}') == known
    assert fingerprint({"a": 1}) == known[:32]


def test_a_pseudonym_needs_its_key_and_its_parts_in_order():
    pseudonym = keyed_pseudonym(b"key", "user", "42")
    assert len(pseudonym) == 20
    others = {
        keyed_pseudonym(b"other", "user", "42"),
        keyed_pseudonym(b"key", "42", "user"),
        keyed_pseudonym(b"key", "user4", "2"),
    }
    assert pseudonym not in others
    assert len(others) == 3


def test_seeds_are_fixed_and_differ_by_purpose():
    assert seed_for("bootstrap", "2026-11-16") == seed_for("bootstrap", "2026-11-16")
    assert seed_for("bootstrap", "2026-11-16") != seed_for("bootstrap2026-11-16")
    assert 0 <= seed_for("x") < 2**64
