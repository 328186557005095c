"""What decisions were made of: one folder per decision in the lake, written once.

`decision_records/<decision id>/` holds `record.json` with the decision, the policy, every value
and the hash of every frame, and the frames as Parquet. A frame is there before the record that
names it, so a record that can be read is whole.
"""

import io
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any, Final, get_type_hints

import polars as pl
from pydantic import TypeAdapter, ValidationError

from eval_pipeline import __version__
from eval_pipeline.adapters.lake import Lake, parquet_bytes
from eval_pipeline.errors import CorruptFileError, UnknownDecisionError
from eval_pipeline.evaluation.decision import Decision, read_decision
from eval_pipeline.evaluation.decision_inputs import Decided, DecisionInputs
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.human_correction.judge_bias import JudgeBias
from eval_pipeline.fingerprint import canonical_json, content_hash
from eval_pipeline.settings import GateSettings

FOLDER: Final = "decision_records"
RECORD: Final = "record.json"
RECORD_VERSION: Final = 1
LEAST_PREFIX: Final = 6
LIBRARIES: Final = ("numpy", "polars", "scipy")
_JUDGE_BIAS: Final = TypeAdapter[JudgeBias | None](JudgeBias | None)
_REMEDY: Final = "Restore the lake's file from its backup; the decision itself is unharmed."


@dataclass(frozen=True)
class DecisionRecord:
    """A decision with its report, what both were made of, and the versions that made them."""

    decision: Decision
    report: pl.DataFrame
    inputs: DecisionInputs
    made_by: Mapping[str, str]


class DecisionRecords:
    """The records in one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def keep(self, made: Decided, inputs: DecisionInputs) -> None:
        """Writes the record, unless this decision has one: equal decisions share the first."""
        decision_id = made.decision.decision_id
        if self._lake.exists(_path(decision_id, RECORD)):
            return
        frames = {name: frame for name, frame in _frames(made, inputs) if frame is not None}
        data = {name: parquet_bytes(frame) for name, frame in frames.items()}
        record = {
            "record_version": RECORD_VERSION,
            "decision": made.decision.model_dump(mode="json"),
            "policy": inputs.policy.model_dump(mode="json", by_alias=True),
            "subsets": list(inputs.subsets),
            "judge_bias": _JUDGE_BIAS.dump_python(inputs.judge_bias, mode="json"),
            "evidence": _plain(inputs.evidence),
            "frames": {name: content_hash(one) for name, one in data.items()},
            "made_by": versions(),
        }
        for name, one in data.items():
            self._lake.write_bytes(_path(decision_id, f"{name}.parquet"), one)
        self._lake.create_bytes(_path(decision_id, RECORD), canonical_json(record).encode())

    def load(self, decision_id: str) -> DecisionRecord:
        """The record; raises `UnknownDecisionError`, or `CorruptFileError` if it is not whole."""
        path = _path(decision_id, RECORD)
        try:
            record = json.loads(self._lake.read_bytes(path))
        except FileNotFoundError:
            raise UnknownDecisionError(decision_id) from None
        except ValueError:
            raise self._corrupt(path, "it is not JSON") from None
        try:
            frames = {
                name: self._frame(decision_id, name, expected=expected)
                for name, expected in record["frames"].items()
            }
            decision = read_decision(json.dumps(record["decision"]))
            inputs = _inputs(decision, record, frames)
        except (KeyError, TypeError, ValidationError) as error:
            problem = f"it is not a record of this program's ({type(error).__name__})"
            raise self._corrupt(path, problem) from None
        return DecisionRecord(decision, frames["report"], inputs, record["made_by"])

    def ids(self) -> list[str]:
        """The ids of all decisions with a record, sorted."""
        return sorted(
            path.split("/")[1] for path in self._lake.list(FOLDER) if path.endswith(f"/{RECORD}")
        )

    def identify(self, prefix: str) -> str | None:
        """The one decision whose id begins so; None where there is none.

        Raises `UnknownDecisionError` where several do.
        """
        if len(prefix) < LEAST_PREFIX:
            return None
        found = [one for one in self.ids() if one.startswith(prefix)]
        if len(found) > 1:
            raise UnknownDecisionError(prefix, found)
        return found[0] if found else None

    def _frame(self, decision_id: str, name: str, *, expected: str) -> pl.DataFrame:
        path = _path(decision_id, f"{name}.parquet")
        try:
            data = self._lake.read_bytes(path)
        except FileNotFoundError:
            raise self._corrupt(path, "it is gone") from None
        if content_hash(data) != expected:
            raise self._corrupt(path, "its content is not what the record names")
        return pl.read_parquet(io.BytesIO(data), hive_partitioning=False)

    def _corrupt(self, path: str, problem: str) -> CorruptFileError:
        return CorruptFileError(self._lake.describe(path), problem, _REMEDY)


def versions() -> dict[str, str]:
    """This program's version and those of Python and the libraries that compute."""
    return {
        "eval_pipeline": __version__,
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


def _path(decision_id: str, name: str) -> str:
    return f"{FOLDER}/{decision_id}/{name}"


def _frames(made: Decided, inputs: DecisionInputs) -> Iterator[tuple[str, pl.DataFrame | None]]:
    yield "report", made.report
    yield "trials", inputs.trials
    yield "reserve", inputs.reserve
    for name, value in _evidence(inputs.evidence):
        if isinstance(value, pl.DataFrame):
            yield f"evidence-{name}", value


def _evidence(evidence: Evidence) -> Iterator[tuple[str, Any]]:
    """Every field but the trials, which the inputs hold."""
    for field in fields(Evidence):
        if field.name != "trials":
            yield field.name, getattr(evidence, field.name)


def _plain(evidence: Evidence) -> dict[str, Any]:
    types = get_type_hints(Evidence)
    return {
        name: TypeAdapter(types[name]).dump_python(value, mode="json")
        for name, value in _evidence(evidence)
        if value is not None and not _holds_frames(types[name])
    }


def _holds_frames(declared: Any) -> bool:
    return declared in (pl.DataFrame, pl.DataFrame | None)


def _inputs(
    decision: Decision, record: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]
) -> DecisionInputs:
    types = get_type_hints(Evidence)
    values = {
        name: TypeAdapter(types[name]).validate_json(json.dumps(value))
        for name, value in record["evidence"].items()
    }
    values |= {
        name.removeprefix("evidence-"): frame
        for name, frame in frames.items()
        if name.startswith("evidence-")
    }
    return DecisionInputs(
        candidate_id=decision.candidate,
        baseline_id=decision.baseline,
        golden_version=decision.golden_version,
        policy=GateSettings.model_validate_json(json.dumps(record["policy"])),
        subsets=tuple(record["subsets"]),
        trials=frames["trials"],
        reserve=frames.get("reserve"),
        judge_bias=_JUDGE_BIAS.validate_json(json.dumps(record["judge_bias"])),
        evidence=Evidence(**values),
    )
