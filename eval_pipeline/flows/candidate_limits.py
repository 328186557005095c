"""What a candidate file may not do: it is written by more people than the configuration is.

It is read as data, names providers and never addresses, keys or variables, and names files of the
project only.
"""

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from eval_pipeline.errors import SettingsError
from eval_pipeline.settings import SystemSettings
from eval_pipeline.settings_file import Project

_PATTERN: Final = frozenset("*?[")


def refuse_link(path: Path) -> None:
    """Raises `SettingsError` for a link that leads out of the candidates' folder, before a look."""
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise SettingsError(
            f"The candidate file {path} cannot be read: it is a link to a file elsewhere."
        )


def refuse_outside(project: Project, system: SystemSettings, *, path: Path) -> None:
    """Raises `SettingsError` for a provider or a file that a candidate file may not name."""
    _refuse_providers(project, system, path=path)
    _refuse_model_path(system, path=path)
    more = map(project.locate, project.settings.candidates.source_folders)
    allowed = [project.folder.resolve(), *(Path(folder).resolve() for folder in more)]
    for key in ("few_shot_files", "fine_tuning_files"):
        for named in getattr(system, key):
            if not _is_inside(project.locate(named), allowed):
                raise SettingsError(
                    f"The candidate file {path} names '{named}' under `{key}`, which lies outside "
                    "the configuration's folder. It was not read. Move the file there, or name "
                    "its folder under `candidates.source_folders`."
                )


def _refuse_providers(project: Project, system: SystemSettings, *, path: Path) -> None:
    allowed = project.settings.candidates.providers
    embeddings = getattr(system.naive, "embeddings", None)
    named = [] if system.naive is not None else [system.provider]
    named += [] if embeddings is None else [embeddings.provider]
    for provider in named:
        if allowed is not None and provider not in allowed:
            raise SettingsError(
                f"The candidate file {path} names provider '{provider}', and "
                f"`candidates.providers` allows {', '.join(allowed) or 'none'}. Nothing was asked. "
                "Name another, or add it there."
            )


def _refuse_model_path(system: SystemSettings, *, path: Path) -> None:
    """Some APIs have the model's name in their address: it may not lead to another resource."""
    embeddings = getattr(system.naive, "embeddings", None)
    for model in (system.model, "" if embeddings is None else embeddings.model):
        if {".", ".."} & set(model.replace("\\", "/").split("/")) or not model.isprintable():
            raise SettingsError(
                f"The candidate file {path} names a model that is a path or cannot be printed. "
                "Nothing was asked. Write the model's name as the provider knows it."
            )


def _is_inside(located: str, allowed: list[Path]) -> bool:
    """Whether a path or pattern stays in the folders, and so does whatever it names by a link."""
    if "://" in located:
        return True  # refused by whoever reads it, with a sentence of its own
    parts = Path(located).parts
    if ".." in parts:
        return False
    fixed = next((n for n, part in enumerate(parts) if _PATTERN & set(part)), len(parts))
    named = [Path(*parts[:fixed]), Path(located)]
    if not _all_inside(named, allowed):
        return False
    found = glob.glob(located, recursive=True)  # noqa: PTH207 - as the files are found later
    return _all_inside(map(Path, found), allowed)


def _all_inside(paths: Iterable[Path], allowed: list[Path]) -> bool:
    resolved = (path.resolve() for path in paths)
    return all(any(path.is_relative_to(root) for root in allowed) for path in resolved)
