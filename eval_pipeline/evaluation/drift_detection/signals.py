"""DRIFT_SIGNALS of a week: every stream and subset against its reference, and what alarms."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.evaluation.drift_detection.attribution import attribute
from eval_pipeline.evaluation.drift_detection.detectors import Reading, Sums, cusum, e_detector
from eval_pipeline.evaluation.drift_detection.readings import (
    ALL,
    STREAMS,
    Measured,
    active_pin,
    earlier_rows,
    measured_stream,
    readings_before,
)
from eval_pipeline.evaluation.drift_detection.sentences import note_of
from eval_pipeline.settings import DriftSettings
from eval_pipeline.tables import DRIFT_SIGNALS

AUDIT_Z: Final = 3.29
"""Two-sided 0.1 %: frozen verdicts further from their own reference contradict it."""

Row = dict[str, Any]


@dataclass(frozen=True)
class _System:
    """One system's week, with what was known of it before."""

    system_id: str
    week: str
    pinned: str | None
    runs: pl.DataFrame
    before: dict[tuple[str, str], list[Reading]]
    alarms: dict[tuple[str, str], list[Row]]


def signals_of_week(
    trials: pl.DataFrame,
    *,
    reference: pl.DataFrame,
    frozen: pl.DataFrame,
    history: pl.DataFrame,
    systems: Sequence[str],
    week: str,
    policy: DriftSettings,
) -> pl.DataFrame:
    """DRIFT_SIGNALS of the week; the same tables give the same rows.

    `trials`: the week's DRIFT_TRIALS; `reference`: DRIFT_REFERENCE up to the week; `frozen`:
    `FROZEN_COLUMNS` of the answers that were judged again; `history`: DRIFT_SIGNALS of earlier
    weeks with a column `week`. 'all' alarms by its CUSUM; subsets by the e-detector, averaged over
    the subsets and systems of a stream, where their own is as large too.
    """
    rows: list[Row] = []
    readings: dict[tuple[str, str, str], list[Reading]] = {}
    known = {}
    for system_id in systems:
        system = known[system_id] = _known(system_id, reference, history, week, policy)
        own = trials.filter(pl.col("system_id") == system_id)
        still = frozen.filter(pl.col("system_id") == system_id)
        for stream in STREAMS:
            for measured in measured_stream(
                own, stream=stream, runs=system.runs, frozen=still, week=week,
                least=policy.minimum_difference,
            ):  # fmt: skip
                if stream == "frozen" and measured.subset != ALL:
                    continue
                past = system.before.get((stream, measured.subset), [])
                row = _row(system, stream, measured, past=past, policy=policy)
                rows.append(row)
                if measured.reading is not None:
                    place = (system_id, stream, measured.subset)
                    readings[place] = [*past, measured.reading]
    _alarm_families(rows, policy)
    for row in rows:
        _conclude(row, known[row["system_id"]])
    for row in rows:
        _attribute(row, rows, known[row["system_id"]], readings=readings, policy=policy)
    return DRIFT_SIGNALS.conform(pl.DataFrame(rows, schema=DRIFT_SIGNALS.schema))


def _known(
    system_id: str, reference: pl.DataFrame, history: pl.DataFrame, week: str, policy: DriftSettings
) -> _System:
    pinned = active_pin(reference, system_id=system_id, week=week)
    if pinned is None:
        return _System(system_id, week, None, reference.clear(), {}, {})
    own = reference.filter(pl.col("system_id") == system_id, pl.col("pinned_week") == pinned)
    alarms: dict[tuple[str, str], list[Row]] = {}
    for row in earlier_rows(history, system_id=system_id, pinned=pinned):
        alarms.setdefault((row["stream"], row["subset"]), []).append(row)
    before = readings_before(
        history, system_id=system_id, pinned=pinned, least=policy.minimum_difference
    )
    return _System(system_id, week, pinned, own, before, alarms)


