"""How each kind of block is held to what it says. Every check gives problems; none means right."""

import ast
import contextlib
import json
import re
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import jsonschema
from pydantic import ValidationError
from ruamel.yaml.error import YAMLError

from eval_pipeline.adapters.schema import metadata
from eval_pipeline.errors import SettingsError
from eval_pipeline.judging.parsing import VerdictAnswer
from eval_pipeline.review.interchange.forms import AdjudicationLine, LabelLine
from eval_pipeline.settings import CandidateFile, Settings
from eval_pipeline.settings_file import parse_settings
from tests.doc_pages import ROOT, Block
from tests.doc_sandbox import Sandbox, tree_of

SECTIONS: Final = frozenset(Settings.model_fields)
LEAST_SHARED: Final = 0.5
FOREIGN: Final[tuple[frozenset[str], ...]] = (
    frozenset({"on", "jobs"}),  # GitHub
    frozenset({"include"}),  # GitLab
    frozenset({"prompts", "providers", "tests"}),  # promptfoo
    frozenset({"services"}),  # Compose
    frozenset({"apiVersion", "kind"}),  # Kubernetes
)
_SCHEMAS: Final = {
    "item_id": ROOT / "eval_pipeline/adapters/result_files/compare_input.schema.json",
    "schema_version": ROOT / "eval_pipeline/reports/decision.schema.json",
}


def check(block: Block, sandbox: Sandbox) -> list[str]:
    """What is wrong with a block that is no command."""
    text = sandbox.worded(block.text)
    if (name := block.names_file) is not None:
        path = sandbox.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    kind = _CHECKS.get(block.language)
    if kind is None:
        return [f"nothing here knows how to run or check {block.language!r}: excuse it, or teach"]
    return kind(text, block, sandbox)


def _yaml(text: str, block: Block, sandbox: Sandbox) -> list[str]:
    try:
        tree = tree_of(text)
    except YAMLError as error:
        return [f"no valid YAML: {error}"]
    if isinstance(tree, list):
        return [problem for one in tree for problem in _scorer(one)]
    if not isinstance(tree, dict):
        return [f"neither a mapping nor a list: {tree!r}"]
    return _mapping(tree, block, sandbox)


def _mapping(tree: Mapping[str, Any], block: Block, sandbox: Sandbox) -> list[str]:
    names = {str(key) for key in tree}
    if "file" in block.directives or any(foreign <= names for foreign in FOREIGN):
        return []  # what reads it says what is wrong with it
    if names <= SECTIONS:
        return _settings(tree, block, sandbox)
    if {"provider", "model"} <= names or names == {"naive"}:
        return _modelled(CandidateFile, {"system": tree})
    unknown = sorted(names - SECTIONS)
    return [f"no section of the configuration is called so, and no other tool's: {unknown}"]


def _scorer(entry: Any) -> list[str]:
    """The entry as the default scorer; a provider that it names is taken to be there."""
    part: dict[str, Any] = {"scoring": {"default": entry}}
    if isinstance(entry, dict) and "provider" in entry:
        part["providers"] = {entry["provider"]: {"base_url": "http://127.0.0.1:9/v1"}}
    return _merged_problems(part, _own_configuration())


def _settings(tree: Mapping[str, Any], block: Block, sandbox: Sandbox) -> list[str]:
    """The fragment within the demo's configuration; if `applied`, within the sandbox's."""
    if "applied" not in block.directives:
        return _merged_problems(tree, _own_configuration())
    file = sandbox.folder / "eval_pipeline.yaml"
    merged = merge(tree_of(file.read_text(encoding="utf-8")), tree)
    # JSON is YAML.
    file.write_text(json.dumps(merged, default=str, indent=1), encoding="utf-8")
    return _merged_problems({}, merged)


def _own_configuration() -> Any:
    return tree_of((ROOT / "eval_pipeline.yaml").read_text(encoding="utf-8"))


def _merged_problems(tree: Mapping[str, Any], whole: Any) -> list[str]:
    try:
        parse_settings(json.dumps(merge(whole, tree), default=str), file="the configuration")
    except SettingsError as error:
        return [str(error)]
    return []


def merge(whole: Any, part: Any) -> Any:
    """`whole` with what `part` says; lists and scalars are replaced."""
    if not isinstance(whole, dict) or not isinstance(part, dict):
        return part
    return {**whole, **{key: merge(whole.get(key), value) for key, value in part.items()}}


