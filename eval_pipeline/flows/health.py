"""Whether a part of a deployment is fit to work: for probes, so quick; nothing is migrated."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.lake_format import format_of, refuse_newer
from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.object_storage import open_storage
from eval_pipeline.adapters.store import RESTORING, Store
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.settings_file import Project

Depth = Literal["live", "ready", "whole"]
PROBE: Final = ".health-"
"""What is written to see whether the lake can be written; a name that no listing shows."""


@dataclass(frozen=True)
class Part:
    """One part that was looked at; `detail` is one sentence that quotes no secret."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Health:
    """What was found, and when."""

    depth: Depth
    at: dt.datetime
    parts: tuple[Part, ...]

    @property
    def ok(self) -> bool:
        """Whether every part that was looked at is as it should be."""
        return all(part.ok for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        """The health for JSON."""
        told = "ok" if self.ok else "unfit"
        parts = [asdict(part) for part in self.parts]
        return {"status": told, "depth": self.depth, "at": self.at.isoformat(), "parts": parts}


def look(project: Project, *, depth: Depth, at: dt.datetime) -> Health:
    """Looks at the parts of this depth; one that fails hides none of the others.

    `live`: the configuration alone, which has been read to get here. `ready`: also that the store
    answers with the present schema, and that the lake can be read. `whole`: also that the lake can
    be written, by a file that is taken away again.
    """
    parts = [Part("configuration", ok=True, detail=f"{project.file}: sound")]
    if depth != "live":
        parts += _told("store", lambda: _store(project))
        parts += _told("lake", lambda: _lake(project, writing=depth == "whole"))
    return Health(depth, at, tuple(parts))


def _told(name: str, examined: Callable[[], Part]) -> Iterator[Part]:
    try:
        yield examined()
    except EvalPipelineError as error:
        yield Part(name, ok=False, detail=str(error))


def _store(project: Project) -> Part:
    with closing(Store.connect(project.store_url)) as store:
        found = store.schema()
    if found == HEAD:
        return Part("store", ok=True, detail=f"it answers and has schema {HEAD}")
    if found is None:
        told = f"it is empty. Run: eval-pipeline store upgrade (it makes schema {HEAD})"
    elif found == RESTORING:
        told = "it is being restored. Run the same `eval-pipeline restore` to its end"
    elif found < HEAD:
        told = f"it has schema {found}, and this program needs {HEAD}. Run: eval-pipeline store "
        told += "upgrade"
    else:
        told = f"it has schema {found}, and this program knows {HEAD}: start the newer version"
    return Part("store", ok=False, detail=f"{told}.")


def _lake(project: Project, *, writing: bool) -> Part:
    lake = Lake(project.lake_url)
    storage = open_storage(project.lake_url)
    refuse_newer(format_of(storage, url=lake.url), url=lake.url)
    if not writing:
        return Part("lake", ok=True, detail=f"{lake.url} can be read")
    probe = f"{PROBE}{uuid.uuid4().hex}"
    try:
        storage.write(probe, b"eval-pipeline\n")
        storage.delete(probe)
    except OSError as error:
        detail = (
            f"{lake.url} cannot be written: {error.strerror}. Check its permissions and free space."
        )
        return Part("lake", ok=False, detail=detail)
    return Part("lake", ok=True, detail=f"{lake.url} can be read and written")
