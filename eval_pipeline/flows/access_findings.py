"""What `doctor` says of who may read the project's files, and of candidate files nobody can try."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from eval_pipeline.adapters.private_files import is_open_to_others
from eval_pipeline.flows.candidates import unusable_files
from eval_pipeline.flows.wiring import Pipeline

Looked = tuple[str, Literal["ok", "warn", "fail"], str, str]
"""Subject, state, detail, remedy."""

KEY_ENDINGS = (".key", ".pem", ".env", ".p12")


def looked_at_access(pipeline: Pipeline) -> Iterator[Looked]:
    """A warning per place that every account of this machine can read; keys are a failure."""
    for place in _places(pipeline):
        if is_open_to_others(place):
            yield (
                "access",
                "warn",
                f"{place} can be read by every account of this machine",
                f"chmod o-rwx {place}",
            )
    for file in _key_files(pipeline):
        if is_open_to_others(file):
            yield (
                "access",
                "fail",
                f"{file} looks like a key and can be read by every account of this machine",
                f"chmod 600 {file}, and make the key anew if others have accounts here",
            )


def looked_at_candidates(pipeline: Pipeline) -> Iterator[Looked]:
    """A warning per candidate file that can never be evaluated."""
    for file in unusable_files(pipeline.project):
        detail = (
            f"the file {file.name!r} is no candidate: its name can name no partition, or it is a "
            "link that leads out of the folder"
        )
        remedy = "name it with letters, digits and _ . @ + - alone, and put the file itself there"
        yield "candidates", "warn", detail, remedy


def _places(pipeline: Pipeline) -> Iterator[Path]:
    lake = pipeline.lake.local_path("")
    if lake is not None:
        yield lake
    store = sa.make_url(pipeline.project.store_url)
    if store.get_backend_name() == "sqlite" and store.database:
        yield Path(store.database)
    yield Path(os.environ.get("DAGSTER_HOME") or pipeline.project.folder / "dagster")


def _key_files(pipeline: Pipeline) -> Iterator[Path]:
    for file in sorted(pipeline.project.folder.iterdir()):
        if file.is_file() and (file.suffix in KEY_ENDINGS or file.name in KEY_ENDINGS):
            yield file
