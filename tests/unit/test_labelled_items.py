"""Which interactions may enter the golden set, under which label and with which reference."""

import datetime as dt

import polars as pl
import pytest

from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    PANEL_VERDICTS,
    STRATIFIED_INTERACTIONS,
)
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS, labelled_items

WEEK = "2026-09-07"
OCCURRED = dt.datetime(2026, 9, 8, 12, tzinfo=dt.UTC)
SETTLED_ON = dt.date(2026, 9, 15)
IDS = ("a", "b", "c", "d", "e", "r")
"""a: panel pass · b: panel fail · c: panel pass, people fail · d: no panel verdict, people pass ·
e: neither · r: reserve."""


def filled(table, rows):
    """Rows with a plausible value in every column that they leave out."""
    return pl.DataFrame(
        [{**dict.fromkeys(table.schema), **row} for row in rows], schema=table.schema
    )


@pytest.fixture
def items() -> dict[str, dict]:
    frame = labelled_items(
        anonymised=filled(
            ANONYMISED_INTERACTIONS,
            [
                {
                    "interaction_id": one,
                    "messages": [{"role": "user", "content": f"question {one}"}],
                    "response": f"answer {one}",
                    "user_key": f"user {one}",
                    "occurred_at": OCCURRED,
                }
                for one in IDS
            ],
        ),
        stratified=filled(
            STRATIFIED_INTERACTIONS,
            [
                {"interaction_id": one, "selection": "reserve" if one == "r" else "sample"}
                for one in IDS
            ],
        ),
        panel_verdicts=filled(
            PANEL_VERDICTS,
            [
                {"interaction_id": "a", "panel_verdict": "pass"},
                {"interaction_id": "b", "panel_verdict": "fail"},
                {"interaction_id": "c", "panel_verdict": "pass"},
                {"interaction_id": "d", "panel_verdict": None},
                {"interaction_id": "r", "panel_verdict": "pass"},
            ],
        ),
        adjudications=filled(
            ADJUDICATIONS,
            [
                {
                    "interaction_id": "c",
                    "label": "fail",
                    "settled_by": "adjudication",
                    "annotator_kind": "person",
                    "reference_response": "a better answer",
                    "labelled_on": SETTLED_ON,
                },
                {
                    "interaction_id": "d",
                    "label": "pass",
                    "settled_by": "agreement",
                    "annotator_kind": "person",
                    "labelled_on": SETTLED_ON,
                },
            ],
        ),
        week=WEEK,
    )
    assert frame.columns == ["interaction_id", *CANDIDATE_COLUMNS]
    return {row["interaction_id"]: row for row in frame.iter_rows(named=True)}


def test_only_sampled_interactions_with_a_label_may_enter(items):
    assert list(items) == ["a", "b", "c", "d"]


def test_a_person_s_label_wins_over_the_panel_s(items):
    labels = {one: (row["reference_label"], row["label_source"]) for one, row in items.items()}
    assert labels == {
        "a": ("pass", "panel"),
        "b": ("fail", "panel"),
        "c": ("fail", "adjudication"),
        "d": ("pass", "agreement"),
    }


def test_a_failed_response_is_never_its_own_reference(items):
    references = {one: row["reference_response"] for one, row in items.items()}
    assert references == {"a": "answer a", "b": None, "c": "a better answer", "d": "answer d"}
    assert items["b"]["logged_response"] == "answer b"


def test_a_label_is_dated_by_the_person_or_by_the_interaction(items):
    assert items["a"]["labelled_on"] == OCCURRED.date()
    assert items["c"]["labelled_on"] == SETTLED_ON
    assert {row["week"] for row in items.values()} == {WEEK}
