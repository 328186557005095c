"""`init --from`: from a sample of someone's logs to a configuration that reads them."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.cli import app
from eval_pipeline.settings_file import load_project

HI = [{"role": "user", "content": "Hi, I am Anna Schmidt"}]
ROW = {
    "id": "i", "created_at": "2026-11-17T10:00:00Z", "session_id": "c", "zweck": "orders",
    "messages": HI, "answer": "Hello",
}  # fmt: skip


def run(*arguments: object) -> tuple[int, str]:
    """The command line without a terminal: exit code, and what it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            app([str(argument) for argument in arguments])
        except SystemExit as ended:
            code: Any = ended.code
    return int(code or 0), said.getvalue()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "logs" / "week=2026-11-16" / "part-0.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join([json.dumps(ROW)] * 9 + ["{"]), encoding="utf-8")
    return file


def test_a_recognised_sample_writes_a_configuration_that_finds_its_week(
    log: Path, tmp_path: Path
) -> None:
    text = log.read_text(encoding="utf-8").replace("zweck", "intent")
    log.write_text(text, encoding="utf-8")
    code, said = run("init", tmp_path / "team", "--from", log)
    assert code == 0, said
    assert "Recognised canonical (likely)" in said
    assert "Of 10 interactions in the first 10 rows 9 fit." in said
    assert "1 do not: malformed_line" in said
    assert "Anna" not in said
    logs = load_project(tmp_path / "team" / "eval_pipeline.yaml").settings.logs
    assert logs.path == str(tmp_path / "logs" / "week={week}" / "part-*.jsonl")
    assert logs.columns == {
        "interaction_id": "id",
        "occurred_at": "created_at",
        "conversation_id": "session_id",
        "route": "intent",
        "response": "answer",
    }


def test_an_unknown_column_ends_with_the_command_that_would_map_it(
    log: Path, tmp_path: Path
) -> None:
    code, said = run("init", tmp_path / "team", "--from", log)
    assert code == 1
    assert "Its columns are: answer, created_at, id, messages, session_id, zweck" in said
    assert "--map response=answer" in said
    assert "--map route=COLUMN" in said
    assert "Anna" not in said
    assert not (tmp_path / "team").exists()


def test_a_map_and_a_path_of_one_s_own_are_believed(log: Path, tmp_path: Path) -> None:
    flags = ("--from", log, "--map", "route=zweck", "--logs", "/mnt/logs/*.jsonl")
    code, said = run("init", tmp_path / "team", *flags)
    assert code == 0, said
    logs = load_project(tmp_path / "team" / "eval_pipeline.yaml").settings.logs
    assert (logs.path, logs.columns["route"]) == ("/mnt/logs/*.jsonl", "zweck")


@pytest.mark.parametrize("pair", ["zweck", "nothing=zweck", "route="])
def test_a_map_must_name_a_canonical_column(log: Path, tmp_path: Path, pair: str) -> None:
    code, said = run("init", tmp_path / "team", "--from", log, "--map", pair)
    assert code == 1
    assert "canonical=yours" in said


@pytest.mark.parametrize(
    "log_format", ["canonical", "otel_genai", "langfuse", "litellm", "openai_jsonl", "sql"]
)
def test_every_format_can_be_named_without_a_sample(tmp_path: Path, log_format: str) -> None:
    flags = ("--format", log_format, "--logs", "logs/*.jsonl")
    code, said = run("init", tmp_path / "team", *flags)
    assert code == 0, said
    logs = load_project(tmp_path / "team" / "eval_pipeline.yaml").settings.logs
    assert logs.format == log_format
    assert (tmp_path / "team" / "logs.sql").exists() == (log_format == "sql")


def test_a_sample_without_one_object_says_so(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("one\ntwo\n", encoding="utf-8")
    code, said = run("init", tmp_path / "team", "--from", tmp_path / "log.jsonl")
    assert code == 1
    assert "is a JSON object" in said


@pytest.mark.slow
def test_at_a_terminal_the_missing_column_is_asked_for(log: Path, tmp_path: Path) -> None:
    flags = ["init", str(tmp_path / "team"), "--from", str(log), "--provider-url", "http://x/v1"]
    flags += ["--model", "m", "--judges", "a/one,b/two"]
    ours, theirs = os.openpty()
    try:
        os.write(ours, b"nonsense\nzweck\n")
        ended = subprocess.run(
            [sys.executable, "-m", "eval_pipeline", *flags],
            stdin=theirs,
            capture_output=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert ended.returncode == 0, ended.stderr
    assert b"There is no such column." in ended.stdout
    settings = load_project(tmp_path / "team" / "eval_pipeline.yaml").settings
    assert settings.logs.columns["route"] == "zweck"
