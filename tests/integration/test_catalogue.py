import datetime as dt
import subprocess
import sys

import duckdb
import polars as pl
import pytest

from eval_pipeline.adapters.catalogue import CATALOGUE, build, refresh
from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.errors import CorruptFileError
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


def publish(golden: GoldenVersions, name: str, *, week: str, **changes) -> None:
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
        "conversation_key": f"c-{name}",
        "expected_behaviour": "answer",
        "labelled_on": dt.date.fromisoformat(week),
        **changes,
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
                "sequence": 1,
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


def ask(file, query: str):
    with duckdb.connect(file, read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(params=["folder", "awkward folder", "memory"])
def lake(request, tmp_path):
    if request.param == "memory":
        return Lake("memory://")
    name = "lake" if request.param == "folder" else "route=x/a[1]*'s? week=1 lake"
    return Lake(str(tmp_path / name))


@pytest.fixture
def made(lake, tmp_path):
    """Makes the lake's catalogue as its kind of lake does, and says where it is."""

    def make():
        if lake.local_path("") is None:
            assert not refresh(lake)
            assert CATALOGUE not in lake.list()
            build(lake, tmp_path / "out" / "own.duckdb")
            return tmp_path / "out" / "own.duckdb"
        refresh(lake)
        return lake.local_path(CATALOGUE)

    return make


def test_people_find_tables_decisions_and_trials(lake, made):
    fill(lake)
    file = made()
    assert ask(file, "SELECT week, route FROM production_monitor ORDER BY ALL") == [
        ("2026-11-09", "all"),
        ("2026-11-09", "orders"),
        ("2026-11-16", "all"),
    ]
    assert ask(file, "SELECT candidate, verdict, blocked_subsets FROM decisions") == [
        ("sharper", "block", ["refunds"])
    ]
    assert ask(file, "SELECT purpose, scope, arm, score FROM trials ORDER BY ALL") == [
        ("drift", "2026-11-16", "rerun", 1.0),
        ("regression", "sharper", "candidate", 1.0),
    ]


def test_people_travel_in_time(lake, made):
    golden = fill(lake)
    file = made()
    (first,) = golden.items(1)["item_id"].to_list()
    second = golden.manifest(2).admitted[0].item_id
    assert ask(
        file, "SELECT golden_version, count(*) FROM golden_set GROUP BY ALL ORDER BY ALL"
    ) == [(1, 1), (2, 2)]
    for version in ("1", "version => 1", "version := 1"):
        assert ask(file, f"SELECT item_id, route FROM golden_items({version})") == [
            (first, "orders")
        ]
    assert ask(file, "SELECT len(messages), subsets FROM golden_items(2) LIMIT 1") == [
        (1, ["refunds"])
    ]
    assert ask(
        file, "SELECT golden_version, parent, items, in_force_from FROM golden_versions"
    ) == [
        (1, None, 1, dt.date(2026, 11, 16)),
        (2, 1, 2, dt.date(2026, 11, 23)),
    ]
    for day, versions in {"2026-11-15": [], "2026-11-22": [1], "2026-11-23": [2]}.items():
        for written in (f"'{day}'", f"day => DATE '{day}'"):
            found = ask(file, f"SELECT DISTINCT golden_version FROM golden_as_of({written})")
            assert [row[0] for row in found] == versions
    assert ask(file, "SELECT golden_version, item_id, change, reason FROM golden_changes") == [
        (1, first, "admitted", "settled_label"),
        (2, second, "admitted", "settled_label"),
    ]


def test_the_history_of_an_item_is_the_one_that_the_program_tells(lake, made):
    golden = fill(lake)
    publish(golden, "two", week="2026-11-16", reference_label="fail")
    golden.forget(conversation_keys=["c-one"], reason="asked", erasure_id="e-1")
    publish(golden, "three", week="2027-11-15")
    file = made()
    told = set()
    for (item,) in ask(file, "SELECT DISTINCT item_id FROM golden_changes"):
        events = [tuple(event.as_dict().values()) for event in golden.history(item)]
        assert ask(file, f"FROM golden_history('{item}')") == events
        assert ask(file, f"FROM golden_history(item => '{item}')") == events
        told |= {event[2] for event in events}
    assert told == {"admitted", "revised", "retired", "erased"}
    assert ask(file, "SELECT erased, reissues FROM golden_versions ORDER BY golden_version") == [
        (len(manifest.tombstones), len(manifest.reissues))
        for manifest in map(golden.manifest, golden.numbers())
    ]


def test_an_empty_lake_has_the_same_views_without_rows(made):
    file = made()
    for relation in (
        "decisions", "trials", "golden_set", "golden_versions", "golden_changes",
        "golden_items(1)", "golden_as_of('2026-11-16')", "golden_history('item-1')",
    ):  # fmt: skip
        assert ask(file, f"SELECT * FROM {relation}") == []
    assert ask(
        file, "SELECT column_type FROM (DESCRIBE golden_set) WHERE column_name = 'golden_version'"
    ) == [("BIGINT",)]


def test_empty_and_filled_relations_have_the_same_columns(lake, made):
    described = "SELECT column_name, column_type FROM (DESCRIBE {})"
    relations = ("decisions", "trials", "golden_set", "golden_versions", "golden_changes")
    query = " UNION ALL ".join(described.format(relation) for relation in relations)
    empty = ask(made(), query)
    fill(lake)
    assert ask(made(), query) == empty


def test_a_folders_catalogue_shows_new_files_and_is_written_again_only_for_new_relations(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    assert refresh(lake)
    golden = fill(lake)
    assert refresh(lake)
    assert not refresh(lake)
    standing = lake.read_bytes(CATALOGUE)
    lake.replace(PRODUCTION_MONITOR, monitor("other"), partition="2026-11-23")
    publish(golden, "three", week="2026-11-23")
    assert not refresh(lake)
    assert lake.read_bytes(CATALOGUE) == standing
    file = lake.local_path(CATALOGUE)
    assert ask(file, "SELECT week FROM production_monitor WHERE route = 'other'") == [
        ("2026-11-23",)
    ]
    assert ask(file, "SELECT count(*) FROM golden_items(3)") == [(3,)]
    lake.delete("gate_decision/candidate=sharper/part-0.parquet")
    assert refresh(lake)
    assert ask(file, "SELECT * FROM decisions") == []


def test_what_a_dead_publisher_left_is_never_shown(lake, made):
    golden = fill(lake)
    stranger = lake.read_bytes(golden.items_path(2))
    lake.write_bytes("golden/000001/items-0123456789abcdef.parquet", stranger)
    lake.write_bytes("golden/000003/items-0123456789abcdef.parquet", stranger)
    assert ask(made(), "SELECT golden_version, count(*) FROM golden_set GROUP BY 1 ORDER BY 1") == [
        (1, 1),
        (2, 2),
    ]


def test_asking_for_one_version_or_week_reads_its_file_alone(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    fill(lake)
    refresh(lake)
    for query in (
        "SELECT item_id FROM golden_items(2)",
        "SELECT route FROM production_monitor WHERE week = '2026-11-16'",
    ):
        plan = ask(lake.local_path(CATALOGUE), f"EXPLAIN ANALYZE {query}")[0][1]
        parquet = plan[plan.index("READ_PARQUET") :]
        assert "Total Files Read: 1 " in parquet[: parquet.index("Filename(s)")]


@pytest.mark.parametrize("damage", [b"", b"not a database" * 500])
def test_a_damaged_catalogue_is_replaced(tmp_path, damage):
    lake = Lake(str(tmp_path / "lake"))
    fill(lake)
    refresh(lake)
    lake.write_bytes(CATALOGUE, damage)
    assert refresh(lake)
    assert len(ask(lake.local_path(CATALOGUE), "SELECT * FROM golden_set")) == 3


def test_a_broken_file_is_named_and_the_catalogue_left_as_it_was(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    refresh(lake)
    standing = lake.read_bytes(CATALOGUE)
    lake.write_bytes("production_monitor/week=2026-11-09/part-0.parquet", b"no Parquet")
    with pytest.raises(CorruptFileError, match="production_monitor/week=2026-11-09"):
        refresh(lake)
    assert lake.read_bytes(CATALOGUE) == standing


def test_a_lake_that_moved_gets_a_catalogue_of_its_new_place(tmp_path):
    lake = Lake(str(tmp_path / "before"))
    fill(lake)
    refresh(lake)
    (tmp_path / "before").rename(tmp_path / "after")
    moved = Lake(str(tmp_path / "after"))
    assert refresh(moved)
    assert len(ask(moved.local_path(CATALOGUE), "SELECT * FROM golden_set")) == 3


READER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    rows = connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone()
    print(rows[0], flush=True)
"""


def test_a_reader_in_another_process_keeps_its_catalogue_while_it_is_swapped(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    refresh(lake)
    command = [sys.executable, "-c", READER, str(lake.local_path(CATALOGUE))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:

        def views() -> int:
            reader.stdin.write("?\n")
            reader.stdin.flush()
            return int(reader.stdout.readline())

        before = views()
        fill(lake)
        assert refresh(lake)
        assert views() == before
        reader.stdin.close()
    counted = ask(
        lake.local_path(CATALOGUE), "SELECT count(*) FROM duckdb_views() WHERE NOT internal"
    )
    assert counted[0][0] > before


def test_a_reader_in_this_process_does_not_hold_up_or_fool_a_refresh(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    refresh(lake)
    with duckdb.connect(lake.local_path(CATALOGUE), read_only=True):
        fill(lake)
        assert refresh(lake)
        assert not refresh(lake)
