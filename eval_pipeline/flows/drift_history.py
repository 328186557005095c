"""What moved the score week by week, up to and with a week that is just being reported."""

import polars as pl

from eval_pipeline.flows.drift_signals import signals_before
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports.drift_timeline import drift_timeline
from eval_pipeline.tables import DRIFT_REPORT


def timeline_until(pipeline: Pipeline, report: pl.DataFrame, *, week: str) -> str:
    """The timeline as SVG: earlier weeks from the lake, this one from `report`, its DRIFT_REPORT.

    Alarms are those known by now: the week's own signals come after its report.
    """
    earlier = [known for known in pipeline.lake.partitions(DRIFT_REPORT) if known < week]
    history = pipeline.lake.read_all(DRIFT_REPORT, partitions=earlier, partition_column="week")
    until_now = pl.concat([history, report.with_columns(week=pl.lit(week))])
    signals = signals_before(pipeline, week=week, through=True)
    return drift_timeline(until_now, signals=signals)
