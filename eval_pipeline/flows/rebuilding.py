"""Rebuilds golden versions from the weekly tables and compares them with what was published."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import polars as pl

from eval_pipeline.errors import CorruptFileError, MissingPartitionError
from eval_pipeline.flows.candidates_of_week import candidates_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.rebuilding import ItemDifference, differences, replay


@dataclass(frozen=True)
class Rebuilt:
    """How a version came out. identical: byte for byte what its manifest names.

    differs: `differing` says in which items, as far as the published file can be read.
    impossible: `explanation` names the partition that is missing or broken. An `explanation` of
    an identical version says what is wrong with its items file; `restored`: it has been written
    again.
    """

    version: int
    outcome: Literal["identical", "differs", "impossible"]
    explanation: str | None = None
    differing: tuple[ItemDifference, ...] = ()
    restored: bool = False

    @property
    def sound(self) -> bool:
        """Whether the published items file is what was rebuilt, or is so again."""
        return self.outcome == "identical" and (self.explanation is None or self.restored)

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dictionary, for JSON."""
        return asdict(self)


def rebuild(
    pipeline: Pipeline, *, version: int | None = None, restore: bool = False
) -> Iterator[Rebuilt]:
    """Rebuilds one version, or all of them, from version 1 on; no items file is drawn on.

    Raises `UnknownVersionError`, or `CorruptFileError` for a manifest: those cannot be rebuilt.
    """
    numbers = pipeline.golden.numbers()
    wanted = numbers if version is None else [pipeline.golden.manifest(version).version]
    items: pl.DataFrame | None = None
    weeks = _Weeks(pipeline)
    for number in range(1, max(wanted, default=0) + 1):
        manifest = pipeline.golden.manifest(number)
        try:
            candidates = pl.concat([weeks.candidates(week) for week in manifest.weeks])
        except (MissingPartitionError, CorruptFileError) as error:
            yield from (
                Rebuilt(later, "impossible", str(error)) for later in wanted if later >= number
            )
            return
        replayed = replay(items, candidates, manifest=manifest)
        items = replayed.items
        if number in wanted:
            yield _compared(pipeline, number, items, missing=replayed.missing, restore=restore)
        if pipeline.report is not None:
            pipeline.report(number, max(wanted), "rebuilding versions")


class _Weeks:
    """Each week's candidates, read once: several versions may draw on the same week."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._known: dict[str, pl.DataFrame] = {}

    def candidates(self, week: str) -> pl.DataFrame:
        if week not in self._known:
            found = candidates_of(self._pipeline, week=week)
            self._known[week] = found.select("interaction_id", *CANDIDATE_COLUMNS)
        return self._known[week]


def _compared(
    pipeline: Pipeline,
    version: int,
    items: pl.DataFrame,
    *,
    missing: tuple[str, ...],
    restore: bool,
) -> Rebuilt:
    try:
        published = pipeline.golden.items(version)
        broken = None
    except CorruptFileError as error:
        published, broken = None, str(error)
    if pipeline.golden.holds(version, items):
        if published is not None:
            return Rebuilt(version, "identical")
        restored = restore and pipeline.golden.restore(version, items)
        return Rebuilt(version, "identical", broken, restored=restored)
    if published is None:
        return Rebuilt(version, "differs", broken, tuple(ItemDifference(m, ()) for m in missing))
    found = differences(published, items)
    explanation = (
        "the weekly tables no longer say what they said when it was composed"
        if found
        else "the items are the same, but this version of the Parquet library writes other bytes"
    )
    return Rebuilt(version, "differs", explanation, found)
