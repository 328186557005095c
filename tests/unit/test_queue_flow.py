"""What the queue is made from: the lake's earlier weeks, the golden set, the gate and the store."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.adapters.review.records import NewAdjudication, NewLabel
from eval_pipeline.errors import ReviewError
from eval_pipeline.flows.queue import QueuedWeek, queue_week
from eval_pipeline.flows.queue_knowledge import knowledge_for
from eval_pipeline.flows.truth import publish_key, settle_week
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.allocation import allocate_frame
from eval_pipeline.intake.steering import GOLDEN_COLUMNS, REQUEST_COLUMNS, SPREAD_COLUMNS
from eval_pipeline.review.overrulings import Overruling
from eval_pipeline.review.value import GatedSubset
from eval_pipeline.settings_file import Project, load_project
from eval_pipeline.tables import (
    ADJUDICATIONS,
    DISPUTES,
    GATE_DECISION,
    GOLDEN_SET,
    JUDGE_CALIBRATION,
    MESSAGES,
    PANEL_VERDICTS,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
    Table,
)
from eval_pipeline.truth.entries import item_identity
from eval_pipeline.truth.golden_set import Change, Composition
from eval_pipeline.truth.manifest import Provenance

CONFIG = Path(__file__).parents[2] / "eval_pipeline.yaml"
WEEKS = ("2026-09-07", "2026-09-14", "2026-09-21", "2026-09-28")
WEEK = "2026-10-05"
AT = dt.datetime(2026, 10, 12, 9, tzinfo=dt.UTC)
RARE, COMMON = "invented_drug_interactions", "angry_customers"


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    loaded = load_project(CONFIG).settings
    review = loaded.review.model_copy(update={"weekly_budget": 10, "gold_check_share": 0.2})
    storage = loaded.storage.model_copy(
        update={"lake": "memory://", "store": f"sqlite:///{tmp_path}/store.sqlite"}
    )
    project = Project(loaded.model_copy(update={"review": review, "storage": storage}), CONFIG)
    made = Pipeline(project, clock=lambda: AT)
    yield made
    made.close()


def filled(table: Table, rows: list[dict[str, object]], **constants: object) -> pl.DataFrame:
    return table.conform(pl.DataFrame([{**constants, **row} for row in rows], schema=table.schema))


def judged(pipeline: Pipeline, week: str, names: list[str], *, split: int = 0) -> None:
    """Interactions of one route and subset; the first `split` of them without a verdict."""
    verdicts = [
        {"interaction_id": name, "panel_verdict": None, "reason": "split", "passes": 1, "fails": 1}
        if number < split
        else {"interaction_id": name, "panel_verdict": "pass", "passes": 2, "fails": 0}
        for number, name in enumerate(names)
    ]
    pipeline.lake.replace(
        PANEL_VERDICTS,
        filled(PANEL_VERDICTS, verdicts, reason="unanimous", judges=2, abstentions=0, missing=0),
        partition=week,
    )
    strata = [{"interaction_id": name, "conversation_key": name} for name in names]
    constants = {
        "route": "open_questions", "stratum": "s", "selection": "sample", "unit_hash": 0.5,
        "subsets": [COMMON], "kind": "typical", "inclusion_probability": 0.5, "design_weight": 2.0,
        "item_fingerprint": "f",
    }  # fmt: skip
    pipeline.lake.replace(
        STRATIFIED_INTERACTIONS,
        filled(STRATIFIED_INTERACTIONS, strata, **constants),
        partition=week,
    )


def settled(pipeline: Pipeline, week: str, labels: dict[str, str], *, by: str = "ana") -> None:
    rows = [
        {"interaction_id": name, "task_id": f"task-{name}", "label": label}
        for name, label in labels.items()
    ]
    constants = {
        "settled_by": "agreement", "selection": "audit", "reason": "audit", "annotators": [by],
        "label_probability": 0.5, "labels": ["pass"], "annotator_kind": "person",
        "labelled_on": dt.date(2026, 9, 20),
    }  # fmt: skip
    pipeline.lake.replace(ADJUDICATIONS, filled(ADJUDICATIONS, rows, **constants), partition=week)


def golden(pipeline: Pipeline, week: str, names: list[str], *, version: int = 1) -> None:
    """A version of these interactions, all labelled fail by people."""
    rows = [{"item_id": item_identity(name), "conversation_key": name} for name in names]
    constants = {
        "item_revision": 1, "item_fingerprint": "f", "week": week, "route": "open_questions",
        "stratum": "s", "kind": "typical", "subsets": [COMMON],
        "messages": [{"role": "user", "content": "may I?"}], "logged_response": "you may",
        "reference_label": "fail", "label_source": "agreement", "annotator_kind": "person",
        "selection": "sample", "expected_behaviour": "answer", "admitted_in": 1,
        "admitted_on": dt.date(2026, 9, 20), "labelled_on": dt.date(2026, 9, 20),
    }  # fmt: skip
    admitted = [Change(str(row["item_id"]), "settled_label") for row in rows]
    composition = Composition(
        version=version, week=week, as_of=dt.date.fromisoformat(week),
        items=filled(GOLDEN_SET, rows, **constants),
        admitted=tuple(admitted) if version == 1 else (), retired=(), revised=(),
        deficits=(), fresh=0, left_out=(),
    )  # fmt: skip
    provenance = Provenance(
        salt="weekly", anonymiser_fingerprint="abc", judges={}, agreement={}, code_version="0.1.0",
        run_id=None,
    )  # fmt: skip
    pipeline.golden.publish(composition, provenance)


def steered(pipeline: Pipeline, *, by: int) -> None:
    """The week's draw, which this version steered."""
    frame = pl.DataFrame(
        {"stratum": ["s"], "population_size": [50], "interactions": [50], "late_interactions": [0]}
    )
    empty = [pl.DataFrame(schema=one) for one in (SPREAD_COLUMNS, REQUEST_COLUMNS, GOLDEN_COLUMNS)]
    drawn = allocate_frame(
        frame,
        policy=pipeline.settings.sampling,
        spreads=empty[0],
        requests=empty[1],
        golden_requests=empty[2],
        steered_by=by,
    )
    pipeline.lake.replace(SAMPLING_FRAME, drawn, partition=WEEK)


