"""Planned calls and rows agree, or it is said in which system and how they do not."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.providers import ErrorCode
from eval_pipeline.errors import ReconciliationError
from eval_pipeline.judging.parsing import UNPARSABLE_CODE
from eval_pipeline.tables import (
    RECONCILED,
    outcome_kind,
    reconcile,
    require_reconciled,
)

SCHEMA = {
    "system": pl.String, "item_id": pl.String, "status": pl.String, "finish_reason": pl.String,
    "error_code": pl.String, "cost_usd": pl.Float64,
}  # fmt: skip


def rows(*given: tuple[str, str, str, str | None, str | None, float | None]) -> pl.DataFrame:
    return pl.DataFrame(list(given), schema=SCHEMA, orient="row")


def plan(*given: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        list(given), schema={"system": pl.String, "item_id": pl.String}, orient="row"
    )


def found(planned: pl.DataFrame, made: pl.DataFrame) -> list[dict[str, object]]:
    reconciled = reconcile(planned, made, key=("item_id",))
    assert reconciled.schema == RECONCILED
    return reconciled.to_dicts()


@pytest.mark.parametrize(
    ("status", "finish_reason", "error_code", "kind"),
    [
        ("answered", "stop", None, "answered"),
        ("answered", None, None, "answered"),
        ("answered", "length", None, "truncated"),
        ("answered", "MAX_TOKENS", None, "truncated"),
        ("refused", "content_filter", None, "refused"),
        ("failed", "stop", "empty_answer", "empty"),
        ("failed", "length", UNPARSABLE_CODE, "unparsable"),
        ("failed", None, "rate_limited", "failed:rate_limited"),
        ("failed", None, None, "failed:unknown"),
    ],
)
def test_every_outcome_has_one_kind(status, finish_reason, error_code, kind):
    assert outcome_kind(status, finish_reason=finish_reason, error_code=error_code) == kind


def test_the_code_of_an_empty_answer_is_one_that_providers_give():
    assert "empty_answer" in ErrorCode.__args__


def test_answered_refused_and_failed_add_up_to_what_was_planned():
    made = rows(
        ("a", "1", "answered", "stop", None, 0.1),
        ("a", "2", "answered", "length", None, 0.2),
        ("a", "3", "refused", "content_filter", None, None),
        ("a", "4", "failed", "stop", "unparsable", 0.3),
        ("a", "5", "failed", None, "rate_limited", None),
        ("a", "6", "failed", None, "rate_limited", None),
        ("b", "1", "answered", "stop", None, 0.5),
    )
    planned = plan(*((system, item) for system, item, *_ in made.iter_rows()))
    first, second = found(planned, made)
    # 2 answered (1 of them cut off) + 1 refused + 3 failed = 6 planned; 0.1 + 0.2 + 0.3
    assert first.pop("cost_usd") == pytest.approx(0.6)
    assert first == {
        "system": "a", "planned": 6, "answered": 2, "truncated": 1, "refused": 1, "failed": 3,
        "failures": "2 rate_limited, 1 unparsable", "missing": 0, "repeated": 0, "unplanned": 0,
        "reconciled": True,
    }  # fmt: skip
    assert (second["planned"], second["answered"], second["reconciled"]) == (1, 1, True)


ONE = ("a", "1", "answered", "stop", None, 0.1)
TWO = ("a", "2", "answered", "stop", None, 0.1)
STRANGE = ("a", "9", "answered", "stop", None, 0.1)
FOREIGN = ("z", "1", "answered", "stop", None, 0.1)


@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        ([ONE], {"a": (1, 0, 0)}),
        ([ONE, TWO, TWO], {"a": (0, 1, 0)}),
        ([ONE, ONE], {"a": (1, 1, 0)}),
        ([ONE, TWO, STRANGE], {"a": (0, 0, 1)}),
        ([ONE, STRANGE], {"a": (1, 0, 1)}),
        ([ONE, TWO, FOREIGN], {"z": (0, 0, 1)}),
        ([], {"a": (2, 0, 0)}),
    ],
)
def test_a_lost_a_repeated_and_a_foreign_row_are_each_found_in_their_system(made, wrong):
    planned = plan(("a", "1"), ("a", "2"))
    reconciled = reconcile(planned, rows(*made), key=("item_id",))
    bad = reconciled.filter(~pl.col("reconciled"))
    told = {
        row["system"]: (row["missing"], row["repeated"], row["unplanned"])
        for row in bad.iter_rows(named=True)
    }
    assert told == wrong
    with pytest.raises(ReconciliationError, match="Nothing was written"):
        require_reconciled(reconciled, table="verdicts")


def test_nothing_planned_and_nothing_made_is_reconciled():
    empty = reconcile(plan(), rows(), key=("item_id",))
    assert empty.is_empty()
    require_reconciled(empty, table="refutations")


@given(
    st.sets(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=12),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=12),
)
def test_it_is_reconciled_exactly_where_the_rows_are_the_plan(planned, made):
    frame = plan(*((system, str(item)) for system, item in sorted(planned)))
    told = rows(*((system, str(item), "answered", None, None, 1.0) for system, item in made))
    reconciled = reconcile(frame, told, key=("item_id",))
    assert reconciled["reconciled"].all() == (sorted(planned) == sorted(made))
    counted = reconciled.select(
        pl.col("answered") + pl.col("repeated") + pl.col("unplanned")
    ).to_series()
    assert counted.sum() == len(made)
