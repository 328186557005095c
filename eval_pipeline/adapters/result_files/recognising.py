"""Which tool wrote a file of scored trials, and the reader for it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from eval_pipeline.adapters.result_files import deepeval, inspect_logs, lm_eval, promptfoo
from eval_pipeline.adapters.result_files.contract import (
    Asked,
    ResultFormat,
    ScoredFile,
    read_bytes,
    refuse,
)
from eval_pipeline.adapters.result_files.own import PARQUET_MAGIC, read_own
from eval_pipeline.adapters.result_files.rows import parsed_or_none
from eval_pipeline.errors import ResultFileError

READERS: Final[Mapping[ResultFormat, Callable[[Path, Asked], ScoredFile]]] = {
    ResultFormat.own: read_own,
    ResultFormat.promptfoo: promptfoo.read_promptfoo,
    ResultFormat.inspect: inspect_logs.read_inspect,
    ResultFormat.lm_eval: lm_eval.read_lm_eval,
    ResultFormat.deepeval: deepeval.read_deepeval,
}
OWN_SUFFIXES: Final = (".jsonl", ".ndjson", ".parquet")
"""What bears them and is no other tool's is read as ours, so that its mistake is told by line."""
SEVERAL_FILES: Final = (ResultFormat.inspect, ResultFormat.lm_eval)
_SHAPES: Final = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
)
"""What reading a document of another shape than the tool's raises."""
_SIGNATURES: Final = {
    ResultFormat.promptfoo: promptfoo.KEYS,
    ResultFormat.inspect: inspect_logs.KEYS,
    ResultFormat.lm_eval: lm_eval.KEYS,
    ResultFormat.deepeval: deepeval.KEYS,
    ResultFormat.own: frozenset({"item_id"}),
}
_KNOWN: Final = (
    "Known are our own Parquet or JSON Lines (`eval-pipeline compare --print-schema`), promptfoo's "
    "results (.json, .jsonl), Inspect's logs (.eval, .json), lm-eval's samples_*.jsonl "
    "and DeepEval's test_run_*.json; name the format with --input-format."
)


def read_scored(path: Path, asked: Asked, *, result_format: ResultFormat | None) -> ScoredFile:
    """The arm in a file or folder; without a format it is recognised by content."""
    if not path.exists():
        refuse(path, "there is no such file", "Check the path.")
    chosen = result_format or recognise(path)
    if path.is_dir() and chosen not in SEVERAL_FILES:
        refuse(path, f"it is a folder, and {chosen.value} is a file", "Name the file.")
    try:
        return READERS[chosen](path, asked)
    except _SHAPES as error:
        if chosen is ResultFormat.own:
            raise
        told = f"its content is not as {chosen.value} writes it ({type(error).__name__})"
        raise ResultFileError(str(path), told, "Write it with a current version.") from error


def recognise(path: Path) -> ResultFormat:
    """The format by content; raises `ResultFileError` if it is none that is known."""
    if path.is_dir():
        return _folder(path)
    data = read_bytes(path)
    start, line = data[:4], data.partition(b"\n")[0]
    if start == PARQUET_MAGIC:
        return ResultFormat.own
    if inspect_logs.is_log_archive(start):
        return ResultFormat.inspect
    found = _of_document(line) or _of_document(data)
    if found is None and path.suffix in OWN_SUFFIXES:
        return ResultFormat.own
    if found is None:
        refuse(path, "its format is not known", _KNOWN)
    return found


def _folder(path: Path) -> ResultFormat:
    if next(path.rglob(lm_eval.SAMPLES), None) is not None:
        return ResultFormat.lm_eval
    if next(path.glob("*.eval"), None) is not None:
        return ResultFormat.inspect
    logs = sorted(path.glob("*.json"))
    if not logs or recognise(logs[0]) is not ResultFormat.inspect:
        refuse(path, "the folder holds neither samples nor logs", _KNOWN)
    return ResultFormat.inspect


def _of_document(data: bytes) -> ResultFormat | None:
    document = parsed_or_none(data)
    if not isinstance(document, dict):
        return None
    results = document.get("results")
    if "evalId" in document and isinstance(results, dict) and "results" in results:
        return ResultFormat.promptfoo
    for result_format, keys in _SIGNATURES.items():
        if document.keys() >= keys:
            return result_format
    return None