def queued(pipeline: Pipeline, names: list[str]) -> QueuedWeek:
    anonymised = pl.DataFrame(
        {
            "interaction_id": names,
            "route": "open_questions",
            "messages": [[{"role": "user", "content": "may I?"}]] * len(names),
            "response": "you may",
        },
        schema_overrides={"messages": MESSAGES},
    )
    week = queue_week(
        pipeline,
        anonymised=anonymised,
        stratified=pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=WEEK),
        panel_verdicts=pipeline.lake.read(PANEL_VERDICTS, partition=WEEK),
        week=WEEK,
    )
    pipeline.lake.replace(DISPUTES, week.disputes, partition=WEEK)
    return week


NAMES = [f"i{number:02}" for number in range(40)]
OLD = [f"old{number}" for number in range(6)]


@pytest.fixture
def asked(pipeline: Pipeline) -> Pipeline:
    """A pipeline whose golden set of six labelled items stands behind a queued week."""
    for person in ("ana", "ben", "cleo"):
        pipeline.review.add_annotator(person, kind="person", may_adjudicate=person == "cleo", at=AT)
    settled(pipeline, WEEKS[0], dict.fromkeys(OLD, "fail"))
    golden(pipeline, WEEKS[0], OLD)
    steered(pipeline, by=1)
    judged(pipeline, WEEK, NAMES, split=12)
    queued(pipeline, NAMES)
    return pipeline


