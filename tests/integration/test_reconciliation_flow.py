"""In a finished world every planned call has its row; a row less, twice or from elsewhere shows."""

import polars as pl
import pytest

from eval_pipeline.flows import reconciliation
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    DRIFT_TRIALS,
    REFUTATIONS,
    REGRESSION_TRIALS,
    VERDICTS,
)
from tests.scenario import CANDIDATE, WEEKS

WEEK = WEEKS[-1]


def of_verdicts(pipeline, rows):
    anonymised = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=WEEK)
    return reconciliation.reconcile_verdicts(pipeline, anonymised, rows)


def of_refutations(pipeline, rows):
    return reconciliation.reconcile_refutations(
        pipeline,
        pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=WEEK),
        verdicts=pipeline.lake.read(VERDICTS, partition=WEEK),
        found=rows,
        week=WEEK,
    )


def of_drift(pipeline, rows):
    return reconciliation.reconcile_drift(pipeline, rows, week=WEEK)


def of_candidate(pipeline, rows):
    candidate = resolve_candidate(pipeline.project, CANDIDATE)
    return reconciliation.reconcile_candidate(pipeline, candidate, rows)


@pytest.mark.parametrize(
    ("table", "item", "reconciled"),
    [
        (VERDICTS, "interaction_id", of_verdicts),
        (REFUTATIONS, "interaction_id", of_refutations),
        (DRIFT_TRIALS, "item_id", of_drift),
        (REGRESSION_TRIALS, "item_id", of_candidate),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_rows_are_held_to_the_plan_of_their_inputs(finished_world, table, item, reconciled):
    partition = CANDIDATE if table is REGRESSION_TRIALS else WEEK
    with finished_world.pipeline() as pipeline:
        rows = pipeline.lake.read(table, partition=partition)
        last = rows.tail(1)
        stranger = last.with_columns(pl.lit("nobody asked this").alias(item))
        whole = reconciled(pipeline, rows)
        assert whole["reconciled"].all()
        assert whole["planned"].sum() == rows.height > 0
        for wrong, counted in (
            (rows.head(-1), "missing"),
            (pl.concat([rows, last]), "repeated"),
            (pl.concat([rows, stranger]), "unplanned"),
        ):
            found = reconciled(pipeline, wrong)
            assert not found["reconciled"].all()
            assert found[counted].sum() == 1
