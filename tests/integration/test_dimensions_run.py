"""A route with several scorers, through the real jobs: scored, compared, shown, and not gated."""

import json

import polars as pl
import pytest

from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.decision_pages import read_page
from eval_pipeline.settings.policy_dimensions import BUILT_IN
from eval_pipeline.tables import (
    DIMENSION_REPORT,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
    TRIAL_DIMENSIONS,
)
from tests.scenario import CANDIDATE, World, requests_seen

pytestmark = pytest.mark.slow

ROUTE = "order_status"
FIELDS = ["order_number", "status", "eta_days"]
SEVERAL = [
    {"scorer": "fields", "fields": FIELDS},
    {"scorer": "required_fields", "fields": FIELDS, "types": {"eta_days": "integer"}},
    {"scorer": "panel", "name": "judged"},
]


def test_a_route_of_three_scorers_is_reported_by_each_and_decided_by_its_first(
    world: World, provider
):
    with world.pipeline() as pipeline:
        before = pipeline.lake.read(REGRESSION_TRIALS, partition=CANDIDATE)
        gated = pipeline.lake.read(REGRESSION_REPORT, partition=CANDIDATE)
    world.configure(lambda tree: tree["scoring"].update({ROUTE: SEVERAL}))
    asked = requests_seen(provider)
    with world.session() as session:
        session.launcher.launch("gate", partition=CANDIDATE)
    with world.pipeline() as pipeline:
        trials = pipeline.lake.read(REGRESSION_TRIALS, partition=CANDIDATE)
        scores = pipeline.lake.read(TRIAL_DIMENSIONS, partition=CANDIDATE)
        report = pipeline.lake.read(DIMENSION_REPORT, partition=CANDIDATE)
        page = read_page(pipeline, CANDIDATE)
        decision = load_decision(pipeline, CANDIDATE)
        assert pipeline.lake.read(REGRESSION_REPORT, partition=CANDIDATE).equals(gated)
        judges = len(pipeline.settings.judges)

    # What decides is what decided before: F1 of the fields, by another name of the scorer.
    assert trials["score"].equals(before["score"], null_equal=True)
    deciding = scores.filter("deciding").select("arm", "item_id", "trial", "score")
    assert deciding.equals(trials.select("arm", "item_id", "trial", "score"), null_equal=True)

    own = scores.filter((pl.col("route") == ROUTE) & (pl.col("source") != "synthetic"))
    assert set(own["dimension"]) == {
        "fields.f1", "fields.precision", "fields.recall", "required_fields", "judged", *BUILT_IN,
    }  # fmt: skip
    others = scores.filter((pl.col("route") != ROUTE) & ~pl.col("dimension").is_in(BUILT_IN))
    assert others["deciding"].all()

    # Nothing but the judges' calls of the panel on this route's answers was asked and paid.
    compared = own.filter(
        (pl.col("dimension") == "judged") & ~pl.col("deciding") & pl.col("score").is_not_null()
    )
    assert compared.height
    new = requests_seen(provider) - asked
    assert 0 < new <= 2 * judges * compared.height

    _holds(trials, own)
    whole = report.filter(pl.col("subset") == "all")
    assert set(own["dimension"]) <= set(whole["dimension"])
    assert "Other dimensions" in page
    assert "Not gated" in page
    assert "judged" not in json.dumps(decision.model_dump(mode="json"))


def _holds(trials: pl.DataFrame, own: pl.DataFrame) -> None:
    """`required_fields` of every answer is what reading the answer by hand says."""
    read = own.filter(pl.col("dimension") == "required_fields").join(
        trials.select("arm", "item_id", "trial", "response"), on=["arm", "item_id", "trial"]
    )
    assert read.height
    for row in read.drop_nulls("response").iter_rows(named=True):
        try:
            answer = json.loads(row["response"])
        except ValueError:
            answer = {}
        present = isinstance(answer, dict) and all(answer.get(name) is not None for name in FIELDS)
        right = present and isinstance(answer["eta_days"], int)
        assert row["score"] == float(right), row["item_id"]
