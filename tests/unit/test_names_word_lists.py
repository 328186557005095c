from importlib.resources import files
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.anonymisation.names.facts import ordinal, plural_of
from eval_pipeline.anonymisation.names.ways import EVERY, filled, way_of
from eval_pipeline.anonymisation.names.word_lists import entries, read_entries
from eval_pipeline.settings import Language

LANGUAGES = get_args(Language)


def test_a_line_is_an_entry_unless_it_is_empty_or_a_comment() -> None:
    assert read_entries("# what follows\nApt.\n\n#\n#0\n") == ("Apt.", "#", "#0")


def test_a_break_in_an_entry_is_written_as_two_characters() -> None:
    assert read_entries("Box 1\\nAPO\n") == ("Box 1\nAPO",)


def test_every_file_of_words_can_be_read_and_holds_clean_entries() -> None:
    folder = files("eval_pipeline.anonymisation.names") / "words"
    read = []
    for part in folder.iterdir():
        for file in part.iterdir():
            language = part.name if part.name in LANGUAGES else None
            found = entries(file.name.removesuffix(".txt"), language)
            assert found
            assert all(entry == entry.strip() != "" for entry in found), file.name
            read.append((part.name, file.name))
    assert {part for part, _ in read} == {*LANGUAGES, "all"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_year_has_twelve_months_and_a_week_seven_days(language: Language) -> None:
    assert len(set(entries("months", language))) == 12
    assert len(set(entries("weekdays", language))) == 7


def test_a_way_is_taken_by_the_share_that_holds_the_roll() -> None:
    ways = ((0.25, "first"), (0.5, "second"), (EVERY, "rest"))
    assert [way_of(roll, ways) for roll in (0.0, 0.2499, 0.25, 0.4999, 0.5, 0.9999)] == [
        "first", "first", "second", "second", "rest", "rest",
    ]  # fmt: skip


@given(st.lists(st.sampled_from(["x", "y"]), max_size=6))
def test_slots_are_drawn_in_the_order_in_which_they_stand(names: list[str]) -> None:
    drawn: list[str] = []

    def draw(name: str) -> str:
        drawn.append(name)
        return f"{name}{len(drawn)}"

    made = filled(
        "-".join(f"{{{name}}}" for name in names), {"x": lambda: draw("x"), "y": lambda: draw("y")}
    )
    assert drawn == names
    assert made == "-".join(f"{name}{n}" for n, name in enumerate(names, start=1))


@pytest.mark.parametrize(
    ("language", "group", "plural"),
    [
        ("en", "Canadian", "Canadians"),
        ("en", "Chinese", "Chinese"),
        ("en", "Swiss", "Swiss"),
        ("en", "Polish", "Poles"),
        ("de", "Pole", "Polen"),
        ("de", "Polin", "Polinen"),
        ("de", "Berliner", "Berliner"),
        ("fr", "belge", "belges"),
        ("fr", "français", "français"),
        ("es", "español", "españoles"),
        ("es", "cubano", "cubanos"),
        ("es", "iraní", "iraní"),
    ],
)
def test_the_plural_of_a_group(language: Language, group: str, plural: str) -> None:
    assert plural_of(group, language=language) == plural


def test_ordinals_of_days() -> None:
    assert [ordinal(day) for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "31st",
    ]  # fmt: skip
