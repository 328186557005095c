"""Labels through a whole import: masked, recorded, recognised again."""

import datetime as dt
import json
from typing import Any

import pytest

from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.records import NewLabel, ReviewTask
from eval_pipeline.errors import ReviewError
from eval_pipeline.flows.review_exports import configuration, export
from eval_pipeline.flows.review_imports import (
    Imported,
    ImportOptions,
    import_adjudications,
    import_labels,
)
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings_file import Project, load_project
from tests.scenario import ROOT

WEEK = "2026-11-16"
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
ADDRESS = "jo.canary@example.org"


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    monkeypatch.setenv("EVAL_PIPELINE_KEY", "a key that is long enough for tests")
    config = ROOT / "eval_pipeline.yaml"
    settings = load_project(config).settings
    storage = {"lake": "memory://", "store": f"sqlite:///{tmp_path / 'store.sqlite'}"}
    changed = settings.model_copy(update={"storage": settings.storage.model_copy(update=storage)})
    opened = Pipeline(Project(changed, config), clock=lambda: NOON)
    opened.review.open_tasks([task(f"t{number}") for number in range(3)], week=WEEK, at=NOON)
    for person in ("ana", "ben", "cleo"):
        opened.review.add_annotator(person, kind="person", may_adjudicate=person == "cleo", at=NOON)
    yield opened
    opened.close()


def task(task_id: str) -> ReviewTask:
    subject = {"route": "orders", "criteria": ["a", "b"], "messages": [], "response": "At 10."}
    return ReviewTask(
        task_id, f"i {task_id}", "audit", "gold_check", 0.25, "r@0", json.dumps(subject),
        known_label="fail",
    )  # fmt: skip


def line(**changes: Any) -> dict[str, Any]:
    return {
        "task_id": "t1",
        "annotator_id": "ana",
        "label": "fail",
        "rationale": f"Write to {ADDRESS}.",
        "labelled_at": "2026-11-24T09:00:00Z",
        **changes,
    }


def jsonl(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def counts(imported: Imported) -> tuple[int, int, int, int, int]:
    return (
        imported.recorded,
        imported.corrected,
        imported.known,
        imported.superseded,
        len(imported.refused),
    )


def test_what_people_typed_is_masked_and_the_same_file_twice_changes_nothing(pipeline):
    whole = line(
        annotator_id="ben", confidence="low", criteria=[True, None], seconds=4,
        failure_mode=min(pipeline.settings.subsets), reference_response=ADDRESS,
    )  # fmt: skip
    text = jsonl(line(), whole)
    assert counts(import_labels(pipeline, text, week=WEEK)) == (2, 0, 0, 0, 0)
    stored = pipeline.review.labels(WEEK)
    assert counts(import_labels(pipeline, text, week=WEEK)) == (0, 0, 2, 0, 0)
    assert pipeline.review.labels(WEEK).equals(stored)
    assert ADDRESS not in str(stored.to_dicts())
    (bens,) = [row for row in stored.to_dicts() if row["annotator_id"] == "ben"]
    assert (bens["confidence"], bens["criteria_json"], bens["seconds"]) == ("low", "[true,null]", 4)
    assert "Write to" in bens["rationale"]


def test_a_changed_annotation_is_a_correction_and_the_older_file_changes_nothing(pipeline):
    def annotated(label: str, updated_at: str) -> str:
        said = [{"from_name": "label", "value": {"choices": [label]}}]
        given = {"completed_by": 1, "result": said, "updated_at": updated_at}
        return json.dumps([{"data": {"task_id": "t1"}, "annotations": [given]}])

    options = ImportOptions(form="label-studio", people={"1": "ana"})
    older = annotated("pass", "2026-11-24T09:00:00Z")
    newer = annotated("fail", "2026-11-24T10:00:00Z")
    for text, expected in (
        (older, (1, 0, 0, 0, 0)),
        (newer, (0, 1, 0, 0, 0)),
        (older, (0, 0, 1, 0, 0)),
        (newer, (0, 0, 1, 0, 0)),
    ):
        assert counts(import_labels(pipeline, text, week=WEEK, options=options)) == expected
    first, second = pipeline.review.labels(WEEK).sort("labelled_at").to_dicts()
    assert (first["label"], second["label"]) == ("pass", "fail")
    assert second["corrects"] == first["label_id"]
    assert second["labelled_at"] == dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)


