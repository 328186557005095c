"""Spark and DuckDB draw the same sample from the same logs."""

import datetime as dt

import pytest

from eval_pipeline.adapters.logs.duckdb_engine import open_duckdb
from eval_pipeline.adapters.logs.sources import LogSource
from eval_pipeline.adapters.spark.engine import open_spark
from tests.spark_logs import (
    ARRIVAL,
    SALT,
    THE_DRAW,
    THRESHOLDS,
    assert_alike,
    logs,
    records,
    scanned,
    write_lines,
    write_parquet,
)

pytestmark = pytest.mark.slow

WEEK = dt.date(2026, 11, 16)


def test_both_engines_draw_the_same_from_parquet(tmp_path) -> None:
    file = write_parquet(tmp_path / "a [1] {b}.parquet", records())
    found = assert_alike(logs(columns=ARRIVAL), [file])
    reasons = dict(found["reasons"].rows())
    assert {"missing_interaction_id", "missing_route", "missing_messages"} <= set(reasons)
    assert found["repeated_ids"].item() > 0
    assert found["week_strata"]["late_interactions"].sum() > 0


def test_both_engines_draw_the_same_from_lines_of_json(tmp_path) -> None:
    odd = [
        '{"interaction_id": "cut off', "", "   ", '"a text"', "null", "[1]", "12",
        '{"interaction_id": 1} {"interaction_id": 2}', "{'interaction_id': 3}",
        '{"interaction_id": "\\ud800", "route": "x"}', '{"interaction_id": "a\tb"}',
        '{"interaction_id": NaN, "cost_usd": -Infinity}', '{"interaction_id": 01}',
        '{"interaction_id": {"a": 1}, "conversation_id": [], "route": "x"}]', "{}",
    ]  # fmt: skip
    rows = [*records(), *odd]
    file = write_lines(tmp_path / "a.jsonl", rows)
    file.write_bytes(file.read_bytes() + b'{"interaction_id": "\xff\xfe"}\n{"route": "x"}\r\n')
    found = assert_alike(logs(columns=ARRIVAL), [file])
    # Cut off, a text, null, a list, a number, two in one, single quotes, half a surrogate, a raw
    # tab, a leading zero, an object and a bracket, no UTF-8; the object of NaN is one.
    assert dict(found["reasons"].rows())["malformed_line"] == 12


def test_how_the_records_are_cut_into_files_does_not_matter(tmp_path) -> None:
    rows = records()
    whole = scanned(
        open_spark(logs(columns=ARRIVAL), own_query=None),
        [write_parquet(tmp_path / "whole.parquet", rows)],
        names=THE_DRAW,
    )
    cuts = [rows[150:], rows[:7], rows[7:150]]
    parts = [
        write_parquet(tmp_path / f"{name}.parquet", cut[::-1])
        for name, cut in zip("xyz", cuts, strict=True)
    ]
    opens = open_spark(logs(columns=ARRIVAL), own_query=None)
    for name, found in scanned(opens, parts, names=THE_DRAW).items():
        assert found.equals(whole[name]), name


def test_both_engines_draw_the_same_by_a_teams_own_select(tmp_path) -> None:
    file = write_parquet(tmp_path / "a.parquet", records())
    own = """
    SELECT * EXCLUDE (route), lower(route) || '!' AS route
    FROM read_parquet($path)
    WHERE conversation_id <> '😀 3'
    """
    settings = logs("sql", query="own.sql")
    here = scanned(open_duckdb(settings, own_query=own), [file], names=THE_DRAW)
    there = scanned(open_spark(settings, own_query=own), [file], names=THE_DRAW)
    assert there["week_strata"].rows() == here["week_strata"].rows()
    assert there["reasons"].rows() == here["reasons"].rows()


def test_the_source_of_the_logs_does_not_know_which_engine_scans(tmp_path) -> None:
    write_parquet(tmp_path / "a.parquet", records())
    here, there = (
        LogSource(
            logs(path=str(tmp_path / "*.parquet"), columns=ARRIVAL, engine=engine), locate=str
        )
        for engine in ("duckdb", "spark")
    )
    assert there.strata(WEEK).equals(here.strata(WEEK))
    drawn = here.drawable(WEEK, thresholds=THRESHOLDS, salt=SALT)
    assert there.drawable(WEEK, thresholds=THRESHOLDS, salt=SALT).equals(drawn)
    written = here.users(WEEK, drawn["conversation_id"])
    assert there.users(WEEK, drawn["conversation_id"]).equals(written)
    assert set(drawn["interaction_id"]) <= set(written["interaction_id"])
    chosen = drawn["interaction_id"][:7]
    assert there.fetch(WEEK, chosen).equals(here.fetch(WEEK, chosen))
