"""The week's page for the product owner, its figures, and the same as JSON: what feeds them."""

import json
from collections import Counter
from collections.abc import Iterable

import polars as pl

from eval_pipeline.errors import CorruptFileError, MissingPartitionError
from eval_pipeline.evaluation.decision import newest_row, read_decision
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.weekly.evidence import DecidedCandidate, GoldenWeek, WeekEvidence
from eval_pipeline.monitoring.weekly.figures import weekly_report
from eval_pipeline.reports.weekly_page import week_json, weekly_page
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANNOTATOR_AGREEMENT,
    ANONYMISATION_REPORT,
    DISPUTES,
    DRIFT_REPORT,
    DRIFT_SIGNALS,
    GATE_AUDIT,
    GATE_DECISION,
    GOLDEN_SET,
    JUDGE_QUALITY,
    JUDGE_RELIABILITY,
    MONITOR_ALERTS,
    OUTCOME_PREDICTIONS,
    OUTCOME_TRACKING,
    OUTCOME_VALIDITY,
    PANEL_VERDICTS,
    PRODUCTION_MONITOR,
    PRODUCTION_QUALITY,
    SAMPLING_FRAME,
    UNNAMED_FAILURES,
    VERDICTS,
    WEEKLY_REPORT,
    Table,
)

EXPECTED: tuple[Table, ...] = (
    SAMPLING_FRAME, ANONYMISATION_REPORT, PANEL_VERDICTS, PRODUCTION_MONITOR,
    PRODUCTION_QUALITY, MONITOR_ALERTS, ANNOTATOR_AGREEMENT,
    ADJUDICATIONS, OUTCOME_VALIDITY, OUTCOME_TRACKING, JUDGE_QUALITY, DRIFT_REPORT, DRIFT_SIGNALS,
)  # fmt: skip
"""What a whole week has; what it lacks is told with the command that makes it."""


def report_week(pipeline: Pipeline, *, week: str) -> tuple[pl.DataFrame, WeekEvidence]:
    """The WEEKLY_REPORT of the week with what it rests on; nothing is asked or written.

    Raises `MissingPartitionError` where nothing at all was made of the week.
    """
    known = evidence_of(pipeline, week=week)
    if len(known.not_made) > len(EXPECTED):
        raise MissingPartitionError(SAMPLING_FRAME.name, week, SAMPLING_FRAME.command_for(week))
    return weekly_report(known), known


def write_week(pipeline: Pipeline, report: pl.DataFrame, known: WeekEvidence) -> str:
    """Writes page and JSON beside the table's row; returns where the page is."""
    pipeline.lake.write_bytes(week_path(known.week, "html"), weekly_page(report, known).encode())
    pipeline.lake.write_bytes(week_path(known.week, "json"), week_json(report, known).encode())
    return pipeline.lake.describe(week_path(known.week, "html"))


def read_week(pipeline: Pipeline, *, week: str, suffix: str) -> str:
    """The week's page or JSON; raises `MissingPartitionError` before the report."""
    try:
        return pipeline.lake.read_bytes(week_path(week, suffix)).decode()
    except FileNotFoundError:
        command = WEEKLY_REPORT.command_for(week)
        raise MissingPartitionError(WEEKLY_REPORT.name, week, command) from None
    except UnicodeDecodeError:
        place = pipeline.lake.describe(week_path(week, suffix))
        remedy = f"Run `{WEEKLY_REPORT.command_for(week)}` again, which writes it."
        raise CorruptFileError(place, "it is not text in UTF-8", remedy) from None


def week_path(week: str, suffix: str) -> str:
    """Relative to the lake's root."""
    return f"{WEEKLY_REPORT.name}/week={week}/week.{suffix}"


