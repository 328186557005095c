"""Recomputes every hash of a golden version, and what links it to the version before."""

from eval_pipeline.adapters.golden_files import MANIFEST, GoldenFiles
from eval_pipeline.errors import CorruptFileError, UnknownVersionError
from eval_pipeline.truth.manifest_checks import chain_problems, item_problems, own_problems


def problems_of(files: GoldenFiles, version: int) -> list[str]:
    """What is wrong with a version and its link to its parent; empty if it is sound."""
    try:
        manifest = files.manifest(version)
    except (CorruptFileError, UnknownVersionError) as error:
        return [str(error)]
    problems = own_problems(manifest)
    if manifest.version != version:
        return [*problems, f"its manifest says that it is version {manifest.version}"]
    if len(manifest.files) != 1:
        problems.append(f"its manifest names {len(manifest.files)} files, not the one of its items")
    strangers = set(files.names(version)) - {MANIFEST, *manifest.files}
    if strangers:
        problems.append(f"its folder holds files that it does not name: {sorted(strangers)}")
    try:
        items = files.items(manifest)
    except CorruptFileError as error:
        return [*problems, str(error)]
    problems += item_problems(manifest, items)
    if manifest.parent is None:
        return problems + chain_problems(
            manifest,
            items["item_id"].to_list(),
            parent=None,
            parent_manifest=None,
            parent_items=(),
        )
    try:
        data = files.manifest_data(manifest.parent)
        parent = files.parse(manifest.parent, data)
        parent_items = files.items(parent)
    except (CorruptFileError, UnknownVersionError) as error:
        return [*problems, f"its parent cannot be compared with: {error}"]
    return problems + chain_problems(
        manifest,
        items["item_id"].to_list(),
        parent=parent,
        parent_manifest=data,
        parent_items=parent_items["item_id"].to_list(),
    )
