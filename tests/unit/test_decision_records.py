"""What is kept of a decision, and the decision made again from it."""

import json
from dataclasses import replace

import polars as pl
import pytest

from eval_pipeline.adapters.decision_records import DecisionRecords
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.errors import CorruptFileError, UnknownDecisionError
from eval_pipeline.evaluation.decision import decisions_with, newest_row
from eval_pipeline.evaluation.decision_inputs import DecisionInputs, bare, decided
from eval_pipeline.evaluation.explaining import items_of, looks_of
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.flows.replay import replay
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import GATE_DECISION, OPERATIONS_REPORT, REGRESSION_TRIALS

POLICY = GateSettings(looks=(), tolerances={"default": 0.3}, aggregate_tolerance=0.3)


def trials(items: int = 30, *, lost: int = 2, missing: int = 0) -> pl.DataFrame:
    """Thirty items in two conversations each of two; the candidate loses the first `lost`."""
    rows = [
        {
            "arm": arm, "system_id": arm, "item_id": f"item-{number:02d}", "trial": 1,
            "source": "golden", "look": 1, "golden_version": 3, "route": "orders",
            "subsets": ["refunds"], "cluster_id": f"conversation of anna {number // 2}",
            "scorer": "exact", "response": "a text", "status": "answered", "attempts": 1,
            "score": None if arm == "candidate" and number >= items - missing
            else float(not (arm == "candidate" and number < lost)),
            "score_error": "timeout" if arm == "candidate" and number >= items - missing else None,
        }
        for number in range(items)
        for arm in ("baseline", "candidate")
    ]  # fmt: skip
    return REGRESSION_TRIALS.conform(pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema))


def inputs(**changes: object) -> DecisionInputs:
    made = DecisionInputs(
        candidate_id="sharper",
        baseline_id="steady",
        golden_version=3,
        policy=POLICY,
        subsets=("refunds",),
        trials=bare(trials()),
        reserve=None,
        judge_bias=None,
        evidence=Evidence(
            operations=OPERATIONS_REPORT.empty(), golden_age_days=7, notes=("A note.",)
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def records(tmp_path) -> DecisionRecords:
    return DecisionRecords(Lake(str(tmp_path)))


def test_what_is_kept_of_trials_gives_the_same_figures_and_names_nobody() -> None:
    whole, kept = inputs(trials=trials(lost=5)), inputs(trials=bare(trials(lost=5)))
    assert decided(whole).report.equals(decided(kept).report)
    assert decided(whole).decision == decided(kept).decision
    assert kept.trials["response"].null_count() == kept.trials.height
    assert not any("anna" in name for name in kept.trials["cluster_id"])
    assert kept.trials["cluster_id"].n_unique() == 15


def test_a_decision_made_again_from_its_record_is_the_same(records) -> None:
    made = decided(inputs())
    records.keep(made, inputs())
    again = replay(records.load(made.decision.decision_id))
    assert again.identical
    assert again.other_versions == {}
    loaded = records.load(made.decision.decision_id).inputs
    assert loaded.policy == POLICY
    assert loaded.evidence.golden_age_days == 7
    assert loaded.evidence.notes == ("A note.",)
    assert loaded.evidence.operations is not None
    assert loaded.evidence.drift is None


def test_a_replay_names_every_figure_that_came_out_otherwise(records) -> None:
    made = decided(inputs())
    records.keep(made, inputs(trials=bare(trials(lost=3))))
    again = replay(records.load(made.decision.decision_id))
    assert not again.identical
    assert "report, subset 'refunds', losses: 2 then, 3 now" in again.differences
    assert any(line.startswith("decision.aggregate.difference: ") for line in again.differences)


def test_a_record_that_was_tampered_with_is_refused(records, tmp_path) -> None:
    made = decided(inputs())
    records.keep(made, inputs())
    folder = tmp_path / "decision_records" / made.decision.decision_id
    file = folder / "trials.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CorruptFileError, match="not what the record names"):
        records.load(made.decision.decision_id)
    file.unlink()
    with pytest.raises(CorruptFileError, match="it is gone"):
        records.load(made.decision.decision_id)
    file.write_bytes(whole)
    record = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps({**record, "policy": {"confidence": 7}}))
    with pytest.raises(CorruptFileError, match="not a record"):
        records.load(made.decision.decision_id)


def test_a_decision_is_found_by_the_first_letters_of_its_id(records) -> None:
    made = decided(inputs())
    records.keep(made, inputs())
    decision_id = made.decision.decision_id
    assert records.identify(decision_id[:6]) == decision_id
    assert records.identify(decision_id[:5]) is None
    assert records.identify("nothing-like-it") is None
    with pytest.raises(UnknownDecisionError, match="no decision 'unknown'"):
        records.load("unknown")


def test_equal_decisions_share_the_first_record(records, tmp_path) -> None:
    made = decided(inputs())
    records.keep(made, inputs())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    records.keep(made, inputs(subsets=()))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_no_decision_overwrites_another_and_the_last_one_holds() -> None:
    first = decided(inputs()).decision
    other = decided(inputs(trials=bare(trials(lost=3)))).decision
    history = GATE_DECISION.empty()
    for decision in (first, first, other, first):
        history = decisions_with(history, decision)
    assert history["sequence"].to_list() == [1, 2, 3]
    assert history["decision_id"].to_list() == [
        first.decision_id, other.decision_id, first.decision_id,
    ]  # fmt: skip
    assert newest_row(history)["sequence"] == 3


def test_items_are_told_losses_first_then_what_is_missing() -> None:
    told = items_of(inputs(trials=bare(trials(lost=2, missing=1))), "refunds")
    assert [one.item_id for one in told[:4]] == ["item-00", "item-01", "item-29", "item-02"]
    assert [one.difference for one in told[:4]] == [-1.0, -1.0, None, 0.0]
    assert told[2].errors == {"candidate": "timeout"}
    assert items_of(inputs(), "unheard of") == []


def test_a_subset_is_told_look_by_look() -> None:
    policy = GateSettings(looks=(60,), tolerances={"default": 0.1}, aggregate_tolerance=0.1)
    topped_up = trials(60, lost=4).with_columns(
        look=pl.when(pl.col("item_id") > "item-29").then(2).otherwise(1).cast(pl.Int64)
    )
    rows = looks_of(inputs(policy=policy, trials=bare(topped_up)), "refunds")
    assert [(row["look"], row["items"], row["losses"]) for row in rows] == [(1, 30, 4), (2, 60, 4)]
    assert rows[0]["difference"] == pytest.approx(-4 / 30)
    assert rows[1]["difference"] == pytest.approx(-4 / 60)
