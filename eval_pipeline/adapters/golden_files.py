"""Where golden versions lie in the lake: `golden/000012/manifest.json` and the file it names."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import polars as pl

from eval_pipeline.adapters.lake import Lake, parquet_bytes, parse_parquet
from eval_pipeline.errors import CorruptFileError, UnknownVersionError
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.manifest import FileEntry, Manifest
from eval_pipeline.truth.manifest_file import manifest_bytes, parse_manifest

FOLDER: Final = "golden"
MANIFEST: Final = "manifest.json"
PUBLISHED: Final = "items"
REISSUED: Final = "reissued"
"""How an items file's name begins: a publisher never touches the file of an erasure."""

ITEMS_REMEDY: Final = (
    "Run `eval-pipeline golden rebuild --restore`, which makes it again from the week's labels, "
    "or restore it from a backup; `eval-pipeline golden verify` says what else is affected."
)


@dataclass(frozen=True)
class ItemsFile:
    """An items file to be written; its name carries its content's hash."""

    name: str
    entry: FileEntry
    data: bytes


class GoldenFiles:
    """Reads and writes the files of versions; what they mean is for others.

    A folder without a manifest is not a version.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def numbers(self) -> list[int]:
        """The published versions, oldest first."""
        start, end = f"{FOLDER}/", f"/{MANIFEST}"
        names = (
            path.removeprefix(start).removesuffix(end)
            for path in self.lake.list(FOLDER)
            if path.endswith(end)
        )
        return sorted(int(name) for name in names if name.isdigit())

    def manifest_data(self, version: int) -> bytes:
        """The manifest's bytes, unchecked; raises `UnknownVersionError`."""
        try:
            return self.lake.read_bytes(path_of(version, MANIFEST))
        except FileNotFoundError:
            raise UnknownVersionError(version, self.numbers()) from None

    def parse(self, version: int, data: bytes) -> Manifest:
        """The manifest in `data`; raises `CorruptFileError`."""
        path = path_of(version, MANIFEST)
        return parse_manifest(data, path=self.lake.describe(path))

    def manifest(self, version: int) -> Manifest:
        """The manifest; raises `UnknownVersionError` or `CorruptFileError`."""
        return self.parse(version, self.manifest_data(version))

    def items(self, manifest: Manifest) -> pl.DataFrame:
        """The items that the manifest names; raises `CorruptFileError`.

        The bytes are checked against the manifest's hash on every read.
        """
        name = manifest.items_file
        path = path_of(manifest.version, name)
        where = self.lake.describe(path)
        try:
            data = self.lake.read_bytes(path)
        except FileNotFoundError:
            raise CorruptFileError(where, "it is missing", ITEMS_REMEDY) from None
        if content_hash(data) != manifest.files[name].sha256:
            raise CorruptFileError(where, "its hash is not the manifest's", ITEMS_REMEDY)
        return parse_parquet(data, table=GOLDEN_SET, path=where, remedy=ITEMS_REMEDY)

    def write(self, version: int, file: ItemsFile) -> None:
        """Writes an items file; a version has it only once a manifest names it."""
        self.lake.write_bytes(path_of(version, file.name), file.data)

    def create(self, manifest: Manifest) -> bool:
        """Publishes the manifest: of several creators exactly one gets True."""
        return self.lake.create_bytes(path_of(manifest.version, MANIFEST), manifest_bytes(manifest))

    def replace(self, manifest: Manifest) -> bytes:
        """Issues the manifest again, which only an erasure may; returns its bytes."""
        data = manifest_bytes(manifest)
        self.lake.write_bytes(path_of(manifest.version, MANIFEST), data)
        return data

    def names(self, version: int) -> list[str]:
        """The files in the version's folder, sorted."""
        folder = path_of(version, "")
        return [path.removeprefix(folder) for path in self.lake.list(folder.rstrip("/"))]

    def keep_only(self, version: int, names: Collection[str]) -> None:
        """Removes every other file of the version's folder, and what dead writers left in it."""
        self.lake.keep_only(path_of(version, "").rstrip("/"), names)


def path_of(version: int, name: str) -> str:
    """The path of a version's file, relative to the lake's root."""
    return f"{FOLDER}/{version:06d}/{name}"


def items_file(items: pl.DataFrame, *, begins: str = PUBLISHED) -> ItemsFile:
    """The file of these items; equal items give an equal file."""
    data = parquet_bytes(GOLDEN_SET.conform(items))
    digest = content_hash(data)
    entry = FileEntry(sha256=digest, bytes=len(data), rows=items.height)
    return ItemsFile(f"{begins}-{digest[:16]}.parquet", entry, data)
