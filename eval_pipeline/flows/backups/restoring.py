"""`eval-pipeline restore`: an empty store and lake become what they were, and nobody comes back.

Everything that can refuse does so before anything is written. From then on lake and store carry a
sign that no program gets past, until every erasure since the backup has been made again; killed at
any moment, the same command begins again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from eval_pipeline.adapters.backups.document import Document
from eval_pipeline.adapters.backups.place import BackupPlace
from eval_pipeline.adapters.backups.store_restore import (
    refuse_full_store,
    refuse_unknown_schema,
    release_store,
    restore_store,
)
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.lake_format import FORMAT, MARKER, format_of, marker_bytes
from eval_pipeline.adapters.object_storage import open_storage
from eval_pipeline.adapters.storage import Storage
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import BackupError
from eval_pipeline.flows.backups.erased_since import (
    Pending,
    erase_again,
    pending_erasures,
    records_in,
)
from eval_pipeline.flows.backups.taking import key_check
from eval_pipeline.flows.truth import refresh_catalogue
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import ERASURES


@dataclass(frozen=True)
class Restored:
    """What a restore wrote, made again and found wrong.

    `unclean` are erasures whose scan found something left. `problems` are of golden versions.
    """

    document: Document
    rows: int
    files: int
    erased_again: int
    unclean: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether everything is as it must be."""
        return not (self.unclean or self.problems)


class RestoringPipeline(Pipeline):
    """The pipeline of a project whose lake and store nobody else may open yet."""

    @cached_property
    def lake(self) -> Lake:
        """The lake, whatever its marker says."""
        return Lake(self.project.lake_url, restoring=True)

    @cached_property
    def store(self) -> Store:
        """The store, whatever its schema says."""
        return Store.connect(self.project.store_url)


def check_backup(url: str, *, name: str | None) -> tuple[Document, int]:
    """Reads every file of a backup; its document, and how many bytes. Raises `BackupError`."""
    place = BackupPlace(url)
    document = place.document(name)
    return document, place.verify(document)


def restore_backup(
    pipeline: RestoringPipeline,
    url: str,
    *,
    name: str | None,
    ledger: Lake | None,
    told: Sequence[str] = (),
) -> Restored:
    """Restores a backup and makes every erasure since again.

    `ledger` holds the record of erasures as it is today; None says that nobody was erased since.
    `told` are the ids of people whose erasure an earlier version of this program recorded. Raises
    `BackupError`.
    """
    place = BackupPlace(url)
    document = place.document(name)
    _refuse(pipeline, document)
    place.verify(document)
    pending = _pending(pipeline, place, document, ledger=ledger, told=told)
    storage = open_storage(pipeline.project.lake_url)
    storage.write(MARKER, marker_bytes(restoring=document.name))
    rows = restore_store(
        pipeline.store,
        document,
        get=lambda entry: place.get(document.name, entry),
        at=pipeline.clock(),
    )
    _restore_lake(pipeline, storage, place, document)
    erased = erase_again(pipeline, pending)
    refresh_catalogue(pipeline)
    problems = tuple(
        f"golden version {number}: {problem}"
        for number in pipeline.golden.numbers()
        for problem in pipeline.golden.verify(number)
    )
    unclean = tuple(one.erasure_id for one in erased if not one.clean)
    if not unclean:
        release_store(pipeline.store)
        storage.write(MARKER, marker_bytes())
    return Restored(document, rows, len(document.lake), len(erased), unclean, problems)


def _refuse(pipeline: RestoringPipeline, document: Document) -> None:
    refuse_unknown_schema(document)
    if document.lake_format > FORMAT:
        raise BackupError(
            f"The backup '{document.name}' holds a lake of format {document.lake_format}, and this "
            f"program knows {FORMAT}: eval-pipeline {document.code_version} made it. Nothing was "
            "restored. Install that version or a later one."
        )
    ours = key_check(pipeline)
    if document.key_check is not None and ours != document.key_check:
        variable = pipeline.settings.anonymisation.key_variable
        raise BackupError(
            f"{variable} is not the key that the backup's data was written with: nobody could be "
            "found again under their pseudonym, to be erased or to be left out of a draw. Nothing "
            f"was restored. Set {variable} to the key of then; it is in no backup."
        )
    refuse_full_store(pipeline.store)
    known = format_of(open_storage(pipeline.project.lake_url), url=pipeline.lake.url) or {}
    if pipeline.lake.list() and known.get("restoring") != document.name:
        raise BackupError(
            f"The lake at {pipeline.lake.url} is not empty. Nothing was restored or overwritten. "
            "Name an empty place under `storage.lake`, or move this one away."
        )


def _pending(
    pipeline: RestoringPipeline,
    place: BackupPlace,
    document: Document,
    *,
    ledger: Lake | None,
    told: Sequence[str],
) -> list[Pending]:
    if ledger is None:
        return []
    known = records_in(
        {
            path: place.get(document.name, entry)
            for path, entry in document.lake.items()
            if path.startswith(f"{ERASURES.name}/")
        }
    )
    return pending_erasures(ledger, known, told=told, key=pipeline.key)


def _restore_lake(
    pipeline: RestoringPipeline, storage: Storage, place: BackupPlace, document: Document
) -> None:
    # What a restore that was killed had written beyond the backup: versions issued again.
    for path in sorted(set(pipeline.lake.list()) - set(document.lake)):
        storage.delete(path)
    for done, (path, entry) in enumerate(document.lake.items()):
        if pipeline.report is not None:
            pipeline.report(done, len(document.lake), "restoring the lake")
        storage.write(path, place.get(document.name, entry))
