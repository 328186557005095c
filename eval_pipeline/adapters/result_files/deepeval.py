"""Test runs of DeepEval (`test_run_*.json` of its results folder), as version 4 writes them.

A metric that failed has an `error` and no score; DeepEval itself marks its test as not passed.
"""

from collections.abc import Mapping
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
    content_id,
    item_properties,
    named_id,
    names_of,
    number_of,
    parsed,
    refuse_choice,
)

KEYS: Final = frozenset({"testCases", "metricsScores"})


def read_deepeval(path: Path, asked: Asked) -> ScoredFile:
    """A run's single-turn test cases under one metric's name.

    Test cases are the same item if input, expected output and context agree, or the metadata's
    `item_id` does; repeats are trials. Subsets are the tags and the metadata's `subsets`.
    """
    data = read_bytes(path)
    document = parsed(path, data)
    if not isinstance(document, Mapping) or not document.keys() >= KEYS:
        refuse(path, "it is not a test run of DeepEval", "Name the file `test_run_*.json`.")
    if asked.system is not None:
        refuse(path, "a test run names no system", "Leave the choice out.")
    cases = document["testCases"]
    if document.get("conversationalTestCases"):
        refuse(path, "it holds conversational test cases", "Only single-turn ones are read.")
    known = {str(measured["name"]) for case in cases for measured in case.get("metricsData") or []}
    if asked.metric is None and len(known) != 1:
        refuse_choice(path, f"it holds {len(known)} metrics", known, "--metric")
    metric = asked.metric or next(iter(known))
    if metric not in known:
        refuse_choice(path, f"it holds no metric '{metric}'", known, "--metric")
    return scored_file(
        path,
        tool_trials([_row(case, metric) for case in cases if _concerns(case, metric)]),
        name=path.stem,
        result_format=ResultFormat.deepeval,
        content=hash_of({path.name: data}),
    )


def _concerns(case: Mapping[str, Any], metric: str) -> bool:
    """Whether the case was to be measured by it: a case without any measurement failed before."""
    names = {str(measured["name"]) for measured in case.get("metricsData") or []}
    return not names or metric in names


def _row(case: Mapping[str, Any], metric: str) -> dict[str, Any]:
    metadata = case.get("metadata") or case.get("additionalMetadata") or {}
    measurements: list[Mapping[str, Any]] = case.get("metricsData") or []
    measured = next((each for each in measurements if each["name"] == metric), {})
    score = number_of(measured.get("score"))
    failed = bool(measured.get("error"))
    properties = item_properties(metadata)
    tags = names_of(case.get("tags"))
    return {
        "item_id": named_id(metadata)
        or content_id(case.get("input"), case.get("expectedOutput"), case.get("context")),
        "score": None if failed else score,
        "error": "metric_error" if failed else "not_scored" if score is None else None,
        **properties,
        "subsets": list(dict.fromkeys([*properties["subsets"], *tags])),
        "latency_seconds": number_of(case.get("completionTime")),
        "cost_usd": number_of(case.get("tokenCost")),
    }
