"""The command line: what each command prints, writes and ends with."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from eval_pipeline.cli import gate_command, story
from eval_pipeline.demo.logs import planted_canaries
from eval_pipeline.settings_file import load_project
from eval_pipeline.tables import GATE_DECISION, REGRESSION_REPORT, SAMPLING_FRAME
from tests.scenario import (
    AFTER_THE_CHANGE,
    CANDIDATE,
    CONVERSATIONS,
    EMPTY_WEEK,
    MONDAYS,
    NEXT_WEEK,
    NOBODY_LISTENS,
    SEED,
    WEEKS,
    World,
)

EXIT_CODES = {"pass": 0, "block": 1, "inconclusive": 2, "invalid": 3}


@pytest.fixture(scope="module")
def seen(
    finished_world: World, tmp_path_factory: pytest.TempPathFactory, provider_process
) -> World:
    """A copy of the finished world for commands that only read."""
    folder = tmp_path_factory.mktemp("cli") / "world"
    return finished_world.copied_to(folder, provider_url=provider_process.base_url)


# Set-up


def test_init_writes_a_configuration_that_loads_and_refuses_to_overwrite_it(fresh_world, tmp_path):
    flags = (
        "init", str(tmp_path / "team"), "--logs", "logs/*.jsonl", "--format", "openai_jsonl",
        "--provider-url", "https://models.example/v1", "--key-variable", "TEAM_KEY",
        "--model", "our-model", "--judges", "north/judge-1,south/judge-2",
        "--first-week", "2026-09-07",
    )  # fmt: skip
    made = fresh_world.run(*flags)
    assert made.code == 0, made.err
    file = tmp_path / "team" / "eval_pipeline.yaml"
    settings = load_project(file).settings
    assert settings.logs.path == "logs/*.jsonl"
    assert settings.logs.format == "openai_jsonl"
    assert settings.providers["main"].base_url == "https://models.example/v1"
    assert settings.providers["main"].key_variable == "TEAM_KEY"
    assert {judge.family for judge in settings.judges.values()} == {"north", "south"}
    assert settings.systems[settings.baseline].model == "our-model"
    assert settings.automation.first_week.isoformat() == "2026-09-07"
    before = file.read_bytes()
    again = fresh_world.run(*flags)
    assert again.code == 1
    assert "left as it is" in again.err
    assert file.read_bytes() == before


@pytest.mark.parametrize("judges", ["one/model", "a/b,c", "a/b,c/d,e/f"])
def test_init_wants_two_judges(fresh_world, tmp_path, judges):
    ended = fresh_world.run("init", str(tmp_path / "team"), "--judges", judges)
    assert ended.code == 1
    assert "Write family/model,family/model" in ended.err
    assert not (tmp_path / "team").exists()


def test_init_refuses_two_judges_of_one_family(fresh_world, tmp_path):
    ended = fresh_world.run("init", str(tmp_path / "team"), "--judges", "same/a,same/b")
    assert ended.code == 1
    assert "two families" in ended.err
    assert not (tmp_path / "team" / "eval_pipeline.yaml").exists()


def findings(world: World, **variables: str | None) -> tuple[int, dict[str, dict[str, str]]]:
    ended = world.run("doctor", "--json", **variables)
    return ended.code, {found["subject"]: found for found in json.loads(ended.out)}


def test_doctor_finds_a_sound_project_sound(world):
    code, found = findings(world)
    assert code == 0
    assert {subject: one["state"] for subject, one in found.items()} == {
        "configuration": "ok",
        "pseudonym key": "ok",
        "logs": "ok",
        "masking": "ok",
        "provider pharmacy-cloud": "ok",
        "lake": "ok",
        "lake files": "ok",
        "store": "ok",
    }
    told = world.run("doctor")
    assert told.code == 0
    assert "provider pharmacy-cloud" in told.out


def test_doctor_shows_three_masked_rows_of_the_newest_week(world):
    _, found = findings(world)
    examples = found["masking"]["examples"]
    assert len(examples) == 3
    for row in examples:
        assert set(row) == {"route", "time", "user", "response"}
        assert row["user"]
        assert row["response"]
    planted = planted_canaries(weeks=MONDAYS, seed=SEED, conversations_per_week=CONVERSATIONS)
    assert not [canary for canary in planted if canary in str(examples)]
    assert examples[0]["user"].split(" ")[0] in world.run("doctor").out


def test_doctor_tells_the_share_of_rows_that_do_not_fit_by_reason(fresh_world):
    folder = max(fresh_world.logs.glob("week=*"))
    rows = pl.read_parquet(folder / "*.parquet", hive_partitioning=False)
    for file in folder.iterdir():
        file.unlink()
    every_fourth = pl.int_range(pl.len()) % 4 == 0
    rows.with_columns(route=pl.when(~every_fourth).then("route")).write_parquet(
        folder / "part-0.parquet"
    )
    code, found = findings(fresh_world)
    assert code == 1
    assert found["logs"]["state"] == "fail"
    assert f"missing_route {-(-rows.height // 4) / rows.height:.2%}" in found["logs"]["detail"]


def test_doctor_leaves_nothing_in_the_lake(world):
    before = world.files()
    world.run("doctor")
    assert world.files() == before


def test_doctor_says_how_to_mend_a_missing_and_a_short_key(world):
    code, found = findings(world, EVAL_PIPELINE_KEY=None)
    assert code == 1
    assert "export EVAL_PIPELINE_KEY=" in found["pseudonym key"]["detail"]
    code, found = findings(world, EVAL_PIPELINE_KEY="short")
    assert code == 1
    assert found["pseudonym key"]["state"] == "fail"
    assert "openssl rand -hex 32" in found["pseudonym key"]["remedy"]
    assert found["lake"]["state"] == "ok"


def test_doctor_says_how_to_mend_missing_logs(world):
    world.configure(lambda tree: tree["logs"].update(path="nowhere/week={week}/*.parquet"))
    code, found = findings(world)
    assert code == 1
    assert found["logs"]["state"] == "fail"
    assert "logs.path" in found["logs"]["detail"] + found["logs"]["remedy"]


def test_doctor_says_how_to_mend_a_provider_that_is_gone_or_has_no_key(world):
    provider = "provider pharmacy-cloud"
    world.configure(
        lambda tree: tree["providers"]["pharmacy-cloud"].update(base_url=NOBODY_LISTENS)
    )
    code, found = findings(world)
    assert (code, found[provider]["state"]) == (1, "fail")
    assert "cannot be reached" in found[provider]["detail"]
    assert "base_url" in found[provider]["remedy"]
    world.configure(
        lambda tree: tree["providers"]["pharmacy-cloud"].update(key_variable="TEAM_API_KEY")
    )
    code, found = findings(world, TEAM_API_KEY=None)
    assert (code, found[provider]["state"]) == (1, "fail")
    assert found[provider]["remedy"] == "export TEAM_API_KEY=..."


def test_doctor_names_a_header_that_is_unset_or_cannot_be_sent(world):
    provider = "provider pharmacy-cloud"
    world.configure(
        lambda tree: tree["providers"]["pharmacy-cloud"].update(
            header_variables={"x-team": "TEAM_TOKEN"}
        )
    )
    _, found = findings(world, TEAM_TOKEN=None)
    assert found[provider]["remedy"] == "export TEAM_TOKEN=..."
    code, found = findings(world, TEAM_TOKEN="a\nb")
    assert (code, found[provider]["state"]) == (1, "fail")
    assert "TEAM_TOKEN" in found[provider]["detail"]
    assert "a\nb" not in found[provider]["detail"]


def test_config_schema_is_json_schema_and_config_check_reads_the_file(seen):
    schema = json.loads(seen.run("config", "schema").out)
    assert {"logs", "gate", "judges"} <= set(schema["properties"])
    checked = seen.run("config", "check")
    assert checked.code == 0
    assert f"{seen.config}: sound." in checked.out


# Jobs


@pytest.mark.slow
def test_the_weekly_commands_tell_their_facts_as_json(world, provider):
    refreshed = world.run("refresh", "--week", NEXT_WEEK, "--json")
    assert refreshed.code == 0, refreshed.err
    facts = json.loads(refreshed.out)
    assert facts["week"] == NEXT_WEEK
    # A budget of 40 conversations, a reserve of 40, and what the gate's undecided subsets ask for.
    with world.pipeline() as pipeline:
        frame = pipeline.lake.read(SAMPLING_FRAME, partition=NEXT_WEEK)
    assert facts["sampled"] == frame["drawn"].sum() >= 80
    assert frame["allocated"].sum() == 40
    assert facts["verdicts"] == 80  # 40 by two judges
    assert facts["queued"] == world.count("review_tasks", f"week = '{NEXT_WEEK}'") > 0

    too_early = world.run("review", "status", "--week", NEXT_WEEK, "--json")
    assert json.loads(too_early.out)["ready"]["ready"] in (True, False)

    with world.pipeline() as pipeline:
        story.DESK.work(pipeline, week=NEXT_WEEK)
    status = json.loads(world.run("review", "status", "--week", NEXT_WEEK, "--json").out)
    assert status["ready"]["ready"] is True
    assert set(status["labels"]) >= set(story.DESK.annotators)

    published = json.loads(world.run("publish", "--week", NEXT_WEEK, "--json").out)
    assert published["golden_version"] == len(WEEKS) + 1
    assert published["labels"] > 0

    provider.set_epoch(AFTER_THE_CHANGE)
    drifted = world.run("drift", "--week", NEXT_WEEK, "--json")
    assert drifted.code == 0
    assert isinstance(json.loads(drifted.out)["drift"], list)

    watched = json.loads(world.run("watch", "--json").out)
    assert watched["watch"].startswith("provider-change-assistant-")
    with world.pipeline() as pipeline:
        assert watched["watch"] in pipeline.lake.partitions(GATE_DECISION)


def test_the_weekly_commands_tell_their_facts_as_text(seen):
    ended = seen.run("drift", "--week", WEEKS[1])
    assert ended.code == 0, ended.err
    assert WEEKS[1] in ended.out
    assert "drift  none" in ended.out


@pytest.mark.slow
def test_evaluate_compares_and_does_not_decide(world):
    known = world.folder / "candidates" / f"{CANDIDATE}.yaml"
    (known.parent / "later.yaml").write_text(known.read_text(encoding="utf-8"))
    ended = world.run("evaluate", "--candidate", "later")
    assert ended.code == 0, ended.err
    assert "subsets compared" in ended.out
    with world.pipeline() as pipeline:
        assert "later" in pipeline.lake.partitions(REGRESSION_REPORT)
        assert "later" not in pipeline.lake.partitions(GATE_DECISION)


def stored_verdict(world: World, candidate: str = CANDIDATE) -> str:
    path = world.lake / "gate_decision" / f"candidate={candidate}" / "part-0.parquet"
    return pl.read_parquet(path)["verdict"][0]


@pytest.mark.slow
def test_gate_tells_one_decision_in_five_formats_with_the_verdict_s_exit_code(
    seen, tmp_path, monkeypatch
):
    verdict = stored_verdict(seen)
    for form in ("text", "json", "junit", "markdown", "html"):
        file = tmp_path / f"decision.{form}"
        arguments = ("gate", "--candidate", CANDIDATE, "--format", form, "--out", str(file))
        ended = seen.run(*arguments)
        assert ended.code == EXIT_CODES[verdict], (form, ended.err)
        assert verdict in ended.err
        # The others tell what the first run has decided.
        monkeypatch.setattr(gate_command, "launch", lambda *_: None)
    decision = json.loads((tmp_path / "decision.json").read_text(encoding="utf-8"))
    assert decision["verdict"] == verdict
    assert decision["schema_version"]
    subsets = {finding["subset"] for finding in decision["subsets"]}
    suite = ET.parse(tmp_path / "decision.junit").getroot()
    cases = {case.get("name") for case in suite.iter("testcase")}
    for subset in subsets:
        assert any(subset in str(case) for case in cases), subset
        for form in ("text", "markdown", "html"):
            told = (tmp_path / f"decision.{form}").read_text(encoding="utf-8")
            assert subset in told.replace("\\_", "_"), form
    assert (tmp_path / "decision.html").read_text(encoding="utf-8").startswith("<!")


def test_gate_shows_a_person_the_table_and_where_the_page_is(seen):
    ended = seen.run("gate", "--candidate", CANDIDATE)
    assert ended.code == EXIT_CODES[stored_verdict(seen)]
    assert "all items" in ended.out
    page = seen.lake / "gate_decision" / f"candidate={CANDIDATE}" / "decision.html"
    assert f"Page: {page}" in ended.out
    assert page.exists()


@pytest.mark.slow
def test_gate_ends_with_one_for_a_block_and_with_two_where_it_cannot_tell(world):
    folder = world.folder / "candidates"
    shipped = (folder / f"{CANDIDATE}.yaml").read_text(encoding="utf-8")
    # The refuter's model never answers a customer: worse on every subset.
    (folder / "hopeless.yaml").write_text(shipped.replace("pharma-steady", "skeptic"))
    assert world.run("gate", "--candidate", "hopeless").code == 1
    assert stored_verdict(world, "hopeless") == "block"
    (folder / "tiny.yaml").write_text(shipped)
    # 72 items without a loss would certify five points; no subset of this world has so many.
    world.configure(
        lambda tree: tree["gate"].update(
            tolerances={"default": 0.05}, aggregate_tolerance=0.05, looks=[120]
        )
    )
    assert world.run("gate", "--candidate", "tiny").code == 2
    assert stored_verdict(world, "tiny") == "inconclusive"


def test_gate_ends_with_three_where_it_could_not_evaluate(world, fresh_world):
    unknown = world.run("gate", "--candidate", "nobody")
    assert unknown.code == 3
    assert "There is no candidate 'nobody'" in unknown.err
    before_any_version = fresh_world.run("gate", "--candidate", CANDIDATE)
    assert before_any_version.code == 3
    assert "golden_set" in before_any_version.err


def test_a_defect_inside_the_gate_is_no_verdict(world):
    # A folder where the decision's file must go: no foreseen failure, as a defect would be.
    path = world.lake / "gate_decision" / f"candidate={CANDIDATE}" / "part-0.parquet"
    path.unlink()
    path.mkdir()
    ended = world.run("gate", "--candidate", CANDIDATE)
    assert ended.code == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("gate",),
        ("gate", "--candidate"),
        ("gate", "--candidate", CANDIDATE, "--format", "pdf"),
        ("gate", "--candidate", CANDIDATE, "extra"),
        ("gate", "--unknown"),
        ("refresh",),
        ("golden", "show", "first"),
        ("nonsense",),
    ],
)
def test_a_mistake_in_the_command_is_never_mistaken_for_a_verdict(seen, arguments):
    ended = seen.run(*arguments)
    assert ended.code == 64
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert ended.err.strip()


@pytest.mark.slow
def test_a_usage_error_ends_a_real_process_with_64(seen):
    ended = subprocess.run(
        [sys.executable, "-m", "eval_pipeline", "gate"],
        env=seen.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 64
    assert "--candidate" in ended.stderr


# Review


def test_labels_travel_out_and_in_once_and_bad_rows_are_told_by_line(queued_world, tmp_path):
    world = queued_world
    exported = world.run("review", "export", "--week", NEXT_WEEK)
    tasks = [json.loads(line) for line in exported.out.splitlines()]
    assert len(tasks) == world.count("review_tasks", f"week = '{NEXT_WEEK}'")
    assert not any("verdict" in json.dumps(task) for task in tasks)
    file = tmp_path / "queue.jsonl"
    assert world.run("review", "export", "--week", NEXT_WEEK, "--out", str(file)).code == 0
    assert file.read_text(encoding="utf-8") == exported.out

    assert "added" in world.run("review", "add-reviewer", "dora").out
    assert "known already" in world.run("review", "add-reviewer", "dora").out
    lines = [
        json.dumps(
            {
                "task_id": task["task_id"],
                "annotator_id": "dora",
                "label": "pass",
                "rationale": "Looks right.",
                "reference_response": None,
                "labelled_at": "2026-09-29T09:00:00+00:00",
            }
        )
        for task in tasks
    ]
    labels = tmp_path / "labels.jsonl"
    labels.write_text("\n".join([lines[0], "no json", *lines[1:], '{"task_id": "t"}']) + "\n")
    first = world.run("review", "import", str(labels), "--week", NEXT_WEEK)
    assert first.code == 1
    assert f"{len(tasks)} recorded, 0 known already, 2 refused" in first.out
    assert "line 2:" in first.err
    assert f"line {len(tasks) + 2}:" in first.err
    stored = world.count("labels", "annotator_id = 'dora'")
    assert stored == len(tasks)

    labels.write_text("\n".join(lines) + "\n")
    second = world.run("review", "import", str(labels), "--week", NEXT_WEEK)
    assert second.code == 0
    assert f"0 recorded, {len(tasks)} known already, 0 refused" in second.out
    assert world.count("labels", "annotator_id = 'dora'") == stored


def test_labels_of_strangers_and_adjudications_of_annotators_are_refused(queued_world, tmp_path):
    world = queued_world
    task = json.loads(world.run("review", "export", "--week", NEXT_WEEK).out.splitlines()[0])
    row = {
        "task_id": task["task_id"],
        "label": "pass",
        "rationale": "It is right.",
        "reference_response": None,
    }
    file = tmp_path / "rows.jsonl"
    file.write_text(
        json.dumps({**row, "annotator_id": "stranger", "labelled_at": "2026-09-29T09:00:00Z"})
    )
    stranger = world.run("review", "import", str(file), "--week", NEXT_WEEK)
    assert stranger.code == 1
    assert "line 1: annotator_id: nobody of this name" in stranger.err
    person = story.DESK.annotators[0]
    file.write_text(
        json.dumps({**row, "adjudicated_by": person, "adjudicated_at": "2026-09-30T09:00:00Z"})
    )
    usurper = world.run("review", "import", str(file), "--week", NEXT_WEEK, "--adjudications")
    assert usurper.code == 1
    assert person in usurper.err
    assert world.count("labels", f"task_id = '{task['task_id']}'") == 0
    assert world.count("adjudications", f"task_id = '{task['task_id']}'") == 0


def test_an_unreadable_label_file_and_a_week_without_tasks_are_told(seen, tmp_path):
    ended = seen.run("review", "import", str(tmp_path / "none.jsonl"), "--week", WEEKS[0])
    assert ended.code == 1
    assert "The store is unchanged" in ended.err
    empty = seen.run("review", "export", "--week", EMPTY_WEEK)
    assert empty.code == 1
    assert "eval-pipeline refresh --week" in empty.err


# The demo


@pytest.mark.slow
def test_demo_canaries_prints_every_planted_string_one_a_line(seen):
    ended = seen.run("demo", "canaries")
    assert ended.code == 0
    assert ended.out.splitlines() == planted_canaries(seed=story.SEED, weeks=story.WEEKS)


def test_a_demo_never_empties_a_folder_that_no_demo_made(seen, tmp_path):
    keep = tmp_path / "thesis.txt"
    keep.write_text("years of work")
    ended = seen.run("demo", "--directory", str(tmp_path))
    assert ended.code == 1
    assert "left as it is" in ended.err
    assert keep.read_text() == "years of work"


def test_demo_real_says_which_data_are_missing(seen, tmp_path):
    ended = seen.run(
        "demo", "real", "--directory", str(tmp_path / "run"),
        EVAL_PIPELINE_REAL_DATA=str(tmp_path),
    )  # fmt: skip
    assert ended.code == 1
    assert "EVAL_PIPELINE_REAL_DATA" in ended.err
    assert not Path(tmp_path / "run").exists()
