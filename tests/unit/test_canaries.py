"""Canaries: even over kinds and fields, the same every time, and read like an attacker would."""

import ipaddress
import json
from collections import Counter
from functools import partial
from typing import Any

import phonenumbers
import polars as pl
import pytest

from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.anonymisation.checks.canaries import (
    Canary,
    kinds_looked_for,
    measure,
    plant,
    recalls,
)
from eval_pipeline.anonymisation.checks.canary_frames import FIELDS, SENTENCES
from eval_pipeline.anonymisation.checks.canary_values import KINDS
from eval_pipeline.anonymisation.interactions import mask_interactions
from eval_pipeline.errors import ResidualTextError
from eval_pipeline.settings import ALL_RECOGNISERS, AnonymisationSettings

WEEK = "2026-11-16"
KEY = b"a key"


def planted(count: int = 480, **changed: Any) -> list[Canary]:
    given = {"count": count, "week": WEEK, "key": KEY, "languages": ("en",), **changed}
    return plant(given.pop("kinds", KINDS), **given)


def name(text: str = "I am {}.", field: str = "response") -> Canary:
    return Canary.planted("person", field, value="Ada Johnson", sentence=text)


def test_canaries_are_even_over_kinds_and_fields():
    # 480 over 20 kinds is 24 each, which are 3 in each of 8 fields.
    cells = Counter((canary.kind, canary.field) for canary in planted(480))
    assert set(cells.values()) == {3}
    assert len(cells) == len(KINDS) * len(FIELDS) == 160


def test_the_same_week_key_and_languages_give_the_same_canaries_and_no_other():
    values = [canary.value for canary in planted(60)]
    assert values == [canary.value for canary in planted(60)]
    for changed in ({"week": "2026-11-23"}, {"key": b"another"}, {"languages": ("de",)}):
        assert values != [canary.value for canary in planted(60, **changed)]


def test_no_canaries_are_planted_where_none_are_wanted():
    assert planted(0) == planted(9, kinds=()) == []
    assert recalls(measure([], mask=pytest.fail, week=WEEK)).is_empty()


def test_kinds_that_the_policy_leaves_out_are_not_planted():
    kept = kinds_looked_for([name for name in ALL_RECOGNISERS if name not in {"person", "ip"}])
    assert set(KINDS) - set(kept) == {"person", "unlisted_person", "ipv4", "ipv6"}


def test_every_kind_has_sentences_with_one_place_for_the_value():
    assert set(SENTENCES) == set(KINDS)
    for sentences in SENTENCES.values():
        assert len(sentences) >= 5
        assert all(sentence.count("{}") == 1 for sentence in sentences)


def test_addresses_and_numbers_are_from_ranges_reserved_for_invention():
    by_kind: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for canary in planted(1_000):
        by_kind[canary.kind].append(canary.value)
    for value in by_kind["ipv4"] + by_kind["ipv6"]:
        assert not ipaddress.ip_address(value).is_global, value
    assert all(value.endswith((".org", ".com", ".net")) for value in by_kind["email"])
    assert all("example." in value for value in by_kind["email"] + by_kind["url"])
    for value in by_kind["phone"]:
        region = "GB" if value.startswith("020") else "US"
        assert phonenumbers.is_valid_number(phonenumbers.parse(value, region)), value


def test_a_tool_call_holds_the_value_as_json_in_a_string_in_json():
    canary = name(field="tool_call")
    (call,) = json.loads(canary.columns["messages"][1]["content"])
    arguments = json.loads(call["function"]["arguments"])
    assert arguments["ticket"]["remarks"][0]["body"] == "I am Ada Johnson."


@pytest.mark.parametrize(
    ("left", "readable"),
    [
        ("I am Ada Johnson.", True),
        ("I am [PERSON_1] Johnson.", True),
        ("I am ADA [PERSON_1].", True),
        ("I am [PERSON_1]son.", True),  # a rest of three letters
        ("I am [PERSON_1]on.", False),
        ("I am [PERSON_1].", False),
        ("[PERSON_1]", False),  # more masked than needed is no leak
        ("I am [ADA_1].", False),  # a placeholder is none, whatever it is called
    ],
)
def test_three_letters_in_a_row_outside_of_placeholders_are_a_leak(left, readable):
    assert name().can_be_read([left]) is readable


