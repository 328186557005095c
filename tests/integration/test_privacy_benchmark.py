"""The privacy benchmark runs; on so little its figures say nothing, so none is held."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.sizes import FULL

ROOT = Path(__file__).parents[2]
TEXT = "write to anna@example.com, pick purple"


def run(*arguments: str) -> str:
    # A benchmark that is traced for coverage takes several times as long, and covers nothing.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "privacy.py"), *arguments],
        env=plain,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def rows_of(output: str, *starts: str) -> list[list[str]]:
    """Cells of the tables' rows that begin with these."""
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in output.splitlines()
        if line.startswith("|")
    ]
    return [row for row in rows if tuple(row[: len(starts)]) == starts]


@pytest.mark.slow
def test_quality_is_told_of_an_operators_own_texts(tmp_path):
    email, colour = (TEXT.index("anna"), TEXT.index(",")), (TEXT.index("purple"), len(TEXT))
    spans = [
        {"start": email[0], "end": email[1], "entity_type": "EMAIL_ADDRESS"},
        {"start": colour[0], "end": colour[1], "entity_type": "COLOUR"},
    ]
    labelled = tmp_path / "own.jsonl"
    labelled.write_text(json.dumps({"text": TEXT, "spans": spans}) + "\n", encoding="utf-8")
    tables = tmp_path / "tables.md"
    told = run(
        "--parts=quality",
        "--corpora",
        "presidio_synth_v2",
        "held_out_de",
        "--documents=5",
        f"--data={tmp_path}",
        f"--labelled={labelled}",
        f"--markdown={tables}",
    )
    assert "presidio_synth_v2: skipped" in told
    # One of one is .207 to 1 by Wilson's interval, none of one 0 to .793.
    assert rows_of(told, "EMAIL_ADDRESS")[0][:3] == ["EMAIL_ADDRESS", "1", "1.000 [0.207, 1.000]"]
    assert rows_of(told, "COLOUR")[0][:3] == ["COLOUR", "1", "0.000 [0.000, 0.793]"]
    # Both evaluators' measures: one of two found, nothing found in vain; F2 = 5 / (4 * 2 + 1).
    precision, recall, f = rows_of(told, "0.9", "ours")[-1][2:]
    assert (precision[:5], recall[:5], f[:5]) == ("1.000", "0.500", "0.556")
    assert rows_of(tables.read_text(encoding="utf-8"), "0.9", "ours")


@pytest.mark.slow
def test_speed_is_told_of_every_engine_that_is_here():
    texts = ("plain", "dense") if FULL else ("dense",)
    told = run("--parts=speed", "--rounds=1", "--seconds=0.05", "--texts", *texts)
    for engine in ("whole engine", "structured core, re", "whole engine, two processes"):
        assert len(rows_of(told, engine)) == len(texts)
    assert len(rows_of(told, "DuckDB, 11 patterns")) == len(texts)


@pytest.mark.slow
def test_utility_is_told_where_the_queries_are(tmp_path):
    (tmp_path / "clinc150").mkdir()
    queries = [
        {"split": split, "text": f"{intent} the {thing}", "intent": intent}
        for split in ("train", "test")
        for intent in ("open", "close", "paint")
        for thing in ("door", "window", "bill of anna@example.com")
    ]
    pl.DataFrame(queries).write_parquet(tmp_path / "clinc150" / "queries.parquet")
    told = run("--parts=utility", f"--data={tmp_path}")
    # Three of the nine test queries hold an address, and every intent is told by its verb.
    raw, masked = rows_of(told, "none", "raw"), rows_of(told, "ours", "masked")
    assert raw[0][2].startswith("1.000")
    assert masked[0][3].startswith("0.00")
    assert masked[0][5].startswith("0.333")
    assert "banking77: skipped" in told
