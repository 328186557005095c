"""Every mutation makes another question of a real one, and breaks nothing that must stay whole."""

import base64
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.anonymisation.spans import PLACEHOLDER
from eval_pipeline.ports import Message
from eval_pipeline.settings import MUTATIONS, AnonymisationSettings
from eval_pipeline.truth.mutations import FAMILIES, Mutated, malformed_input, mutate, odd_scripts
from eval_pipeline.truth.mutations.near_limit_length import EXTENTS, PLACES, SLACK
from eval_pipeline.truth.mutations.written_templates import (
    PAYLOAD,
    QUESTION,
    read_data,
    templates_of,
)

LIMIT = 2000
ASKED = "Hello [PERSON_1]. Where is my order #[ACCOUNT_2]? It's a gift for [PERSON_3]."
TURNS = (
    Message("system", "Be brief."),
    Message("user", "Hi, I am [PERSON_1]."),
    Message("assistant", "How can I help?"),
    Message("user", ASKED),
)
WRITTEN = ("conflicting_instructions", "injection", "malformed_input")


def all_of(mutation: str, messages=TURNS, *, keys: int = 300) -> dict[str, Mutated]:
    """Every template that so many keys reach, with one result each."""
    made: dict[str, Mutated] = {}
    for number in range(keys):
        found = mutate(messages, mutation=mutation, key=str(number), limit=LIMIT)
        if found is not None:
            made.setdefault(found.template, found)
    return made


def text_of(mutated: Mutated) -> str:
    return "\n".join(message.content for message in mutated.messages)


def question_of(mutated: Mutated) -> str:
    return mutated.messages[-1].content


def test_there_is_a_family_for_every_mutation_of_the_settings():
    assert tuple(FAMILIES) == MUTATIONS


@pytest.mark.parametrize(
    ("mutation", "variants"),
    [
        ("conflicting_instructions", 12),
        ("near_limit_length", 18),
        ("odd_scripts", 14),
        ("malformed_input", 15),
        ("injection", 19),
    ],
)
def test_every_family_has_many_variants_and_all_can_be_drawn(mutation, variants):
    assert len(all_of(mutation)) == variants


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_equal_keys_give_equal_text_and_other_keys_other_text(mutation):
    first, again = (mutate(TURNS, mutation=mutation, key="a", limit=LIMIT) for _ in range(2))
    assert first == again
    assert len({text_of(one) for one in all_of(mutation).values()}) > 10


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_what_was_said_before_the_last_question_stays_as_it_was(mutation):
    for made in all_of(mutation).values():
        assert made.messages[:3] == TURNS[:3]
        assert made.messages[-1].role == "user"


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_question_is_really_another(mutation):
    for made in all_of(mutation).values():
        assert question_of(made) != ASKED


@pytest.mark.parametrize("mutation", ["conflicting_instructions", "near_limit_length", "injection"])
def test_where_only_the_surroundings_are_hard_the_question_stands_word_for_word(mutation):
    for name, made in all_of(mutation).items():
        assert ASKED in question_of(made), name


def test_odd_scripts_keep_every_placeholder_and_its_number():
    for name, made in all_of("odd_scripts").items():
        found = sorted(PLACEHOLDER.findall(question_of(made)))
        assert found == sorted(PLACEHOLDER.findall(ASKED)), name


def test_odd_scripts_leave_hardly_a_plain_letter_where_they_replace_letters():
    bold = question_of(all_of("odd_scripts")["mathematical_bold"])
    assert unicodedata.normalize("NFKC", bold) == ASKED
    assert not any(letter.isascii() for letter in PLACEHOLDER.sub("", bold) if letter.isalpha())


def test_zalgo_is_bounded():
    zalgo = question_of(all_of("odd_scripts")["zalgo"])
    marks = sum(bool(unicodedata.combining(letter)) for letter in zalgo)
    letters = sum(letter.isalpha() for letter in PLACEHOLDER.sub("", ASKED))
    assert letters <= marks <= odd_scripts.MARKS_PER_LETTER * letters


def test_text_in_another_script_gets_a_variant_that_changes_it():
    chinese = (Message("user", "我的订单在哪里 请告诉我什么时候送到"),)
    made = all_of("odd_scripts", chinese)
    assert set(made) <= {"zalgo", "zero_width", "right_to_left", "upside_down", "full_width"}
    assert {"zalgo", "zero_width", "right_to_left"} <= set(made)


def test_long_inputs_come_close_to_the_limit_or_to_its_half():
    made = all_of("near_limit_length")
    for name, one in made.items():
        length = sum(len(message.content) for message in one.messages)
        edge = LIMIT if name.endswith(EXTENTS[0]) else LIMIT // 2
        low, high = (edge - SLACK, edge - 1) if edge == LIMIT else (edge + 1, edge + SLACK)
        assert low <= length <= high, name


@pytest.mark.parametrize("place", PLACES)
def test_the_question_is_buried_where_the_template_says(place):
    for name, one in all_of("near_limit_length").items():
        if f"_{place}_" not in name:
            continue
        before, after = question_of(one).split(ASKED)
        share = len(before) / (len(before) + len(after))
        expected = {"start": 0.0, "middle": 0.5, "end": 1.0}[place]
        assert share == pytest.approx(expected, abs=0.02), name


