import pytest

from eval_pipeline.anonymisation.names.features import attributes_of, case_flags, cases_of
from eval_pipeline.anonymisation.names.lexicon import Lexicon, Listed

KNOWN = Lexicon(listed={"anna": Listed.FIRST}, ranks={"hi": 500})


def test_the_features_of_a_name_after_a_greeting() -> None:
    # "hi" is in band 2 and listed nowhere: 1 + 0 * 5 + 2 = 3; "anna" is a first name of no band:
    # 1 + 1 * 5 + 0 = 6; the edge is 0. The line has two words, one of them lower: 4 > 2, so mixed.
    assert attributes_of(["hi", "Anna"], lexicon=KNOWN)[1] == [
        "-2:w=\x02", "-2:s=edge", "-2:k=0",
        "-1:w=hi", "-1:s=lower", "-1:k=3", "-1:x3=hi",
        "0:w=anna", "0:s=Capital", "0:k=6", "0:x3=nna", "0:f=FIRST",
        "ks=6|Capital", "b=0|Capital", "fs=FIRST|Capital", "fb=FIRST|0",
        "p=a", "x=a", "p=an", "x=na", "p=ann", "x=nna", "p=anna", "x=anna", "l=4",
        "1:w=\x02", "1:s=edge", "1:k=0",
        "2:w=\x02", "2:s=edge", "2:k=0",
        "ss=lower|Capital", "s+=Capital|edge", "kk=3|6", "k+=6|0", "ww=\x02|hi", "w+=\x02|\x02",
        "wk=hi|6C", "k+w=6C|\x02", "c=mixed|6|Capital",
    ]  # fmt: skip


def words_in(words: list[str]) -> list[str]:
    """The word that features hold for each token."""
    found = attributes_of(words, lexicon=KNOWN)
    return [next(name[4:] for name in names if name.startswith("0:w=")) for names in found]


def test_numbers_of_as_many_digits_are_one_word() -> None:
    assert words_in(["7", "42", "1987", "12345", "1234567"]) == [
        "0", "00", "0000", "000000", "000000",
    ]  # fmt: skip


def test_placeholders_of_a_kind_are_one_word_and_a_line_break_is_one() -> None:
    assert words_in(["[PERSON_1]", "[PERSON_27]", "\n"]) == ["[person]", "[person]", "\u00b6"]


def test_a_text_without_tokens_has_no_features() -> None:
    assert attributes_of([], lexicon=KNOWN) == []


@pytest.mark.parametrize(
    ("words", "case"),
    [
        (["my", "name", "is", "anna", "7"], "lower"),
        (["MY", "NAME", "IS", "anna"], "upper"),  # 3 of 4 in capitals: 12 >= 12
        (["My", "Name", "Is", "anna"], "title"),  # 1 of 4 lower: 4 <= 4
        (["My", "name", "is", "Anna"], "mixed"),  # 2 of 4 lower
        (["Anna", "!"], "mixed"),  # a single word says nothing
        (["I", "a"], "mixed"),  # words of one letter do not count
    ],
)
def test_the_case_of_a_line_is_told_by_its_words(words: list[str], case: str) -> None:
    assert cases_of(words) == [case] * len(words)


def test_each_line_has_its_own_case_and_line_breaks_are_mixed() -> None:
    words = ["DEAR", "ANNA", "\n", "\n", "all", "well", "\n"]
    assert cases_of(words) == ["upper", "upper", "mixed", "mixed", "lower", "lower", "mixed"]


def test_case_flags_of_words() -> None:
    assert case_flags("anna") == (True, True, False)
    assert case_flags("ANNA") == (True, False, True)
    assert case_flags("Anna") == (True, False, False)
    assert case_flags("A") == case_flags("42") == case_flags("'s") == (False, False, False)
