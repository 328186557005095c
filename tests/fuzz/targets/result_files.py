"""Scored trials from our own and other tools' files: a score in 0 to 1, an error, or a refusal."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.result_files.contract import Asked, ResultFormat
from eval_pipeline.adapters.result_files.recognising import read_scored
from eval_pipeline.errors import ResultFileError
from eval_pipeline.evaluation.scored_trials import SCORED_TRIALS, row_problems
from tests.fuzz.target import MARK, Target, only, promise, stored, variant_of

NAMES: Final = {
    "own": "scores.jsonl", "promptfoo": "results.json", "inspect": "log.json",
    "lm-eval": "samples_task_2026-11-17T10-00-00.1.jsonl", "deepeval": "test_run_1.json",
}  # fmt: skip
VARIANTS: Final = (*NAMES, "recognised .json", "recognised .jsonl", "recognised .parquet")


def run(data: bytes) -> object:
    """The bytes as a file of the variant's tool, or of whichever tool they are recognised as."""
    variant, rest = variant_of(data, VARIANTS)
    known = variant in NAMES
    name = NAMES[variant] if known else f"file{variant.removeprefix('recognised ')}"
    with stored(rest, name) as file, only(ResultFileError, quoting=rest) as told:
        return _read(file, rest, ResultFormat(variant) if known else None)
    return told


def _read(file: Path, data: bytes, result_format: ResultFormat | None) -> object:
    read = read_scored(file, Asked(), result_format=result_format)
    trials = read.trials
    promise(trials.schema == pl.Schema(SCORED_TRIALS), "not the shape of scored trials")
    promise(trials.height > 0 and not list(row_problems(trials)), "a row that may not be")
    both = trials.filter(pl.col("score").is_not_null() & pl.col("error").is_not_null())
    promise(both.is_empty(), "a score beside an error")
    rows = _rows_in(read.result_format, data)
    promise(rows in {None, trials.height}, f"{rows} rows in and {trials.height} out")
    promise(MARK not in " ".join(read.notes), "a note quotes what the file says")
    return (read.name, read.content, read.notes, trials.to_dicts())


def _rows_in(result_format: ResultFormat, data: bytes) -> int | None:
    """How many rows there are to be taken; None where a choice among them is the reader's."""
    if data.startswith(b"PAR1"):
        return None
    match result_format:
        case ResultFormat.own:
            return sum(1 for line in data.splitlines() if line.strip(b" \t\r\n\xef\xbb\xbf"))
        case ResultFormat.inspect if not data.startswith(b"PK"):
            return len(json.loads(data.decode("utf-8-sig"))["samples"])
        case _:
            return None


OWN: Final = (
    {"item_id": "i1", "score": 0.5, "subsets": ["a"], "weight": 1.5, "cluster_id": "c"},
    {"item_id": "i2", "trial": 2, "score": None, "error": "timeout", "weight": 2, "cost_usd": 1e-4,
     "latency_seconds": 0.5, "input_tokens": 12, "output_tokens": 3},
)  # fmt: skip
PROMPTFOO: Final = {"evalId": "e", "results": {"version": 3, "results": [
    {"testIdx": 0, "promptIdx": 0, "score": 0.5, "success": True, "latencyMs": 12, "cost": 0.1,
     "provider": {"id": "p", "label": "l"}, "vars": {"q": MARK, "subsets": "a, b"},
     "testCase": {"description": "d", "metadata": {"item_id": "i1", "weight": 2},
                  "assert": [{"metric": "m", "assert": [{"metric": "n"}]}]},
     "tokenUsage": {"prompt": 3, "completion": 4}, "namedScores": {"m": 1}, "response": {},
     "gradingResult": {"componentResults": [{"metadata": {"graderError": True}, "assertion":
                       {"metric": "m"}, "componentResults": []}]}},
    {"testIdx": 1, "promptIdx": 0, "score": 0, "failureReason": 2, "testCase": {}}]}}  # fmt: skip
