"""What every reader of result files gives, and the published contract of our own files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn, cast

import polars as pl

from eval_pipeline.errors import ResultFileError
from eval_pipeline.evaluation.scored_trials import (
    SCORED_TRIALS,
    row_problems,
    without_scores_of_errors,
)
from eval_pipeline.fingerprint import content_hash, fingerprint

LARGEST_FILE: Final = 2**29
"""In bytes, as stored and as unpacked. JSON takes up to twenty times as much in memory."""

SMALLER: Final = "Divide the run, or write its scores as our own Parquet."
_SCHEMA_FILE: Final = Path(__file__).with_name("compare_input.schema.json")


class ResultFormat(StrEnum):
    """Who wrote a file of scored trials."""

    own = "own"
    promptfoo = "promptfoo"
    inspect = "inspect"
    lm_eval = "lm-eval"
    deepeval = "deepeval"


@dataclass(frozen=True)
class Asked:
    """Which of a file's metrics is the score, and which of its systems is meant; None: the one."""

    metric: str | None = None
    system: str | None = None


@dataclass(frozen=True)
class ScoredFile:
    """One arm as read: the system's name, SCORED_TRIALS, and what a reader of a decision must know.

    `content` is the SHA-256 of the bytes, of several files together by name.
    """

    name: str
    result_format: ResultFormat
    trials: pl.DataFrame
    content: str
    notes: tuple[str, ...] = ()


def input_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of a row of our own files."""
    return cast("dict[str, Any]", json.loads(_SCHEMA_FILE.read_text(encoding="utf-8")))


def scored_file(
    path: Path,
    trials: pl.DataFrame,
    *,
    name: str,
    result_format: ResultFormat,
    content: str,
    notes: Sequence[str] = (),
) -> ScoredFile:
    """The arm in `trials`, checked; raises `ResultFileError` with every kind of mistake's row."""
    if trials.is_empty():
        raise ResultFileError(str(path), "it holds no row", "Check that the run finished.")
    problems = [f"row {found.row}: {found.told}" for found in row_problems(trials)]
    if problems:
        raise ResultFileError(
            str(path),
            "; ".join(problems),
            "`eval-pipeline compare --print-schema` prints what a row may hold.",
        )
    clean, taken = without_scores_of_errors(trials)
    told = [f"{taken} scores in the file of '{name}' stand beside an error and were not used."]
    return ScoredFile(
        name=name,
        result_format=result_format,
        trials=clean.select(list(SCORED_TRIALS)),
        content=content,
        notes=(*notes, *(told if taken else ())),
    )


def tool_trials(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """SCORED_TRIALS of a tool's rows; rows that repeat an item without a trial are its attempts."""
    seen: dict[str, int] = {}
    numbered = []
    for row in rows:
        item_id = row["item_id"]
        seen[item_id] = seen.get(item_id, 0) + 1
        numbered.append({"trial": seen[item_id], **row})
    return pl.DataFrame(numbered, schema=SCORED_TRIALS, strict=True)


def read_bytes(path: Path) -> bytes:
    """The file's bytes; raises `ResultFileError` if it cannot be read or is no file of results."""
    try:
        if path.exists() and not path.is_file():
            refuse(path, "it is no regular file", "Name a file.")
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ResultFileError(
            str(path), f"it cannot be read ({error.strerror})", "Check the path."
        ) from None
    if len(data) > LARGEST_FILE:
        refuse(path, f"it is larger than {LARGEST_FILE:,} bytes", SMALLER)
    return data


def hash_of(files: Mapping[str, bytes]) -> str:
    """One hash of one file or of several by name."""
    hashes = {name: content_hash(data) for name, data in files.items()}
    return next(iter(hashes.values())) if len(hashes) == 1 else fingerprint(hashes)


def refuse(path: Path, problem: str, remedy: str) -> NoReturn:
    """Raises `ResultFileError`."""
    raise ResultFileError(str(path), problem, remedy)