def test_the_first_week_is_queued_without_anything_to_go_by(pipeline: Pipeline) -> None:
    judged(pipeline, WEEK, NAMES, split=12)
    week = queued(pipeline, NAMES)
    # 6 audit tasks and 4 disputes, less what both drew; no gold check yet
    assert week.disputes.filter(pl.col("selection") == "audit").height == 6
    assert set(week.disputes["selection"]) <= {"audit", "dispute"}
    assert week.told["could_be_queued"] == 12
    assert week.told["reading"] == "0.50 minutes a task and one for every 1000 characters, assumed"


def test_a_task_is_opened_with_its_place_minutes_and_labels(asked: Pipeline) -> None:
    disputes = asked.lake.read(DISPUTES, partition=WEEK)
    tasks = asked.review.tasks(WEEK)
    columns = ["task_id", "selection", "priority", "expected_minutes", "label_probability"]
    assert tasks.select(columns).sort("task_id").equals(disputes.select(columns).sort("task_id"))
    assert {int(needed) for needed in tasks["labels_needed"]} == {2}
    # 13 characters at 1,000 a minute and half a minute
    assert set(tasks["expected_minutes"]) == {0.513}
    assert sorted(tasks["priority"]) == pytest.approx(
        [(place + 1) / tasks.height for place in range(tasks.height)]
    )


def test_gold_checks_ask_known_items_blind_and_settle_nothing(asked: Pipeline) -> None:
    tasks = asked.review.tasks(WEEK)
    checks = tasks.filter(pl.col("selection") == "gold_check")
    assert checks.height == round(0.2 * (tasks.height - checks.height)) > 0
    assert set(checks["interaction_id"]) <= set(OLD)
    assert set(checks["known_label"]) == {"fail"}
    assert tasks.filter(pl.col("selection") != "gold_check")["known_label"].null_count() == (
        tasks.height - checks.height
    )
    for person in ("ana", "ben"):
        asked.review.record_labels(
            [NewLabel(task, person, "pass", labelled_at=AT) for task in tasks["task_id"]]
        )
    settlement = settle_week(asked, week=WEEK)
    assert settlement.count("agreed") == tasks.height - checks.height
    assert set(settlement.settled["selection"]) <= {"audit", "dispute"}
    assert set(OLD).isdisjoint(settlement.settled["interaction_id"])


def test_a_week_is_queued_once_whatever_was_learnt_since(asked: Pipeline) -> None:
    before = asked.lake.read(DISPUTES, partition=WEEK)
    opened = asked.review.tasks(WEEK)
    for week in WEEKS:
        judged(asked, week, [f"{week}-a"])
        settled(asked, week, {f"{week}-a": "fail"})
    assert knowledge_for(asked, week=WEEK).evidence.recurring
    again = queued(asked, NAMES)
    assert again.disputes.equals(before)
    assert dict(again.told) == {}
    assert asked.review.tasks(WEEK).equals(opened)


def test_a_panel_that_says_something_else_of_a_task_makes_another_queue(asked: Pipeline) -> None:
    before = asked.review.tasks(WEEK)
    judged(asked, WEEK, NAMES, split=40)
    again = queued(asked, NAMES)
    assert again.told["could_be_queued"] == 40
    # What is open stays open: nobody's work is taken away.
    assert set(before["task_id"]) <= set(asked.review.tasks(WEEK)["task_id"])


def test_a_task_without_text_opens_nothing(pipeline: Pipeline) -> None:
    judged(pipeline, WEEK, NAMES, split=12)
    with pytest.raises(ReviewError, match="No task was opened"):
        queued(pipeline, ["elsewhere"])
    assert pipeline.review.tasks(WEEK).is_empty()


