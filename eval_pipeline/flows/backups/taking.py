"""`eval-pipeline backup`: store and lake as they were at one moment, while the pipeline may run.

The lake is copied, then the store in one transaction, then the lake is looked at again. If nothing
there changed meanwhile, both copies are of the moment at which the store was read. If something
did, it is copied again, and the store too, until nothing does. Either order without that would
leave a half that the other knows nothing of: a golden version whose labels are not in the store, or
a store whose decisions are not in the lake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from eval_pipeline import __version__
from eval_pipeline.adapters.backups.document import Document, FileEntry, TableEntry
from eval_pipeline.adapters.backups.place import BackupPlace
from eval_pipeline.adapters.backups.store_rows import export_rows
from eval_pipeline.adapters.catalogue import CATALOGUE
from eval_pipeline.adapters.lake_format import FORMAT as LAKE_FORMAT
from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.errors import BackupError
from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.secret_values import secret_value
from eval_pipeline.tables import SHADOW_COUNTS, SHADOW_PAIRS

ROUNDS: Final = 5
FLOWING: Final = (f"{SHADOW_PAIRS.name}/", f"{SHADOW_COUNTS.name}/")
"""A mirror adds to these every few seconds, and nothing in the store speaks of them."""
NAME: Final = "%Y%m%dT%H%M%SZ"
KEY_CHECK: Final = "backup-key-check"


@dataclass(frozen=True)
class Taken:
    """A complete backup; `rounds` is how often the store was read until the lake stood still."""

    document: Document
    place: str
    rounds: int


def take_backup(pipeline: Pipeline, url: str) -> Taken:
    """Makes a backup under `url`, named by the time; raises `BackupError` if the lake never rests.

    Killed at any moment it leaves a folder without its document, which nothing restores from. The
    key of the pseudonyms, other secrets, the configuration and the logs are not in it.
    """
    place, at = BackupPlace(url), pipeline.clock()
    name = at.strftime(NAME)
    if any(one.name == name for one in place.listed()):
        raise BackupError(
            f"There is a backup '{name}' at {place.url}, from this very second. It was left as it "
            "is. Run the command again."
        )
    marks = _marks(pipeline)
    copied = _copied(pipeline, place, name, changed=marks, standing={})
    for number in range(1, ROUNDS + 1):
        tables = _store_rows(pipeline, place, name, number=number)
        now = _marks(pipeline)
        changed = {path: mark for path, mark in now.items() if marks.get(path) != mark}
        standing = {path: entry for path, entry in copied.items() if path in now}
        copied = _copied(pipeline, place, name, changed=changed, standing=standing)
        restless = {path for path in {*marks} ^ {*now} | {*changed} if not path.startswith(FLOWING)}
        marks = now
        if not restless:
            document = Document(
                name=name,
                made_at=at,
                code_version=__version__,
                lake_format=LAKE_FORMAT,
                store_schema=HEAD,
                store_kind=pipeline.store.engine.dialect.name,
                tables=tables,
                lake=copied,
                key_check=key_check(pipeline),
            )
            place.finish(document)
            return Taken(document, place.url, number)
    raise BackupError(
        f"The lake at {pipeline.lake.url} was written to all the time, {ROUNDS} times over, so no "
        "copy of it fits the store's. The backup is not complete. Run it when no job does: pause "
        "the schedules, or choose another hour."
    )


def key_check(pipeline: Pipeline) -> str | None:
    """What says whether two keys are the same, and nothing else; null where none is set."""
    key = secret_value(pipeline.settings.anonymisation.key_variable)
    return keyed_pseudonym(key.encode(), KEY_CHECK) if key else None


def _marks(pipeline: Pipeline) -> dict[str, str]:
    return {path: mark for path, mark in pipeline.lake.marks().items() if path != CATALOGUE}


def _copied(
    pipeline: Pipeline,
    place: BackupPlace,
    name: str,
    *,
    changed: Mapping[str, str],
    standing: Mapping[str, FileEntry],
) -> dict[str, FileEntry]:
    found = dict(standing)
    for done, path in enumerate(changed):
        if pipeline.report is not None:
            pipeline.report(done, len(changed), "copying the lake")
        try:
            found[path] = place.put(name, f"lake/{path}", pipeline.lake.read_bytes(path))
        except FileNotFoundError:  # gone since it was listed: the next look says so too
            found.pop(path, None)
    return dict(sorted(found.items()))


def _store_rows(
    pipeline: Pipeline, place: BackupPlace, name: str, *, number: int
) -> tuple[TableEntry, ...]:
    if pipeline.report is not None:
        pipeline.report(0, None, "copying the store")

    def put(path: str, data: bytes) -> FileEntry:
        return place.put(name, path, data)

    with pipeline.store.snapshot() as connection:
        return tuple(export_rows(connection, folder=f"store-{number}", put=put))
