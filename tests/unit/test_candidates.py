"""What a candidate is, and what a candidate file may hold."""

from pathlib import Path

import pytest

from eval_pipeline.errors import SettingsError, UnknownCandidateError
from eval_pipeline.flows.candidates import (
    candidate_names,
    candidates_folder,
    resolve_candidate,
    write_provider_change,
)
from eval_pipeline.settings_file import Project, load_candidate, load_project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    text = (ROOT / "eval_pipeline.yaml").read_text(encoding="utf-8")
    other = "systems:\n  rival:\n    provider: pharmacy-cloud\n    model: pharma-rival\n"
    file = tmp_path / "eval_pipeline.yaml"
    file.write_text(text.replace("systems:\n  assistant", other + "  assistant"))
    (tmp_path / "candidates").mkdir()
    return load_project(file)


def put(project: Project, name: str, text: str) -> Path:
    path = candidates_folder(project) / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_candidates_are_the_other_systems_and_the_files_by_name(project):
    put(project, "new", "provider: pharmacy-cloud\nmodel: pharma-new\n")
    assert candidate_names(project) == ["new", "rival"]


def test_without_a_folder_only_configured_systems_are_candidates(project):
    candidates_folder(project).rmdir()
    assert candidate_names(project) == ["rival"]


def test_a_file_s_system_is_tried_against_the_baseline_with_both_arms_asked(project):
    put(project, "new", "provider: pharmacy-cloud\nmodel: pharma-new\n")
    candidate = resolve_candidate(project, "new")
    assert candidate.system.model == "pharma-new"
    assert (candidate.baseline_id, candidate.baseline.model) == ("assistant", "pharma-large")
    assert candidate.recorded_week is None
    assert candidate.scope == "candidate:new"


def test_a_configured_system_wins_over_a_file_of_its_name(project):
    put(project, "rival", "provider: pharmacy-cloud\nmodel: impostor\n")
    assert resolve_candidate(project, "rival").system.model == "pharma-rival"


def test_a_provider_s_change_is_tried_against_the_old_model_s_recorded_answers(project):
    path = write_provider_change(
        project, "change-1", system_id="assistant", recorded_week="2026-10-05", seen="new print"
    )
    assert path == candidates_folder(project) / "change-1.yaml"
    candidate = resolve_candidate(project, "change-1")
    assert candidate.system == candidate.baseline
    assert candidate.recorded_week == "2026-10-05"


def test_a_change_that_is_written_down_already_stays_as_it_is(project):
    path = put(project, "change-1", "kept: as it is\n")
    write_provider_change(
        project, "change-1", system_id="assistant", recorded_week="2026-10-05", seen=""
    )
    assert path.read_text(encoding="utf-8") == "kept: as it is\n"


@pytest.mark.parametrize("name", ["nobody", "assistant", "../eval_pipeline", "candidates/new", ""])
def test_an_unknown_name_is_told_with_the_known_ones(project, name):
    put(project, "new", "provider: pharmacy-cloud\nmodel: pharma-new\n")
    with pytest.raises(UnknownCandidateError, match="known: new, rival"):
        resolve_candidate(project, name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("provider: [", "cannot be read"),
        ("- a list\n", "cannot be used"),
        ("", "cannot be used"),
        ("provider: pharmacy-cloud\n", ":1: .*A system needs `model`, or `naive`"),
        ("provider: pharmacy-cloud\nmodel: x\nmodl: y\n", ":3: `modl`: this key is unknown here"),
        (
            "provider_change: {system: assistant, recorded_week: yesterday}\n",
            ":1: `provider_change.recorded_week`",
        ),
        (
            (
                "provider_change: {system: a, recorded_week: '2026-10-05'}\n"
                "system: {provider: p, model: m}\n"
            ),
            "A candidate is either a system or a provider change",
        ),
    ],
)
def test_a_malformed_file_is_named_with_what_is_wrong(project, text, said):
    path = put(project, "crooked", text)
    with pytest.raises(SettingsError, match=said) as failure:
        load_candidate(path)
    assert str(path) in str(failure.value)


def test_a_candidate_of_an_unknown_provider_or_system_is_refused(project):
    put(project, "stray", "provider: nobody\nmodel: x\n")
    with pytest.raises(SettingsError, match=r"'nobody'; known are \['pharmacy-cloud'\]"):
        resolve_candidate(project, "stray")
    put(project, "gone", "provider_change: {system: departed, recorded_week: '2026-10-05'}\n")
    with pytest.raises(SettingsError, match="'departed', which is not under `systems`"):
        resolve_candidate(project, "gone")


def test_a_candidate_of_a_judge_s_family_is_refused_unless_the_policy_allows_it(project):
    put(project, "kin", "provider: pharmacy-cloud\nmodel: m\nfamily: Aurora\n")
    with pytest.raises(SettingsError, match=r"'kin' and judge 'arbiter-a' .*family_under_test"):
        resolve_candidate(project, "kin")
    panel = project.settings.panel.model_copy(update={"family_under_test": "allow"})
    allowed = Project(project.settings.model_copy(update={"panel": panel}), project.file)
    assert resolve_candidate(allowed, "kin").system.family == "Aurora"
