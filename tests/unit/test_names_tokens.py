from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.names.tokens import tokenise, windows


def test_words_numbers_marks_and_line_breaks_are_tokens() -> None:
    words, _ = tokenise("Mr. O'Neil's son,\naged 12½_x")
    assert words == [
        "Mr", ".", "O'Neil", "'s", "son", ",", "\n", "aged", "12", "½", "_", "x",
    ]  # fmt: skip


def test_a_placeholder_is_one_token() -> None:
    words, extents = tokenise("to [PERSON_12]: [X] [DATE_OF_BIRTH_1]")
    assert words == ["to", "[PERSON_12]", ":", "[", "X", "]", "[DATE_OF_BIRTH_1]"]
    assert extents[1] == (3, 14)


@given(st.text())
def test_every_token_stands_where_its_extent_says(text: str) -> None:
    words, extents = tokenise(text)
    assert [text[start:end] for start, end in extents] == words


@given(st.text())
def test_tokens_ascend_and_leave_out_nothing_but_spaces(text: str) -> None:
    _, extents = tokenise(text)
    outside = []
    reached = 0
    for start, end in extents:
        assert reached <= start < end
        outside.append(text[reached:start])
        reached = end
    outside.append(text[reached:])
    left_out = "".join(outside)
    assert "\n" not in left_out
    assert not left_out or left_out.isspace()


WORDS = st.lists(st.sampled_from(["a", "b", ".", "\n", "?"]), max_size=90)


@given(WORDS, st.integers(2, 20), st.integers(0, 6))
def test_windows_keep_every_token_once_and_read_around_it(
    words: list[str], longest: int, margin: int
) -> None:
    kept = []
    for read_from, keep_from, keep_to, read_to in windows(words, longest=longest, margin=margin):
        kept += range(keep_from, keep_to)
        assert keep_to - keep_from <= longest
        if len(words) > longest:
            assert read_from == max(0, keep_from - margin)
            assert read_to == min(len(words), keep_to + margin)
    assert kept == list(range(len(words)))


def test_a_window_ends_after_the_last_line_break_of_its_second_half() -> None:
    # Of tokens 0 to 9 the second half is 5 to 9; the break at 6 wins over the full stop at 8.
    words = ["a"] * 14
    words[3] = words[6] = "\n"
    words[8] = "."
    assert windows(words, longest=10, margin=2) == [(0, 0, 7, 9), (5, 7, 14, 14)]


def test_without_a_line_break_a_window_ends_after_a_full_stop() -> None:
    words = ["a"] * 14
    words[8] = "."
    assert windows(words, longest=10, margin=0) == [(0, 0, 9, 9), (9, 9, 14, 14)]
