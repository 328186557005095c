import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from eval_pipeline.adapters.logs.column_names import near_canonical, path_of_all
from eval_pipeline.adapters.logs.recognition import Recognised, recognise
from eval_pipeline.errors import LogSchemaError, LogsNotFoundError

TEN = "2026-11-17T10:00:00Z"
HI = [{"role": "user", "content": "Hi"}]
CANONICAL = {
    "interaction_id": "i", "occurred_at": TEN, "conversation_id": "c", "route": "r",
    "messages": HI, "response": "Hello",
}  # fmt: skip
NEARLY = {
    "id": "i", "createdAt": TEN, "sessionId": "c", "intent": "r", "messages": HI, "answer": "Hello",
    "latency_s": 1.5, "model": "m",
}  # fmt: skip
SAMPLES: dict[str, dict[str, Any]] = {
    "canonical": CANONICAL,
    "otel_genai": {
        "trace_id": "t", "span_id": "s", "start_time": TEN, "attributes": {
            "gen_ai.operation.name": "chat", "gen_ai.prompt.0.content": "Hi",
        },
    },
    "langfuse": {
        "id": "g", "traceId": "t", "type": "GENERATION", "startTime": TEN, "input": "Hi",
    },
    "litellm": {"id": "i", "call_type": "acompletion", "startTime": TEN, "messages": HI},
    "openai_jsonl": {
        "request": {"model": "m", "messages": HI}, "response": {"id": "i", "created": 1794909600},
    },
}  # fmt: skip


def sample(folder: Path, *rows: Any, name: str = "log.jsonl") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return file


def summary(seen: Recognised) -> tuple[str | None, int, str]:
    return seen.log_format, seen.fitting, seen.certainty


@pytest.mark.parametrize("log_format", SAMPLES)
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_every_format_is_recognised_by_its_rows(
    tmp_path: Path, log_format: str, ending: str
) -> None:
    rows = [SAMPLES[log_format]] * 4
    file = tmp_path / f"log.{ending}"
    if ending == "parquet":
        pl.DataFrame(rows).write_parquet(file)
    else:
        sample(tmp_path, *rows)
    assert summary(recognise(file)) == (log_format, 4, "sure")


def test_the_collector_s_own_lines_are_recognised(tmp_path: Path) -> None:
    seen = recognise(sample(tmp_path, {"resourceSpans": []}, {"resourceSpans": []}))
    assert summary(seen) == ("otel_genai", 0, "a guess")


def test_columns_with_usual_other_names_are_mapped(tmp_path: Path) -> None:
    seen = recognise(sample(tmp_path, *[NEARLY] * 3))
    assert summary(seen) == ("canonical", 3, "sure")
    assert seen.columns == {
        "interaction_id": "id",
        "occurred_at": "createdAt",
        "conversation_id": "sessionId",
        "route": "intent",
        "response": "answer",
        "requested_model": "model",
        "latency_seconds": "latency_s",
    }


def test_how_sure_depends_on_how_many_rows_fit(tmp_path: Path) -> None:
    bad = {**CANONICAL, "messages": []}
    seen = recognise(sample(tmp_path, *[CANONICAL] * 3, bad, 5))
    assert summary(seen) == ("canonical", 3, "likely")
    assert seen.quarantined == (("malformed_line", 1), ("missing_messages", 1))


def test_a_column_that_nothing_is_like_is_missing_and_can_be_given(tmp_path: Path) -> None:
    strange = {("zweck" if key == "route" else key): value for key, value in CANONICAL.items()}
    file = sample(tmp_path, strange)
    assert recognise(file).missing == ("route",)
    given = recognise(file, columns={"route": "zweck"})
    assert (given.missing, given.columns, given.fitting) == ((), {"route": "zweck"}, 1)


def test_rows_that_are_like_nothing_have_no_format(tmp_path: Path) -> None:
    seen = recognise(sample(tmp_path, {"a": 1, "b": "x"}))
    assert (seen.log_format, seen.found, seen.certainty) == (None, ("a", "b"), "a guess")


def test_a_given_format_is_believed(tmp_path: Path) -> None:
    seen = recognise(sample(tmp_path, SAMPLES["litellm"]), log_format="openai_jsonl")
    assert (seen.log_format, seen.fitting) == ("openai_jsonl", 0)


def test_a_file_that_is_not_there_or_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogsNotFoundError):
        recognise(tmp_path / "nothing.jsonl")
    with pytest.raises(LogSchemaError, match=r"\.csv"):
        recognise(sample(tmp_path, CANONICAL, name="log.csv"))


def test_no_column_is_taken_twice_and_the_canonical_name_comes_first() -> None:
    # `input` could be messages, but `messages` is there; `id` is taken by what was given.
    found = ("id", "messages", "input", "trace_id", "session_id")
    assert near_canonical(found, given={"user_id": "id"}) == {
        "conversation_id": "session_id",
        "user_id": "id",
        "messages": "messages",
    }


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("logs/week=2026-11-16/part-0.parquet", "logs/week={week}/part-*.parquet"),
        ("logs/2026-11-16.jsonl", "logs/{week}.jsonl"),
        ("logs/calls-2026-11-16-part3.jsonl.gz", "logs/calls-{week}-part3.jsonl.gz"),
        # Not a Monday: a day names no week.
        ("logs/2026-11-17.jsonl", "logs/*.jsonl"),
        ("logs/day=2026-11-17/part-00000-ab12.parquet", "logs/day=*/part-*-ab*.parquet"),
        ("logs/2026/11/17/x.jsonl", "logs/*/*/*/x.jsonl"),
        ("logs/export.jsonl", "logs/export.jsonl"),
        ("logs[old]/part-1.jsonl", "logs[[]old]/part-*.jsonl"),
    ],
)
def test_the_pattern_names_all_files_like_the_sample(file: str, pattern: str) -> None:
    assert path_of_all(Path(file), log_format="canonical") == pattern


def test_neighbours_of_the_same_kind_make_the_pattern_general(tmp_path: Path) -> None:
    for name in ("north.jsonl", "south.jsonl", "notes.txt"):
        sample(tmp_path, CANONICAL, name=name)
    path = path_of_all(tmp_path / "north.jsonl", log_format="canonical")
    assert path == str(tmp_path / "*.jsonl")


def test_a_langfuse_export_is_read_with_its_traces_and_scores() -> None:
    blob = Path("export/observations/2026-11-16.jsonl")
    assert path_of_all(blob, log_format="langfuse") == "export/*/*.jsonl"
    assert path_of_all(Path("export/traces.json"), log_format="langfuse") == "export/*.json"
