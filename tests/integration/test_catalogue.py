import datetime as dt
import subprocess
import sys

import duckdb
import polars as pl
import pytest

from eval_pipeline.adapters.catalogue import CATALOGUE, rebuild
from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.settings import GoldenSettings
from eval_pipeline.tables import (
    DRIFT_TRIALS,
    GATE_DECISION,
    GOLDEN_SET,
    PRODUCTION_MONITOR,
    REGRESSION_TRIALS,
)
from eval_pipeline.truth.golden_set import compose
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.manifest import Provenance

POLICY = GoldenSettings(minimum_items=1, minimum_per_subset=0, minimum_fresh_share=0)


def publish(golden: GoldenVersions, name: str, *, week: str) -> None:
    row = {
        "interaction_id": name,
        "week": week,
        "route": "orders",
        "kind": "edge",
        "subsets": ["refunds"],
        "messages": [{"role": "user", "content": f"Question {name}"}],
        "reference_label": "pass",
        "label_source": "recorded",
        "selection": "sample",
        "inclusion_probability": 0.5,
        "design_weight": 2.0,
        "conversation_key": "c",
        "labelled_on": dt.date.fromisoformat(week),
    }
    schema = {"interaction_id": pl.String, **{c: GOLDEN_SET.schema[c] for c in CANDIDATE_COLUMNS}}
    latest = golden.latest()
    composition = compose(
        previous=None if latest is None else golden.items(latest),
        candidates=pl.DataFrame([row], schema=schema),
        policy=POLICY,
        subsets={},
        week=week,
        as_of=dt.date.fromisoformat(week),
        version=(latest or 0) + 1,
    )
    provenance = Provenance(
        salt="s",
        anonymiser_fingerprint="f",
        judges={},
        agreement={},
        code_version="1",
        run_id=None,
    )
    golden.publish(composition, provenance)


def monitor(*routes: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "route": route,
                "metric": "outcome",
                "value": 0.5,
                "interactions": 9,
                "finding": "usual",
            }
            for route in routes
        ],
        schema=PRODUCTION_MONITOR.schema,
    )


def decision(candidate: str) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "decision_id": f"d-{candidate}",
                "candidate_id": candidate,
                "verdict": "block",
                "baseline_id": "steady",
                "decision_json": "{}",
                "reasons": ["worse"],
                "blocked_subsets": ["refunds"],
                "undecided_subsets": [],
            }
        ],
        schema=GATE_DECISION.schema,
    )


def trials(table, **changes) -> pl.DataFrame:
    row = {
        "arm": "candidate",
        "system_id": "steady",
        "item_id": "i",
        "item_revision": 1,
        "stream": "rerun",
        "trial": 1,
        "source": "golden",
        "look": 1,
        "golden_version": 1,
        "golden_versions": [1],
        "route": "orders",
        "subsets": ["refunds"],
        "cluster_id": "c",
        "conversation_key": "c",
        "scorer": "exact",
        "score": 1.0,
        "status": "answered",
        "attempts": 1,
        "requested_model": "m",
        **changes,
    }
    return pl.DataFrame([{name: row.get(name) for name in table.schema}], schema=table.schema)


def fill(lake: Lake) -> GoldenVersions:
    golden = GoldenVersions(lake)
    lake.replace(PRODUCTION_MONITOR, monitor("all", "orders"), partition="2026-11-09")
    lake.replace(PRODUCTION_MONITOR, monitor("all"), partition="2026-11-16")
    lake.replace(GATE_DECISION, decision("sharper"), partition="sharper")
    lake.replace(REGRESSION_TRIALS, trials(REGRESSION_TRIALS), partition="sharper")
    lake.replace(DRIFT_TRIALS, trials(DRIFT_TRIALS), partition="2026-11-16")
    publish(golden, "one", week="2026-11-09")
    publish(golden, "two", week="2026-11-16")
    return golden