def evidence_of(pipeline: Pipeline, *, week: str) -> WeekEvidence:
    """Everything that the lake holds of the week, and of the weeks before it where a line is drawn.

    Nothing of later weeks: the page of an old week comes out the same.
    """

    def held(table: Table | None, *, of: str | None = week) -> pl.DataFrame | None:
        if table is None or of is None:
            return None
        return pipeline.lake.read_if_made(table, partition=of)

    before = _week_before(pipeline, week)
    return WeekEvidence(
        week=week,
        confidence=pipeline.settings.gate.confidence,
        frame=held(SAMPLING_FRAME),
        masking=held(ANONYMISATION_REPORT),
        panel=held(PANEL_VERDICTS),
        quality=held(PRODUCTION_QUALITY),
        quality_before=held(PRODUCTION_QUALITY, of=before),
        verdicts=held(VERDICTS),
        disputes=held(DISPUTES),
        adjudications=held(ADJUDICATIONS),
        agreement=held(ANNOTATOR_AGREEMENT),
        judges=held(JUDGE_QUALITY),
        reliability=held(JUDGE_RELIABILITY),
        drift=_until(pipeline, DRIFT_REPORT, week),
        signals=_until(pipeline, DRIFT_SIGNALS, week),
        monitor=_until(pipeline, PRODUCTION_MONITOR, week),
        alerts=held(MONITOR_ALERTS),
        outcomes=held(OUTCOME_VALIDITY),
        tracking=held(OUTCOME_TRACKING),
        predictions=_until(pipeline, OUTCOME_PREDICTIONS, week),
        unnamed=held(UNNAMED_FAILURES),
        audit=_until(pipeline, GATE_AUDIT, week),
        golden=_golden(pipeline, week),
        decisions=tuple(_decisions(pipeline, week)),
        quarantined=_quarantined(pipeline, week),
        not_made=_not_made(pipeline, week),
    )


def _week_before(pipeline: Pipeline, week: str) -> str | None:
    earlier = [known for known in pipeline.lake.partitions(PRODUCTION_QUALITY) if known < week]
    return earlier[-1] if earlier else None


def _until(pipeline: Pipeline, table: Table, week: str) -> pl.DataFrame | None:
    weeks = [known for known in pipeline.lake.partitions(table) if known <= week]
    if not weeks:
        return None
    return pipeline.lake.read_all(table, partitions=weeks, partition_column="week")


def _golden(pipeline: Pipeline, week: str) -> GoldenWeek | None:
    version = pipeline.golden.for_week(week)
    if version is None:
        return None
    manifest = pipeline.golden.manifest(version)
    return GoldenWeek(
        version=version,
        items=manifest.counts.items,
        admitted=_reasons(each.reason for each in manifest.admitted),
        retired=_reasons(each.reason for each in manifest.retired),
        revised=_reasons(each.reason for each in manifest.revised),
        per_subset=manifest.counts.per_subset,
        per_kind=manifest.counts.per_kind,
        deficits=tuple((each.name, each.required, each.found) for each in manifest.deficits),
        content_fingerprint=manifest.content_fingerprint,
        anonymiser_fingerprint=manifest.provenance.anonymiser_fingerprint,
    )


def _reasons(named: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(named).items()))


def _decisions(pipeline: Pipeline, week: str) -> Iterable[DecidedCandidate]:
    """The newest decision of each candidate on the week's golden version, by candidate."""
    version = pipeline.golden.for_week(week)
    for candidate in [] if version is None else pipeline.lake.partitions(GATE_DECISION):
        rows = pipeline.lake.read(GATE_DECISION, partition=candidate)
        own = rows.filter(pl.col("golden_version") == version)
        if own.height:
            told = read_decision(newest_row(own)["decision_json"]).model_dump(mode="json")
            yield DecidedCandidate(candidate, told)


def _quarantined(pipeline: Pipeline, week: str) -> dict[str, int] | None:
    path = f"contracts/week={week}.json"
    try:
        counted = json.loads(pipeline.lake.read_bytes(path))
        return {str(reason): int(count) for reason, count in counted["quarantined"].items()}
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError, AttributeError):
        problem = "it is not the week's counts as JSON"
        remedy = f"Run `eval-pipeline refresh --week {week}` again, which writes it."
        raise CorruptFileError(pipeline.lake.describe(path), problem, remedy) from None


def _not_made(pipeline: Pipeline, week: str) -> dict[str, str]:
    lacking = {
        table.name: table.command_for(week)
        for table in EXPECTED
        if not pipeline.lake.has(table, partition=week)
    }
    if pipeline.golden.for_week(week) is None:
        lacking[GOLDEN_SET.name] = GOLDEN_SET.command_for(week)
    return lacking
