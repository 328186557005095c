"""The CI templates under `deploy/ci`: their scripts are run, their files held to the schemas."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

CI = Path(__file__).parents[2] / "deploy" / "ci"
WORKFLOWS = sorted((CI / "examples").glob("*.yaml"))
TOOLS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
CHECK_JSONSCHEMA = shutil.which("check-jsonschema", path=TOOLS)
SHELLCHECK = shutil.which("shellcheck", path=TOOLS)
VERDICTS = {0: "pass", 1: "block", 2: "inconclusive", 3: "invalid"}

PROGRAM = """#!/usr/bin/env bash
printf '%s\\n' "$@" > "$ARGUMENTS"
if [ "${SILENT:-}" != yes ]; then
  for each in "$@"; do
    case "$each" in json=*|junit=*|markdown=*|html=*) echo told > "${each#*=}" ;; esac
  done
fi
exit "$ENDS_WITH"
"""
GH = """#!/usr/bin/env bash
printf '%s|' "$@" >> "$CALLS"; echo >> "$CALLS"
case "$*" in *--jq*) printf '%s' "$FOUND" ;; esac
"""


@pytest.fixture
def world(tmp_path: Path) -> dict[str, str]:
    """An environment with an `eval-pipeline` and a `gh` that write down how they were called."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("eval-pipeline", PROGRAM), ("gh", GH)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "ARGUMENTS": str(tmp_path / "arguments"),
        "CALLS": str(tmp_path / "calls"),
        "REPORTS": str(tmp_path / "reports"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "ENDS_WITH": "0",
        "FOUND": "",
        "CANDIDATE": "sharper",
    }


def run(script: str, world: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(CI / script)], env=world | more, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def document(file: Path) -> dict:
    return YAML(typ="safe", pure=True).load(file.read_text())


@pytest.mark.parametrize("code", [0, 1, 2, 3, 64, 130, 139])
def test_the_script_ends_with_the_verdict_and_says_it(world, code) -> None:
    done = run("gate.sh", world, ENDS_WITH=str(code))
    told = code if code in VERDICTS else 3
    assert done.returncode == told
    output = Path(world["GITHUB_OUTPUT"]).read_text()
    assert output == f"verdict={VERDICTS[told]}\ncode={told}\n"
    assert Path(world["GITHUB_STEP_SUMMARY"]).read_text() == "told\n"
    assert {file.name for file in Path(world["REPORTS"]).iterdir()} == {
        "decision.json", "decision.xml", "decision.md", "decision.html",
    }  # fmt: skip


@pytest.mark.parametrize("code", [0, 1, 2])
def test_without_a_decision_no_exit_code_is_a_verdict(world, code) -> None:
    run("gate.sh", world)  # an earlier run's reports must not stand for this one's
    done = run("gate.sh", world, ENDS_WITH=str(code), SILENT="yes")
    assert done.returncode == 3


def test_inputs_are_arguments_and_never_commands(world, tmp_path: Path) -> None:
    hostile = f"$(touch {tmp_path}/made); --help `id`"
    run("gate.sh", world, CANDIDATE=hostile)
    arguments = Path(world["ARGUMENTS"]).read_text().splitlines()
    assert arguments[:3] == ["gate", f"--candidate={hostile}", "--config=eval_pipeline.yaml"]
    assert not (tmp_path / "made").exists()
    files = {"BASELINE_RESULTS": "-a b.json", "CANDIDATE_RESULTS": "c.json", "POLICY": "p.yaml"}
    run("gate.sh", world, **files, METRIC="f 1", BASELINE_SYSTEM="today")
    arguments = Path(world["ARGUMENTS"]).read_text().splitlines()
    assert arguments[:2] == ["compare", "--policy=p.yaml"]
    assert {"--metric=f 1", "--baseline-system=today"} < set(arguments)
    assert arguments[-3:] == ["--", "-a b.json", "c.json"]


@pytest.mark.parametrize(
    ("code", "inconclusive", "ends", "told"),
    [
        ("0", "fail", 0, ""),
        ("1", "fail", 1, "::error title=eval-pipeline: blocked"),
        ("1", "warn", 1, "::error title=eval-pipeline: blocked"),
        ("2", "fail", 2, "::error title=eval-pipeline: inconclusive"),
        ("2", "warn", 0, "::warning title=eval-pipeline: inconclusive"),
        ("3", "warn", 3, "::error title=eval-pipeline: could not be evaluated"),
        ("", "warn", 3, "::error title=eval-pipeline: could not be evaluated"),
    ],
)
def test_the_job_tells_inconclusive_from_blocked(world, code, inconclusive, ends, told) -> None:
    done = run("conclude.sh", world, CODE=code, INCONCLUSIVE=inconclusive)
    assert (done.returncode, done.stdout.startswith(told)) == (ends, True)