def test_a_question_that_fills_the_limit_itself_cannot_be_padded():
    long = (Message("user", "word " * 390),)
    assert all_of("near_limit_length", long) == {}


def test_a_cut_text_ends_inside_a_word_and_never_inside_a_placeholder():
    for number in range(60):
        text = f"Please send it to [PERSON_1]{'x' * (number % 7)} and to [ADDRESS_12] again"
        made = mutate(
            (Message("user", text),), mutation="malformed_input", key=str(number), limit=LIMIT
        )
        assert made is not None
        if made.template == "cut_mid_word":
            cut = question_of(made)
            assert text.startswith(cut)
            assert cut.count("[") == cut.count("]")


def test_garbled_text_reads_as_utf_8_taken_for_windows_1252():
    garbled = question_of(all_of("malformed_input")["mojibake"])
    assert "Itâ€™s a gift" in garbled
    assert "[PERSON_1]" in garbled


def test_a_remnant_has_no_letters_left():
    remnant = question_of(all_of("malformed_input")["punctuation_remnant"])
    assert not any(letter.isalnum() for letter in remnant)
    assert remnant == ". # ? ' ."


def test_a_broken_json_stays_broken():
    text = question_of(all_of("malformed_input")["cut_json"])
    assert text.startswith('{"channel"')
    assert text.count("{") > text.count("}")


def test_an_encoded_order_can_be_decoded_to_what_its_template_orders():
    template = next(one for one in templates_of("injection") if one.encoding == "base64")
    text = question_of(all_of("injection")[template.name])
    blobs = text.rsplit(": ", 1)[1].split()
    assert " ".join(base64.b64decode(blob).decode() for blob in blobs) == template.payload


def test_an_earlier_turn_of_a_template_comes_right_before_the_question():
    made = all_of("conflicting_instructions")["earlier_turn_forbids"]
    assert [message.role for message in made.messages[3:]] == ["user", "assistant", "user"]


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize(
    "messages",
    [
        (),
        (Message("assistant", "Anything else?"),),
        (Message("user", ""),),
        (Message("user", "[PERSON_1] 42 !?"),),
    ],
    ids=["nothing", "no user", "empty", "no word"],
)
def test_where_nobody_asks_anything_there_is_nothing_to_mutate(mutation, messages):
    assert mutate(messages, mutation=mutation, key="a", limit=LIMIT) is None


CONVERSATIONS = st.lists(
    st.builds(
        Message,
        st.sampled_from(["user", "assistant", "system"]),
        st.lists(
            st.one_of(
                st.text(max_size=30),
                st.sampled_from(["[PERSON_1]", "[EMAIL_2]", "{question}", "{payload}", "[PERSON_"]),
                st.sampled_from(["]", "_1]", "]1_NOSREP[", "</response>", "\u202e", "e\u0301"]),
            ),
            max_size=8,
        ).map("".join),
    ),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(
    messages=CONVERSATIONS,
    mutation=st.sampled_from(MUTATIONS),
    key=st.text(max_size=5),
    limit=st.integers(500, 3000),
)
def test_whatever_the_source_the_result_is_sound(messages, mutation, key, limit):
    made = mutate(messages, mutation=mutation, key=key, limit=limit)
    if made is None:
        return
    text = text_of(made)
    text.encode("utf-8")  # no lone surrogate
    assert made.messages != tuple(messages)
    assert sum(len(message.content) for message in made.messages) <= limit
    before = {found[0] for one in messages for found in PLACEHOLDER.finditer(one.content)}
    assert {found[0] for found in PLACEHOLDER.finditer(text)} <= before
    assert made == mutate(messages, mutation=mutation, key=key, limit=limit)


@pytest.mark.parametrize("mutation", WRITTEN)
def test_every_template_has_a_name_of_its_own_and_a_place_for_the_question(mutation):
    templates = templates_of(mutation)
    assert len({one.name for one in templates}) == len(templates)
    for one in templates:
        assert one.text.count(QUESTION) + one.text.count(PAYLOAD) >= 1, one.name
        assert (one.payload is None) == (one.encoding is None), one.name
    assert not {one.name for one in templates_of("malformed_input")} - set(malformed_input.VARIANTS)


def test_a_question_that_holds_a_template_s_marks_is_left_alone():
    odd = (Message("user", "What does {question} mean beside {payload} in a letter?"),)
    for made in all_of("injection", odd).values():
        assert odd[0].content in question_of(made)


def test_no_template_and_no_filler_holds_anything_that_patterns_take_for_personal():
    anonymiser = Anonymiser(AnonymisationSettings(key_variable="K"), key=b"k" * 32)
    texts = [line for lines in read_data("near_limit_length").values() for line in lines]
    for mutation in WRITTEN:
        for one in templates_of(mutation):
            texts += [one.text, *(turn.content for turn in one.turns), one.payload or ""]
    assert anonymiser.residual(texts) == {}
    made = [text_of(one) for mutation in MUTATIONS for one in all_of(mutation).values()]
    assert anonymiser.residual(made) == {}
    assert not [text for text in texts if re.search(r"\d{3}", text)]
