"""Golden versions to publish, and what readers of a lake find of them."""

import datetime as dt
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from eval_pipeline.adapters.catalogue import CATALOGUE, refresh
from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.errors import PublishConflictError
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.settings import GoldenSettings
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import Composition, compose
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.manifest import Provenance
from eval_pipeline.truth.manifest_file import parse_manifest

WEEKS = ("2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23")
FORGOTTEN = "user-0"
POLICY = GoldenSettings(minimum_items=1, minimum_per_subset=0, minimum_fresh_share=0)
PROVENANCE = Provenance(
    salt="weekly",
    anonymiser_fingerprint="abc",
    judges={"kind": ("model-b-7",)},
    agreement={"alpha": 0.8, "lower": 0.7, "upper": 0.9},
    code_version="0.1.0",
    run_id="run",
)


@dataclass(frozen=True)
class Draft:
    """What a publisher publishes."""

    composition: Composition
    provenance: Provenance

    def saved_to(self, file: Path) -> str:
        """The draft in a file, for a publisher in another process."""
        file.write_bytes(pickle.dumps(self))
        return str(file)


def drafted(golden: GoldenVersions, *, week: str, seed: str, label: str = "pass") -> Draft:
    """The version that follows the newest one; the seed decides which items come in.

    One of them is always of the person who may be forgotten.
    """
    random = Random(seed)
    latest = golden.latest()
    names = [f"{week}-{random.randrange(1_000_000):06d}" for _ in range(random.randint(3, 9))]
    rows = [_labelled(name, number, week=week, label=label) for number, name in enumerate(names)]
    schema = {"interaction_id": pl.String, **{c: GOLDEN_SET.schema[c] for c in CANDIDATE_COLUMNS}}
    composition = compose(
        previous=None if latest is None else golden.items(latest),
        candidates=pl.DataFrame(rows, schema=schema),
        policy=POLICY,
        subsets={},
        week=week,
        as_of=dt.date.fromisoformat(week) + dt.timedelta(days=7),
        version=(latest or 0) + 1,
    )
    return Draft(composition, PROVENANCE)


def _labelled(name: str, number: int, *, week: str, label: str) -> dict[str, Any]:
    return {
        "interaction_id": name,
        "week": week,
        "route": "orders",
        "stratum": "orders",
        "kind": ("typical", "edge", "adversarial")[number % 3],
        "subsets": ["refunds"],
        "messages": [{"role": "user", "content": f"Question {name}"}],
        "expected_behaviour": "answer",
        "logged_response": f"Answer {name}",
        "reference_response": f"Answer {name}",
        "reference_label": label,
        "label_source": "agreement",
        "annotator_kind": "person",
        "selection": "sample",
        "inclusion_probability": 0.5,
        "design_weight": 2.0,
        "conversation_key": f"conversation-{name}",
        "user_key": FORGOTTEN if number == 0 else f"user-{name}",
        "labelled_on": dt.date.fromisoformat(week),
    }


def publish(lake: Lake, draft: Draft) -> str:
    """Publishes and refreshes the catalogue, as the job does: created, standing or conflict."""
    golden = GoldenVersions(lake)
    try:
        result = golden.publish(draft.composition, draft.provenance)
    except PublishConflictError:
        return "conflict"
    refresh(lake)
    return "created" if result.created else "standing"


def forget(lake: Lake) -> str:
    """Erases the person and refreshes the catalogue."""
    golden = GoldenVersions(lake)
    golden.forget(user_key=FORGOTTEN, reason="they asked for it", erasure_id="erasure-1")
    refresh(lake)
    return "forgotten"


def lake_with(url: str, *, versions: int, seed: str) -> Lake:
    """A lake in which so many versions and their catalogue stand."""
    lake = Lake(url)
    for week in WEEKS[:versions]:
        publish(lake, drafted(GoldenVersions(lake), week=week, seed=f"{seed} {week}"))
    return lake


Rows = Sequence[tuple[Any, ...]] | None


@dataclass(frozen=True)
class Catalogue:
    """The catalogue's rows: per version, and per version's items as its view finds them now."""

    contents: Rows
    versions: Rows
    history: Rows
    """None while files are gone that the view names."""


@dataclass(frozen=True)
class State:
    """All that a reader finds: every finished file, and the catalogue."""

    files: Mapping[str, bytes]
    catalogue: Catalogue | None

    @property
    def named(self) -> dict[str, bytes]:
        """The manifests and the files that they name: what the versions consist of."""
        manifests = {
            path: parse_manifest(data, path=path)
            for path, data in self.files.items()
            if path.endswith("/manifest.json")
        }
        paths = {
            str(PurePosixPath(path).with_name(name))
            for path, manifest in manifests.items()
            for name in ("manifest.json", *manifest.files)
        }
        return {path: data for path, data in self.files.items() if path in paths}

    @property
    def torn(self) -> list[str]:
        """Items files whose bytes are not those that their names promise."""
        return [
            path
            for path, data in self.files.items()
            if path.endswith(".parquet")
            and PurePosixPath(path).stem.partition("-")[2] != content_hash(data)[:16]
        ]


def state_of(lake: Lake) -> State:
    """What a reader finds in the lake now. Two builds of one catalogue differ in their bytes."""
    files = {path: lake.read_bytes(path) for path in lake.list() if path != CATALOGUE}
    return State(files, _catalogue(lake) if lake.exists(CATALOGUE) else None)


def _catalogue(lake: Lake) -> Catalogue:
    with TemporaryDirectory() as folder:
        copy = Path(folder, CATALOGUE)
        copy.write_bytes(lake.read_bytes(CATALOGUE))
        with duckdb.connect(copy, read_only=True) as connection:
            ask = connection.execute
            contents = ask("FROM catalogue_contents").fetchall()
            versions = ask("FROM golden_versions ORDER BY ALL").fetchall()
            try:
                query = "SELECT golden_version, count(*) FROM golden_set GROUP BY 1 ORDER BY 1"
                history = ask(query).fetchall()
            except duckdb.IOException:
                history = None
    return Catalogue(contents, versions, history)


def problems(lake: Lake) -> list[str]:
    """What `verify` finds in any version."""
    golden = GoldenVersions(lake)
    return [problem for number in golden.numbers() for problem in golden.verify(number)]