def test_what_people_overruled_in_three_of_four_weeks_is_known_to_recur(
    pipeline: Pipeline,
) -> None:
    for number, week in enumerate(WEEKS):
        judged(pipeline, week, [f"{week}-a", f"{week}-b"])
        settled(pipeline, week, {f"{week}-a": "fail" if number else "pass", f"{week}-b": "pass"})
    evidence = knowledge_for(pipeline, week=WEEK).evidence
    # 3 of 8 labels of like weight
    cells = {("kind", "open_questions", "typical"), ("subset", COMMON, "unanimous")}
    assert evidence.recurring == cells
    assert evidence.overrulings == dict.fromkeys(
        sorted(cells), Overruling(pytest.approx(3 / 8), pytest.approx(8), 3)
    )
    # The week's own labels never count.
    assert knowledge_for(pipeline, week=WEEKS[3]).evidence.recurring == frozenset()


def test_the_gates_subsets_come_with_tolerance_labels_and_what_is_undecided(
    asked: Pipeline,
) -> None:
    rows = [{"decision_id": "d", "candidate_id": "c", "baseline_id": "b"}]
    decision = filled(
        GATE_DECISION, rows, sequence=1, golden_version=1, verdict="inconclusive",
        decision_json="{}", undecided_subsets=["all", COMMON], reasons=[], blocked_subsets=[],
    )  # fmt: skip
    asked.lake.replace(GATE_DECISION, decision, partition="c")
    evidence = knowledge_for(asked, week=WEEK).evidence
    assert evidence.subsets[COMMON] == GatedSubset(tolerance=0.10, labels=6, undecided=True)
    assert evidence.subsets[RARE] == GatedSubset(tolerance=0.05, labels=0)
    assert {COMMON, RARE} <= evidence.critical


def test_the_refuters_precision_is_that_of_the_newest_week_before(pipeline: Pipeline) -> None:
    for week, value in ((WEEKS[0], 0.5), (WEEKS[1], 0.8), (WEEK, 0.1)):
        rows = [{"judge_id": "refuter", "measure": "precision", "value": value, "labelled": 9}]
        pipeline.lake.replace(
            JUDGE_CALIBRATION, filled(JUDGE_CALIBRATION, rows, weeks=1), partition=week
        )
    assert knowledge_for(pipeline, week=WEEK).evidence.refuter_precision == (0.8, 9)


def test_minutes_are_those_that_labels_of_earlier_weeks_took(asked: Pipeline) -> None:
    later = "2026-10-12"
    tasks = asked.review.tasks(WEEK)["task_id"].to_list()
    people = [f"p{number}" for number in range(6)]
    for person in people:
        asked.review.add_annotator(person, kind="person", may_adjudicate=False, at=AT)
    labels = [
        NewLabel(task, person, "pass", labelled_at=AT, seconds=24.0)
        for person in people
        for task in tasks
    ]
    assert asked.review.record_labels(labels).recorded >= 30
    reading = knowledge_for(asked, week=later).reading
    assert (reading.minutes(13), reading.labels) == (24 / 60, len(labels))
    assert knowledge_for(asked, week=WEEK).reading.labels == 0


def test_labels_settled_after_publication_ask_for_the_week_again(asked: Pipeline) -> None:
    tasks = asked.review.tasks(WEEK).filter(pl.col("selection") != "gold_check")["task_id"]

    def answered(some: pl.Series) -> None:
        asked.review.record_labels(
            [NewLabel(task, who, "pass", labelled_at=AT) for task in some for who in ("ana", "ben")]
        )

    def publish() -> None:
        labels = settle_week(asked, week=WEEK).settled
        asked.lake.replace(ADJUDICATIONS, labels, partition=WEEK)

    answered(tasks[:4])
    assert publish_key(asked, week=WEEK) == f"publish:{WEEK}"
    publish()
    golden(asked, WEEK, OLD, version=2)
    assert publish_key(asked, week=WEEK) is None
    answered(tasks[4:5])
    late = publish_key(asked, week=WEEK)
    assert late is not None
    assert late.startswith(f"publish:{WEEK}:")
    asked.review.record_adjudications([NewAdjudication(tasks[0], "cleo", "fail", AT, "It is not.")])
    assert publish_key(asked, week=WEEK) not in (late, None)
    publish()
    assert publish_key(asked, week=WEEK) is None
