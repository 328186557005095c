from eval_pipeline.anonymisation.names.marked import (
    Marked,
    appended,
    around_names,
    names_lowered,
    recased,
    without_marks,
)
from eval_pipeline.anonymisation.names.training import labelled

ANNA = Marked("Anna, hi.", ((0, 4, "PERSON"),))


def test_names_are_lowered_where_they_stand() -> None:
    assert names_lowered(ANNA) == Marked("anna, hi.", ANNA.spans)
    turkish = Marked("İda, hi", ((0, 3, "PERSON"),))  # its first letter would become two
    assert names_lowered(turkish) == turkish


def test_a_text_is_recased_unless_that_would_move_what_follows() -> None:
    assert recased(ANNA, str.upper) == Marked("ANNA, HI.", ANNA.spans)
    sharp = Marked("Voß, hi", ((0, 3, "PERSON"),))
    assert recased(sharp, str.upper) == sharp


def test_marks_become_spaces_of_the_same_width() -> None:
    assert without_marks(Marked("Hi. 1,5 a.b, no?", ())).text == "Hi  1,5 a.b  no "


def test_letters_around_names() -> None:
    assert around_names(ANNA) == ["h", "i"]


def test_a_follower_is_moved_behind_the_gap() -> None:
    joined = appended(ANNA, ANNA, gap="\n\n")
    assert joined == Marked("Anna, hi.\n\nAnna, hi.", ((0, 4, "PERSON"), (11, 15, "PERSON")))


def test_every_token_that_a_name_touches_has_its_label_but_line_breaks() -> None:
    text = Marked("At 1 High St\nOslo now", ((3, 17, "ADDRESS"),))
    assert labelled(text) == [
        ("At", "O"), ("1", "ADDRESS"), ("High", "ADDRESS"), ("St", "ADDRESS"), ("\n", "O"),
        ("Oslo", "ADDRESS"), ("now", "O"),
    ]  # fmt: skip
