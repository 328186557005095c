import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from eval_pipeline.adapters.logs.sources import LogSource
from eval_pipeline.errors import (
    CorruptFileError,
    EmptyWeekError,
    LogSchemaError,
    LogsNotFoundError,
    SettingsError,
)
from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.intake.sampling import ABOVE_ALL
from eval_pipeline.intake.suppression import erased_interactions
from eval_pipeline.settings import LogsSettings
from eval_pipeline.tables import INTERACTION_SCHEMA

MONDAY = dt.date(2026, 11, 16)
NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
MESSAGES = [{"role": "user", "content": "Where is my order?"}]


def row(number: int, **changes: Any) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(INTERACTION_SCHEMA)
    return {
        **blank,
        "interaction_id": f"i{number}",
        "occurred_at": dt.datetime(2026, 11, 17, number % 24, tzinfo=dt.UTC),
        "conversation_id": f"c{number}",
        "route": "orders",
        "messages": MESSAGES,
        "response": "On its way.",
        "attributes": [{"key": "tier", "value": "gold"}],
        **changes,
    }


def write(folder: Path, rows: list[dict[str, Any]], name: str = "a.parquet") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows, schema=INTERACTION_SCHEMA).write_parquet(folder / name)
    return folder / name


def write_lines(file: Path, lines: list[Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = [line if isinstance(line, str) else json.dumps(line, default=str) for line in lines]
    file.write_text("\n".join(text) + "\n", encoding="utf-8")
    return file


def source(folder: Path, path: str, **changes: Any) -> LogSource:
    settings = LogsSettings.model_validate({"path": path, **changes})
    return LogSource(settings, locate=lambda relative: str(folder / relative))


def profile_of(logs: LogSource, week: dt.date = MONDAY) -> Mapping[str, Any]:
    return logs.profile(week, now=NOW).row(0, named=True)


def keys(logs: LogSource, week: dt.date = MONDAY) -> pl.DataFrame:
    """The keys of all the week's interactions, by id: what a census would draw."""
    strata = logs.strata(week)["stratum"]
    thresholds = pl.DataFrame({"stratum": strata, "threshold": ABOVE_ALL})
    return logs.drawable(week, thresholds=thresholds, salt="s").sort("interaction_id")


def ids(logs: LogSource, week: dt.date = MONDAY) -> list[str]:
    return keys(logs, week)["interaction_id"].to_list()


def fetched(logs: LogSource, *interaction_ids: str) -> pl.DataFrame:
    return logs.fetch(MONDAY, pl.Series("interaction_id", interaction_ids, dtype=pl.String))


def reasons(facts: Mapping[str, Any]) -> dict[str, int]:
    return {entry["reason"]: entry["count"] for entry in facts["quarantine_reasons"]}


def test_drawable_rows_are_keys_and_no_text(tmp_path: Path) -> None:
    write(tmp_path, [row(2), row(1)])
    found = keys(source(tmp_path, "*.parquet"))
    assert found["interaction_id"].to_list() == ["i1", "i2"]
    assert found["stratum"].to_list() == ["route=orders"] * 2
    assert "Where is" not in str(found.to_dicts())


def test_the_strata_count_conversations_and_interactions(tmp_path: Path) -> None:
    write(
        tmp_path,
        [
            row(1, conversation_id="c", prompt_version="v1"),
            row(2, conversation_id="c", prompt_version="v1"),
            row(3, conversation_id="c"),
            row(4, route="refunds", prompt_version="v1"),
        ],
    )
    settings = LogsSettings(path="*.parquet")
    by_both = LogSource(
        settings, locate=lambda name: str(tmp_path / name), strata=("route", "prompt_version")
    )
    assert by_both.strata(MONDAY).rows() == [
        ("route=orders|prompt_version=unknown", 1, 1, 0),
        ("route=orders|prompt_version=v1", 1, 2, 0),
        ("route=refunds|prompt_version=v1", 1, 1, 0),
    ]
    undivided = LogSource(settings, locate=lambda name: str(tmp_path / name), strata=())
    assert undivided.strata(MONDAY).rows() == [("all", 2, 4, 0)]


def test_only_hashes_below_the_threshold_are_read(tmp_path: Path) -> None:
    write(tmp_path, [row(number) for number in range(40)])
    logs = source(tmp_path, "*.parquet")
    half = pl.DataFrame({"stratum": ["route=orders"], "threshold": ["8"]})
    found = logs.drawable(MONDAY, thresholds=half, salt="s")
    below = {f"c{number}" for number in range(40) if unit_hash("s", f"c{number}") < 0.5}
    assert set(found["conversation_id"]) == below
    assert 0 < len(below) < 40
    numbers = [(int(digits, 16) + 0.5) / 2**52 for digits in found["conversation_digits"]]
    assert numbers == [unit_hash("s", key) for key in found["conversation_id"]]
    assert numbers == sorted(numbers)


def test_fetch_returns_only_what_was_asked_in_the_canonical_schema(tmp_path: Path) -> None:
    rows = [row(1, latency_seconds=1.5, feedback=-1, escalated=True), row(2), row(3)]
    write(tmp_path, rows)
    found = fetched(source(tmp_path, "*.parquet"), "i3", "i1", "i9")
    assert found.schema == INTERACTION_SCHEMA
    assert found.equals(pl.DataFrame([rows[0], rows[2]], schema=INTERACTION_SCHEMA))


def test_users_are_told_of_whole_conversations_with_nobody_where_the_log_names_nobody(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        [row(1, conversation_id="c", user_id="ann"), row(2, conversation_id="c"), row(3)],
    )
    found = source(tmp_path, "*.parquet").users(MONDAY, pl.Series(["c", "c"]))
    assert found.rows() == [("i1", "c", "ann"), ("i2", "c", None)]


def test_logs_without_users_name_nobody(tmp_path: Path) -> None:
    frame = pl.DataFrame([row(1)], schema=INTERACTION_SCHEMA).drop("user_id")
    frame.write_parquet(tmp_path / "a.parquet")
    found = source(tmp_path, "*.parquet").users(MONDAY, pl.Series(["c1"]))
    assert found.rows() == [("i1", "c1", None)]
    assert erased_interactions(found, erased={"somebody"}, key=b"key") == frozenset()


def test_rows_outside_the_week_belong_to_another(tmp_path: Path) -> None:
    times = [
        "2026-11-15T23:59:59",
        "2026-11-16T00:00:00",
        "2026-11-22T23:59:59",
        "2026-11-23T00:00",
    ]
    write(
        tmp_path,
        [
            row(number, occurred_at=dt.datetime.fromisoformat(f"{time}+00:00"))
            for number, time in enumerate(times)
        ],
    )
    logs = source(tmp_path, "a.parquet")
    assert ids(logs) == ["i1", "i2"]
    assert profile_of(logs)["interactions"] == 2
    assert logs.weeks_available() == [dt.date(2026, 11, 9), MONDAY, dt.date(2026, 11, 23)]


def test_a_hive_tree_is_read_by_its_weeks(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "week=2026-11-16", [row(1)], "part-0.parquet")
    write(tmp_path / "logs" / "week=2026-11-23", [row(2), row(3)], "part-0.parquet")
    write(tmp_path / "logs" / "week=latest", [row(4)], "part-0.parquet")
    logs = source(tmp_path, "logs/week={week}/*.parquet")
    assert logs.weeks_available() == [MONDAY, dt.date(2026, 11, 23)]
    assert ids(logs) == ["i1"]
    assert ids(logs, dt.date(2026, 11, 23)) == ["i2", "i3"]
    with pytest.raises(EmptyWeekError, match="2026-11-30"):
        logs.strata(dt.date(2026, 11, 30))


def test_the_same_tree_is_read_by_the_times_of_its_rows(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "week=2026-11-16", [row(1)], "part-0.parquet")
    assert ids(source(tmp_path, "logs/*/*.parquet")) == ["i1"]


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_rows_that_do_not_fit_are_quarantined_and_counted(tmp_path: Path, form: str) -> None:
    rows = [
        row(1),
        row(2, interaction_id=None),
        row(3, conversation_id=None),
        row(4, route=None),
        row(5, occurred_at=None),
        row(6, messages=[]),
        row(7, messages=None),
        row(8),
        row(8),
    ]
    if form == "parquet":
        write(tmp_path, rows, "a.parquet")
    else:
        write_lines(tmp_path / "a.jsonl", rows)
    logs = source(tmp_path, f"a.{form}")
    facts = profile_of(logs)
    assert ids(logs) == ["i1", "i8", "i8"]
    assert facts["interactions"] == 3
    assert facts["quarantined"] == 6
    assert reasons(facts) == {
        "missing_interaction_id": 1,
        "missing_conversation_id": 1,
        "missing_route": 1,
        "missing_occurred_at": 1,
        "missing_messages": 2,
    }
    assert facts["duplicate_ids"] == 1


def test_all_records_of_a_repeated_id_come_in_a_fixed_order(tmp_path: Path) -> None:
    rows = [row(1, conversation_id=f"c{copy}", response=f"r{copy}") for copy in range(20)]
    write(tmp_path, rows)
    logs = source(tmp_path, "a.parquet")
    found = fetched(logs, "i1")
    assert found.height == 20
    assert profile_of(logs)["duplicate_ids"] == 19
    write(tmp_path, rows[::-1])
    assert fetched(logs, "i1").equals(found)


def test_lines_that_are_not_json_are_counted_and_never_quoted(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [row(1), '{"interaction_id": "maria lopez', "[1, 2]", row(2)])
    logs = source(tmp_path, "a.jsonl")
    facts = profile_of(logs)
    assert facts["interactions"] == 2
    assert reasons(facts) == {"malformed_line": 2}
    assert "maria" not in str(dict(facts))
    assert ids(logs) == ["i1", "i2"]


def test_values_out_of_range_and_nulls_are_counted(tmp_path: Path) -> None:
    write(
        tmp_path,
        [
            row(1, latency_seconds=-1.0, input_tokens=-3),
            row(2, outcome=1.5, response=None),
            row(3, feedback=4, user_id="u"),
            row(4, cost_usd=-0.1, latency_seconds=float("nan")),
            row(5, outcome=1.0, feedback=-1),
        ],
    )
    facts = profile_of(source(tmp_path, "a.parquet"))
    assert facts["out_of_range"] == 4
    assert facts["negative_latency"] == 1
    assert facts["negative_tokens"] == 1
    assert facts["negative_cost"] == 1
    assert facts["outcome_outside_0_1"] == 1
    assert facts["feedback_unknown"] == 1
    assert facts["null_response"] == 1
    assert facts["null_user_id"] == 4
    # not a number is no latency: rows 2, 3, 5 have none, row 4 a NaN
    assert facts["null_latency_seconds"] == 4
    assert facts["first_occurred_at"] == dt.datetime(2026, 11, 17, 1, tzinfo=dt.UTC)


def test_columns_of_other_names_are_mapped(tmp_path: Path) -> None:
    theirs = {"interaction_id": 'trace "id"', "response": "answer", "route": "feature name"}
    frame = pl.DataFrame([row(1)], schema=INTERACTION_SCHEMA).rename(theirs)
    frame.drop("user_id", "escalated").write_parquet(tmp_path / "a.parquet")
    found = fetched(source(tmp_path, "a.parquet", columns=theirs), "i1")
    assert found["response"].to_list() == ["On its way."]
    assert found["route"].to_list() == ["orders"]
    assert found["user_id"].to_list() == [None]


def test_mapped_columns_of_json_lines_may_hold_slashes(tmp_path: Path) -> None:
    line = row(1)
    line["a/b~c"] = line.pop("response")
    write_lines(tmp_path / "a.jsonl", [line])
    logs = source(tmp_path, "a.jsonl", columns={"response": "a/b~c"})
    assert fetched(logs, "i1")["response"].to_list() == ["On its way."]


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl"])
def test_a_missing_column_is_named_with_its_remedy(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame([row(1)], schema=INTERACTION_SCHEMA).drop("response", "route")
    if name.endswith("parquet"):
        frame.write_parquet(tmp_path / name)
    else:
        write_lines(tmp_path / name, frame.to_dicts())
    with pytest.raises(LogSchemaError, match=r"'response', 'route'.*logs\.columns"):
        source(tmp_path, name).strata(MONDAY)


def test_attributes_may_be_a_map_and_messages_json(tmp_path: Path) -> None:
    line = row(1, attributes={"tier": "gold", "a/b": 3, "deep": {"x": 1}})
    line["messages"] = [
        {"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image_url"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "t1"}]},
        {"content": "no role"},
    ]
    write_lines(tmp_path / "a.jsonl", [line])
    found = fetched(source(tmp_path, "a.jsonl"), "i1")
    assert found["attributes"].to_list()[0] == [
        {"key": "tier", "value": "gold"},
        {"key": "a/b", "value": "3"},
        {"key": "deep", "value": '{"x":1}'},
    ]
    assert found["messages"].to_list()[0] == [
        {"role": "user", "content": "See\n[image_url]"},
        {"role": "assistant", "content": '[{"id":"t1"}]'},
        {"role": "unknown", "content": "no role"},
    ]


def test_a_parquet_map_of_attributes_and_messages_as_text_are_read(tmp_path: Path) -> None:
    import duckdb

    file = tmp_path / "a.parquet"
    duckdb.sql(
        "COPY (SELECT 'i1' AS interaction_id, TIMESTAMP '2026-11-17 00:00:00' AS occurred_at, "
        "'c1' AS conversation_id, 'orders' AS route, MAP {'tier': 'gold'} AS attributes, "
        '\'[{"role": "user", "content": "Hi"}]\' AS messages, 7 AS response) '
        f"TO '{file}' (FORMAT parquet)"
    )
    logs = source(tmp_path, "a.parquet")
    assert ids(logs) == ["i1"]
    found = fetched(logs, "i1").row(0, named=True)
    assert found["attributes"] == [{"key": "tier", "value": "gold"}]
    assert found["messages"] == [{"role": "user", "content": "Hi"}]
    assert found["response"] == "7"
    assert found["occurred_at"] == dt.datetime(2026, 11, 17, tzinfo=dt.UTC)


def test_openai_pairs_are_read(tmp_path: Path) -> None:
    pair = {
        "created": 1_794_960_000,  # 2026-11-18T00:00:00Z
        "request": {"model": "m-1", "messages": MESSAGES, "user": "u1"},
        "response": {
            "id": "r1",
            "model": "m-1-0613",
            "choices": [{"message": {"content": "Soon."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3},
        },
        "metadata": {"conversation_id": "c1", "route": "orders", "attributes": {"tier": "gold"}},
    }
    failed = {
        "created": "2026-11-18T01:00:00Z",
        "id": "r2",
        "request": {"model": "m-1", "messages": MESSAGES},
        "response": {"error": {"code": "rate_limited"}},
    }
    write_lines(tmp_path / "a.jsonl", [pair, failed, "{"])
    logs = source(tmp_path, "a.jsonl", format="openai_jsonl")
    first, second = fetched(logs, "r1", "r2").to_dicts()
    assert first["occurred_at"] == dt.datetime(2026, 11, 18, tzinfo=dt.UTC)
    assert (first["conversation_id"], first["user_id"], first["route"]) == ("c1", "u1", "orders")
    assert (first["response"], first["served_model"]) == ("Soon.", "m-1-0613")
    assert (first["input_tokens"], first["output_tokens"]) == (12, 3)
    assert first["attributes"] == [{"key": "tier", "value": "gold"}]
    assert (second["response"], second["error"], second["route"]) == (
        None,
        "rate_limited",
        "default",
    )
    assert reasons(profile_of(logs)) == {"malformed_line": 1}


def test_a_teams_own_select_is_read(tmp_path: Path) -> None:
    write(tmp_path, [row(1), row(2)])
    (tmp_path / "ours.sql").write_text(
        "SELECT * EXCLUDE (route), upper(route) AS feature FROM read_parquet($path)"
    )
    logs = source(
        tmp_path, "*.parquet", format="sql", query="ours.sql", columns={"route": "feature"}
    )
    assert keys(logs)["route"].to_list() == ["ORDERS", "ORDERS"]


def test_a_query_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path, [row(1)])
    with pytest.raises(SettingsError, match=r"logs\.query"):
        source(tmp_path, "*.parquet", format="sql", query="none.sql").strata(MONDAY)


def test_no_files_no_week_and_damage_are_three_things(tmp_path: Path) -> None:
    with pytest.raises(LogsNotFoundError):
        source(tmp_path, "*.parquet").strata(MONDAY)
    file = write(tmp_path, [row(1)])
    with pytest.raises(EmptyWeekError):
        source(tmp_path, "*.parquet").strata(dt.date(2026, 11, 23))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CorruptFileError, match=r"a\.parquet"):
        source(tmp_path, "*.parquet").strata(MONDAY)


def test_damage_in_the_middle_names_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, [row(number, response="x" * number) for number in range(400)])
    whole = bytearray(file.read_bytes())
    whole[100:2000] = bytes(1900)
    file.write_bytes(bytes(whole))
    with pytest.raises(CorruptFileError, match=r"a\.parquet"):
        profile_of(source(tmp_path, "*.parquet"))


def test_a_week_with_files_and_no_rows_is_a_row_of_zeros(tmp_path: Path) -> None:
    write(tmp_path, [row(1)])
    facts = profile_of(source(tmp_path, "*.parquet"), dt.date(2026, 11, 23))
    assert (facts["interactions"], facts["quarantined"], facts["quarantine_reasons"]) == (0, 0, [])