INSPECT: Final = {
    "version": 2, "status": "success", "eval": {"task": "t", "model": "m"}, "samples": [
    {"id": 1, "epoch": 1, "scores": {"s": {"value": "C"}}, "metadata": {"subsets": ["a"]},
     "working_time": 1.5, "model_usage": {"m": {"input_tokens": 3, "total_cost": 0.1}}},
    {"id": "x", "epoch": 1, "scores": {"s": {"value": "0.25"}}, "limit": {"type": "time"}},
    {"id": 2, "epoch": 2, "scores": {"s": {"value": 1}}, "error": {"message": MARK}}]}  # fmt: skip
LM_EVAL: Final = (
    {"doc_id": 0, "doc": {"q": MARK, "subsets": "a"}, "doc_hash": "ab", "filter": "none",
     "metrics": ["acc"], "acc": 1.0, "resps": [[["yes"]]]},
    {"doc_id": 1, "doc": {}, "doc_hash": "cd", "filter": "none", "metrics": ["acc"], "acc": 0.0,
     "resps": [[""]]},
)  # fmt: skip
DEEPEVAL: Final = {"testCases": [
    {"input": MARK, "expectedOutput": "x", "metricsData": [{"name": "m", "score": 0.5}],
     "metadata": {"item_id": "i1", "cluster_id": 1}, "tags": ["a"], "completionTime": 1.5},
    {"input": "b", "metricsData": [{"name": "m", "error": "e"}], "tokenCost": 0.1},
    {"input": "c", "metricsData": None}], "metricsScores": []}  # fmt: skip


def _lines(*rows: Any) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def _zipped(method: int) -> bytes:
    """An `.eval` archive; its times are fixed, as every seed's bytes are."""
    sink = io.BytesIO()
    header = {name: value for name, value in INSPECT.items() if name != "samples"}
    members = {"header.json": header, "samples/1.json": INSPECT["samples"][0]}  # type: ignore[index]
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), json.dumps(member), compress_type=method)
    return sink.getvalue()


def _parquet() -> bytes:
    sink = io.BytesIO()
    pl.DataFrame({"item_id": ["i1"], "score": [0.5]}).write_parquet(
        sink, compression="uncompressed"
    )
    return sink.getvalue()


TARGET: Final = Target(
    name="result_files",
    run=run,
    structure="json lines",
    variants=VARIANTS,
    examples=100,
    seeds=(
        b"own\n" + _lines(*OWN),
        b"promptfoo\n" + _lines(PROMPTFOO),
        b"inspect\n" + _lines(INSPECT),
        b"inspect\n" + _zipped(zipfile.ZIP_DEFLATED),
        b"recognised .json\n" + _zipped(zipfile.ZIP_STORED),
        b"lm-eval\n" + _lines(*LM_EVAL),
        b"deepeval\n" + _lines(DEEPEVAL),
        b"recognised .parquet\n" + _parquet(),
        b"recognised .jsonl\n" + _lines(PROMPTFOO["results"]["results"][0]),  # type: ignore[index]
        b"own\n" + b"[" * 2_000,
        b'own\n{"item_id": "a", "score": ' + b"9" * 400 + b"}",
        b"promptfoo\n" + _lines(PROMPTFOO).replace(b"0.5", b"9" * 400),
        b"inspect\n" + _lines(INSPECT).replace(b'"epoch": 2', b'"epoch": Infinity'),
        b"deepeval\n" + _lines(DEEPEVAL).replace(b'"i1"', b"[" * 900 + b"]" * 900),
    ),
    words=(
        *SCORED_TRIALS, "results", "evalId", "testIdx", "promptIdx", "testCase", "metadata", "vars",
        "provider", "label", "id", "namedScores", "failureReason", "gradingResult", "cached",
        "componentResults", "graderError", "assertion", "metric", "assert", "latencyMs", "cost",
        "tokenUsage", "prompt", "completion", "version", "status", "eval", "task", "model",
        "samples",
        "epoch", "scores", "value", "limit", "type", "time", "invalidation", "model_usage", "C",
        "I",
        "total_cost", "working_time", "doc_id", "doc", "filter", "metrics", "doc_hash", "resps",
        "acc",
        "testCases", "metricsScores", "metricsData", "name", "input", "expectedOutput", "context",
        "tags", "completionTime", "tokenCost", "conversationalTestCases", "additionalMetadata",
        "all",
    ),
)  # fmt: skip
