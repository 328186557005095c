"""What publishing the 52nd weekly golden version costs, against the 2nd: time, bytes, requests.

    python benchmarks/golden.py [--items 500] [--versions 52] [--rounds 7] [--scratch FOLDER]

Publishes a year of versions, of which about a tenth rotates every week, through the functions that
the asset uses: read the weekly re-runs for saturation, compose, publish, refresh the catalogue. The
week's own labels are read beforehand: they cost the same in every week. The 2nd and the last are
then published again and again, in turns, on copies of the lake as it was before each. Prints
medians with their ranges and exits with 1 if the ratio of a time or of the bytes written exceeds
the bar. Bytes and requests are counted where the lake writes them, for a folder and for an object
store (in memory, through the same adapter as S3); requests have a ceiling and no bar, because a
young lake has fewer re-runs to read.
"""

import argparse
import datetime as dt
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import polars as pl

from eval_pipeline.adapters.catalogue import refresh
from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.local_folder import LocalFolder
from eval_pipeline.adapters.object_storage import ObjectStorage
from eval_pipeline.flows.composing import saturated_before
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import GoldenSettings, SubsetSettings
from eval_pipeline.tables import DRIFT_TRIALS, GOLDEN_SET
from eval_pipeline.truth.golden_set import compose
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.manifest import Provenance, policy_entry

BAR: Final = 1.2
FIRST_WEEK: Final = dt.date(2025, 1, 6)
WEEKS_IN_FORCE: Final = 10
"""A label leaves after so many weeks, so a tenth of the items rotates."""

KINDS: Final = ("typical",) * 12 + ("edge",) * 5 + ("adversarial",) * 3
SUBSETS: Final = ("refunds", "delivery", "dosage", "invented_drug_interactions")
WORDS: Final = 4_000
PROVENANCE: Final = Provenance(
    salt="weekly",
    anonymiser_fingerprint="benchmark",
    judges={"strict": ("model-a-2026",), "kind": ("model-b-7",)},
    agreement={"alpha": 0.8, "lower": 0.7, "upper": 0.9},
    code_version="benchmark",
    run_id=None,
)


class Counted:
    """Mixed into a storage: what it was asked for, and the bytes it wrote."""

    counts: Counter[str]

    def read(self, path: str) -> bytes:
        self.counts["requests"] += 1
        return super().read(path)  # type: ignore[misc]

    def write(self, path: str, data: bytes) -> None:
        self.counts.update(requests=1, bytes=len(data))
        super().write(path, data)  # type: ignore[misc]

    def create(self, path: str, data: bytes) -> bool:
        self.counts.update(requests=1, bytes=len(data))
        return super().create(path, data)  # type: ignore[misc]

    def delete(self, path: str) -> None:
        self.counts["requests"] += 1
        super().delete(path)  # type: ignore[misc]

    def exists(self, path: str) -> bool:
        self.counts["requests"] += 1
        return super().exists(path)  # type: ignore[misc]

    def sizes(self, prefix: str) -> dict[str, int]:
        """An object store lists a thousand objects a request."""
        found = super().sizes(prefix)  # type: ignore[misc]
        self.counts["requests"] += 1 + len(found) // 1000
        return found


class CountedFolder(Counted, LocalFolder):
    """A folder that counts."""


class CountedObjects(Counted, ObjectStorage):
    """An object store that counts."""


def counted_lake(url: str) -> Lake:
    """A lake whose storage counts, from nought."""
    lake = Lake(url)
    storage = CountedObjects(url) if "://" in url else CountedFolder(Path(url))
    storage.counts = Counter()
    lake._storage = storage  # noqa: SLF001 - measured where the bytes are written
    return lake


def words(count: int, source: random.Random) -> str:
    """Words whose frequencies fall as in a language, so that they compress like one."""
    drawn = (int(WORDS ** source.random()) for _ in range(count))
    return " ".join(f"{'aeiou'[n % 5]}{n:x}{'rstln'[n % 7 % 5]}" for n in drawn)


