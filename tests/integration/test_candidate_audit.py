"""People label a candidate's answers, and the gate's interval is corrected by what they say."""

import json
from dataclasses import replace

import polars as pl
import pytest

from eval_pipeline.cli.story import DESK
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.flows import review_exports, review_imports
from eval_pipeline.flows.candidate_audit import queue_audit
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.decision import load_decision
from eval_pipeline.review.candidate_tasks import is_audit_group
from eval_pipeline.tables import CANDIDATE_AUDIT, HUMAN_CORRECTION
from tests.scenario import CANDIDATE, WEEKS

pytestmark = pytest.mark.slow


def answered(pipeline, group):
    """Both scripted reviewers label every task of the group, and disputes are adjudicated."""
    queue = [json.loads(line) for line in review_exports.export(pipeline, week=group).splitlines()]
    at = pipeline.clock().isoformat()

    def line(task, person, *, who, when):
        said = DESK.label(task["subject"], annotator=person)
        told = {"label": said.label, "rationale": said.rationale}
        return canonical_json({"task_id": task["task_id"], who: person, when: at, **told})

    labels = [
        line(task, person, who="annotator_id", when="labelled_at")
        for task in queue
        for person in DESK.annotators
    ]
    review_imports.import_labels(pipeline, "\n".join(labels), week=group)
    tasks = dict(pipeline.review.tasks(group).select("task_id", "state").iter_rows())
    decisions = [
        line(task, DESK.adjudicator, who="adjudicated_by", when="adjudicated_at")
        for task in queue
        if tasks[task["task_id"]] == "disputed"
    ]
    review_imports.import_adjudications(pipeline, "\n".join(decisions), week=group)
    return queue


def test_labels_of_a_candidate_s_answers_correct_its_decision_and_nothing_of_the_weeks(world):
    world.configure(lambda tree: tree["gate"].update(human={"audit_items": 25}))
    with world.session() as session:
        pipeline = session.pipeline
        before = load_decision(pipeline, CANDIDATE)
        weekly = {week: pipeline.review.status(week) for week in WEEKS}
        candidate = resolve_candidate(session.project, CANDIDATE)
        queued = queue_audit(pipeline, candidate)
        again = queue_audit(pipeline, candidate)
        queue = answered(pipeline, queued.group)
        session.launcher.launch("gate", partition=CANDIDATE)
        after = load_decision(pipeline, CANDIDATE)
        audit = pipeline.lake.read(CANDIDATE_AUDIT, partition=CANDIDATE)
        correction = pipeline.lake.read(HUMAN_CORRECTION, partition=CANDIDATE)

        assert queued.opened == queued.tasks == len(queue) > 25
        assert again == replace(queued, opened=0)
        assert is_audit_group(queued.group)
        assert pipeline.review.weeks() == list(WEEKS)
        assert {week: pipeline.review.status(week) for week in WEEKS} == weekly
        # A reviewer sees the conversation, the criteria and one answer.
        assert {name for task in queue for name in task["subject"]} == {
            "route", "criteria", "messages", "response",
        }  # fmt: skip

        assert before.judge_only
        assert not before.aggregate.corrected
        assert not after.judge_only
        whole = correction.filter(subset="all").row(0, named=True)
        assert whole["state"] == "used"
        assert whole["annotator_kind"] == "scripted"
        assert whole["labelled"] == whole["drawn"] == audit["item_id"].n_unique()
        assert audit.filter(pl.col("label_probability") <= 0).is_empty()
        assert after.aggregate.method == "corrected_t"
        assert after.aggregate.human_labels == whole["labelled"]
        assert after.aggregate.judge_difference == pytest.approx(before.aggregate.difference)
        assert after.aggregate.difference == pytest.approx(
            after.aggregate.judge_difference + after.aggregate.rectifier
        )
        told = json.loads(
            pipeline.lake.read_bytes(f"gate_decision/candidate={CANDIDATE}/decision.json")
        )
        assert told["aggregate"]["rectifier"] == after.aggregate.rectifier
        assert any("scripts that stand in for people" in reason for reason in after.reasons)


def test_the_command_queues_once_and_says_how_far_people_are(world):
    first = world.run("review", "audit-candidate", "--candidate", CANDIDATE, "--json")
    second = json.loads(
        world.run("review", "audit-candidate", "--candidate", CANDIDATE, "--json").out
    )
    told = json.loads(first.out)
    assert first.code == 0
    assert told["opened"] == told["tasks"] == second["tasks"] > 0
    assert second["opened"] == 0
    assert told["correction"] == "too_few"
    assert told["states"]["open"] >= told["tasks"]
