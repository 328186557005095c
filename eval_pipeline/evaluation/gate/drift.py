"""What the gate says of judges and providers that drifted.

Two tables speak: DRIFT_REPORT tells one week from its reference week, DRIFT_SIGNALS adds the weeks
up against the noise of the reference runs. Either is enough.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.evaluation.gate.wording import points
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings

DECIDES_NOTHING = "Scores of a judge that drifted decide nothing: re-calibrate, then repeat."


def drift_grounds(
    drift: pl.DataFrame | None, policy: GateSettings, *, signals: pl.DataFrame | None = None
) -> Grounds:
    """A judge that drifted suspends what its scores would decide; a provider's drift is told.

    So is a noise floor that was not measured. `drift`: DRIFT_REPORT, `signals`: DRIFT_SIGNALS of a
    week. Drift on synthetic items alone says nothing here unless the policy gates them.
    """
    reported = _deciding(drift, policy)
    signalled = _deciding(signals, policy)
    judges = [*_reported(reported, "judge"), *_judge_alarms(signalled)]
    return Grounds(
        suspending=(*judges, DECIDES_NOTHING) if judges else (),
        notes=(
            *_reported(reported, "provider"),
            *_rerun_alarms(signalled),
            *_contradictions(signalled),
            *_unmeasured(signalled),
        ),
    )


def _deciding(frame: pl.DataFrame | None, policy: GateSettings) -> pl.DataFrame | None:
    if frame is None or policy.decides_on(SYNTHETIC_SUBSET):
        return frame
    return frame.filter(pl.col("subset") != SYNTHETIC_SUBSET)


def _reported(drift: pl.DataFrame | None, component: str) -> Iterator[str]:
    """What this week's drift report says of a component, a sentence a system."""
    if drift is None:
        return
    rows = drift.filter(pl.col("finding") == "drift", pl.col("component") == component)
    ordered = rows.sort("system_id", "golden_version", "subset")
    for (system,), group in ordered.group_by("system_id", maintain_order=True):
        first = group.row(0, named=True)
        yield (
            f"The {component} drifted this week: {points(first['difference'])} points on "
            f"'{first['subset']}' for system '{system}' since {first['reference_week']}."
        )


def _judge_alarms(signals: pl.DataFrame | None) -> Iterator[str]:
    """Alarms of frozen answers that were judged again, a sentence a system."""
    for system, row in _alarms(signals, "rejudged"):
        yield (
            f"The judge drifted: frozen answers of system '{system}' have been scored "
            f"{points(row['shift'])} points apart from their reference on '{row['subset']}' "
            f"since {row['alarm_since']}."
        )


def _rerun_alarms(signals: pl.DataFrame | None) -> Iterator[str]:
    """Alarms of the re-run, but for what the judge explains, a sentence a system."""
    whose = {
        "provider": "The provider drifted",
        "unattributed": "The re-run drifted, and whether by provider or judge cannot be told",
    }
    for system, row in _alarms(signals, "rerun"):
        if row["attribution"] in whose:
            yield (
                f"{whose[row['attribution']]}: {points(row['shift'])} points on "
                f"'{row['subset']}' for system '{system}' since {row['alarm_since']}, against the "
                f"noise of reference runs of {row['pinned_week']}."
            )


def _contradictions(signals: pl.DataFrame | None) -> Iterator[str]:
    for system, row in _alarms(signals, "frozen"):
        yield (
            f"The frozen verdicts on system '{system}' contradict their own reference by "
            f"{points(row['shift'])} points, so no drift can be attributed."
        )


def _unmeasured(signals: pl.DataFrame | None) -> Iterator[str]:
    if signals is None:
        return
    rows = signals.filter(
        pl.col("stream") == "rerun", pl.col("subset") == "all", pl.col("finding") == "not_measured"
    )
    for row in rows.sort("system_id").iter_rows(named=True):
        yield (
            f"The noise floor of system '{row['system_id']}' is not measured, so its weekly re-run "
            f"raises no alarm. {row['note']}"
        )


def _alarms(signals: pl.DataFrame | None, stream: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The first alarm of each system: on all items where there is one."""
    if signals is None:
        return
    rows = signals.filter(pl.col("stream") == stream, pl.col("alarm"))
    ordered = rows.sort("system_id", pl.col("subset") != "all", "subset")
    for row in ordered.unique("system_id", keep="first", maintain_order=True).to_dicts():
        yield row["system_id"], row
