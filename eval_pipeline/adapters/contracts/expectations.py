"""The data contracts, checked by Great Expectations on bounded frames of keys, counts and shares.

Its results keep counts only: a failed contract never quotes a log.
"""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.adapters.contracts.great_expectations_library import validated
from eval_pipeline.adapters.contracts.logs import (
    measures_of_logs,
    particulars,
    promises_of_logs,
    unjudged,
)
from eval_pipeline.adapters.contracts.promises import Promise, percent
from eval_pipeline.adapters.contracts.results import ContractResult
from eval_pipeline.adapters.contracts.tables import (
    measures_of_composition,
    measures_of_items,
    measures_of_sample,
    promises_of_composition,
    promises_of_items,
    promises_of_sample,
    wishes_for_composition,
)
from eval_pipeline.adapters.contracts.volumes import volume_of
from eval_pipeline.settings import ContractSettings, GoldenSettings

__all__ = ["ContractResult", "validate_golden", "validate_logs", "validate_sample"]


@dataclass(frozen=True)
class _Checked:
    """The outcomes of some promises, by their place, and what each broken one says."""

    promises: Sequence[Promise]
    outcomes: Sequence[dict[str, Any]]
    sentences: Sequence[str | None]

    def broken(self, *, blocking: bool) -> tuple[str, ...]:
        return tuple(
            sentence
            for promise, sentence in zip(self.promises, self.sentences, strict=True)
            if sentence is not None and promise.blocking == blocking
        )


def validate_logs(
    profile: pl.DataFrame,
    sample: pl.DataFrame | None = None,
    *,
    contract: ContractSettings,
    history: pl.DataFrame,
    strata: pl.DataFrame,
    week: dt.date,
) -> ContractResult:
    """The week's logs against the contract, and the design of the sample if one is given.

    `profile` is the row of `log_profile.profile_of`; `strata` the week's stratum and interactions;
    `history` the same of earlier weeks with `week`, which may be empty.
    """
    volume = volume_of(
        strata,
        history,
        weeks=contract.volume_weeks,
        smallest_baseline=contract.minimum_volume_baseline,
    )
    checks = [
        _measured(
            measures_of_logs(profile, week=week, contract=contract, volume=volume),
            promises_of_logs(contract, volume=volume),
        )
    ]
    if sample is not None:
        checks.append(_checked(measures_of_sample(sample), promises_of_sample()))
    return _result(
        "Contract of the week's logs",
        checks,
        shortfalls=unjudged(volume),
        particulars=particulars(profile, contract=contract, volume=volume),
    )


def validate_sample(sample: pl.DataFrame) -> ContractResult:
    """What makes the drawn interactions a probability sample; every promise of it is blocking."""
    checked = _checked(measures_of_sample(sample), promises_of_sample())
    return _result("Design of the week's sample", [checked])


def validate_golden(
    items: pl.DataFrame,
    *,
    policy: GoldenSettings,
    subsets: Sequence[str],
    as_of: dt.date | None = None,
) -> ContractResult:
    """A golden version against the policy it was composed under.

    Labels age up to `as_of`, by default the day its newest items were admitted. `subsets` are the
    configured names: items may carry no other. A subset below its minimum and a kind outside its
    share are shortfalls; only the number of items and what every item must be refuse a version.
    """
    version = measures_of_composition(items, policy=policy, subsets=subsets)
    wanted = _checked(version, wishes_for_composition(policy, subsets))
    checks = [
        _checked(version, promises_of_composition(policy)),
        _checked(measures_of_items(items, subsets=subsets, as_of=as_of), promises_of_items(policy)),
    ]
    return _result(
        "Contract of the golden set",
        checks,
        wanted=[wanted],
        shortfalls=wanted.broken(blocking=True),
    )


def _result(
    contract: str,
    checks: Sequence[_Checked],
    *,
    wanted: Sequence[_Checked] = (),
    shortfalls: tuple[str, ...] = (),
    particulars: tuple[str, ...] = (),
) -> ContractResult:
    outcomes = [outcome for checked in (*checks, *wanted) for outcome in checked.outcomes]
    return ContractResult(
        contract=contract,
        failures=_all(checked.broken(blocking=True) for checked in checks),
        warnings=_all(checked.broken(blocking=False) for checked in checks),
        shortfalls=shortfalls,
        particulars=particulars,
        evaluated=len(outcomes),
        validation=json.dumps(outcomes, sort_keys=True),
    )


def _all(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sentence for part in parts for sentence in part)


def _measured(frame: pl.DataFrame, promises: Sequence[Promise]) -> _Checked:
    """Checks what was measured; that something was not is a broken promise of its own."""
    there = [
        promise for promise in promises if promise.column is None or promise.column in frame.columns
    ]
    return _checked(frame, there)


def _checked(frame: pl.DataFrame, promises: Sequence[Promise]) -> _Checked:
    if not promises:
        return _Checked((), (), ())
    outcomes = validated(frame, promises)
    return _Checked(
        promises=promises,
        outcomes=outcomes,
        sentences=[
            None
            if outcome["success"]
            else f"{promise.claim}; {_observed(frame, promise, outcome['result'])}."
            for promise, outcome in zip(promises, outcomes, strict=True)
        ],
    )


def _observed(frame: pl.DataFrame, promise: Promise, found: dict[str, Any]) -> str:
    column = promise.column
    if "column_set" in promise.arguments:
        missing = sorted(set(promise.arguments["column_set"]) - set(frame.columns))
        return f"missing: {', '.join(f'`{name}`' for name in missing)}"
    if column is None:
        return f"there are {frame.height}"
    if column not in frame.columns:
        return "it was not measured"
    if promise.of_one_row:
        value = frame[column].cast(pl.Float64).max()
        if not isinstance(value, float):
            return "it was not measured"
        return f"found {_number(value, column=column)}{promise.unit}"
    unexpected = found.get("unexpected_count", frame.height)
    return f"{unexpected} of {frame.height} rows break this"


def _number(value: float, *, column: str) -> str:
    if "share" in column:
        return percent(value)
    return f"{value:.0f}" if value.is_integer() else f"{value:.3g}"
