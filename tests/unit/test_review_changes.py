"""What a file changes, played against a store that keeps every row."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.errors import ReviewError
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.review.interchange.changes import SAME_INSTANT, chains_of, plan
from eval_pipeline.review.interchange.forms import LabelLine
from eval_pipeline.review.interchange.people import People, named_people
from eval_pipeline.review.interchange.report import Parsed, Place, Row

NINE = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)


def said(label: str = "pass", *, minutes: int = 0, dated: bool = True, **changes: Any) -> Row:
    values = {"task_id": "t1", "annotator_id": "ana", "label": label, **changes}
    at = NINE + dt.timedelta(minutes=minutes)
    return Row(Place(1), LabelLine.model_validate({**values, "labelled_at": at}), dated)


class Kept:
    """The rows that a store would hold, and what the imports did."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def take(self, *rows: Row) -> tuple[int, int, int, int, int]:
        """New, corrected, known, older and refused."""
        chains = chains_of(self.rows, key="label_id", by="annotator_id", at="labelled_at")
        made = plan(Parsed(rows), chains)
        for one in made.to_record:
            row = dict(one.line)
            row["criteria_json"] = canonical_json(list(row.pop("criteria") or []))
            self.rows.append(row)
        corrected = sum(one.correction for one in made.to_record)
        new = len(made.to_record) - corrected
        return new, corrected, made.known, made.superseded, len(made.problems)

    def standing(self) -> list[tuple[str, str]]:
        corrected = {row["corrects"] for row in self.rows}
        return [
            (row["annotator_id"], row["label"])
            for row in self.rows
            if row["label_id"] not in corrected
        ]


def test_the_same_file_twice_changes_nothing() -> None:
    kept, file = Kept(), (said("pass"), said("fail", annotator_id="ben"))
    assert kept.take(*file) == (2, 0, 0, 0, 0)
    assert kept.take(*file) == (0, 0, 2, 0, 0)
    assert kept.take(
        *(said(row.line.label, minutes=5, annotator_id=row.line.by) for row in file)
    ) == (
        0,
        0,
        2,
        0,
        0,
    )


def test_a_changed_answer_corrects_the_earlier_one_and_the_older_file_changes_nothing() -> None:
    kept, older, newer = Kept(), said("pass"), said("fail", minutes=5, rationale="late")
    kept.take(older)
    assert kept.take(newer) == (0, 1, 0, 0, 0)
    assert kept.rows[1]["corrects"] == kept.rows[0]["label_id"]
    assert kept.take(older) == (0, 0, 1, 0, 0)
    assert kept.take(newer) == (0, 0, 1, 0, 0)
    assert kept.standing() == [("ana", "fail")]


def test_an_answer_changed_back_is_a_further_correction_with_an_id_of_its_own() -> None:
    kept = Kept()
    for minutes, label in enumerate(["pass", "fail", "pass", "fail"]):
        kept.take(said(label, minutes=minutes))
    assert len({row["label_id"] for row in kept.rows}) == 4
    assert kept.standing() == [("ana", "fail")]
    assert kept.take(said("pass", minutes=0), said("fail", minutes=3)) == (0, 0, 2, 0, 0)


def test_a_version_that_nobody_imported_in_time_is_older_than_what_stands() -> None:
    kept = Kept()
    kept.take(said("pass", minutes=9))
    assert kept.take(said("fail", minutes=5)) == (0, 0, 0, 1, 0)


def test_two_answers_of_one_instant_are_refused_and_of_two_instants_the_later_stands() -> None:
    kept = Kept()
    assert kept.take(said("pass"), said("fail")) == (1, 0, 0, 0, 1)
    assert kept.take(
        said("fail", annotator_id="ben", minutes=2), said("pass", annotator_id="ben")
    ) == (
        1,
        1,
        0,
        0,
        0,
    )
    assert kept.standing() == [("ana", "pass"), ("ben", "fail")]
    assert "same instant" in SAME_INSTANT


