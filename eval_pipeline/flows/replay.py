"""A decision made again from its record, and what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.adapters.decision_records import DecisionRecord, versions
from eval_pipeline.errors import UnknownDecisionError
from eval_pipeline.evaluation.decision import Decision, newest_row
from eval_pipeline.evaluation.decision_inputs import decided
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import GATE_DECISION


@dataclass(frozen=True)
class Replayed:
    """The decision on record, and every difference of the one made again.

    `other_versions` are those of programs and libraries that are not the ones of then: name to
    (then, now). Empty differences mean: the same, bit for bit.
    """

    decision: Decision
    differences: tuple[str, ...]
    other_versions: Mapping[str, tuple[str | None, str | None]]

    @property
    def identical(self) -> bool:
        """Whether the report and the decision came out the same."""
        return not self.differences


def find_decision(pipeline: Pipeline, named: str) -> str:
    """The id of a decision: named by its id, by the id's first letters, or by its candidate.

    A candidate means its newest decision. Raises `UnknownDecisionError`.
    """
    if named in pipeline.lake.partitions(GATE_DECISION):
        decisions = pipeline.lake.read(GATE_DECISION, partition=named)
        return str(newest_row(decisions)["decision_id"])
    found = pipeline.decision_records.identify(named)
    if found is None:
        raise UnknownDecisionError(named)
    return found


def replay(record: DecisionRecord) -> Replayed:
    """Compares and decides again from what is on record, and from nothing else."""
    again = decided(record.inputs)
    now = versions()
    return Replayed(
        decision=record.decision,
        differences=(
            *_of_reports(record.report, again.report),
            *_of_documents(
                record.decision.model_dump(mode="json"), again.decision.model_dump(mode="json")
            ),
        ),
        other_versions={
            name: (record.made_by.get(name), now.get(name))
            for name in sorted({*record.made_by, *now})
            if record.made_by.get(name) != now.get(name)
        },
    )


def _of_reports(then: pl.DataFrame, now: pl.DataFrame) -> Iterator[str]:
    if then.columns != now.columns:
        yield f"report: columns {then.columns} then, {now.columns} now"
        return
    rows = {row["subset"]: row for row in then.iter_rows(named=True)}
    again = {row["subset"]: row for row in now.iter_rows(named=True)}
    for subset in sorted({*rows, *again}):
        before, after = rows.get(subset, {}), again.get(subset, {})
        for column in then.columns:
            if before.get(column) != after.get(column):
                yield (
                    f"report, subset '{subset}', {column}: {before.get(column)!r} then, "
                    f"{after.get(column)!r} now"
                )


def _of_documents(then: Any, now: Any, *, path: str = "decision") -> Iterator[str]:
    """Every leaf that differs, by its path; lists of other lengths are one difference."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted({*then, *now}):
            yield from _of_documents(then.get(key), now.get(key), path=f"{path}.{key}")
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for place, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from _of_documents(one, other, path=f"{path}[{place}]")
    elif then != now:
        yield f"{path}: {then!r} then, {now!r} now"
