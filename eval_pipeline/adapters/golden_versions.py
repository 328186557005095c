"""Golden versions in the lake: published once by conditional create, verified by their hashes."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from eval_pipeline.adapters.golden_erasure import Erasure, ReissuedVersion, forget
from eval_pipeline.adapters.golden_files import (
    PUBLISHED,
    GoldenFiles,
    ItemsFile,
    items_file,
    path_of,
)
from eval_pipeline.adapters.golden_verification import problems_of
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.errors import (
    CompositionError,
    CorruptFileError,
    ErasedMeanwhileError,
    PublishConflictError,
    UnknownItemError,
)
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.truth.golden_set import Composition
from eval_pipeline.truth.item_history import ItemEvent, ItemState, changes_of, item_history
from eval_pipeline.truth.manifest import (
    Manifest,
    Provenance,
    content_fingerprint,
    describe,
)
from eval_pipeline.truth.manifest_checks import chain_problems
from eval_pipeline.truth.version_diff import VersionDiff, compare_versions


@dataclass(frozen=True)
class PublishResult:
    """The version that now stands for the week; `created` is False if it stood before."""

    version: int
    manifest: Manifest
    created: bool


@dataclass(frozen=True)
class _Weeks:
    """The week that a version is of, and the newest one of its chain."""

    own: str
    newest: str


class GoldenVersions:
    """The published versions of one lake.

    The items file carries its own hash in its name and the manifest is created last, so a
    publisher that loses the race or is killed can never change what the winner's manifest means.
    """

    def __init__(self, lake: Lake) -> None:
        self._files = GoldenFiles(lake)
        # A version's weeks never change, not by an erasure either, so each is read once.
        self._weeks: dict[int, _Weeks] = {}

    def numbers(self) -> list[int]:
        """The published versions, oldest first."""
        return self._files.numbers()

    def latest(self) -> int | None:
        """The newest version, or None before the first."""
        return max(self.numbers(), default=None)

    def for_week(self, week: str) -> int | None:
        """The newest version that was published for `week`, if any.

        A week after all published ones is answered by the newest manifest alone.
        """
        for number in reversed(self.numbers()):
            weeks = self._weeks_of(number)
            if weeks.own == week:
                return number
            if weeks.newest < week:
                return None
        return None

    def newest_until(self, week: str, *, count: int) -> list[int]:
        """The newest versions of weeks up to this one, at most `count`, oldest first.

        Where the newest ones are, no older manifest is read.
        """
        found: list[int] = []
        for number in reversed(self.numbers()):
            if len(found) == count:
                break
            if self._weeks_of(number).own <= week:
                found.append(number)
        return found[::-1]

    def newest_before(self, week: str) -> int | None:
        """The newest version of a week before this one, if any; as `newest_until`."""
        return next((n for n in reversed(self.numbers()) if self._weeks_of(n).own < week), None)

    def earliest_week(self, *, since: int) -> str | None:
        """The earliest week that a version from number `since` on is of; None if there is none."""
        return min((self._weeks_of(n).own for n in self.numbers() if n >= since), default=None)

    def manifest(self, version: int) -> Manifest:
        """The manifest; raises `UnknownVersionError` or `CorruptFileError`."""
        return self._files.manifest(version)

    def manifest_hash(self, version: int) -> str:
        """The SHA-256 of the manifest's file; raises `UnknownVersionError`."""
        return content_hash(self._files.manifest_data(version))

    def items(self, version: int) -> pl.DataFrame:
        """The items, as `GOLDEN_SET`; raises `UnknownVersionError` or `CorruptFileError`.

        The bytes are checked against the manifest's hash on every read. While a person is being
        erased they are those from before or from after it.
        """
        manifest = self.manifest(version)
        try:
            return self._files.items(manifest)
        except CorruptFileError:
            again = self.manifest(version)
            if again == manifest:
                raise
            return self._files.items(again)

    def items_path(self, version: int) -> str:
        """Where the version's items lie, relative to the lake's root."""
        return path_of(version, self.manifest(version).items_file)

    def publish(self, composition: Composition, provenance: Provenance) -> PublishResult:
        """Publishes the composition as the next version, or finds that one already is it.

        Raises `PublishConflictError` if another publisher was first, `CompositionError` if the
        composition does not follow from the newest version, and `ErasedMeanwhileError` if an
        erasure ran at the same time. What it costs does not grow with the number of versions.
        """
        # The newest number first: who publishes this very content meanwhile is found standing.
        following = (self.latest() or 0) + 1
        standing = self.standing(composition, provenance)
        if standing is not None:
            self._sweep(standing.manifest)
            return standing
        if composition.version < following:
            self._sweep(self.manifest(composition.version))
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
        return problems_of(self._files, version)

    def diff(self, before: int, after: int) -> VersionDiff:
        """What changed from one version to another, with the reasons recorded between them."""
        old, new = self.items(before), self.items(after)
        between = [self.manifest(number) for number in range(before + 1, after + 1)]
        return compare_versions(old, new, recorded=changes_of(between))

    def history(self, item_id: str) -> list[ItemEvent]:
        """Everything that happened to an item; raises `UnknownItemError`."""

        def state(version: int, item: str) -> ItemState | None:
            rows = self.items(version).filter(pl.col("item_id") == item)
            return (
                None if rows.is_empty() else rows.select("item_revision", "reference_label").row(0)
            )

        manifests = (self.manifest(number) for number in self.numbers())
        events = item_history(item_id, manifests, state=state)
        if not events:
            raise UnknownItemError(item_id)
        return events

    def forget(
        self,
        *,
        user_key: str | None = None,
        conversation_keys: Iterable[str] = (),
        reason: str,
        erasure_id: str,
    ) -> list[ReissuedVersion]:
        """Erases one person's items from every version: `golden_erasure.forget`.

        Keys are the pseudonyms that items carry. Returns the versions that were issued again,
        oldest first; a second run finds nothing to do. Two erasures must not run at once.
        """
        erasure = Erasure(user_key, frozenset(conversation_keys), reason, erasure_id)
        return forget(self._files, erasure)

    def holds(self, version: int, items: pl.DataFrame) -> bool:
        """Whether the bytes of these items are the ones that the version's manifest names."""
        manifest = self.manifest(version)
        return items_file(items).entry == manifest.files[manifest.items_file]

    def restore(self, version: int, items: pl.DataFrame) -> bool:
        """Writes a version's items file again if it `holds` these items; else False."""
        name, file = self.manifest(version).items_file, items_file(items)
        if not self.holds(version, items):
            return False
        self._files.write(version, ItemsFile(name, file.entry, file.data))
        return True

    def _weeks_of(self, version: int) -> _Weeks:
        if version not in self._weeks:
            manifest = self.manifest(version)
            self._weeks[version] = _Weeks(manifest.week, manifest.newest_week)
        return self._weeks[version]

    def _create(self, composition: Composition, provenance: Provenance) -> PublishResult:
        version = composition.version
        parent = self._files.manifest_data(version - 1) if version > 1 else None
        file = items_file(composition.items)
        manifest = self._described(composition, provenance, file=file, parent=parent)
        self._files.write(version, file)
        won = self._files.create(manifest)
        standing = self.manifest(version)
        left = self._sweep(standing)
        if not won and standing.content_fingerprint != manifest.content_fingerprint:
            raise PublishConflictError(version)
        if file.name not in left and file.name in standing.files:
            self._files.write(version, file)
        if parent is not None and self._files.manifest_data(version - 1) != parent:
            raise ErasedMeanwhileError(version)
        return PublishResult(version, standing, created=won)

    def _described(
        self,
        composition: Composition,
        provenance: Provenance,
        *,
        file: ItemsFile,
        parent: bytes | None,
    ) -> Manifest:
        """The manifest; raises `CompositionError` unless it follows from its parent."""
        version = composition.version
        before = None if parent is None else self._files.parse(version - 1, parent)
        manifest = describe(
            composition,
            provenance,
            files={file.name: file.entry},
            parent=before,
            parent_manifest_hash=None if parent is None else content_hash(parent),
        )
        unfounded = chain_problems(
            manifest,
            composition.items["item_id"].to_list(),
            parent=before,
            parent_manifest=parent,
            parent_items=[] if before is None else self._files.items(before)["item_id"].to_list(),
        )
        if unfounded:
            raise CompositionError(
                f"Version {version} was not composed on top of version {version - 1}: "
                f"{'; '.join(unfounded)}. Nothing was published. Compose again on top of it."
            )
        return manifest

    def _sweep(self, manifest: Manifest) -> list[str]:
        """Removes what losing or killed publishers left; returns the files there were.

        An erasure at work may have written its file and not yet the manifest that names it.
        """
        names = self._files.names(manifest.version)
        others = {name for name in names if not name.startswith(PUBLISHED)}
        self._files.keep_only(manifest.version, {*others, *manifest.files})
        return names