def test_without_a_time_what_was_said_once_changes_nothing() -> None:
    kept = Kept()
    kept.take(said("pass", dated=False))
    assert kept.take(said("fail", dated=False, minutes=1)) == (0, 1, 0, 0, 0)
    assert kept.take(said("pass", dated=False, minutes=2)) == (0, 0, 1, 0, 0)


def test_how_long_it_took_is_no_change_and_anything_said_is() -> None:
    kept = Kept()
    kept.take(said("fail", seconds=3, criteria=[True], reference_response=""))
    assert kept.take(said("fail", minutes=1, seconds=9, criteria=[True])) == (0, 0, 1, 0, 0)
    changes: Sequence[dict[str, Any]] = [
        {"criteria": [False]},
        {"confidence": "low"},
        {"failure_mode": "late"},
        {"rationale": "so"},
        {"reference_response": "At 10."},
    ]
    for minutes, change in enumerate(changes, 2):
        assert kept.take(said("fail", minutes=minutes, **change)) == (0, 1, 0, 0, 0)


def test_a_row_that_names_what_it_corrects_is_taken_as_it_says() -> None:
    kept = Kept()
    kept.take(said("pass", label_id="mine"))
    correction = said("fail", minutes=-5, corrects="mine")
    assert kept.take(correction) == (1, 0, 0, 0, 0)
    assert kept.take(correction) == (0, 0, 1, 0, 0)
    assert kept.standing() == [("ana", "fail")]


@given(
    st.lists(
        st.lists(
            st.builds(
                said,
                st.sampled_from(["pass", "fail", "cannot_tell"]),
                minutes=st.integers(0, 5),
                annotator_id=st.sampled_from(["ana", "ben"]),
            ),
            max_size=5,
        ),
        max_size=4,
    )
)
def test_of_files_in_their_order_the_last_word_stands_and_any_of_them_again_changes_nothing(
    files: list[list[Row]],
) -> None:
    kept, last = Kept(), {}
    for number, file in enumerate(files):
        dated = [
            replace(row, line=row.line.model_copy(update={"labelled_at": later}))
            for row in file
            for later in [row.line.labelled_at + dt.timedelta(hours=number)]
        ]
        files[number] = dated
        assert sum(kept.take(*dated)) == len(dated)
        for row in sorted(dated, key=lambda row: row.line.at):
            known = last.get(row.line.by)
            # Of two answers of one instant the first in the file is taken.
            if known is None or row.line.at > known.at:
                last[row.line.by] = row.line
    assert sorted(kept.standing()) == sorted((who, line.label) for who, line in last.items())
    assert len({row["label_id"] for row in kept.rows}) == len(kept.rows)
    before = list(kept.rows)
    for file in files:
        kept.take(*file)
    assert kept.rows == before


def test_people_are_mapped_by_name_without_regard_to_case() -> None:
    people = People({"Ana", "ana", "ben"}, named_people({"X@Example.org": "ben", 7: "ana"}))
    assert [people.find(name) for name in ("Ana", "ana", "x@EXAMPLE.org", 7, "7", "BEN")] == [
        "Ana",
        "ana",
        "ben",
        "ana",
        "ana",
        "ben",
    ]
    assert people.find(None, True, 1.5, "nobody") is None


@pytest.mark.parametrize(
    "value", [[], "x", {"a": ["ana"]}, {"a": ""}, {None: "ana"}, {"a": "ana", "A": "ben"}]
)
def test_a_mapping_of_people_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ReviewError, match="--annotators"):
        named_people(value)


def test_a_mapping_to_somebody_who_is_not_at_the_desk_is_refused_without_naming_them() -> None:
    with pytest.raises(ReviewError, match="1 of 2 entries") as error:
        People({"ana"}, {"x": "ana", "y": "jo@example.org"})
    assert "jo@" not in str(error.value)
