import pytest

from eval_pipeline.judging.quotes import occurs

TEXT = "We open at 9 on Mondays.\nOn Sundays we\u2019re closed, except on 15 December."


@pytest.mark.parametrize(
    "quote",
    [
        "We open at 9",
        "we OPEN  at\n9 on",
        "Mondays.\n| On Sundays",
        '"closed, except"',
        "we're closed",
        "We open ... closed",
        "\u2026on Sundays\u2026",
        "\uff19 on",
        "Mondays. On Sundays",
    ],
)
def test_words_of_the_text_occur_however_they_are_set(quote: str) -> None:
    assert occurs(quote, ["Another.", TEXT])


@pytest.mark.parametrize(
    "quote",
    [
        "", "  ", "...", '""', "5", "1", "We open at 8", "closed ... We open", "pen at", "|",
        "we are closed",
    ],
)  # fmt: skip
def test_what_does_not_stand_there_does_not_occur(quote: str) -> None:
    assert not occurs(quote, ["Another.", TEXT])


def test_a_quote_may_not_be_pieced_together_from_two_texts() -> None:
    assert not occurs("Another. We open", ["Another.", TEXT])


def test_scripts_without_spaces_have_no_word_edges() -> None:
    assert occurs("\u5929\u6c17", ["\u4eca\u65e5\u306e\u5929\u6c17\u306f\u6674\u308c"])