def _modelled(model: Any, value: Any) -> list[str]:
    try:
        model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        return [f"{one['loc']}: {one['msg']}" for one in error.errors()]
    return []


def _json(text: str, block: Block, sandbox: Sandbox) -> list[str]:
    try:
        return _contract(json.loads(text))
    except json.JSONDecodeError as error:
        return [f"no JSON: {error}"]


def _jsonl(text: str, block: Block, sandbox: Sandbox) -> list[str]:
    problems = []
    for line in filter(str.strip, text.splitlines()):
        problems += _json(line, block, sandbox)
    return problems


def _contract(value: Any) -> list[str]:
    """What a value breaks of the published contract that it is of, if it is of one."""
    keys = set(value) if isinstance(value, dict) else set()
    if {"task_id", "annotator_id"} <= keys:
        return _modelled(LabelLine, value)
    if {"task_id", "adjudicated_by"} <= keys:
        return _modelled(AdjudicationLine, value)
    if {"criteria", "verdict"} <= keys:
        return _modelled(VerdictAnswer, value)
    for key, file in _SCHEMAS.items():
        if key in keys and keys & {"score", "verdict"}:
            schema = json.loads(file.read_text(encoding="utf-8"))
            found = jsonschema.Draft202012Validator(schema).iter_errors(value)
            return [error.message for error in found]
    return []


def _sql(text: str, block: Block, sandbox: Sandbox) -> list[str]:
    """Every statement, on the store if it names a table of it, else on the catalogue."""
    tables = "|".join(metadata.tables)
    if re.search(rf"\bFROM ({tables})\b", text):
        with contextlib.closing(sqlite3.connect(sandbox.folder / "store.sqlite")) as store:
            return _tried(lambda: [store.execute(one).fetchall() for one in _statements(text)])
    # Its views name the folder in which the world was made, before it was copied.
    sandbox.shell.run("eval-pipeline catalogue")
    lake = sandbox.folder / "lake" / "catalog.duckdb"
    with contextlib.chdir(sandbox.folder), duckdb.connect(lake, read_only=True) as catalogue:
        return _tried(lambda: [catalogue.execute(one).fetchall() for one in _statements(text)])


def _tried(run: Callable[[], object]) -> list[str]:
    try:
        run()
    except (sqlite3.Error, duckdb.Error) as error:
        return [str(error)]
    return []


def _statements(text: str) -> Iterator[str]:
    return filter(str.strip, text.split(";\n"))


def _python(text: str, block: Block, sandbox: Sandbox) -> list[str]:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return [f"no Python: {error}"]
    script = sandbox.folder / f"snippet_{block.line}.py"
    script.write_text(text, encoding="utf-8")
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(sandbox.folder),
        "PYTHONPATH": f"{ROOT}:{sandbox.folder}",
    }
    ended = subprocess.run(
        [sys.executable, script],
        cwd=sandbox.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return [ended.stderr[-2000:]] if ended.returncode else []


def _toml(text: str, block: Block, sandbox: Sandbox) -> list[str]:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [f"no TOML: {error}"]
    return []


_CHECKS: Final[Mapping[str, Callable[[str, Block, Sandbox], list[str]]]] = {
    "yaml": _yaml,
    "yml": _yaml,
    "json": _json,
    "jsonl": _jsonl,
    "sql": _sql,
    "python": _python,
    "py": _python,
    "toml": _toml,
}


def unlike(shown: str, said: str) -> list[str]:
    """What a page shows of an output that the command did not say: labels, headings, words.

    Numbers, ids and names of files are another run's, and are not compared.
    """
    spoken = _words(said)
    missing = [label for label in _labels(shown) if not _words(label) <= spoken]
    words = _words(shown)
    shared = len(words & spoken) / len(words) if words else 1.0
    problems = [f"the output has no {label!r}" for label in missing]
    if shared < LEAST_SHARED:
        problems.append(f"of the words shown only {shared:.0%} are in the output")
    return problems


def _labels(shown: str) -> Iterator[str]:
    """The first words of lines `label  value`, and the headings of tables."""
    lines = shown.splitlines()
    for number, line in enumerate(lines):
        below = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if below and not below.strip("─━═"):
            yield line
        elif found := re.match(r" {2,}([a-z][\w ]*?) {2,}\S", line):
            yield found[1]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]{3,}", text))


def available(needs: str, *, which: Callable[[str], Path | str | None]) -> list[str]:
    """Which of the programs and modules, by name, are not here."""
    return [name for name in re.split(r"[, ]+", needs) if name and not which(name)]