def _row(
    system: _System,
    stream: str,
    measured: Measured,
    *,
    past: Sequence[Reading],
    policy: DriftSettings,
) -> Row:
    row: Row = dict.fromkeys(DRIFT_SIGNALS.schema)
    row |= {
        "system_id": system.system_id,
        "stream": stream,
        "subset": measured.subset,
        "pinned_week": system.pinned,
        "alarm": False,
        "items": 0 if measured.reading is None else measured.reading.floor.items,
        "missing": measured.missing,
        "without_reference": measured.without_reference,
        "note": note_of(measured, system.runs, stream=stream, policy=policy),
    }
    now = measured.reading
    if now is None:
        return row
    row |= {
        "value": now.value,
        "mu0": now.floor.mu0,
        "sigma": now.floor.sigma,
        "k_runs": now.floor.runs,
        "z": now.z,
    }
    return row | (
        _audited(now, policy) if stream == "frozen" else _detected([*past, now], measured, policy)
    )


def _audited(now: Reading, policy: DriftSettings) -> Row:
    """Frozen verdicts do not change from week to week, so there is nothing to add up."""
    shift = now.value - now.floor.mu0
    furthest = AUDIT_Z * float(np.sqrt(1 + 1 / now.floor.runs))
    alarm = abs(now.z) > furthest and abs(shift) >= policy.minimum_difference
    return {"shift": shift, "alarm": alarm}


def _detected(readings: Sequence[Reading], measured: Measured, policy: DriftSettings) -> Row:
    sums = cusum(readings, threshold=policy.cusum_threshold)
    down, up = sums.down[-1], sums.up[-1]
    return {
        "slack": readings[-1].slack,
        "cusum_down": down,
        "cusum_up": up,
        "e_detector": e_detector(readings),
        "shift": _shift(readings, _began(sums)),
        "alarm": measured.subset == ALL and max(down, up) > policy.cusum_threshold,
    }


def _began(sums: Sums) -> int:
    return sums.down_began if sums.down[-1] >= sums.up[-1] else sums.up_began


def _shift(readings: Sequence[Reading], began: int) -> float:
    return float(np.mean([reading.value - reading.floor.mu0 for reading in readings[began:]]))


def _alarm_families(rows: Sequence[Row], policy: DriftSettings) -> None:
    """Subsets share one budget of false alarms: the mean of their detectors must be over it."""
    for stream in STREAMS:
        family = [
            row
            for row in rows
            if row["stream"] == stream and row["subset"] != ALL and row["e_detector"] is not None
        ]
        if not family:
            continue
        mean = float(np.mean([row["e_detector"] for row in family]))
        for row in family:
            row["e_family"] = mean
            row["alarm"] = min(mean, row["e_detector"]) >= policy.average_run_length


def _conclude(row: Row, system: _System) -> None:
    if row["value"] is None:
        row["finding"] = "not_measured"
        return
    row["finding"] = "alarm" if row["alarm"] else "within_noise"
    if row["alarm"]:
        past = system.alarms.get((row["stream"], row["subset"]), [])
        last = past[-1] if past else None
        standing = last is not None and last["alarm"]
        row["alarm_since"] = last["alarm_since"] if last and standing else system.week


def _attribute(
    row: Row,
    rows: Sequence[Row],
    system: _System,
    *,
    readings: dict[tuple[str, str, str], list[Reading]],
    policy: DriftSettings,
) -> None:
    if not row["alarm"] or row["stream"] == "frozen":
        return
    if row["stream"] == "rejudged":
        row["attribution"] = "judge"
        return
    own = [other for other in rows if other["system_id"] == row["system_id"]]
    twin = ("rejudged", row["subset"])
    alarmed = [past["week"] for past in system.alarms.get(twin, []) if past["alarm"]]
    alarmed += [
        system.week
        for other in own
        if (other["stream"], other["subset"]) == twin and other["alarm"]
    ]
    rerun = readings[row["system_id"], "rerun", row["subset"]]
    began = _began(cusum(rerun, threshold=policy.cusum_threshold))
    row["attribution"] = attribute(
        shift=row["shift"],
        since=rerun[began].week,
        anchors=readings.get((row["system_id"], *twin), []),
        anchor_alarms=alarmed,
        guard=_guard(row["alarm_since"], policy.guard_weeks),
        sound=not any(other["stream"] == "frozen" and other["alarm"] for other in own),
    )


def _guard(since: str, weeks: int) -> tuple[str, str]:
    monday, width = dt.date.fromisoformat(since), dt.timedelta(weeks=weeks)
    return (monday - width).isoformat(), (monday + width).isoformat()
