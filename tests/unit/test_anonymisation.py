import datetime as dt
import re
import time
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.anonymisation.finding import Finder, Passage
from eval_pipeline.anonymisation.interactions import mask_interactions
from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.errors import LogsChangedError, ResidualTextError
from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.settings import AnonymisationSettings
from eval_pipeline.tables import ANONYMISED_INTERACTIONS, INTERACTION_SCHEMA

KEY = b"key"


def anonymiser(*, key: bytes = KEY, **policy: Any) -> Anonymiser:
    return Anonymiser(AnonymisationSettings.model_validate(policy), key=key)


PLAIN = anonymiser()


def interactions(*rows: dict[str, Any]) -> pl.DataFrame:
    blank: dict[str, Any] = dict.fromkeys(INTERACTION_SCHEMA)
    filled = [
        {
            **blank,
            "interaction_id": f"i{number}",
            "occurred_at": dt.datetime(2026, 11, 16, number, tzinfo=dt.UTC),
            "conversation_id": "c1",
            "user_id": "u1",
            "route": "orders",
            "messages": [{"role": "user", "content": "Hello"}],
            "response": "Hi",
            **row,
        }
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(filled, schema=INTERACTION_SCHEMA)


def selections(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"interaction_id": [f"i{number}" for number in range(count)], "selection": "sample"}
    )


def mask(*rows: dict[str, Any], by: Anonymiser = PLAIN) -> list[dict[str, Any]]:
    frame = mask_interactions(interactions(*rows), selections(len(rows)), anonymiser=by)
    assert frame.schema == ANONYMISED_INTERACTIONS.schema
    return frame.to_dicts()


