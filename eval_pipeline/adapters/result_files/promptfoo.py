"""Results of promptfoo (`promptfoo eval -o results.json`, or `.jsonl`), as 0.121 writes them.

A result is an error where `failureReason` is 2 (a provider that failed, a timeout) and where a
grader failed (`graderError`), which promptfoo itself counts as a failed test with the score 0.
"""

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
    content_id,
    count_of,
    item_properties,
    named_id,
    number_of,
    parsed,
    parsed_lines,
    parsed_or_none,
    refuse_choice,
)

ERROR: Final = 2
OVERALL: Final = "score"
SUCCESS: Final = "success"
KEYS: Final = frozenset({"testIdx", "promptIdx", "score", "testCase"})


def read_promptfoo(path: Path, asked: Asked) -> ScoredFile:
    """One provider's results; the metric is 'score', 'success' or the name of an assertion's.

    A test without an assertion of a named metric says nothing of it and is left out.
    Tests are the same item if description and variables agree, or metadata's `item_id` does;
    repeats are trials. Subsets, cluster and weight stand in the metadata or the variables.
    """
    data = read_bytes(path)
    results = _results(path, data)
    systems = _systems(results)
    if asked.system is None and len(systems) > 1:
        refuse_choice(path, "it holds several providers or prompts", systems, SYSTEM_OPTIONS)
    name = asked.system or next(iter(systems), "")
    if name not in systems:
        refuse_choice(path, f"it holds no '{name}'", systems, SYSTEM_OPTIONS)
    own = sorted(
        (result for result in results if result["promptIdx"] == systems[name]),
        key=lambda result: int(result["testIdx"]),
    )
    metric = asked.metric or OVERALL
    known = {OVERALL, SUCCESS, *(name for result in own for name in _metrics(result))}
    if metric not in known:
        refuse_choice(path, f"it holds no metric '{metric}'", known, "--metric")
    measured = [result for result in own if metric in {OVERALL, SUCCESS, *_metrics(result)}]
    return scored_file(
        path,
        tool_trials([_row(result, metric) for result in measured]),
        name=name,
        result_format=ResultFormat.promptfoo,
        content=hash_of({path.name: data}),
    )


SYSTEM_OPTIONS: Final = "--baseline-system or --candidate-system"


def _results(path: Path, data: bytes) -> list[dict[str, Any]]:
    results: Any
    if path.suffix == ".jsonl" or _is_result(parsed_or_none(data.partition(b"\n")[0])):
        results = parsed_lines(path, data)
    else:
        document = parsed(path, data)
        results = document.get("results") if isinstance(document, Mapping) else None
        results = results.get("results") if isinstance(results, Mapping) else None
    if not isinstance(results, list) or not all(map(_is_result, results)):
        refuse(
            path,
            "it does not hold results as promptfoo writes them",
            "Write them with `promptfoo eval -o results.json` of a current version.",
        )
    return results


def _is_result(document: Any) -> bool:
    return isinstance(document, dict) and document.keys() >= KEYS


def _systems(results: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Each provider with its place among the prompts; numbered where it answers several prompts."""
    labels: dict[int, str] = {}
    for result in results:
        provider = result.get("provider") or {}
        label = provider if isinstance(provider, str) else provider.get("label")
        labels[result["promptIdx"]] = str(label or provider.get("id") or "provider")
    systems = {}
    for index in sorted(labels):
        same = [other for other in sorted(labels) if labels[other] == labels[index]]
        number = f"#{same.index(index) + 1}" if len(same) > 1 else ""
        systems[f"{labels[index]}{number}"] = index
    return systems


def _row(result: Mapping[str, Any], metric: str) -> dict[str, Any]:
    test = result["testCase"]
    variables = result.get("vars") or {}
    metadata = test.get("metadata") or {}
    error = _error(result, metric)
    response = result.get("response") or {}
    usage = result.get("tokenUsage") or {}
    called = error != "provider_error" and not response.get("cached")
    latency = number_of(result.get("latencyMs"))
    return {
        "item_id": named_id(metadata)
        or named_id(variables)
        or content_id(test.get("description"), variables),
        "score": None if error else _score(result, metric),
        "error": error,
        **item_properties(metadata, variables),
        "latency_seconds": latency / 1000 if called and latency is not None else None,
        "input_tokens": count_of(usage.get("prompt")) if called else None,
        "output_tokens": count_of(usage.get("completion")) if called else None,
        # promptfoo writes 0 where it knows no price.
        "cost_usd": number_of(result.get("cost")) or None,
    }


def _error(result: Mapping[str, Any], metric: str) -> str | None:
    if result.get("failureReason") == ERROR:
        return "provider_error"
    for component in _components(result.get("gradingResult")):
        failed = (component.get("metadata") or {}).get("graderError")
        concerned = (component.get("assertion") or {}).get("metric") == metric
        if failed and (concerned or metric in {OVERALL, SUCCESS}):
            return "grader_error"
    return "not_scored" if _score(result, metric) is None else None


def _components(grading: Any) -> Iterator[Mapping[str, Any]]:
    """The parts of a grading, of assertion sets too."""
    for component in (grading or {}).get("componentResults") or []:
        if isinstance(component, Mapping):
            yield component
            yield from _components(component)


def _metrics(result: Mapping[str, Any]) -> set[str]:
    """The named metrics that a result has or, where its call failed, was to have."""
    return {*_named(result), *_asserted(result["testCase"].get("assert"))}


def _asserted(assertions: Any) -> Iterator[str]:
    for assertion in assertions or []:
        if isinstance(assertion, Mapping):
            if assertion.get("metric"):
                yield str(assertion["metric"])
            yield from _asserted(assertion.get("assert"))


def _score(result: Mapping[str, Any], metric: str) -> float | None:
    match metric:
        case "score":
            return number_of(result["score"])
        case "success":
            return number_of(result.get("success"))
        case _:
            return number_of(_named(result).get(metric))


def _named(result: Mapping[str, Any]) -> Mapping[str, Any]:
    named = result.get("namedScores")
    return named if isinstance(named, Mapping) else {}
