"""The run on real public data, as `make real` does it, against the figures published with them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from tests.real_data import DATA, needs
from tests.sharing import made_once

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    needs("real_log", "llmdrift"),
]

# Published with the data: items and share of score 1 in March and in June 2023, as rounded there.
PUBLISHED = {
    "prime": (1000, 0.840, 0.511, 3),
    "opinionqa": (1506, 0.976, 0.234, 3),
    "sensitiveq": (100, 0.21, 0.05, 2),
}


@pytest.fixture(scope="module")
def model_change(shared_folder: Path) -> Path:
    return told_once("model-change", shared_folder)


@pytest.fixture(scope="module")
def conversations(shared_folder: Path) -> Path:
    return told_once("conversations", shared_folder)


def told_once(part: str, shared_folder: Path) -> Path:
    """One part of the run, which without `--part` is told after the other."""
    place = made_once(shared_folder / f"real-{part}", lambda place: tell(part, place / "run"))
    return place / "run" / part


def tell(part: str, folder: Path) -> None:
    unset = {"EVAL_PIPELINE_CONFIG", "EVAL_PIPELINE_KEY", "DAGSTER_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "eval_pipeline",
            "demo",
            "real",
            "--directory",
            str(folder),
            "--part",
            part,
        ],
        env={**environment, "EVAL_PIPELINE_REAL_DATA": str(DATA)},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]


def decisions(part: Path) -> dict[str, dict]:
    return {
        file.parent.name.removeprefix("candidate="): json.loads(file.read_text(encoding="utf-8"))
        for file in sorted((part / "lake" / "gate_decision").rglob("decision.json"))
    }


def test_the_silent_change_is_seen_blocked_and_measured_as_published(model_change):
    ((candidate, decision),) = decisions(model_change).items()
    assert candidate.startswith("provider-change-")
    assert decision["verdict"] == "block"
    blocked = {one["subset"] for one in decision["subsets"] if one["state"] == "blocked"}
    assert blocked == set(PUBLISHED)
    (file,) = (model_change / "lake" / "regression_report").rglob("*.parquet")
    report = pl.read_parquet(file, hive_partitioning=False)
    measured = {row["subset"]: row for row in report.iter_rows(named=True)}
    for task, (items, march, june, digits) in PUBLISHED.items():
        row = measured[task]
        assert row["items"] == items, task
        assert round(row["baseline_mean"], digits) == march, task
        assert round(row["candidate_mean"], digits) == june, task


def test_eight_weeks_of_conversations_become_eight_sound_versions(conversations):
    golden = GoldenVersions(Lake(str(conversations / "lake")))
    assert golden.numbers() == list(range(1, 9))
    assert not any(golden.verify(number) for number in golden.numbers())


def test_the_naive_candidate_is_blocked(conversations):
    assert decisions(conversations)["naive"]["verdict"] == "block"
