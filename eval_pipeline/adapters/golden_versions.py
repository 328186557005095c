"""Golden versions in the lake: published once by conditional create, verified by their hashes."""

from dataclasses import dataclass

import polars as pl

from eval_pipeline.adapters.lake import Lake, parquet_bytes, parse_parquet
from eval_pipeline.errors import (
    CompositionError,
    CorruptFileError,
    PublishConflictError,
    UnknownVersionError,
)
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import Composition
from eval_pipeline.truth.manifest import (
    FileEntry,
    Manifest,
    Provenance,
    chain_problems,
    content_fingerprint,
    counts_of,
    describe,
    item_problems,
    manifest_bytes,
    parse_manifest,
)
from eval_pipeline.truth.version_diff import VersionDiff, compare_versions

FOLDER = "golden"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class PublishResult:
    """The version that now stands for the week; `created` is False if it stood before."""

    version: int
    manifest: Manifest
    created: bool


class GoldenVersions:
    """`golden/000012/manifest.json` and the items file that it names.

    The items file carries its own hash in its name and the manifest is created last, so a
    publisher that loses the race or is killed can never change what the winner's manifest means.
    A folder without a manifest is not a version.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def numbers(self) -> list[int]:
        """The published versions, oldest first."""
        start, end = f"{FOLDER}/", f"/{MANIFEST}"
        names = (
            path.removeprefix(start).removesuffix(end)
            for path in self._lake.list(FOLDER)
            if path.endswith(end)
        )
        return sorted(int(name) for name in names if name.isdigit())

    def latest(self) -> int | None:
        """The newest version, or None before the first."""
        return max(self.numbers(), default=None)

    def for_week(self, week: str) -> int | None:
        """The newest version that was published for `week`, if any."""
        for number in reversed(self.numbers()):
            if self.manifest(number).week == week:
                return number
        return None

    def manifest(self, version: int) -> Manifest:
        """The manifest; raises `UnknownVersionError` or `CorruptFileError`."""
        path = _path(version, MANIFEST)
        return parse_manifest(self._manifest_data(version), path=self._lake.describe(path))

    def items(self, version: int) -> pl.DataFrame:
        """The items, as `GOLDEN_SET`; raises `UnknownVersionError` or `CorruptFileError`.

        The bytes are checked against the manifest's hash on every read.
        """
        manifest = self.manifest(version)
        name = manifest.items_file
        path = self._lake.describe(_path(version, name))
        remedy = (
            "Restore it from a backup; `eval-pipeline golden verify` says what else is affected."
        )
        try:
            data = self._lake.read_bytes(_path(version, name))
        except FileNotFoundError:
            raise CorruptFileError(path, "it is missing", remedy) from None
        if content_hash(data) != manifest.files[name].sha256:
            raise CorruptFileError(path, "its hash is not the manifest's", remedy)
        return parse_parquet(data, table=GOLDEN_SET, path=path, remedy=remedy)

    def items_path(self, version: int) -> str:
        """Where the version's items lie, relative to the lake's root."""
        return _path(version, self.manifest(version).items_file)

    def publish(self, composition: Composition, provenance: Provenance) -> PublishResult:
        """Publishes the composition as the next version, or finds that one already is it.

        Raises `PublishConflictError` if another publisher was first, and `CompositionError` if
        the composition does not follow from the newest version.
        """
        standing = self.standing(composition, provenance)
        if standing is not None:
            return standing
        following = (self.latest() or 0) + 1
        if composition.version < following:
            raise PublishConflictError(composition.version)
        if composition.version > following:
            raise CompositionError(
                f"Version {composition.version}, composed for {composition.week}, cannot be "
                f"published: the next version is {following}. Nothing was published. "
                "Compose again on top of the newest version."
            )
        return self._create(composition, provenance)

    def standing(self, composition: Composition, provenance: Provenance) -> PublishResult | None:
        """The version that was published for this week from this very content, if any."""
        own = self.for_week(composition.week)
        if own is None:
            return None
        manifest = self.manifest(own)
        ours = content_fingerprint(composition.items, provenance, week=composition.week)
        if manifest.content_fingerprint != ours:
            return None
        return PublishResult(own, manifest, created=False)

    def verify(self, version: int) -> list[str]:
        """What is wrong with a version and its link to its parent; empty if it is sound."""
        try:
            manifest, items = self.manifest(version), self.items(version)
            problems = item_problems(manifest, items)
            if manifest.version != version:
                problems.append(f"its manifest says that it is version {manifest.version}")
            parent, parent_items = None, pl.Series(dtype=pl.String)
            if manifest.parent is not None:
                parent = self._manifest_data(manifest.parent)
                parent_items = self.items(manifest.parent)["item_id"]
        except (CorruptFileError, UnknownVersionError) as error:
            return [str(error)]
        return problems + chain_problems(
            manifest,
            items["item_id"].to_list(),
            parent_manifest=parent,
            parent_items=parent_items.to_list(),
        )

    def diff(self, before: int, after: int) -> VersionDiff:
        """What changed from one version to another."""
        return compare_versions(self.items(before), self.items(after))

    def forget(self, user_key: str) -> list[int]:
        """Erases one person's items from every version; returns the versions that held any.

        The one exception to immutability: hashes are issued again along the whole chain and the
        erased items stay named, without content. Killed half-way, run again, it finishes.
        """
        held, parent_hash = [], None
        for number in self.numbers():
            manifest, items = self.manifest(number), self.items(number)
            erased = items.filter(pl.col("user_key") == user_key)
            if erased.height:
                held.append(number)
                manifest = self._without(manifest, items, erased["item_id"].to_list())
            manifest = manifest.model_copy(update={"parent_manifest_hash": parent_hash})
            data = manifest_bytes(manifest)
            if data != self._manifest_data(number):
                self._lake.write_bytes(_path(number, MANIFEST), data)
            self._sweep(manifest)
            parent_hash = content_hash(data)
        return held

    def _without(self, manifest: Manifest, items: pl.DataFrame, gone: list[str]) -> Manifest:
        kept = items.filter(~pl.col("item_id").is_in(gone))
        name, entry, data = _items_file(kept)
        self._lake.write_bytes(_path(manifest.version, name), data)
        return manifest.model_copy(
            update={
                "files": {name: entry},
                "counts": counts_of(kept, fresh=manifest.counts.fresh),
                "content_fingerprint": content_fingerprint(
                    kept, manifest.provenance, week=manifest.week
                ),
                "erased": tuple(sorted({*manifest.erased, *gone})),
            }
        )

    def _create(self, composition: Composition, provenance: Provenance) -> PublishResult:
        version = composition.version
        name, entry, data = _items_file(composition.items)
        parent = self._manifest_data(version - 1) if version > 1 else None
        manifest = describe(
            composition,
            provenance,
            files={name: entry},
            parent_manifest_hash=None if parent is None else content_hash(parent),
        )
        parent_items = self.items(version - 1)["item_id"].to_list() if version > 1 else []
        unfounded = chain_problems(
            manifest,
            composition.items["item_id"].to_list(),
            parent_manifest=parent,
            parent_items=parent_items,
        )
        if unfounded:
            raise CompositionError(
                f"Version {version} was not composed on top of version {version - 1}: "
                f"{'; '.join(unfounded)}. Nothing was published. Compose again on top of it."
            )
        self._lake.write_bytes(_path(version, name), data)
        ours = manifest_bytes(manifest)
        won = self._lake.create_bytes(_path(version, MANIFEST), ours)
        standing = self.manifest(version)
        self._sweep(standing)
        # A store that retries a put can refuse it because its own first try had arrived.
        if not won and manifest_bytes(standing) != ours:
            raise PublishConflictError(version)
        return PublishResult(version, standing, created=True)

    def _sweep(self, manifest: Manifest) -> None:
        """Removes items files of losing or killed publishers, which no manifest names."""
        folder = _path(manifest.version, "")
        for path in self._lake.list(folder.rstrip("/")):
            if path.removeprefix(folder) not in {MANIFEST, *manifest.files}:
                self._lake.delete(path)

    def _manifest_data(self, version: int) -> bytes:
        try:
            return self._lake.read_bytes(_path(version, MANIFEST))
        except FileNotFoundError:
            raise UnknownVersionError(version, self.numbers()) from None


def _path(version: int, name: str) -> str:
    return f"{FOLDER}/{version:06d}/{name}"


def _items_file(items: pl.DataFrame) -> tuple[str, FileEntry, bytes]:
    """The name, which carries the content's hash, the manifest's entry, and the bytes."""
    data = parquet_bytes(GOLDEN_SET.conform(items))
    digest = content_hash(data)
    name = f"items-{digest[:16]}.parquet"
    return name, FileEntry(sha256=digest, bytes=len(data), rows=items.height), data
