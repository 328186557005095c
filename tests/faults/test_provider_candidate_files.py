"""A candidate file is written by anybody who can open a pull request: what it cannot do."""

import os
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from eval_pipeline.errors import SettingsError, UnknownCandidateError
from eval_pipeline.flows.candidates import (
    Candidate,
    candidates_folder,
    read_candidate_file,
    resolve_candidate,
)
from eval_pipeline.settings_file import Project, load_project

ROOT = Path(__file__).parents[2]
HONEST = "provider: pharmacy-cloud\nmodel: pharma-new\n"
SECRET = "sk-very-secret"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return made(tmp_path / "project")


def made(folder: Path, **candidates: Any) -> Project:
    (folder / "candidates").mkdir(parents=True, exist_ok=True)
    tree = YAML(typ="safe", pure=True).load((ROOT / "eval_pipeline.yaml").read_text())
    if candidates:
        tree["candidates"] = candidates
    file = folder / "eval_pipeline.yaml"
    with file.open("w") as written:
        YAML(typ="safe", pure=True).dump(tree, written)
    return load_project(file)


def put(project: Project, text: str | bytes, name: str = "new") -> Candidate:
    path = candidates_folder(project) / f"{name}.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return resolve_candidate(project, name)


def refusal(project: Project, text: str | bytes) -> str:
    with pytest.raises(SettingsError) as failure:
        put(project, text)
    assert SECRET not in str(failure.value)
    return str(failure.value)


def test_an_honest_file_is_a_candidate(project: Project) -> None:
    assert put(project, HONEST).system.model == "pharma-new"


@pytest.mark.parametrize(
    "key",
    [
        "base_url: http://evil.example/v1",
        "api_base: http://evil.example",
        "key_variable: AWS_SECRET_KEY",
        "header_variables: {x: HOME}",
        "headers: {x: y}",
        "key_header: x",
        "query: {a: b}",
        "providers: {evil: {base_url: 'http://evil.example'}}",
        "prompt_file: /etc/passwd",
        "command: [sh]",
        "url: http://evil.example",
        "env: {A: B}",
        "proxy: http://evil.example",
    ],
)
def test_no_key_names_an_address_a_variable_or_a_program(project: Project, key: str, fault_ledger):
    fault_ledger.injected("candidate", "key")
    assert key.partition(":")[0] in refusal(project, f"{HONEST}{key}\n")


@pytest.mark.parametrize("provider", ["http://evil.example/v1", "evil", "../providers", ""])
def test_a_provider_is_one_of_the_configurations_or_none(project: Project, provider, fault_ledger):
    fault_ledger.injected("candidate", "provider")
    refusal(project, f"provider: '{provider}'\nmodel: x\n")


def test_the_configuration_says_which_providers_candidates_may_use(tmp_path: Path, fault_ledger):
    fault_ledger.injected("candidate", "provider")
    limited = made(tmp_path / "limited", providers=["elsewhere"])
    assert "`candidates.providers` allows elsewhere" in refusal(limited, HONEST)
    allowed = made(tmp_path / "allowed", providers=["pharmacy-cloud"])
    assert put(allowed, HONEST).system.provider == "pharmacy-cloud"
    naive = "naive: {kind: retrieval, embeddings: {provider: pharmacy-cloud, model: small}}\n"
    assert "`candidates.providers`" in refusal(limited, naive)


@pytest.mark.parametrize(
    "model", ["../../v1/files", "a/../b", "..", "./x", "models\\..\\x", "a\r\nx-evil: 1", "a\x00b"]
)
def test_a_model_s_name_leads_nowhere_else(project: Project, model: str, fault_ledger) -> None:
    fault_ledger.injected("candidate", "model")
    quoted = model.replace("\\", "\\\\").replace("\r\n", "\\r\\n").replace("\x00", "\\0")
    refusal(project, f'provider: pharmacy-cloud\nmodel: "{quoted}"\n')


@pytest.mark.parametrize("key", ["few_shot_files", "fine_tuning_files"])
@pytest.mark.parametrize(
    "named",
    ["/etc/passwd", "../outside.txt", "../*", "/proc/self/environ", "examples/../../outside.txt",
     "/**/*.env", "~/../../etc/passwd", "linked/outside.txt", "link.txt", "*.txt", "link*/*",
     "examples/../link.txt"],
)  # fmt: skip
def test_files_outside_of_the_project_are_not_named(
    project: Project, key: str, named: str, fault_ledger
) -> None:
    fault_ledger.injected("candidate", "file")
    (project.folder.parent / "outside.txt").write_text(SECRET)
    (project.folder / "link.txt").symlink_to(project.folder.parent / "outside.txt")
    (project.folder / "linked").symlink_to(project.folder.parent)
    assert "lies outside" in refusal(project, f"{HONEST}{key}: ['{named}']\n")


def test_files_of_the_project_and_of_named_folders_may_be_named(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "examples.txt").write_text("an example")
    project = made(tmp_path / "project", source_folders=[str(shared)])
    (project.folder / "own.txt").write_text("an example")
    (project.folder / "link.txt").symlink_to(shared / "examples.txt")
    files = f"few_shot_files: [own.txt, '*.txt', link.txt, '{shared}/examples.txt']\n"
    assert len(put(project, HONEST + files).system.few_shot_files) == 4


def test_a_link_out_of_the_folder_is_no_candidate_and_is_not_quoted(project, fault_ledger) -> None:
    fault_ledger.injected("candidate", "link")
    outside = project.folder.parent / "outside.yaml"
    outside.write_text(f"password: [{SECRET}\n")
    (candidates_folder(project) / "new.yaml").symlink_to(outside)
    with pytest.raises(UnknownCandidateError) as unknown:
        resolve_candidate(project, "new")
    with pytest.raises(SettingsError, match="link to a file elsewhere") as failure:
        read_candidate_file(candidates_folder(project) / "new.yaml")
    assert SECRET not in f"{unknown.value} {failure.value}"


def test_what_is_wrong_in_a_file_is_told_by_its_place_and_not_quoted(project, fault_ledger) -> None:
    fault_ledger.injected("candidate", "yaml")
    assert "new.yaml:4: " in refusal(project, f"{HONEST}key: '{SECRET}\n")


LAUGHS = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
    + [
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000, "{a: " * 20_000, b"\xff\xfe\x00", "", "- a\n", "--- a\n--- b\n", "2026-13-45",
        "model: 2026-02-31", "provider: !!python/object/apply:os.system [id]\nmodel: x",
        "!!python/name:os.system", "model: !include /etc/passwd", LAUGHS, HONEST + LAUGHS,
        "provider: &a [*a]", HONEST + "model: y\n", "\x00", "x" * (2**20 + 1), "? [a]\n: b",
        HONEST + "parameters: {n: " + "9" * 5000 + "}", HONEST + "parameters: {a: [1]}",
        HONEST + "usd_per_million_input_tokens: -1", HONEST + "usd_per_million_input_tokens: .nan",
    ],
    ids=range(22),
)  # fmt: skip
def test_whatever_stands_in_a_file_is_refused_in_a_sentence(project, text, fault_ledger) -> None:
    fault_ledger.injected("candidate", "yaml")
    assert str(candidates_folder(project) / "new.yaml") in refusal(project, text)


def test_a_pipe_is_no_candidate(project: Project, fault_ledger) -> None:
    fault_ledger.injected("candidate", "pipe")
    os.mkfifo(candidates_folder(project) / "new.yaml")
    with pytest.raises(Exception, match="new"):
        resolve_candidate(project, "new")
