"""No way from data to `eval`, a template, SQL or a shell: ruff's rules `S` and their exceptions."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("eval_pipeline", "assets", "deploy", "supply_chain")
EXCUSE = re.compile(r"# noqa:.*\bS\d+")
FORBIDDEN = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.load",
    "pickle.loads", "marshal.loads", "yaml.load", "yaml.unsafe_load", "shelve.open", "joblib.load",
}  # fmt: skip


def sources() -> list[Path]:
    return sorted(file for folder in PRODUCT for file in (ROOT / folder).rglob("*.py"))


def calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_the_rules_are_on_for_all_of_the_product():
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert lint["lint"]["select"] == ["ALL"]
    assert not [rule for rule in lint["lint"]["ignore"] if re.fullmatch(r"S\d*", rule)]
    for pattern, ignored in lint["lint"]["per-file-ignores"].items():
        if pattern.startswith(PRODUCT):
            assert not [rule for rule in ignored if re.fullmatch(r"S\d*", rule)], pattern


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("def f(x):\n    return eval(x)\n", "S307"),
        ("def f(c, x):\n    c.execute(f'SELECT * FROM t WHERE a = {x}')\n", "S608"),
        ("import subprocess\n\n\ndef f(x):\n    subprocess.run(x, shell=True)\n", "S602"),
        ("import pickle\n\n\ndef f(x):\n    return pickle.loads(x)\n", "S301"),
        ("from jinja2 import Environment\n\nE = Environment()\n", "S701"),
    ],
)
def test_the_rules_find_what_they_are_there_for(text, rule, tmp_path):
    command = [str(Path(sys.executable).parent / "ruff"), "check", "--output-format", "concise"]
    settings = ["--config", str(ROOT / "pyproject.toml"), "--stdin-filename"]
    name = str(ROOT / "eval_pipeline" / "planted.py")
    found = subprocess.run(
        [*command, *settings, name, "-"], input=text, capture_output=True, text=True, check=False
    )
    assert rule in found.stdout


def test_every_exception_from_a_rule_says_why():
    silent = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in sources()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if EXCUSE.search(line) and not re.search(r"# noqa:[^-]* - \S+", line)
    ]
    assert silent == []


def test_nothing_evaluates_unpickles_or_starts_a_shell():
    found = [
        f"{file.relative_to(ROOT)}:{call.lineno}: {name}"
        for file in sources()
        for name, call in calls(file)
        if name in FORBIDDEN
        or any(
            word.arg == "shell"
            and not (isinstance(word.value, ast.Constant) and not word.value.value)
            for word in call.keywords
        )
    ]
    assert found == []


def test_a_template_is_text_of_the_package_or_runs_in_a_sandbox():
    """The starter and the report of `anonymise` are our own; a naive system's is a candidate's."""
    found = {
        str(file.relative_to(ROOT))
        for file in sources()
        for name, _ in calls(file)
        if name.endswith((".Template", "from_string")) and "jinja" in file.read_text("utf-8")
    }
    assert found <= {
        "eval_pipeline/cli/setup_commands.py",
        "eval_pipeline/evaluation/naive/rules.py",
        "eval_pipeline/reports/anonymised_file.py",
    }
    naive = (ROOT / "eval_pipeline" / "evaluation" / "naive" / "rules.py").read_text("utf-8")
    assert "ImmutableSandboxedEnvironment(" in naive


def test_shell_scripts_pass_shellcheck_and_quote_what_they_are_given():
    scripts = [ROOT / ".ci" / "run", *(ROOT / "deploy").rglob("*.sh")]
    checked = subprocess.run(
        [str(Path(sys.executable).parent / "shellcheck"), "--severity=warning", *map(str, scripts)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
