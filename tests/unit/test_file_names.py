"""One rule for names that become files: what would leave its folder, or forge a line, is none."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.lake import Lake, partition_path
from eval_pipeline.adapters.storage import checked_path
from eval_pipeline.errors import LakeError, PartitionNameError, UnknownCandidateError
from eval_pipeline.file_names import LONGEST_NAME, checked_file_name, is_file_name
from eval_pipeline.flows.access_findings import looked_at_candidates
from eval_pipeline.flows.candidates import (
    candidate_names,
    candidates_folder,
    read_candidate_file,
    resolve_candidate,
    unusable_files,
    write_provider_change,
)
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings_file import Project, load_project
from eval_pipeline.tables import ALL_TABLES
from tests.hostile import POOL

ROOT = Path(__file__).parents[2]
SYSTEM = "provider: pharmacy-cloud\nmodel: pharma-new\n"
BAD = (
    "..", ".", "", "../up", "a/b", "/etc/passwd", "a\\b", "C:\\x", ".hidden", "-rf", "a b", "a\nb",
    "::set-output name=x::y", "a\0b", "\x1b[31m", "a\u202eb", "ä", "a=b", "week=2026-11-16",
    "a%2fb",
    "$(id)", "`id`", "a;b", "a|b", "a*", "~", "x" * (LONGEST_NAME + 1), "+a", "@a", "a'b", 'a"b',
)  # fmt: skip
GOOD = ("a", "steady", "2026-11-16", "gpt-4.1@2026", "a_b", "a..b", "A+b", "x" * LONGEST_NAME)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    file = tmp_path / "team" / "eval_pipeline.yaml"
    file.parent.mkdir()
    file.write_text((ROOT / "eval_pipeline.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (file.parent / "candidates").mkdir()
    return load_project(file)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_names_no_partition_and_no_candidate(name, project):
    assert not is_file_name(name)
    with pytest.raises(PartitionNameError):
        partition_path(ALL_TABLES[0], name)
    with pytest.raises(UnknownCandidateError):
        resolve_candidate(project, name)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_is_itself(name):
    assert checked_file_name(name) == name
    assert f"={name}/" in partition_path(ALL_TABLES[0], name)


@given(st.text(max_size=30) | st.sampled_from(POOL))
def test_whatever_passes_is_one_component_of_a_path(name):
    if is_file_name(name):
        assert Path("/lake", name).parent == Path("/lake")
        assert Path("/lake", name).resolve() == Path("/lake", name)
        assert re.fullmatch(r"[\x21-\x7e]+", name)


@given(st.text(alphabet="a./\\\0", max_size=12))
def test_no_path_leaves_the_lake(path):
    try:
        checked = checked_path(path)
    except LakeError:
        return
    assert Path("/lake", checked).resolve().is_relative_to("/lake")
    assert Path("/lake", checked).resolve() != Path("/lake")


def test_names_of_the_configuration_are_names_of_files():
    pattern = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
    for name in ("a", "0", "steady-2.1_b", "x" * 80):
        assert pattern.fullmatch(name)
        assert is_file_name(name)


@pytest.mark.parametrize("name", [name for name in BAD if name and not set(name) & {"/", "\0"}])
def test_a_file_with_a_bad_name_is_no_candidate_and_doctor_says_so(name, project):
    if len(name) > LONGEST_NAME or name in {".", ".."}:
        name = f" {name}"[:100]
    (candidates_folder(project) / f"{name}.yaml").write_text(SYSTEM)
    (candidates_folder(project) / "good.yaml").write_text(SYSTEM)
    assert candidate_names(project) == ["good"]
    [(_, state, detail, remedy)] = looked_at_candidates(Pipeline(project))
    assert state == "warn"
    assert (detail + remedy).isprintable()


def test_a_link_out_of_the_folder_is_no_candidate(project, tmp_path):
    secret = tmp_path / "secret.yaml"
    secret.write_text(SYSTEM)
    folder = candidates_folder(project)
    (folder / "stolen.yaml").symlink_to(secret)
    (folder / "device.yaml").symlink_to("/dev/zero")
    (folder / "dangling.yaml").symlink_to(tmp_path / "none")
    # Kubernetes mounts a ConfigMap's files as links inside the mounted folder.
    (folder / "..data").mkdir()
    (folder / "..data" / "mounted.yaml").write_text(SYSTEM)
    (folder / "mounted.yaml").symlink_to("..data/mounted.yaml")
    assert candidate_names(project) == ["mounted"]
    assert resolve_candidate(project, "mounted").system.model == "pharma-new"
    with pytest.raises(UnknownCandidateError):
        resolve_candidate(project, "stolen")
    assert {file.stem for file in unusable_files(project)} == {"stolen", "device", "dangling"}


def test_a_dangling_link_does_not_lead_a_provider_change_elsewhere(project, tmp_path):
    target = tmp_path / "planted.yaml"
    (candidates_folder(project) / "change-1.yaml").symlink_to(target)
    write_provider_change(
        project, "change-1", system_id="assistant", recorded_week="2026-10-05", seen="x"
    )
    assert not target.exists()


def test_an_unreadable_candidate_is_not_quoted(project):
    file = candidates_folder(project) / "new.yaml"
    file.write_text("provider: pharmacy-cloud\nmodel: [sk-live-0123456789\n")
    with pytest.raises(Exception, match=r"new\.yaml:3: ") as refused:
        read_candidate_file(file)
    assert "sk-live" not in str(refused.value)


def test_a_lake_reads_no_path_that_leaves_it(tmp_path):
    (tmp_path / "outside").write_bytes(b"another's")
    lake = Lake(str(tmp_path / "lake"))
    for path in ("../outside", "a/../../outside", "/etc/passwd", "a//b", "a\\..\\b", "./a", "a\0"):
        for use in (lake.read_bytes, lake.delete, lambda path: lake.write_bytes(path, b"x")):
            with pytest.raises(LakeError):
                use(path)
    assert (tmp_path / "outside").read_bytes() == b"another's"