def test_a_withdrawn_label_does_not_come_back(pipeline):
    import_labels(pipeline, jsonl(line()), week=WEEK)
    Desk(pipeline.store).withdraw_labels("ana", weeks=[WEEK], reason="hasty", by="eve", at=NOON)
    assert counts(import_labels(pipeline, jsonl(line()), week=WEEK)) == (0, 0, 1, 0, 0)
    changed = line(label="pass", labelled_at="2026-11-25T09:00:00Z")
    assert counts(import_labels(pipeline, jsonl(changed), week=WEEK)) == (0, 0, 0, 0, 1)
    assert pipeline.review.labels(WEEK)["withdrawn"].to_list() == [True]


def test_a_dry_run_tells_the_same_and_writes_nothing(pipeline):
    text = jsonl(line(), line(annotator_id="cleo"), line(task_id="t9"))
    decided = jsonl(
        {
            "task_id": "t1",
            "adjudicated_by": "cleo",
            "label": "fail",
            "rationale": "so",
            "adjudicated_at": "2026-11-25T09:00:00Z",
        }
    )
    dry = ImportOptions(dry_run=True)
    import_adjudications(pipeline, decided, week=WEEK, options=dry)
    assert pipeline.review.adjudications(WEEK).is_empty()
    assert counts(import_adjudications(pipeline, decided, week=WEEK)) == (1, 0, 0, 0, 0)
    assert counts(import_adjudications(pipeline, decided, week=WEEK)) == (0, 0, 1, 0, 0)
    before = pipeline.review.audit_entries()
    tried = import_labels(pipeline, text, week=WEEK, options=dry)
    assert pipeline.review.labels(WEEK).is_empty()
    assert pipeline.review.audit_entries() == before
    assert import_labels(pipeline, text, week=WEEK) == tried
    assert counts(tried) == (1, 0, 0, 0, 2)
    assert [one.place.row for one in tried.refused] == [2, 3]


def test_responses_without_a_time_are_of_the_import_or_of_when_the_file_was_made(pipeline):
    def record(label: str) -> str:
        held = {"label.responses": [label], "label.responses.users": ["ana"]}
        return json.dumps([{"id": "t1", **held, "label.responses.status": ["submitted"]}])

    undated = ImportOptions(form="argilla")
    later = ImportOptions(form="argilla", exported_at=NOON + dt.timedelta(hours=1))
    assert counts(import_labels(pipeline, record("pass"), week=WEEK, options=undated))[0] == 1
    assert pipeline.review.labels(WEEK)["labelled_at"].to_list() == [NOON]
    assert counts(import_labels(pipeline, record("fail"), week=WEEK, options=later))[1] == 1
    again = import_labels(pipeline, record("pass"), week=WEEK, options=undated)
    assert counts(again) == (0, 0, 1, 0, 0)


def test_no_export_tells_more_than_a_task_shows(pipeline):
    for form in ("jsonl", "label-studio", "argilla"):
        text = export(pipeline, week=WEEK, form=form)
        places = [text.index(f'"t{number}"') for number in range(3)]
        assert places == sorted(places)
        for word in ("audit", "gold_check", "0.25", "known", "fail"):
            assert word not in text
    for form in ("label-studio", "argilla"):
        assert all(name in configuration(pipeline, form=form) for name in pipeline.settings.subsets)


def test_what_is_no_export_of_its_form_is_told_and_changes_nothing(pipeline):
    for form in ("label-studio", "argilla"):
        with pytest.raises(ReviewError, match=r"not JSON \(line 2, column 1\)"):
            import_labels(pipeline, "[\n", week=WEEK, options=ImportOptions(form=form))


def test_more_labels_than_a_query_takes_parameters_are_looked_up(pipeline):
    # SQLite takes 32,766 parameters in a query.
    strangers = [NewLabel(f"m{number}", "ana", "pass", NOON) for number in range(33_000)]
    report = pipeline.review.record_labels([*strangers, NewLabel("t1", "ana", "pass", NOON)])
    assert (report.recorded, len(report.refused)) == (1, 33_000)
