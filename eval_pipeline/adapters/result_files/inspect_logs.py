"""Logs of Inspect (`.eval` and `.json`), as inspect_ai 0.3 writes them (log version 2).

A sample is an error where it bears one, was cut off by a limit of time or by a person, was
invalidated, or has no value; Inspect itself leaves errors out of its means and scores what a limit
of time cut off.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eval_pipeline.adapters.result_files.contract import (
    LARGEST_FILE,
    SMALLER,
    Asked,
    ResultFormat,
    ScoredFile,
    hash_of,
    read_bytes,
    refuse,
    scored_file,
    tool_trials,
)
from eval_pipeline.adapters.result_files.rows import (
    count_of,
    item_properties,
    named_id,
    number_of,
    parsed,
    parsed_or_none,
    refuse_choice,
)
from eval_pipeline.adapters.result_files.zipped import BROKEN_ARCHIVE, read_member, unpacked_bytes

KEYS: Final = frozenset({"version", "status", "eval"})
OUTER_LIMITS: Final = ("time", "working", "operator")
"""What stopped a sample from outside: the clock, or a person."""
VALUES: Final = {
    "C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0,
}  # fmt: skip
"""As Inspect's `value_to_float` reads words; the letters say correct, partial, incorrect, none."""


@dataclass(frozen=True)
class _Log:
    header: Mapping[str, Any]
    samples: list[Mapping[str, Any]]

    @property
    def task(self) -> str:
        return str(self.header["eval"]["task"])


def read_inspect(path: Path, asked: Asked) -> ScoredFile:
    """A log, or a folder's, a task each; the metric is a scorer's name, `name.key` of its parts.

    Every task is a subset; more come from a sample's metadata, as do cluster and weight. Items are
    a task's sample ids, epochs are trials.
    """
    if asked.system is not None:
        refuse(path, "a log holds one model's answers", "Leave the choice out.")
    data = {file.name: read_bytes(file) for file in _files(path)}
    logs = {name: _log(path, name, content) for name, content in sorted(data.items())}
    tasks = [log.task for log in logs.values()]
    for task in tasks:
        if tasks.count(task) > 1:
            refuse(path, f"it holds two logs of task '{task}'", "Name the log of one run.")
    known = {name for log in logs.values() for sample in log.samples for name in _values(sample)}
    if asked.metric is None and len(known) > 1:
        refuse_choice(path, "it holds several scorers", known, "--metric")
    metric = asked.metric or next(iter(known), "")
    if known and metric not in known:
        refuse_choice(path, f"it holds no scorer '{metric}'", known, "--metric")
    models = sorted({str(log.header["eval"]["model"]) for log in logs.values()})
    return scored_file(
        path,
        tool_trials(
            [_row(sample, log.task, metric) for log in logs.values() for sample in log.samples]
        ),
        name=" + ".join(models),
        result_format=ResultFormat.inspect,
        content=hash_of(data),
        notes=list(_notes(logs)),
    )


def is_log_archive(data: bytes) -> bool:
    """Whether the bytes are an `.eval` file."""
    return data[:4] == b"PK\x03\x04"


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in {".eval", ".json"})


def _log(path: Path, name: str, data: bytes) -> _Log:
    header = _unzipped(path, data) if is_log_archive(data) else parsed(path, data)
    if not isinstance(header, Mapping) or not header.keys() >= KEYS:
        refuse(path, f"'{name}' is not a log of Inspect", "Name a `.eval` or `.json` log.")
    if not header.get("samples"):
        refuse(path, f"the log '{name}' holds no sample", "Run it with --log-samples.")
    return _Log(header, header["samples"])


def _unzipped(path: Path, data: bytes) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if unpacked_bytes(archive, names) > LARGEST_FILE:
                refuse(path, f"it unpacks to more than {LARGEST_FILE:,} bytes", SMALLER)
            header = "header.json" if "header.json" in names else "_journal/start.json"
            log = json.loads(read_member(archive, header, data=data))
            log["samples"] = [
                json.loads(read_member(archive, name, data=data))
                for name in sorted(set(names))
                if name.startswith("samples/")
            ]
    except BROKEN_ARCHIVE as error:
        refuse(path, f"its archive cannot be read ({type(error).__name__})", "Copy it anew.")
    return dict(log) if "status" in log else {**log, "status": "started"}


def _notes(logs: Mapping[str, _Log]) -> Iterator[str]:
    for name, log in logs.items():
        if log.header["status"] != "success":
            yield f"The run behind '{name}' did not finish (status '{log.header['status']}')."


def _row(sample: Mapping[str, Any], task: str, metric: str) -> dict[str, Any]:
    metadata = sample.get("metadata") or {}
    score = _values(sample).get(metric)
    error = _error(sample) or ("not_scored" if score is None else None)
    usages = list((sample.get("model_usage") or {}).values())
    properties = item_properties(metadata)
    return {
        "item_id": f"{task}/{named_id(metadata) or sample['id']}",
        "trial": int(sample["epoch"]),
        "score": None if error else score,
        "error": error,
        **properties,
        "subsets": list(dict.fromkeys([task, *properties["subsets"]])),
        "latency_seconds": None if error else number_of(sample.get("working_time")),
        "input_tokens": _sum_of(usages, "input_tokens"),
        "output_tokens": _sum_of(usages, "output_tokens"),
        "cost_usd": _cost(usages),
    }


def _error(sample: Mapping[str, Any]) -> str | None:
    limit = sample.get("limit")
    if sample.get("error"):
        return "sample_error"
    if isinstance(limit, Mapping) and limit.get("type") in OUTER_LIMITS:
        return f"{limit['type']}_limit"
    return "invalidated" if sample.get("invalidation") else None


def _values(sample: Mapping[str, Any]) -> dict[str, float | None]:
    """Each scorer's value as a number, by key where it is a mapping; null if it is none."""
    values: dict[str, float | None] = {}
    for name, score in (sample.get("scores") or {}).items():
        value = score.get("value") if isinstance(score, Mapping) else score
        if isinstance(value, Mapping):
            values |= {f"{name}.{key}": _value(part) for key, part in value.items()}
        else:
            values[name] = _value(value)
    return values


def _value(value: Any) -> float | None:
    if isinstance(value, str):
        known = VALUES.get(value, VALUES.get(value.lower()) if len(value) > 1 else None)
        return known if known is not None else number_of(parsed_or_none(value.encode()))
    return number_of(value)


def _sum_of(usages: list[Mapping[str, Any]], key: str) -> int | None:
    return sum(count_of(usage.get(key)) or 0 for usage in usages) if usages else None


def _cost(usages: list[Mapping[str, Any]]) -> float | None:
    costs = [number_of(usage.get("total_cost")) for usage in usages]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None