def candidates(week: dt.date, *, count: int, weeks_back: int) -> pl.DataFrame:
    """A week's labelled interactions; their labels are from up to `weeks_back` weeks before."""
    source = random.Random(week.isoformat())
    rows = [
        {
            "interaction_id": f"{week}-{number:05d}",
            "week": week.isoformat(),
            "route": source.choice(["orders", "advice", "returns"]),
            "stratum": f"stratum-{number % 8}",
            "kind": source.choice(KINDS),
            "subsets": source.sample(SUBSETS, k=source.choice([0, 1, 1, 2])),
            "messages": [
                {"role": "system", "content": "You are the assistant of a pharmacy."},
                {"role": "user", "content": words(source.randint(15, 120), source)},
            ],
            "logged_response": (response := words(source.randint(40, 160), source)),
            "logged_model": "model-2026",
            "reference_response": response,
            "reference_label": "pass",
            "label_source": source.choice(["agreement", "agreement", "adjudication", "panel"]),
            "annotator_kind": "person",
            "selection": "sample",
            "expected_behaviour": "answer",
            "inclusion_probability": 0.02,
            "design_weight": 50.0,
            "conversation_key": f"conversation-{week}-{number}",
            "user_key": f"user-{source.randrange(100_000)}",
            "labelled_on": week + dt.timedelta(days=5 - 7 * (number % (weeks_back + 1))),
        }
        for number in range(count)
    ]
    schema = {"interaction_id": pl.String, **{c: GOLDEN_SET.schema[c] for c in CANDIDATE_COLUMNS}}
    return pl.DataFrame(rows, schema=schema)


def week_of(version: int) -> dt.date:
    return FIRST_WEEK + dt.timedelta(days=7 * (version - 1))


