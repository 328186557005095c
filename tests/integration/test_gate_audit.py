"""The gate's audit as a team runs it, in the finished small world."""

import json
from dataclasses import replace

import polars as pl
import pytest

from eval_pipeline.evaluation.decision_inputs import Decided, DecisionInputs, decided
from eval_pipeline.flows import gate_audit as flow
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.decision import decide_on
from eval_pipeline.flows.replay import replay
from eval_pipeline.tables import GATE_AUDIT, GATE_DECISION
from tests.scenario import CANDIDATE, WEEKS, World, requests_seen

pytestmark = pytest.mark.slow


def audit_of(world: World, week: str = WEEKS[1]) -> pl.DataFrame:
    with world.pipeline() as pipeline:
        return pipeline.lake.read(GATE_AUDIT, partition=week)


def test_the_story_audits_the_gate_before_its_first_candidate(world):
    audit = audit_of(world)
    assert audit["basis"].unique().to_list() == [f"drift_trials:{WEEKS[1]}"]
    assert audit["golden_version"].unique().to_list() == [2]
    made = audit.filter(pl.col("runs") > 0)
    assert set(made["fault"]) >= {
        "nothing", "regression", "dropped_rows", "dropped_failures", "swapped_labels",
        "biased_judge",
    }  # fmt: skip
    # Nobody pinned a system in the story, and the audit says so instead of a rate.
    drift = audit.filter(fault="model_change")
    assert set(drift["finding"]) == {"not_made"}
    assert drift["rate"].null_count() == drift.height
    assert all("drift pin" in note for note in drift["note"])
    assert not audit.filter(finding="exceeded").height


def test_auditing_writes_its_own_table_and_pays_nothing(world, provider):
    files, asked = world.files(), requests_seen(provider)
    attempts = world.count("call_attempts")
    ended = world.run("audit", "--week", WEEKS[1], "--again", "--json")
    assert ended.code == 0, ended.err
    changed = {name for name, content in world.files().items() if files.get(name) != content}
    assert {name.split("/")[0] for name in changed} <= {"gate_audit"}
    assert requests_seen(provider) == asked
    assert world.count("call_attempts") == attempts
    # Trials of a candidate are there by now, and are what is copied.
    told = json.loads(ended.out)
    assert {row["basis"] for row in told["rates"]} == {f"candidate:{CANDIDATE}"}
    before = world.files()
    assert world.run("audit", "--week", WEEKS[1], "--again").code == 0
    assert world.files() == before


def test_the_command_reads_and_makes_what_is_asked_for(world):
    newest = json.loads(world.run("audit", "--json").out)
    assert newest["week"] == WEEKS[1]
    assert {row["week"] for row in newest["weeks"]} == set(WEEKS)
    (world.lake / "gate_audit" / f"week={WEEKS[0]}" / "part-0.parquet").unlink()
    older = json.loads(world.run("audit", "--week", WEEKS[0], "--json").out)
    assert {row["week"] for row in older["weeks"]} == {WEEKS[0]}
    assert "is a Tuesday" in world.run("audit", "--week", "2026-09-08").err


def test_the_pages_show_the_rates_and_their_course(world):
    assert world.run("report", "--week", WEEKS[1]).code == 0
    week = (world.lake / "weekly_report" / f"week={WEEKS[1]}" / "week.html").read_text()
    decision = (
        world.lake / GATE_DECISION.name / f"candidate={CANDIDATE}" / "decision.html"
    ).read_text()
    for page in (week, decision):
        assert "Does the gate notice what is planted?" in page
        assert "missed: certified all the same" in page
        assert "What the gate made of planted faults, week by week" in page


def lenient(inputs: DecisionInputs) -> Decided:
    """A gate whose tolerances were lost: anything short of ruin is certified."""
    wide = inputs.policy.model_copy(
        update={"aggregate_tolerance": 0.9, "tolerances": {"default": 0.9}}
    )
    return decided(replace(inputs, policy=wide))


def test_a_gate_that_failed_its_audit_passes_nobody_and_says_so(world):
    world.configure(
        lambda tree: tree["gate"].update(
            audit={"replications": 10, "sizes": [2.0], "drifts": [0.2]}
        )
    )
    with world.pipeline() as pipeline:
        audit = flow.audit_week(pipeline, week=WEEKS[1], decide=lenient)
        assert audit.filter(finding="exceeded", fault="regression", measure="missed").height
        pipeline.lake.replace(GATE_AUDIT, audit, partition=WEEKS[1])
    assert world.run("gate", "--candidate", CANDIDATE).code != 0
    with world.pipeline() as pipeline:
        made = decide_on(pipeline, resolve_candidate(pipeline.project, CANDIDATE))
        told = " ".join(made.decision.reasons)
        assert made.decision.verdict != "pass"
        assert "with a planted loss of" in told
        assert "A gate that misses planted losses certifies nothing" in told
        # What it read is on record: the audit can be made anew, and the decision stays as it was.
        record = pipeline.decision_records.load(made.decision.decision_id)
        assert record.inputs.evidence.audit.drop("week").equals(audit)
        assert replay(record).identical
    explained = json.loads(world.run("explain", CANDIDATE, "--json").out)
    assert explained["gate_audit"]["week"] == WEEKS[1]
    assert explained["gate_audit"]["problems"]
    shown = " ".join(world.run("explain", CANDIDATE).out.split())
    assert f"gate audited {WEEKS[1]}" in shown
