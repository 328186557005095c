"""A manifest's bytes: JSON for people, sealed so that a flipped bit in it is found by itself."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from eval_pipeline.errors import CorruptFileError
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.truth.manifest import SCHEMA_VERSION, Manifest

SEAL: Final = "seal"
"""The stored manifest's own hash: of its bytes as they are without this line."""

REMEDY = (
    "Restore it from a backup: a manifest holds decisions that nothing else does. "
    "`eval-pipeline golden verify` says what else is affected."
)


def manifest_bytes(manifest: Manifest) -> bytes:
    """The manifest as it is stored, sealed: JSON for people, the same on every machine."""
    tree = manifest.model_dump(mode="json")
    return _json({**tree, SEAL: content_hash(_json(tree))})


def parse_manifest(data: bytes, *, path: str) -> Manifest:
    """The manifest in `data`; raises `CorruptFileError` naming `path`.

    Refuses whatever `manifest_bytes` would not have written, down to a space.
    """
    try:
        tree = json.loads(data)
        seal = tree.pop(SEAL, None) if isinstance(tree, dict) else None
        _refuse_newer(tree, path=path)
        manifest = Manifest.model_validate_json(json.dumps(tree))
        sealed = seal == content_hash(_json(tree)) and data == manifest_bytes(manifest)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the whole file"
        raise _no_manifest(path, f"{where}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise _no_manifest(path, "the whole file: it is not JSON") from None
    if not sealed:
        raise CorruptFileError(path, "its seal is not that of what it says", REMEDY)
    return manifest


def _refuse_newer(tree: object, *, path: str) -> None:
    version = tree.get("schema_version") if isinstance(tree, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise CorruptFileError(
            path,
            f"a newer eval-pipeline wrote it (its schema_version is {version}, and this one knows "
            f"{SCHEMA_VERSION})",
            "Install the version that wrote it or a later one.",
        )


def published_schema() -> dict[str, Any]:
    """The JSON Schema of `manifest.json`, for other tools."""
    schema = Manifest.model_json_schema()
    schema["properties"][SEAL] = {"title": "Seal", "type": "string"}
    schema["required"] = [*schema["required"], SEAL]
    return schema


def _no_manifest(path: str, problem: str) -> CorruptFileError:
    kind = f"it is not a manifest of schema version {SCHEMA_VERSION}"
    return CorruptFileError(path, f"{kind} ({problem})", REMEDY)


def _json(tree: Mapping[str, Any]) -> bytes:
    return (json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