def labelled_for(version: int, *, items: int) -> pl.DataFrame:
    """Enough for a whole version at first, then for the tenth that rotates."""
    if version == 1:
        return candidates(week_of(1), count=items, weeks_back=WEEKS_IN_FORCE - 1)
    return candidates(week_of(version), count=items // WEEKS_IN_FORCE, weeks_back=0)


def publish(lake: Lake, labelled: pl.DataFrame, *, version: int, items: int) -> None:
    """What the asset does for a week, after reading its labels."""
    golden, week = GoldenVersions(lake), week_of(version)
    policy = GoldenSettings(
        minimum_items=items // 2,
        maximum_items=items,
        maximum_age_days=7 * WEEKS_IN_FORCE,
        minimum_fresh_share=0.01,
    )
    subsets = {name: SubsetSettings(predicate="true") for name in SUBSETS}
    golden.for_week(week.isoformat())
    latest = golden.latest()
    composition = compose(
        previous=None if latest is None else golden.items(latest),
        candidates=labelled,
        policy=policy,
        subsets=subsets,
        week=week.isoformat(),
        as_of=week + dt.timedelta(days=7),
        version=version,
        saturated=saturated_before(
            _pipeline(lake, golden, policy), week=week.isoformat(), parent=latest
        ),
    )
    provenance = PROVENANCE.model_copy(update={"policy": policy_entry(policy, sorted(subsets))})
    result = golden.publish(composition, provenance)
    if not result.created or result.version != version:
        raise SystemExit(f"version {version} was not published")
    refresh(lake)


def _pipeline(lake: Lake, golden: GoldenVersions, policy: GoldenSettings) -> Pipeline:
    """As much of a pipeline as finding saturated items reads."""
    settings = SimpleNamespace(golden=policy)
    return cast("Pipeline", SimpleNamespace(lake=lake, golden=golden, settings=settings))


def rerun(lake: Lake, *, version: int) -> None:
    """The week's re-run of the version that has just been published."""
    source = random.Random(version)
    items = GoldenVersions(lake).items(version)
    rows = [
        {
            "system_id": "assistant",
            "item_id": item["item_id"],
            "item_revision": item["item_revision"],
            "golden_versions": [version],
            "stream": "rerun",
            "trial": 1,
            "route": item["route"],
            "subsets": item["subsets"],
            "conversation_key": item["conversation_key"],
            "response": words(source.randint(40, 160), source),
            "scorer": "panel",
            "score": float(source.random() < 0.8),
            "status": "answered",
            "attempts": 1,
        }
        for item in items.to_dicts()
    ]
    trials = pl.DataFrame(rows, schema=DRIFT_TRIALS.schema)
    lake.replace(DRIFT_TRIALS, trials, partition=week_of(version).isoformat())


def history(folder: Path, *, versions: int, items: int) -> dict[int, Path]:
    """The lake as it was before the 2nd and before the last version."""
    growing = folder / "growing"
    before = {}
    for version in range(1, versions):
        labelled = labelled_for(version, items=items)
        publish(Lake(str(growing)), labelled, version=version, items=items)
        rerun(Lake(str(growing)), version=version)
        if version in {1, versions - 1}:
            before[version + 1] = folder / f"before-{version + 1}"
            shutil.copytree(growing, before[version + 1])
    return before


def measure(before: Path, *, version: int, items: int, scratch: Path) -> dict[str, float]:
    """One publication on a copy, whose catalogue knows its place already."""
    copy = scratch / "copy"
    shutil.copytree(before, copy)
    try:
        refresh(Lake(str(copy)))
        lake, labelled = counted_lake(str(copy)), labelled_for(version, items=items)
        began, processor = time.perf_counter(), time.process_time()
        publish(lake, labelled, version=version, items=items)
        return {
            "seconds": time.perf_counter() - began,
            "processor_seconds": time.process_time() - processor,
            "bytes": lake._storage.counts["bytes"],  # type: ignore[attr-defined]  # noqa: SLF001
        }
    finally:
        shutil.rmtree(copy)


def object_store(*, versions: int, items: int) -> dict[int, dict[str, int]]:
    """Bytes written and requests of the 2nd and of the last publication."""
    lake = counted_lake("memory://")
    found = {}
    for version in range(1, versions + 1):
        labelled = labelled_for(version, items=items)
        lake._storage.counts.clear()  # type: ignore[attr-defined]  # noqa: SLF001
        publish(lake, labelled, version=version, items=items)
        if version in {2, versions}:
            found[version] = dict(lake._storage.counts)  # type: ignore[attr-defined]  # noqa: SLF001
        rerun(lake, version=version)
    return found


def report(*, versions: int, items: int, rounds: int, scratch: Path) -> dict[str, Any]:
    """Every measure of both publications, and the later one's median as a multiple."""
    before = history(scratch, versions=versions, items=items)
    runs: dict[int, list[dict[str, float]]] = {version: [] for version in before}
    for _ in range(rounds):
        for version, lake in before.items():
            runs[version].append(measure(lake, version=version, items=items, scratch=scratch))
    objects = object_store(versions=versions, items=items)
    measures: dict[str, Any] = {}
    for name in ("seconds", "processor_seconds", "bytes"):
        taken = {version: [run[name] for run in found] for version, found in runs.items()}
        measures[name] = _compared(taken)
    for name in ("bytes", "requests"):
        counted = {version: [float(found[name])] for version, found in objects.items()}
        measures[f"object store: {name}"] = _compared(counted)
    return {"items": items, "versions": versions, "rounds": rounds, "measures": measures}


def _compared(taken: dict[int, list[float]]) -> dict[str, Any]:
    medians = {version: statistics.median(values) for version, values in taken.items()}
    early, late = (medians[version] for version in sorted(medians))
    return {
        "by_version": {
            version: {"median": medians[version], "least": min(values), "most": max(values)}
            for version, values in taken.items()
        },
        "ratio": late / early,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table, or JSON; 1 if a ratio exceeds the bar."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--versions", type=int, default=52)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--no-bars", action="store_true", help="end with 0 whatever the ratios")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
        found = report(
            versions=asked.versions, items=asked.items, rounds=asked.rounds, scratch=Path(folder)
        )
    measures = found["measures"]
    barred = [name for name in measures if not name.endswith("requests")]
    missed = [name for name in barred if measures[name]["ratio"] > BAR]
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        for name, one in measures.items():
            spans = "; ".join(
                f"version {version}: {each['median']:.6g} ({each['least']:.6g}-{each['most']:.6g})"
                for version, each in one["by_version"].items()
            )
            verdict = f", bar {BAR} {'missed' if name in missed else 'kept'}"
            print(f"{name}: {spans}; ratio {one['ratio']:.3f}{verdict if name in barred else ''}")
    return 1 if missed and not asked.no_bars else 0


if __name__ == "__main__":
    sys.exit(main())
