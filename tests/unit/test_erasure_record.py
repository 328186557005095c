"""The record of an erasure: written before each change, added to, and about nobody."""

import datetime as dt
from types import SimpleNamespace

import polars as pl

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.flows.erasure.record import REQUEST, Recorder, Request
from eval_pipeline.flows.intake import erased_people
from eval_pipeline.tables import ERASURES

MAY = dt.datetime(2026, 5, 3, tzinfo=dt.UTC)


def recorder(lake: Lake, *, by: str = "dana", at: dt.datetime = MAY) -> Recorder:
    return Recorder(
        SimpleNamespace(lake=lake, erasure_ledger=None), Request("e1", by, "a letter", at)
    )


def rows(lake: Lake) -> pl.DataFrame:
    return lake.read(ERASURES, partition="e1")


def test_who_is_recorded_is_suppressed_from_then_on():
    lake = Lake("memory://")
    assert erased_people(SimpleNamespace(lake=lake)) == frozenset()
    recorder(lake).add(REQUEST, "suppressed")
    assert erased_people(SimpleNamespace(lake=lake)) == {"e1"}


def test_an_entry_is_completed_by_what_came_of_it_and_others_stay():
    lake = Lake("memory://")
    record = recorder(lake)
    record.add("golden/1", "reissued", removed=2, old_hash="before")
    record.add("verdicts/1", "removed", removed=3, old_hash="x", new_hash="y")
    record.add("golden/1", "reissued", removed=2, old_hash="before", new_hash="after")
    told = rows(lake).select("place", "rows_removed", "old_hash", "new_hash").rows()
    assert told == [("golden/1", 2, "before", "after"), ("verdicts/1", 3, "x", "y")]


def test_a_later_request_adds_rows_and_changes_none():
    lake = Lake("memory://")
    recorder(lake).add(REQUEST, "suppressed")
    first = rows(lake)
    recorder(lake, by="eve", at=MAY + dt.timedelta(days=1)).add(REQUEST, "suppressed")
    both = rows(lake)
    assert both.height == 2
    assert both.filter(pl.col("requested_by") == "dana").equals(first)
