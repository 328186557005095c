"""Reads the one YAML file; every mistake is told with file, line, key, found and allowed."""

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from eval_pipeline.errors import MissingEnvironmentError, SettingsError
from eval_pipeline.secret_values import secret_value
from eval_pipeline.settings import CandidateFile, Settings
from eval_pipeline.yaml_text import YamlTextError, parse_yaml, read_bounded

CONFIG_VARIABLE = "EVAL_PIPELINE_CONFIG"
DEFAULT_CONFIG = "eval_pipeline.yaml"

_SECRETIVE = re.compile(
    r"variable|key|secret|token|passw|credential|webhook|authori[sz]ation|cookie|header|dsn",
    re.IGNORECASE,
)
"""Keys under which people put the secret itself, though only its variable's name belongs there."""
_CREDENTIALS = re.compile(r"://[^/\s]*@")

_Section = TypeVar("_Section", bound=BaseModel)
Location = tuple[int | str, ...]
"""Keys and places in lists, from the top."""


@dataclass(frozen=True)
class Project:
    """A configuration with the folder it stands in; relative paths start from that folder."""

    settings: Settings
    file: Path

    @property
    def folder(self) -> Path:
        """The folder of the configuration file."""
        return self.file.parent

    def locate(self, path_or_url: str) -> str:
        """An absolute path, or the URL as it is."""
        if "://" in path_or_url or Path(path_or_url).is_absolute():
            return path_or_url
        return str(self.folder / path_or_url)

    def program(self, name: str) -> str:
        """The absolute path of a program on PATH or, if the name has a slash, beside the file.

        Raises `SettingsError` where there is no such program.
        """
        found = shutil.which(self.locate(name) if "/" in name else name)
        if found is None:
            raise SettingsError(
                f"{self.file}: the sandbox's program '{name}' is not there, or may not be run. "
                "Nothing was scored. Install it, or name another under `scoring`."
            )
        return str(Path(found).absolute())

    @property
    def lake_url(self) -> str:
        """Where the lake lies."""
        return self.locate(self.settings.storage.lake)

    @property
    def ledger_url(self) -> str | None:
        """Where the record of erasures is copied to; None where nowhere."""
        ledger = self.settings.storage.erasure_ledger
        return None if ledger is None else self.locate(ledger)

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the operational store, relative SQLite paths made absolute."""
        url = self.settings.storage.store
        if url.startswith("env:"):
            variable = url.removeprefix("env:")
            url = self.secret(variable, "the operational store's URL")
        relative = "sqlite:///"
        if url.startswith(relative) and not url.startswith("sqlite:////"):
            return relative + str(self.folder / url.removeprefix(relative))
        return url

    def secret(self, variable: str, purpose: str) -> str:
        """A secret, from its variable or from the file that `VARIABLE_FILE` names.

        Raises `MissingEnvironmentError` if neither is set.
        """
        value = secret_value(variable)
        if not value:
            raise MissingEnvironmentError(variable, purpose)
        return value


def default_config_path() -> Path:
    """The file named by EVAL_PIPELINE_CONFIG, or eval_pipeline.yaml in the current folder."""
    return Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))


def load_project(path: Path | None = None) -> Project:
    """The configuration at `path`; raises `SettingsError` with every mistake located.

    The programs of sandboxes must be there.
    """
    file = (path or default_config_path()).absolute()
    project = Project(settings=parse_settings(_read(file), file=str(file)), file=file)
    for name in project.settings.sandbox_programs:
        project.program(name)
    return project


def parse_settings(text: str, *, file: str) -> Settings:
    """Settings from YAML text; `file` only names the source in messages."""
    tree = _parse_yaml(text, file)
    return _validated(tree, Settings, tree=tree, file=file)


def load_section(path: Path, name: str, model: type[_Section]) -> _Section:
    """One section of the file at `path`, whatever else stands in it; defaults if it is absent.

    Raises `SettingsError` with every mistake of the section located.
    """
    file = path.absolute()
    tree = _parse_yaml(_read(file), str(file))
    section = tree.get(name, {}) or {}
    return _validated(section, model, tree=tree, file=str(file), under=(name,))


def load_candidate(path: Path) -> CandidateFile:
    """A candidate file: a system's keys at the top level, or a provider's change.

    Raises `SettingsError` with every mistake located.
    """
    file = str(path)
    try:
        tree = parse_yaml(read_bounded(path), kind="rt")
    except YamlTextError as error:
        told = f"the candidate file cannot be read: {error.problem}"
        raise SettingsError(f"{file}:{error.line or 1}: {told}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"The candidate file {path} cannot be read: it is not UTF-8.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(f"The candidate file {path} cannot be read: {reason}.") from None
    if not isinstance(tree, CommentedMap):
        told = "the candidate file cannot be used: it must be a mapping of keys"
        raise SettingsError(f"{file}:1: {told}.")
    if "provider_change" in tree:
        return _validated(tree, CandidateFile, tree=tree, file=file)
    return _validated({"system": tree}, CandidateFile, tree=tree, file=file, without=("system",))


def load_required_section(path: Path, name: str, model: type[_Section]) -> _Section:
    """The section of the file at `path`, or the file's whole content if it is that section alone.

    A section's own keys at the top, and none of its name, make the file that section. Raises
    `SettingsError` with every mistake located, and where the section is absent.
    """
    file = path.absolute()
    tree = _parse_yaml(_read(file), str(file))
    if name in tree:
        return load_section(path, name, model)
    own = {field.alias or key for key, field in model.model_fields.items()}
    if not own.intersection(tree):
        raise SettingsError(f"{file}:1: `{name}`: this section is required and missing.")
    return _validated(tree, model, tree=tree, file=str(file))


def _validated(
    value: Any,
    model: type[_Section],
    *,
    tree: CommentedMap,
    file: str,
    under: Location = (),
    without: Location = (),
) -> _Section:
    """The value as the model; every mistake of it is told with its place in the tree.

    The value stands under the keys `under` of the tree, or is the tree under further keys.
    """
    try:
        return model.model_validate_json(json.dumps(value, default=str))
    except TypeError:
        raise SettingsError(f"{file}: a key is itself a list or a mapping.") from None
    except ValidationError as error:
        located: list[ErrorDetails] = [
            {**detail, "loc": (*under, *_less(detail["loc"], without))} for detail in error.errors()
        ]
        described = [_describe(detail, tree, file) for detail in located]
        raise SettingsError("\n".join(described)) from None


def _less(location: Location, first: Location) -> Location:
    return location[len(first) :] if location[: len(first)] == first else location


def settings_json_schema() -> dict[str, Any]:
    """The JSON Schema of the configuration, for editors."""
    return Settings.model_json_schema()


def _read(file: Path) -> str:
    try:
        return read_bounded(file)
    except FileNotFoundError:
        raise SettingsError(
            f"There is no configuration at {file}. Run `eval-pipeline init` to make one, "
            f"or name yours with --config or {CONFIG_VARIABLE}."
        ) from None
    except (OSError, UnicodeDecodeError, YamlTextError) as error:
        raise SettingsError(f"The configuration {file} cannot be read: {error}.") from None


def _parse_yaml(text: str, file: str) -> CommentedMap:
    try:
        tree = parse_yaml(text, kind="rt")
    except YamlTextError as error:
        line = "" if error.line is None else f":{error.line}"
        raise SettingsError(f"{file}{line}: not valid YAML: {error.problem}.") from None
    if not isinstance(tree, CommentedMap):
        raise SettingsError(f"{file}:1: the configuration must be a mapping of sections.")
    return tree


def _describe(detail: ErrorDetails, tree: CommentedMap, file: str) -> str:
    location = _known_parts(detail["loc"], tree, missing=detail["type"] == "missing")
    key = ".".join(str(part) for part in location) or "(top level)"
    line = _line_of(location, tree)
    found = detail.get("input")
    shown = "" if isinstance(found, dict | list) else f" Found: {_shown(found, key=key)}."
    return f"{file}:{line}: `{key}`: {_allowed(detail)}{shown}"


def _shown(found: Any, *, key: str) -> str:
    """The value that was found; of one that may be a secret, only how long it is."""
    if isinstance(found, str) and (_SECRETIVE.search(key) or _CREDENTIALS.search(found)):
        return f"a text of {len(found)} characters, not shown as it may be a secret"
    return repr(found)


def _known_parts(
    location: tuple[int | str, ...], tree: CommentedMap, *, missing: bool
) -> list[int | str]:
    """The parts that stand in the file, plus the last if it is `missing`; drops unions' tags."""
    known: list[int | str] = []
    node: Any = tree
    for index, part in enumerate(location):
        if isinstance(node, CommentedMap | CommentedSeq) and _has(node, part):
            node = node[part]
            known.append(part)
        elif missing and index == len(location) - 1:
            known.append(part)
    return known


def _has(node: CommentedMap | CommentedSeq, part: int | str) -> bool:
    if isinstance(node, CommentedMap):
        return part in node
    return isinstance(part, int) and part < len(node)


def _line_of(location: list[int | str], tree: CommentedMap) -> int:
    node: Any = tree
    line = 0
    for part in location:
        if not isinstance(node, CommentedMap | CommentedSeq) or not _has(node, part):
            break
        places = node.lc.data or {}
        if part not in places:  # brought in by a YAML merge: it has no place of its own
            break
        line = places[part][0]
        node = node[part]
    return int(line) + 1


def _allowed(detail: ErrorDetails) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return "this key is unknown here."
        case "missing":
            return "this key is required and missing."
        case _:
            message = detail["msg"].removeprefix("Value error, ")
            return message[0].upper() + message[1:] + "."
