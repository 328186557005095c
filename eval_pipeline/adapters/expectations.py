"""The data contracts, checked by Great Expectations on bounded frames of keys, counts and shares.

Great Expectations takes seconds to import, so it is imported on first use and its context is kept.
Its results keep counts only: a failed contract never quotes a log.
"""

import datetime as dt
import functools
import importlib
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.contracts import (
    Promise,
    measures_of_composition,
    measures_of_items,
    measures_of_logs,
    measures_of_sample,
    percent,
    promises_of_composition,
    promises_of_items,
    promises_of_logs,
    promises_of_sample,
    promises_of_subsets,
)
from eval_pipeline.settings import ContractSettings, GoldenSettings

_RESULT_FORMAT: Final = {"result_format": "BASIC", "partial_unexpected_count": 0}
_CONTEXT_LOCK = threading.Lock()


@dataclass(frozen=True)
class ContractResult:
    """What became of a contract: a sentence per broken promise, in the promises' order.

    `failures` break the contract. `shortfalls` are what the policy wants and the data could not
    give; they break nothing.
    """

    contract: str
    failures: tuple[str, ...]
    shortfalls: tuple[str, ...]
    evaluated: int

    @property
    def passed(self) -> bool:
        """Whether every promise holds that must."""
        return not self.failures

    def as_markdown(self) -> str:
        """The result as a person reads it in the orchestrator's UI."""
        if self.passed:
            lines = [f"**{self.contract}**: all {self.evaluated} expectations hold."]
        else:
            broken = f"{len(self.failures)} of {self.evaluated} expectations fail."
            lines = [f"**{self.contract}**: {broken}", "", *_bullets(self.failures)]
        if self.shortfalls:
            lines += ["", "Wanted, and not met yet:", "", *_bullets(self.shortfalls)]
        return "\n".join(lines)


def validate_logs(
    profile: pl.DataFrame, sample: pl.DataFrame, *, contract: ContractSettings
) -> ContractResult:
    """The week's logs against the contract, and the design of the sample drawn from them.

    `profile` is one row: interactions, quarantined (repeated ids included), duplicate_ids,
    out_of_range, null_<column>. Shares of nulls and ranges are of the interactions that fitted
    the schema; those of duplicates and quarantine are of all rows read.
    """
    of_week, of_sample = promises_of_logs(contract), promises_of_sample()
    return ContractResult(
        contract="Contract of the week's logs",
        failures=(
            *_broken(measures_of_logs(profile), of_week),
            *_broken(measures_of_sample(sample), of_sample),
        ),
        shortfalls=(),
        evaluated=len(of_week) + len(of_sample),
    )


def validate_golden(
    items: pl.DataFrame,
    *,
    policy: GoldenSettings,
    subsets: Sequence[str],
    as_of: dt.date | None = None,
) -> ContractResult:
    """A golden version against the policy it was composed under.

    Labels age up to `as_of`, by default the day its newest items were admitted. `subsets` are the
    configured names: items may carry no other. A subset below its minimum is a shortfall.
    """
    of_items, of_version = promises_of_items(policy), promises_of_composition(policy)
    of_subsets = promises_of_subsets(policy, subsets)
    version = measures_of_composition(items, subsets=subsets)
    return ContractResult(
        contract="Contract of the golden set",
        failures=(
            *_broken(version, of_version),
            *_broken(measures_of_items(items, subsets=subsets, as_of=as_of), of_items),
        ),
        shortfalls=tuple(_broken(version, of_subsets)),
        evaluated=len(of_items) + len(of_version) + len(of_subsets),
    )


def _bullets(sentences: Sequence[str]) -> list[str]:
    return [f"- {sentence}" for sentence in sentences]


def _broken(frame: pl.DataFrame, promises: Sequence[Promise]) -> list[str]:
    """A sentence for each promise that the frame breaks, in the promises' order."""
    if not promises:
        return []
    with _quiet(), _CONTEXT_LOCK:
        outcome = _run(frame, promises)
    return [
        f"{promise.claim}; {_observed(frame, promise, outcome[index])}."
        for index, promise in enumerate(promises)
        if not outcome[index].success
    ]


def _run(frame: pl.DataFrame, promises: Sequence[Promise]) -> dict[int, Any]:
    gx = _great_expectations()
    batch = _whole_frame().get_batch({"dataframe": frame.to_arrow().to_pandas()})
    expectations = [
        getattr(gx.expectations, promise.expectation)(**promise.arguments, meta={"promise": index})
        for index, promise in enumerate(promises)
    ]
    suite = gx.ExpectationSuite(name="contract", expectations=expectations)
    results = batch.validate(suite, result_format=_RESULT_FORMAT).results
    return {result.expectation_config.meta["promise"]: result for result in results}


def _observed(frame: pl.DataFrame, promise: Promise, result: Any) -> str:
    column = promise.column
    if column is None:
        return f"there are {frame.height}"
    if column not in frame.columns:
        return "it was not measured"
    if promise.of_one_row:
        value = frame[column].cast(pl.Float64).max()
        if not isinstance(value, float):
            return "it was not measured"
        return f"found {percent(value)}" if "share" in column else f"found {value:g}"
    unexpected = result.result.get("unexpected_count", frame.height)
    return f"{unexpected} of {frame.height} rows break this"


@functools.cache
def _great_expectations() -> ModuleType:
    # Read once, at import: without it the library reports usage to its maker.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    return importlib.import_module("great_expectations")


@functools.cache
def _whole_frame() -> Any:
    """A batch definition of an ephemeral context; the context is kept, no frame is."""
    gx = _great_expectations()
    context = gx.get_context(mode="ephemeral")
    settings = importlib.import_module("great_expectations.data_context.types.base")
    context.variables.progress_bars = settings.ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides the warnings that Great Expectations itself gives, and no others."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore",
            message="module 'sre_(constants|parse)' is deprecated",
            category=DeprecationWarning,
        )
        yield
