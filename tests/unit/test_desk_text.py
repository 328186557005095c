"""Hostile text on the desk's pages: nothing hidden stays hidden, nothing escapes, nothing grows."""

# ruff: noqa: RUF001 - letters that look like others are the point

import html
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.desk.text import encodable, is_long, visible, visible_markup

ANYTHING = st.text(
    st.characters() | st.sampled_from("\u202e\u2066\x00\x1b<>&\"'\n\r\t\U000e0041\ud800"),
    max_size=60,
)
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("invoice\u202egnp.exe", "invoice⟨RLO⟩gnp.exe"),
        ("\x1b[31m", "⟨ESC⟩[31m"),
        ("a\x00\x00\x00b", "a⟨NUL⟩×3b"),
        ("\U000e0069gnore", "⟨TAG i⟩gnore"),
        ("\u3164", "⟨U+3164⟩"),
        ("half \ud83d pair", "half � pair"),
        ("line\r\nline\tcell", "line\nline\tcell"),
        ("lone\rreturn", "lone⟨CR⟩return"),
        ("👩\u200d⚕️ कर्\u200dम می\u200cخواهم", "👩\u200d⚕️ कर्\u200dम می\u200cخواهم"),
    ],
)
def test_what_is_hidden_gets_a_name_and_what_scripts_need_stays(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANYTHING)
def test_markup_holds_no_tag_but_our_own_and_reads_as_the_visible_text(text: str) -> None:
    markup = str(visible_markup(text))
    assert HIDDEN.search(markup) is None
    assert "<" not in re.sub("</?i>|<wbr>", "", markup)
    assert html.unescape(re.sub("</?i>|<wbr>", "", markup)) == visible(text)


@given(ANYTHING)
def test_what_was_typed_comes_back_as_it_was(text: str) -> None:
    assert html.unescape(str(encodable(text))) == re.sub("[\ud800-\udfff]", "�", text)


def test_a_long_word_may_break_after_every_hundred_letters() -> None:
    markup = str(visible_markup("a" * 250))
    assert [len(part) for part in markup.split("<wbr>")] == [100, 100, 50]


def test_a_megabyte_of_signs_is_ready_in_seconds() -> None:
    started = time.process_time()
    assert len(visible_markup("<\x1b\u202e" * 300_000)) < 10_000_000
    assert time.process_time() - started < 10


def test_texts_of_many_letters_or_lines_scroll_in_a_window_of_their_own() -> None:
    assert is_long("a" * 1501)
    assert is_long("\n" * 21)
    assert not is_long("a" * 1500)