def ask(lake: Lake, tmp_path, query: str):
    file = lake.local_path(CATALOGUE)
    if file is None:
        file = tmp_path / "copy.duckdb"
        file.write_bytes(lake.read_bytes(CATALOGUE))
    with duckdb.connect(file, read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(params=["folder", "awkward folder", "memory"])
def lake(request, tmp_path):
    if request.param == "memory":
        return Lake("memory://")
    name = "lake" if request.param == "folder" else "a[1]*'s? week=1 lake"
    return Lake(str(tmp_path / name))


def test_people_find_tables_versions_decisions_and_trials(lake, tmp_path):
    golden = fill(lake)
    assert rebuild(lake, golden)
    assert ask(lake, tmp_path, "SELECT week, route FROM production_monitor ORDER BY ALL") == [
        ("2026-11-09", "all"),
        ("2026-11-09", "orders"),
        ("2026-11-16", "all"),
    ]
    assert ask(
        lake,
        tmp_path,
        "SELECT golden_version, count(*) FROM golden_history GROUP BY ALL ORDER BY ALL",
    ) == [(1, 1), (2, 2)]
    assert ask(lake, tmp_path, "SELECT item_id FROM golden_items(1)") == [
        (golden.items(1)["item_id"][0],)
    ]
    assert ask(lake, tmp_path, "SELECT len(messages), subsets FROM golden_items(2) LIMIT 1") == [
        (1, ["refunds"])
    ]
    assert ask(lake, tmp_path, "SELECT golden_version, parent, items FROM golden_versions") == [
        (1, None, 1),
        (2, 1, 2),
    ]
    assert ask(lake, tmp_path, "SELECT candidate, verdict, blocked_subsets FROM decisions") == [
        ("sharper", "block", ["refunds"])
    ]
    assert ask(lake, tmp_path, "SELECT purpose, scope, arm, score FROM trials ORDER BY ALL") == [
        ("drift", "2026-11-16", "rerun", 1.0),
        ("regression", "sharper", "candidate", 1.0),
    ]


def test_an_empty_lake_has_the_same_views_without_rows(lake, tmp_path):
    assert rebuild(lake, GoldenVersions(lake))
    for relation in ("decisions", "trials", "golden_history", "golden_versions", "golden_items(1)"):
        assert ask(lake, tmp_path, f"SELECT * FROM {relation}") == []
    described = ask(
        lake,
        tmp_path,
        "SELECT typeof(golden_version) FROM golden_history "
        "UNION ALL SELECT column_type FROM (DESCRIBE golden_history) "
        "WHERE column_name = 'golden_version'",
    )
    assert described == [("BIGINT",)]


def test_the_catalogue_is_built_again_only_when_what_it_covers_changed(lake, tmp_path):
    golden = fill(lake)
    assert rebuild(lake, golden)
    standing = lake.read_bytes(CATALOGUE)
    assert not rebuild(lake, golden)
    lake.replace(PRODUCTION_MONITOR, monitor("all"), partition="2026-11-16")
    assert not rebuild(lake, golden)
    assert lake.read_bytes(CATALOGUE) == standing
    lake.replace(PRODUCTION_MONITOR, monitor("other"), partition="2026-11-16")
    assert rebuild(lake, golden)
    assert ("2026-11-16", "other") in ask(
        lake, tmp_path, "SELECT week, route FROM production_monitor"
    )
    publish(golden, "three", week="2026-11-23")
    assert rebuild(lake, golden)
    assert not rebuild(lake, golden)


@pytest.mark.parametrize("damage", [b"", b"not a database" * 500])
def test_a_damaged_catalogue_is_replaced(lake, tmp_path, damage):
    golden = fill(lake)
    rebuild(lake, golden)
    lake.write_bytes(CATALOGUE, damage)
    assert rebuild(lake, golden)
    assert len(ask(lake, tmp_path, "SELECT * FROM golden_history")) == 3


def test_a_lake_that_moved_gets_a_catalogue_of_its_new_place(tmp_path):
    lake = Lake(str(tmp_path / "before"))
    rebuild(lake, fill(lake))
    (tmp_path / "before").rename(tmp_path / "after")
    moved = Lake(str(tmp_path / "after"))
    assert rebuild(moved, GoldenVersions(moved))
    assert len(ask(moved, tmp_path, "SELECT * FROM golden_history")) == 3


READER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    rows = connection.execute("SELECT count(*) FROM golden_versions").fetchone()
    print(rows[0], flush=True)
"""


def test_a_reader_in_another_process_keeps_its_catalogue_while_it_is_swapped(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    golden = fill(lake)
    rebuild(lake, golden)
    command = [sys.executable, "-c", READER, str(lake.local_path(CATALOGUE))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:

        def versions() -> int:
            reader.stdin.write("?\n")
            reader.stdin.flush()
            return int(reader.stdout.readline())

        assert versions() == 2
        publish(golden, "three", week="2026-11-23")
        assert rebuild(lake, golden)
        assert versions() == 2
        reader.stdin.close()
    assert ask(lake, tmp_path, "SELECT count(*) FROM golden_versions") == [(3,)]


def test_a_reader_in_this_process_does_not_hold_up_or_fool_a_rebuild(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    golden = fill(lake)
    rebuild(lake, golden)
    with duckdb.connect(lake.local_path(CATALOGUE), read_only=True):
        publish(golden, "three", week="2026-11-23")
        assert rebuild(lake, golden)
        assert not rebuild(lake, golden)
