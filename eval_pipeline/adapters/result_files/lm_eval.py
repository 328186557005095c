"""Samples of lm-evaluation-harness (`--log_samples`), as 0.4 writes them: a file per task.

The harness stops at a failed call and writes nothing. What it keeps is a reply that it could not
parse, as an empty answer with whatever score that gets; so an empty answer is missing here.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from eval_pipeline.adapters.result_files.contract import (
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
    item_properties,
    named_id,
    number_of,
    parsed_lines,
    refuse_choice,
)

SAMPLES: Final = "samples_*.jsonl"
KEYS: Final = frozenset({"doc_id", "doc", "filter", "metrics", "doc_hash"})
_NAME: Final = re.compile(
    r"samples_(?P<task>.+)_(?P<at>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d[.\d]*)\.jsonl"
)


def read_lm_eval(path: Path, asked: Asked) -> ScoredFile:
    """A samples file, or a folder's, a task each; the metric as `name,filter`.

    Every task is a subset, and so is every group that `results_*.json` beside it names; more come
    from a document's own `subsets`. Documents are the same item if task, place and content agree.
    """
    if asked.system is not None:
        refuse(path, "a folder of samples holds one model's", "Leave the choice out.")
    files = _files(path)
    data = {file.name: read_bytes(file) for file in files.values()}
    aggregate = _aggregate(files)
    groups = _groups(aggregate)
    rows: list[dict[str, Any]] = []
    for task, file in sorted(files.items()):
        samples = parsed_lines(file, data[file.name])
        _check(file, samples)
        metric = _metric(file, samples, asked.metric)
        _check_direction(file, aggregate, task=task, metric=metric)
        subsets = [task, *groups.get(task, ())]
        rows += [_row(one, task, metric, subsets) for one in _under(samples, metric)]
    return scored_file(
        path,
        tool_trials(rows),
        name=str(aggregate.get("model_name") or (path if path.is_dir() else path.parent).name),
        result_format=ResultFormat.lm_eval,
        content=hash_of(data),
    )


def _files(path: Path) -> dict[str, Path]:
    """The samples file of each task; two runs of one task are refused."""
    files: dict[str, Path] = {}
    for file in sorted(path.rglob(SAMPLES)) if path.is_dir() else [path]:
        named = _NAME.fullmatch(file.name)
        task = named["task"] if named else file.stem.removeprefix("samples_")
        if task in files:
            refuse(path, f"it holds two runs of task '{task}'", "Name the folder of one run.")
        files[task] = file
    return files


def _aggregate(files: Mapping[str, Path]) -> Mapping[str, Any]:
    """The newest results file beside the samples; empty if there is none."""
    for folder in sorted({file.parent for file in files.values()}):
        for file in sorted(folder.glob("results_*.json"), reverse=True):
            try:
                held = json.loads(read_bytes(file))
            except (ValueError, RecursionError):
                continue
            if isinstance(held, Mapping):
                return held
    return {}


def _groups(aggregate: Mapping[str, Any]) -> dict[str, list[str]]:
    """The groups by task."""
    groups: dict[str, list[str]] = {}
    for group, tasks in sorted((aggregate.get("group_subtasks") or {}).items()):
        for task in tasks:
            groups.setdefault(task, []).append(group)
    return groups


def _check(file: Path, samples: Sequence[Any]) -> None:
    if not all(isinstance(sample, dict) and sample.keys() >= KEYS for sample in samples):
        refuse(
            file,
            "it does not hold samples as lm-evaluation-harness writes them",
            "Write them with --log_samples and --output_path.",
        )


def _metric(file: Path, samples: Sequence[Mapping[str, Any]], asked: str | None) -> str:
    """The metric with its filter; without a filter's name every filter's is meant if it is one."""
    known = sorted({f"{name},{one['filter']}" for one in samples for name in one["metrics"]})
    chosen = [full for full in known if asked in {None, full, full.rpartition(",")[0]}]
    if len(chosen) != 1:
        what = "it holds several metrics" if chosen else f"it holds no metric '{asked}'"
        refuse_choice(file, what, known, "--metric")
    return chosen[0]


def _check_direction(file: Path, aggregate: Mapping[str, Any], *, task: str, metric: str) -> None:
    higher = (aggregate.get("higher_is_better") or {}).get(task) or {}
    if higher.get(metric.rpartition(",")[0]) is False:
        refuse(file, f"of the metric '{metric}' less is better", "Choose another with --metric.")


def _under(samples: Sequence[Mapping[str, Any]], metric: str) -> Iterator[Mapping[str, Any]]:
    wanted = metric.rpartition(",")[2]
    return (sample for sample in samples if sample["filter"] == wanted)


def _row(
    sample: Mapping[str, Any], task: str, metric: str, subsets: Sequence[str]
) -> dict[str, Any]:
    document = sample["doc"]
    value = sample.get(metric.rpartition(",")[0])
    score = number_of(value)
    empty = _is_empty(sample.get("resps"))
    properties = item_properties(document)
    own = f"{sample['doc_id']}/{str(sample['doc_hash'])[:16]}"
    return {
        "item_id": f"{task}/{named_id(document) or own}",
        "score": None if empty else score,
        "error": "empty_answer" if empty else "not_scored" if score is None else None,
        **properties,
        "subsets": list(dict.fromkeys([*subsets, *properties["subsets"]])),
    }


def _is_empty(replies: Any) -> bool:
    """Whether every generated text is empty; log-likelihoods are none."""
    if isinstance(replies, list):
        return all(_is_empty(reply) for reply in replies)
    return replies is None or replies == ""