def said(content: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": content}]


def test_a_value_found_once_is_masked_everywhere_in_the_conversation() -> None:
    first, second = mask(
        {
            "messages": said("my name is Maria Lopez, mail m@x.com"),
            "response": "Thanks Maria. Is M@X.COM right?",
            "attributes": [{"key": "note", "value": "lopez phoned"}],
        },
        {"messages": said("Lopez again"), "error": "no account for maria  lopez"},
    )
    assert first["messages"][0]["content"] == "my name is [PERSON_1], mail [EMAIL_1]"
    assert first["response"] == "Thanks [PERSON_1]. Is [EMAIL_1] right?"
    assert first["attributes"] == [{"key": "note", "value": "[PERSON_1] phoned"}]
    assert second["messages"][0]["content"] == "[PERSON_1] again"
    assert second["error"] == "no account for [PERSON_1]"
    assert first["masked"] == [{"kind": "email", "spans": 2}, {"kind": "person", "spans": 3}]


def test_a_value_learnt_late_is_masked_where_it_stood_early() -> None:
    masked = mask({"messages": said("zorblax is here"), "response": "So your name is Zorblax?"})
    assert "orblax" not in str(masked)


def test_placeholders_are_numbered_by_first_appearance_and_start_again_elsewhere() -> None:
    one, two = mask(
        {"messages": said("a@x.com b@x.com a@x.com")},
        {"messages": said("b@x.com"), "conversation_id": "c2"},
    )
    assert one["messages"][0]["content"] == "[EMAIL_1] [EMAIL_2] [EMAIL_1]"
    assert two["messages"][0]["content"] == "[EMAIL_1]"


def test_people_are_known_by_key_only() -> None:
    masked = mask({}, {"user_id": None})
    assert masked[0]["conversation_key"] == keyed_pseudonym(KEY, "conversation", "c1")
    assert masked[0]["user_key"] == keyed_pseudonym(KEY, "user", "u1")
    assert masked[1]["user_key"] is None
    assert mask({}, by=anonymiser(key=b"other"))[0]["user_key"] != masked[0]["user_key"]


def test_the_value_of_a_sensitive_attribute_is_masked_whatever_it_is() -> None:
    masked = mask(
        {
            "attributes": [
                {"key": "User-Id", "value": "mia_li_3668"},
                {"key": "tier", "value": "gold"},
                {"key": "empty", "value": None},
            ],
            "response": "for mia_li_3668",
        }
    )
    assert masked[0]["attributes"] == [
        {"key": "User-Id", "value": "[USER_1]"},
        {"key": "tier", "value": "gold"},
        {"key": "empty", "value": None},
    ]
    assert masked[0]["response"] == "for [USER_1]"


def test_json_inside_text_is_masked_by_key_at_any_depth_of_escaping() -> None:
    text = r'call {"name": "find_user", "arguments": "{\"name\": \"Q Z\", \"city\": \"Rome\"}"}'
    by = anonymiser(recognisers=("email",))
    assert by.mask_text(text) == (
        r'call {"name": "find_user", "arguments": "{\"name\": \"[PERSON_1]\", \"city\": \"Rome\"}"}'
    )


def test_allowed_words_stay_on_their_route_only() -> None:
    by = anonymiser(allow={"shop": ("Maria Lopez",), "*": ("help@x.com",)})
    text = "Maria Lopez at help@x.com, Maria Lopezova"
    assert by.mask_text(text, route="shop") == "Maria Lopez at help@x.com, [PERSON_1]"
    assert by.mask_text(text, route="other") == "[PERSON_1] at help@x.com, [PERSON_2]"


def test_allowed_words_stay_where_they_stand_side_by_side() -> None:
    by = anonymiser(allow={"*": ("Maria", "Lopez")})
    assert by.mask_text("Maria Lopez and Maria Schmidt") == "Maria Lopez and [PERSON_1]"


def test_own_patterns_are_masked_by_their_name() -> None:
    by = anonymiser(custom_patterns=[{"name": "ORDER", "pattern": r"RX-\d{4}"}])
    assert by.mask_text("RX-1234, RX-9999, RX-1234") == "[ORDER_1], [ORDER_2], [ORDER_1]"


def test_only_configured_recognisers_speak() -> None:
    by = anonymiser(recognisers=("email",))
    assert by.mask_text("Dr. Smith, m@x.com") == "Dr. Smith, [EMAIL_1]"


def test_placeholders_of_the_text_itself_keep_their_numbers() -> None:
    assert PLAIN.mask_text("[EMAIL_3] or m@x.com") == "[EMAIL_3] or [EMAIL_4]"


def test_nothing_of_the_planted_values_is_left() -> None:
    planted = ["Maria Lopez", "maria@x.com", "+44 20 7946 0958", "4111 1111 1111 1111",
               "GB82WEST12345698765432", "10.20.30.40", "hunter22", "460-89-9847",
               "SW1A 1AA"]  # fmt: skip
    text = (
        "I'm Maria Lopez, maria@x.com, +44 20 7946 0958. Card 4111 1111 1111 1111, iban "
        "GB82WEST12345698765432, ip 10.20.30.40, password=hunter22, ssn 460-89-9847, SW1A 1AA"
    )
    written = str(mask({"messages": said(text), "response": text.upper()}))
    assert [value for value in planted if value.casefold() in written.casefold()] == []


def test_interactions_that_left_the_logs_stop_the_step() -> None:
    with pytest.raises(LogsChangedError, match="1 of the 2"):
        mask_interactions(interactions({}), selections(2), anonymiser=PLAIN)


def test_rows_that_were_not_drawn_are_not_written() -> None:
    frame = mask_interactions(interactions({}, {}), selections(1), anonymiser=PLAIN)
    assert frame["interaction_id"].to_list() == ["i0"]


def test_the_order_of_the_rows_changes_nothing() -> None:
    rows = interactions(
        {"messages": said("a@x.com")}, {"messages": said("b@x.com")}, {"conversation_id": "c0"}
    )
    chosen = selections(3)
    assert mask_interactions(rows, chosen, anonymiser=PLAIN).equals(
        mask_interactions(rows.reverse(), chosen.reverse(), anonymiser=PLAIN)
    )


def test_the_residual_scan_tells_kinds_and_counts() -> None:
    assert PLAIN.residual(["m@x.com and n@x.com", "106.31.73.20"]) == {"EMAIL": 2, "IP": 1}
    assert PLAIN.residual(["[EMAIL_1] is clean"]) == {}


class BlindFinder(Finder):
    """One that finds nothing at first sight, as a defect might."""

    def find(self, passages: Sequence[Passage]) -> list[list[Span]]:
        return [[] for _ in passages]


def test_what_survives_masking_blocks_the_week_without_being_quoted() -> None:
    by = anonymiser()
    by.finder = BlindFinder(AnonymisationSettings())
    with pytest.raises(ResidualTextError, match=r"1 interactions.*EMAIL 2") as caught:
        mask({"messages": said("m@x.com, n@x.com")}, {}, by=by)
    assert "m@x" not in str(caught.value)


def test_the_fingerprint_is_the_policys_and_not_the_keys() -> None:
    assert anonymiser(key=b"a").fingerprint == anonymiser(key=b"b").fingerprint
    assert anonymiser(allow={"*": ("x",)}).fingerprint != PLAIN.fingerprint
    assert anonymiser(key_variable="OTHER_KEY").fingerprint == PLAIN.fingerprint


FRAGMENTS = st.sampled_from(
    ["Maria Lopez", "m@x.com", " ", "\n", "my name is ", "Dr. ", "415-555-2671", "[PERSON_1]", "[",
     "]", "_1", "call ", "4111 1111 1111 1111", '{"name": "', '"}', "\\", "born 1/2/1990", "Lopez",
     "12 Main Street", "password=", "x", "9", ".", "@", "-", "http://a.b/?c=", "IL 62701", "é", "İ"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(FRAGMENTS, max_size=12))
def test_masking_twice_is_masking_once(fragments: list[str]) -> None:
    once = PLAIN.mask_text("".join(fragments))
    assert PLAIN.mask_text(once) == once
    assert PLAIN.residual([once]) == {}


@settings(max_examples=200)
@given(st.text(alphabet=st.characters(), max_size=200))
def test_any_text_at_all_can_be_masked_and_masked_again(text: str) -> None:
    once = PLAIN.mask_text(text)
    assert PLAIN.mask_text(once) == once


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize(
    "unit",
    ["a", "1", "1 ", "Maria ", "Via a ", "ab12", "name: ", '"name": {', '"name": "', "a@b.c ",
     "-eyJ", ":", "(1", "Mr. ", "token", "12 Main ", "born ", "[PERSON_1]", "'name': 'O'"],
)  # fmt: skip
def test_time_grows_in_proportion_to_the_text(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        started = time.process_time()
        PLAIN.mask_text(text)
        return time.process_time() - started

    seconds(1_000)
    # The least of three: what else the process does, such as collecting garbage, only adds.
    short, long = (min(seconds(length) for _ in range(3)) for length in (10_000, 80_000))
    # 8 times the text; 64 times the time would be quadratic; small times are noise
    assert long < 24 * max(short, 0.01)


REALISTIC = anonymiser(surrogates="realistic")


def test_realistic_stand_ins_keep_the_form_and_the_conversations_consistency() -> None:
    first, second = mask(
        {
            "messages": said("I'm Maria Lopez, m.lopez@x.com, born on 2/8/1985"),
            "response": "Hello Maria! Is 4111 1111 1111 1111 yours?",
        },
        {"messages": said("I am Maria Lopez"), "conversation_id": "c2"},
        by=REALISTIC,
    )
    said_first = first["messages"][0]["content"]
    assert "Maria" not in str(first)
    assert "[" not in said_first
    assert "@example." in said_first
    name = said_first.removeprefix("I'm ").split(",")[0]
    assert first["response"].startswith(f"Hello {name.split()[0]}!")
    assert name not in second["messages"][0]["content"]
    assert mask({"messages": said("I am Maria Lopez"), "conversation_id": "c2"}, by=REALISTIC)[0][
        "messages"
    ] == [second["messages"][0]]


def test_realistic_dates_keep_their_distance() -> None:
    text = REALISTIC.mask_text("ordered on 2026-03-02, delivered on 2026-03-12")
    ordered, delivered = (dt.date.fromisoformat(day) for day in re.findall(r"[\d-]{10}", text))
    assert delivered - ordered == dt.timedelta(days=10)
    assert ordered != dt.date(2026, 3, 2)


def test_masking_tells_on_request_which_rule_masked_what() -> None:
    result = PLAIN.mask_conversations(
        [[Passage("write to m@x.com"), Passage("M@X.COM it is")]], explain=True
    )[0]
    assert [(one.passage, one.kind, one.value, one.stand_in) for one in result.replacements] == [
        (0, "EMAIL", "m@x.com", "[EMAIL_1]"),
        (1, "EMAIL", "M@X.COM", "[EMAIL_1]"),
    ]
    assert "m@x.com" not in repr(result.replacements[0])
    assert PLAIN.mask_conversations([[Passage("write to m@x.com")]])[0].replacements == ()


def test_a_lower_tau_of_a_passage_masks_more() -> None:
    def masked(tau: float) -> str:
        return PLAIN.mask_conversations([[Passage("zorblax is here", tau=tau)]])[0].texts[0]

    assert masked(0.999999) == "zorblax is here"
    assert masked(0.0001) != "zorblax is here"