def test_a_comment_is_posted_once_and_renewed_after(world) -> None:
    reports = Path(world["REPORTS"])
    reports.mkdir()
    (reports / "decision.md").write_text("<!-- eval-pipeline decision on 1 -->\n### Passed\n")
    target = {"REPOSITORY": "own/shop", "PULL_REQUEST": "7", "GH_TOKEN": "t"}
    assert run("comment.sh", world, **target).returncode == 0
    assert run("comment.sh", world, **target, FOUND="12\n34\n").returncode == 0
    listed, posted, _, renewed = Path(world["CALLS"]).read_text().splitlines()
    assert listed.startswith("api|--paginate|repos/own/shop/issues/7/comments|--jq|")
    body = f"--field|body=@{reports}/decision.md|"
    assert posted == f"api|--silent|--method|POST|repos/own/shop/issues/7/comments|{body}"
    assert renewed == f"api|--silent|--method|PATCH|repos/own/shop/issues/comments/12|{body}"


def test_without_a_decision_or_a_pull_request_there_is_no_comment(world) -> None:
    target = {"REPOSITORY": "own/shop", "GH_TOKEN": "t"}
    assert run("comment.sh", world, **target, PULL_REQUEST="7").returncode == 0
    Path(world["REPORTS"]).mkdir()
    (Path(world["REPORTS"]) / "decision.md").write_text("text\n")
    assert run("comment.sh", world, **target, PULL_REQUEST="").returncode == 0
    assert not Path(world["CALLS"]).exists()


def test_no_input_of_the_action_reaches_a_command_line() -> None:
    action = document(CI / "action.yaml")
    steps = action["runs"]["steps"]
    assert all("${{" not in step.get("run", "") for step in steps)
    used = json.dumps(steps)
    assert all(f"inputs.{name}" in used for name in action["inputs"])
    scripts = [step["run"] for step in steps if "run" in step]
    for name in ("gate.sh", "comment.sh", "conclude.sh"):
        assert sum(name in script for script in scripts) == 1
        assert os.access(CI / name, os.X_OK)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_the_examples_run_on_what_changes_a_system_and_pass_only_inputs_there_are(file) -> None:
    workflow = document(file)
    triggers = workflow.get("on") or workflow[True]  # YAML 1.1 reads `on` as true
    assert "prompts/**" in triggers["pull_request"]["paths"]
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (job,) = workflow["jobs"].values()
    (gate,) = (step for step in job["steps"] if step.get("uses") == "./deploy/ci")
    assert set(gate["with"]) <= set(document(CI / "action.yaml")["inputs"])
    assert all("${{" not in step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("job", [".eval-pipeline-gate", ".eval-pipeline-compare"])
@pytest.mark.parametrize(("code", "silent", "ends"), [(0, "", 0), (2, "", 2), (1, "yes", 3)])
def test_the_scripts_of_the_gitlab_template_end_with_the_verdict(
    world, tmp_path, job, code, silent, ends
) -> None:
    lines = document(CI / "gitlab.yaml")[job]["script"]
    files = {"BASELINE_RESULTS": "a.json", "CANDIDATE_RESULTS": "b.json", "POLICY": "p.yaml"}
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        env=world | files | {"ENDS_WITH": str(code), "SILENT": silent}, cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == ends
    arguments = Path(world["ARGUMENTS"]).read_text().splitlines()
    assert arguments[0] == job.rpartition("-")[2]
    assert any(each.startswith("junit=") for each in arguments)


def test_the_gitlab_template_watches_what_changes_a_system_and_keeps_the_reports() -> None:
    base = document(CI / "gitlab.yaml")[".eval-pipeline-decision"]
    assert "prompts/**/*" in base["rules"][0]["changes"]
    assert base["artifacts"]["reports"]["junit"].endswith("decision.xml")
    assert base["artifacts"]["when"] == "always"
    assert base["allow_failure"]["exit_codes"] == [2]


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-actions", CI / "action.yaml"),
        *(("github-workflows", file) for file in WORKFLOWS),
        ("gitlab-ci", CI / "gitlab.yaml"),
    ],
    ids=lambda part: part if isinstance(part, str) else part.name,
)
@pytest.mark.skipif(
    CHECK_JSONSCHEMA is None,
    reason="check-jsonschema, which carries the forges' schemas, is not installed",
)
def test_the_templates_hold_to_the_schemas_of_the_forges(schema: str, file: Path) -> None:
    command = [CHECK_JSONSCHEMA, "--builtin-schema", f"vendor.{schema}", str(file)]
    if schema == "gitlab-ci":
        command[1:1] = ["--data-transform", "gitlab-ci"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed")
def test_the_scripts_pass_shellcheck() -> None:
    scripts = [str(script) for script in sorted(CI.glob("*.sh"))]
    done = subprocess.run(
        [SHELLCHECK, *scripts], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_script_decides_on_result_files_with_the_program_itself(world, tmp_path) -> None:
    program = tmp_path / "programs" / "eval-pipeline"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m eval_pipeline "$@"\n')
    results = CI.parents[1] / "tests/data/result_files/lm_eval"
    (tmp_path / "policy.yaml").write_text("gate: {tolerances: {default: 0.05}}\n")
    done = run(
        "gate.sh", world | {"PYTHONPATH": str(CI.parents[1])},
        BASELINE_RESULTS=str(results / "steady"), CANDIDATE_RESULTS=str(results / "hasty"),
        POLICY=str(tmp_path / "policy.yaml"),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    told = json.loads((Path(world["REPORTS"]) / "decision.json").read_text())
    assert (told["verdict"], told["candidate"]) == ("inconclusive", "hasty")
    assert "Inconclusive" in done.stdout
