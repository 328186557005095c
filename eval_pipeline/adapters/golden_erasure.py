"""Takes one person's items out of every golden version: the one exception to immutability."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from eval_pipeline.adapters.golden_files import (
    FOLDER,
    MANIFEST,
    REISSUED,
    GoldenFiles,
    items_file,
)
from eval_pipeline.adapters.lake import parse_parquet
from eval_pipeline.errors import BrokenChainError, CorruptFileError
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.manifest import Manifest, Reissue
from eval_pipeline.truth.reissuing import reissued


@dataclass(frozen=True)
class ReissuedVersion:
    """A version that was issued again; `erased` is empty where only its parent's hash changed.

    `superseded` and `manifest_hash` are the SHA-256 of its manifest's file before and after.
    """

    version: int
    erased: tuple[str, ...]
    superseded: str
    manifest_hash: str


@dataclass(frozen=True)
class Erasure:
    """Whose items go, why, and under which id it is recorded. Keys are pseudonyms."""

    user_key: str | None
    conversation_keys: frozenset[str]
    reason: str
    erasure_id: str

    def concerned(self, items: pl.DataFrame, *, gone: Collection[str]) -> pl.DataFrame:
        """The person's items, and synthetic ones made from them or from items in `gone`."""
        theirs = items.filter(
            pl.col("user_key").eq_missing(pl.lit(self.user_key, dtype=pl.String))
            & pl.lit(self.user_key is not None)
            | pl.col("conversation_key").is_in(sorted(self.conversation_keys))
        )
        sources = sorted({*gone, *theirs["item_id"].to_list()})
        derived = items.filter(pl.col("derived_from").is_in(sources).fill_null(value=False))
        return pl.concat([theirs, derived]).unique("item_id").sort("item_id")


def forget(files: GoldenFiles, erasure: Erasure) -> list[ReissuedVersion]:
    """Issues every version that held such items again, and all after them; oldest first.

    Each step leaves the chain either as it was or with one more version issued again, so what was
    killed is finished by running it again. Versions that are published meanwhile are included.
    Raises `BrokenChainError` if a version did not rest on its parent even before, and
    `CorruptFileError`; versions before that one are done.
    """
    done: list[ReissuedVersion] = []
    seen: set[int] = set()
    gone: set[str] = set()
    parent: tuple[Manifest, str] | None = None
    while following := [number for number in files.numbers() if number not in seen]:
        for number in following:
            parent, change = _follow(files, number, erasure, parent=parent, gone=gone)
            done += [] if change is None else [change]
            seen.add(number)
    _sweep(files, erasure, gone=gone)
    return done


def _follow(
    files: GoldenFiles,
    number: int,
    erasure: Erasure,
    *,
    parent: tuple[Manifest, str] | None,
    gone: set[str],
) -> tuple[tuple[Manifest, str], ReissuedVersion | None]:
    """The version's manifest with its hash, as they are now; adds to `gone` what was erased."""
    data = files.manifest_data(number)
    manifest, superseded = files.parse(number, data), content_hash(data)
    _check_link(manifest, parent)
    items = files.items(manifest)
    gone |= {stone.item_id for stone in manifest.tombstones}
    erased = erasure.concerned(items, gone=gone)
    gone |= set(erased["item_id"].to_list())
    parent_hash = None if parent is None else parent[1]
    if erased.is_empty() and manifest.parent_manifest_hash == parent_hash:
        return (manifest, superseded), None
    kept = items.filter(~pl.col("item_id").is_in(erased["item_id"].to_list()))
    file = items_file(kept, begins=REISSUED)
    if erased.height:
        files.write(number, file)
    again = reissued(
        manifest,
        kept=kept,
        files={file.name: file.entry} if erased.height else manifest.files,
        parent_manifest_hash=parent_hash,
        erased=erased,
        note=Reissue(reason=erasure.reason, erasure_id=erasure.erasure_id, supersedes=superseded),
    )
    now = content_hash(files.replace(again))
    change = ReissuedVersion(number, tuple(erased["item_id"].to_list()), superseded, now)
    return (again, now), change


def _check_link(manifest: Manifest, parent: tuple[Manifest, str] | None) -> None:
    """A parent that was issued again vouches for the hashes that it replaced."""
    known: set[str | None] = set() if parent else {None}
    if parent is not None:
        before, present = parent
        known = {present, *(reissue.supersedes for reissue in before.reissues)}
    if manifest.parent_manifest_hash not in known:
        raise BrokenChainError(manifest.version)


def _sweep(files: GoldenFiles, erasure: Erasure, *, gone: Collection[str]) -> None:
    """Removes what no manifest names: superseded files, and dead publishers' with such items.

    A folder without a manifest may be a living publisher's. It writes its file anew if it finds
    it gone, and is told by its parent's new hash that it came too late.
    """
    folders: dict[str, list[str]] = {}
    for path in files.lake.list(FOLDER):
        folder, _, name = path.removeprefix(f"{FOLDER}/").partition("/")
        folders.setdefault(folder, []).append(name)
    for folder, names in folders.items():
        if not folder.isdigit():
            continue
        named = files.manifest(int(folder)).files if MANIFEST in names else {}
        for name in names:
            if not name.endswith(".parquet") or name in named:
                continue
            if MANIFEST in names or _holds(files, f"{FOLDER}/{folder}/{name}", erasure, gone=gone):
                files.lake.delete(f"{FOLDER}/{folder}/{name}")


def _holds(files: GoldenFiles, path: str, erasure: Erasure, *, gone: Collection[str]) -> bool:
    """Whether a file holds such items, or cannot be read to say that it does not."""
    try:
        items = parse_parquet(
            files.lake.read_bytes(path), table=GOLDEN_SET, path=files.lake.describe(path), remedy=""
        )
    except FileNotFoundError:
        return False
    except CorruptFileError:
        return True
    return not erasure.concerned(items, gone=gone).is_empty()