def test_words_that_the_sentence_holds_too_are_no_leak():
    assert not name("Dear Ada, I am {}.").can_be_read(["Dear Ada, I am [PERSON_1]."])


def test_a_value_of_short_words_is_readable_by_its_longest():
    age = Canary.planted("age", "response", value="47", sentence="I am {} now.")
    assert age.can_be_read(["I am 47 now."])
    assert not age.can_be_read(["I am [AGE_47] now."])


def test_a_value_in_escapes_is_readable_too():
    canary = Canary.planted("person", "tool", value="Zoë Ëgå", sentence="{} wrote.")
    assert "\\u00eb" in canary.columns["messages"][1]["content"]
    assert canary.can_be_read(['{"found": [{"body": "Zo\\u00eb [PERSON_1] wrote."}]}'])


def test_recall_is_counted_by_kind_with_wilsons_interval():
    measured = pl.DataFrame(
        {
            "kind": ["email"] * 10 + ["age"] * 2,
            "field": ["user"] * 12,
            "leaked": [True] + [False] * 11,
        }
    )
    by_kind = {row["about"]: row for row in recalls(measured, by="kind").iter_rows(named=True)}
    assert by_kind["email"]["planted"] == 10
    assert by_kind["email"]["leaked"] == 1
    # Wilson at 9 of 10: (0.9 + 3.8415/20 -/+ 1.96 sqrt(0.009 + 3.8415/400)) / (1 + 3.8415/10)
    assert by_kind["email"]["recall"] == pytest.approx(0.9)
    assert by_kind["email"]["lower"] == pytest.approx(0.5958, abs=1e-4)
    assert by_kind["email"]["upper"] == pytest.approx(0.9821, abs=1e-4)
    (week,) = recalls(measured).iter_rows(named=True)
    assert (week["about"], week["planted"], week["recall"]) == ("all", 12, pytest.approx(11 / 12))


def test_a_masker_that_masks_all_leaks_nothing_and_one_that_masks_nothing_leaks_all():
    def nothing(frame: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
        return frame

    def everything(frame: pl.DataFrame, _: pl.DataFrame) -> pl.DataFrame:
        text = pl.lit("[SECRET_1]")
        masked = pl.lit([], dtype=frame.schema["messages"]), pl.lit([], frame.schema["attributes"])
        return frame.with_columns(
            messages=masked[0], attributes=masked[1], response=text, error=text
        )

    canaries = planted(480)
    assert measure(canaries, mask=nothing, week=WEEK)["leaked"].all()
    assert not measure(canaries, mask=everything, week=WEEK)["leaked"].any()


def test_a_canary_that_stops_masking_counts_as_leaked_and_the_others_are_measured():
    canaries = planted(40)
    real = Anonymiser(AnonymisationSettings(), key=KEY)

    def refusing(frame: pl.DataFrame, selections: pl.DataFrame) -> pl.DataFrame:
        if "canary-7" in frame["interaction_id"]:
            raise ResidualTextError(1, {"card": 1})
        return mask_interactions(frame, selections, anonymiser=real)

    stopped = measure(canaries, mask=refusing, week=WEEK)["leaked"].to_list()
    plain = measure(canaries, mask=partial(mask_interactions, anonymiser=real), week=WEEK)[
        "leaked"
    ].to_list()
    assert stopped[7]
    assert stopped[:7] + stopped[8:] == plain[:7] + plain[8:]


def test_the_anonymiser_masks_the_kinds_that_it_was_made_for():
    made_for = ("email", "card", "iban", "ipv4", "ipv6", "secret", "url")
    canaries = planted(350, kinds=made_for, languages=("en", "de", "fr", "es"))
    masker = Anonymiser(AnonymisationSettings(), key=KEY)
    (week,) = recalls(
        measure(canaries, mask=partial(mask_interactions, anonymiser=masker), week=WEEK)
    ).iter_rows(named=True)
    assert week["lower"] > 0.95
