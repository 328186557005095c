"""What a candidate is: a system of the configuration, a file, or a provider's silent change."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from eval_pipeline.errors import SettingsError, UnknownCandidateError
from eval_pipeline.file_names import is_file_name, lies_within
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.flows.candidate_limits import refuse_link, refuse_outside
from eval_pipeline.settings import CandidateFile, Settings, SystemSettings, judges_of_family
from eval_pipeline.settings_file import Project, load_candidate

CANDIDATE_SUFFIX = ".yaml"


@dataclass(frozen=True)
class Candidate:
    """A system on trial and the baseline it must not be worse than.

    `recorded_week` is null where both arms are asked afresh; where a provider changed a model
    under its name, it is the last drift week that still holds the old model's answers.
    `paid_as` is the kind of work that its calls are paid as.
    """

    candidate_id: str
    system: SystemSettings
    baseline_id: str
    baseline: SystemSettings
    recorded_week: str | None = None
    paid_as: str = "candidate"

    @property
    def scope(self) -> str:
        """What the evaluation's calls are paid for."""
        return f"{self.paid_as}:{self.candidate_id}"

    @property
    def fingerprint(self) -> str:
        """Of the system as configured: another prompt, model or parameter is another system."""
        return configured_fingerprint(self.system)

    @property
    def baseline_fingerprint(self) -> str:
        """The same of the baseline."""
        return configured_fingerprint(self.baseline)


def configured_fingerprint(system: SystemSettings) -> str:
    """The system's identity by what stands in its configuration."""
    return fingerprint(system.identity)


def candidates_folder(project: Project) -> Path:
    """Where candidate files appear."""
    return Path(project.locate(project.settings.candidates.folder))


def candidate_names(project: Project) -> list[str]:
    """Every candidate that can be evaluated: other systems and files, by name.

    A file whose name can name no partition, or that is a link out of the folder, is none of them.
    """
    return sorted({*_configured(project.settings), *(path.stem for path in _files(project))})


def resolve_candidate(project: Project, candidate_id: str) -> Candidate:
    """The candidate of this name; raises `UnknownCandidateError` or `SettingsError`."""
    settings = project.settings
    path = next((file for file in _files(project) if file.stem == candidate_id), None)
    if candidate_id in _configured(settings):
        described = CandidateFile(system=settings.systems[candidate_id])
    elif path is not None:
        described = read_candidate_file(path)
        if described.system is not None:
            refuse_outside(project, described.system, path=path)
    else:
        raise UnknownCandidateError(candidate_id, candidate_names(project))
    return _candidate(settings, candidate_id, described)


def read_candidate_file(path: Path) -> CandidateFile:
    """A candidate file: a system's keys at the top level, or a provider's change.

    Raises `SettingsError`, which quotes nothing of a file that lies elsewhere.
    """
    refuse_link(path)
    return load_candidate(path)


def write_provider_change(
    project: Project, candidate_id: str, *, system_id: str, recorded_week: str, seen: str
) -> Path:
    """Puts down a provider's change as a candidate file; an existing one is left as it is."""
    folder = candidates_folder(project)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{candidate_id}{CANDIDATE_SUFFIX}"
    with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
        described = {
            "provider_change": {"system": system_id, "recorded_week": recorded_week, "seen": seen}
        }
        YAML(typ="safe", pure=True).dump(described, file)
    return path


def _candidate(settings: Settings, candidate_id: str, described: CandidateFile) -> Candidate:
    baseline = settings.systems[settings.baseline]
    if described.provider_change is None:
        system = described.system
        if system is None or (system.naive is None and system.provider not in settings.providers):
            named = None if system is None else system.provider
            raise SettingsError(
                f"Candidate '{candidate_id}' names provider '{named}'; known are "
                f"{sorted(settings.providers)}."
            )
        _refuse_shared_family(settings, candidate_id, system)
        return Candidate(candidate_id, system, settings.baseline, baseline)
    changed = described.provider_change
    if changed.system not in settings.systems:
        raise SettingsError(
            f"Candidate '{candidate_id}' is a change of system '{changed.system}', which is not "
            f"under `systems`; known are {sorted(settings.systems)}."
        )
    system = settings.systems[changed.system]
    return Candidate(candidate_id, system, changed.system, system, changed.recorded_week)


def _refuse_shared_family(settings: Settings, candidate_id: str, system: SystemSettings) -> None:
    shared = judges_of_family(settings.judges, system.family)
    if shared and settings.panel.family_under_test == "refuse":
        raise SettingsError(
            f"Candidate '{candidate_id}' and judge '{shared[0]}' are both of the family "
            f"'{system.family}', and `panel.family_under_test` is `refuse`. Nothing was asked. "
            "Take a judge of another family, or allow it and the decision says so."
        )


def _configured(settings: Settings) -> list[str]:
    return [name for name in settings.systems if name != settings.baseline]


def _files(project: Project) -> Iterator[Path]:
    yield from (file for file, usable in _offered(project) if usable)


def unusable_files(project: Project) -> list[Path]:
    """Candidate files that nobody can evaluate: see `candidate_names`."""
    return [file for file, usable in _offered(project) if not usable]


def _offered(project: Project) -> Iterator[tuple[Path, bool]]:
    folder = candidates_folder(project)
    if folder.is_dir():
        for file in sorted(folder.glob(f"*{CANDIDATE_SUFFIX}")):
            usable = is_file_name(file.stem) and lies_within(file, folder) and file.is_file()
            yield file, usable
