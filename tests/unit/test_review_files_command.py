"""`review export` and `review import` as commands, in a project of their own."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from eval_pipeline.adapters.review.records import ReviewTask
from eval_pipeline.cli.app import typer_app
from eval_pipeline.errors import ReviewError
from eval_pipeline.flows.wiring import Pipeline, utc_now
from eval_pipeline.settings_file import load_project
from tests.scenario import ROOT

WEEK = "2026-11-16"
SECRET = "jo.canary@example.org"
ANNOTATED = [
    {
        "data": {"task_id": "t1"},
        "annotations": [
            {
                "completed_by": {"email": who},
                "result": [{"from_name": "label", "value": {"choices": ["pass"]}}],
                "updated_at": "2026-11-24T09:00:00Z",
            }
            for who in ("a@example.org", SECRET)
        ],
    }
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EVAL_PIPELINE_KEY", "a key that is long enough for tests")
    config = tmp_path / "eval_pipeline.yaml"
    shutil.copyfile(ROOT / "eval_pipeline.yaml", config)
    monkeypatch.setenv("EVAL_PIPELINE_CONFIG", str(config))
    pipeline = Pipeline(load_project(config))
    subject = '{"criteria":["a"],"messages":[],"response":"At 10.","route":"orders"}'
    task = ReviewTask("t1", "i1", "audit", "audit", 0.5, "r@0", subject)
    pipeline.review.open_tasks([task], week=WEEK, at=utc_now())
    pipeline.review.add_annotator("ana", kind="person", may_adjudicate=False, at=utc_now())
    pipeline.close()
    return tmp_path


def run(*arguments: object):
    return CliRunner().invoke(typer_app, ["review", *map(str, arguments), "--week", WEEK])


def test_the_queue_and_the_tools_interface_are_written_side_by_side(folder):
    out, interface = folder / "tasks.json", folder / "interface.xml"
    command = ("export", "--format", "label-studio", "--out", out, "--config-out", interface)
    assert run(*command).exit_code == 0
    (task,) = json.loads(out.read_text(encoding="utf-8"))
    assert task["data"]["task_id"] == "t1"
    printed = run("export", "--format", "label-studio-config").stdout
    assert printed == interface.read_text(encoding="utf-8")
    settings = json.loads(run("export", "--format", "argilla-settings").stdout)
    assert settings["distribution"]["min_submitted"] == 2
    assert run("export", "--for-adjudicators", "--format", "argilla").exit_code == 2
    assert run("export", "--config-out", interface).exit_code == 2
    unwritable = run("export", "--out", folder / "none" / "queue.jsonl")
    assert "cannot be written" in str(unwritable.exception)


def test_an_import_says_what_it_took_the_file_for_and_what_became_of_each_row(folder):
    file, people = folder / "export.json", folder / "people.yaml"
    file.write_text("\ufeff" + json.dumps(ANNOTATED), encoding="utf-8")
    people.write_text("A@example.org: ana\n")
    asked = ("import", file, "--annotators", people)
    dry = run(*asked, "--dry-run", "--json")
    facts = json.loads(dry.stdout)
    assert dry.exit_code == 1
    assert facts == {
        "week": WEEK,
        "format": "label-studio",
        "format_guessed": True,
        "dry_run": True,
        "recorded": 1,
        "corrected": 0,
        "known": 0,
        "superseded": 0,
        "skipped": 0,
        "drafts": 0,
        "refused": [
            {
                "row": 1,
                "answer": 2,
                "field": "completed_by",
                "problem": "nobody that the desk knows; name them in the file of --annotators",
            }
        ],
    }
    told = run(*asked)
    assert told.exit_code == 1
    assert "1 recorded, 0 known already, 1 refused" in told.stdout
    assert "read as label-studio" in told.stderr
    assert "row 1, answer 2: completed_by: nobody" in told.stderr
    assert SECRET not in told.output
    ANNOTATED[0]["annotations"][1:] = []
    file.write_text(json.dumps(ANNOTATED), encoding="utf-8")
    again = run(*asked, "--format", "label-studio")
    assert again.exit_code == 0
    assert "0 recorded, 1 known already, 0 refused" in again.stdout


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        (b"\xff\xfe[\x00", (), "not UTF-8"),
        (b'[{"some": "thing"}]', (), "--format"),
        (b"[", ("--format", "argilla"), "not JSON"),
        (b"", ("--annotators", "people.yaml"), "--annotators"),
        (b"", ("--annotators", "none.yaml"), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_nothing_is_recorded(
    folder, monkeypatch, content, options, told
):
    monkeypatch.chdir(folder)
    (folder / "people.yaml").write_text("a: [b\n")
    (folder / "export.json").write_bytes(content)
    ended = run("import", folder / "export.json", *options)
    assert isinstance(ended.exception, ReviewError)
    assert told in str(ended.exception)


def test_a_time_without_its_zone_and_a_form_that_adjudications_do_not_have_are_refused(folder):
    (folder / "f.jsonl").write_text("")
    file = folder / "f.jsonl"
    assert run("import", file, "--exported-at", "2026-11-24T09:00:00").exit_code == 2
    assert run("import", file, "--adjudications", "--format", "argilla").exit_code == 2
    assert run("import", file, "--exported-at", "2026-11-24T09:00:00Z").exit_code == 0
