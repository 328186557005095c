"""The page on `compare`: its examples are run as they stand there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from eval_pipeline.adapters.result_files.contract import input_schema
from eval_pipeline.cli import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```([a-z]*)\n(.*?)```", PAGE, re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [text for name, text in BLOCKS if name == kind]


def commands(block: str) -> list[list[str]]:
    joined = block.replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in joined.splitlines() if line.strip()]


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as stopped:
        app(arguments)
    return int(str(stopped.value.code))


def test_the_example_gives_what_the_page_shows(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    baseline, candidate = blocks("jsonl")
    (policy,) = blocks("yaml")
    shown = blocks("text")[0]
    for name, text in (
        ("baseline.jsonl", baseline), ("candidate.jsonl", candidate), ("policy.yaml", policy),
    ):  # fmt: skip
        Path(name).write_text(text)
    command = commands(blocks("sh")[1])[0]
    assert run(command) == 2
    assert Path("decision.txt").read_text() == shown


def test_the_files_of_other_tools_are_read_by_the_commands_of_the_page(
    tmp_path, monkeypatch, capsys
) -> None:
    shutil.copytree(ROOT / "tests/data/result_files", tmp_path / "files")
    monkeypatch.chdir(tmp_path / "files")
    Path("policy.yaml").write_text(blocks("yaml")[0].replace(", minors: 0.03", ""))
    tools = commands(blocks("sh")[2])
    # Of eight promptfoo and Inspect items, and of six DeepEval ones, too many have no score.
    assert [run(command) for command in tools] == [3, 3, 2, 3]
    assert len(tools) == 4
    capsys.readouterr()


def test_the_page_names_every_field_of_the_contract() -> None:
    assert all(f"`{name}`" in PAGE for name in input_schema()["properties"])
