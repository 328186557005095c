"""Production's own numbers, outcomes, and what operating a candidate costs."""

from typing import Final

import polars as pl

from eval_pipeline.tables.judging import PANEL_VERDICTS
from eval_pipeline.tables.table import ColumnTypes, Table, schema_of

_AGAINST_HISTORY: Final[ColumnTypes] = {
    "baseline": pl.String,  # rolling | seasonal; null: nothing to compare with
    "baseline_median": pl.Float64,
    "baseline_lower": pl.Float64,  # a value outside these two is unusual
    "baseline_upper": pl.Float64,
    "baseline_weeks": pl.Int64,
    "change": pl.Float64,  # -0.3 is 30 % less; of shares and levels the difference
    "robust_z": pl.Float64,
    "cut_off": pl.Float64,  # the |robust_z| beyond which it is unusual
    # usual | unusual | too_little_history | too_few | unfinished | not_logged
    "finding": pl.String,
}
"""What a week's figure is against its own history; too_few: this week holds too few to say."""

PRODUCTION_MONITOR: Final = Table(
    name="production_monitor",
    job="refresh",
    grain="one row per route and metric of the week's logs, against its own history",
    partitioned_by="week",
    key=("route", "metric"),
    required=frozenset({"interactions", "finding"}),
    schema=schema_of(
        {
            "route": pl.String,  # a route, or 'all'
            "metric": pl.String,  # of one category as 'finish_reason_share: length'
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "measured": pl.Int64,  # interactions that the value rests on
            "interactions": pl.Int64,
            **_AGAINST_HISTORY,
        }
    ),
)


PRODUCTION_QUALITY: Final = Table(
    name="production_quality",
    job="refresh",
    grain="one row per subset of the week's judged traffic, and 'all': the share that passes",
    partitioned_by="week",
    key=("subset",),
    required=frozenset(
        {
            "judged",
            "sampled",
            "from_reserve",
            "conversations",
            "passes",
            "fails",
            "undecided",
            "below_quorum",
            "unanswerable",
            "finding",
        }
    ),
    schema=schema_of(
        {
            "subset": pl.String,
            "quality": pl.Float64,  # passes among passes and fails, by design weight
            "lower": pl.Float64,
            "upper": pl.Float64,
            "effective": pl.Float64,  # independent interactions that would say as much
            "judged": pl.Int64,  # interactions that the panel was asked about
            "sampled": pl.Int64,  # of these, from the sample
            "from_reserve": pl.Int64,  # of these, from the reserve
            "conversations": pl.Int64,
            "passes": pl.Int64,
            "fails": pl.Int64,
            "undecided": pl.Int64,  # split, or a pass that was refuted
            "below_quorum": pl.Int64,  # too few judges answered
            "unanswerable": pl.Int64,  # drawn to be judged, and there is no response to judge
            "judged_share": pl.Float64,  # of the week's interactions; of 'all' only
            **_AGAINST_HISTORY,
        }
    ),
)


QUALITY_VERDICTS: Final = Table(
    name="quality_verdicts",
    job="refresh",
    grain="one row per interaction of the reserve that the panel judged for production's quality",
    partitioned_by="week",
    key=("interaction_id",),
    required=PANEL_VERDICTS.required,
    schema=PANEL_VERDICTS.schema,
)


MONITOR_ALERTS: Final = Table(
    name="monitor_alerts",
    job="refresh",
    grain="one row per metric and subset of production that is unusual this week",
    partitioned_by="week",
    key=("source", "metric", "subset"),
    required=frozenset({"since_week", "weeks", "next_step", "sentence"}),
    schema=schema_of(
        {
            "source": pl.String,  # production_monitor | production_quality | topic_mix
            "metric": pl.String,
            "subset": pl.String,  # 'all', a subset, or 'route: NAME'
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "baseline_median": pl.Float64,
            "change": pl.Float64,  # -0.3 is 30 % less; of shares and levels the difference
            "robust_z": pl.Float64,
            "since_week": pl.String,  # the first of the unbroken run of unusual weeks
            "weeks": pl.Int64,  # of that run
            "next_step": pl.String,
            "sentence": pl.String,
        }
    ),
)


OUTCOME_VALIDITY: Final = Table(
    name="outcome_validity",
    job="publish",
    grain="one row per subset: what the labels predicted of the outcome and what production showed",
    partitioned_by="week",
    key=("subset",),
    required=frozenset({"finding", "labelled", "observed"}),
    schema=schema_of(
        {
            "subset": pl.String,
            "predicted": pl.Float64,
            "predicted_lower": pl.Float64,
            "predicted_upper": pl.Float64,
            "outcome": pl.Float64,
            "outcome_lower": pl.Float64,
            "outcome_upper": pl.Float64,
            "labelled": pl.Int64,
            "observed": pl.Int64,  # interactions with an outcome
            "finding": pl.String,  # agrees | disagrees | not_measured
        }
    ),
)


OPERATIONS_REPORT: Final = Table(
    name="operations_report",
    job="evaluate",
    grain="one row per arm, subset and metric of a candidate's trials: latency, tokens, cost, "
    "failures",
    partitioned_by="candidate",
    key=("arm", "subset", "metric"),
    required=frozenset({"system_id", "calls", "missing", "finding"}),
    schema=schema_of(
        {
            "arm": pl.String,
            "subset": pl.String,  # 'all' and the subsets; synthetic items stand in theirs alone
            "system_id": pl.String,
            "metric": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "calls": pl.Int64,
            "missing": pl.Int64,  # of the calls, those that could not count for want of a value
            "limit": pl.Float64,  # the policy's; on ratios only
            # within_limit | undecided | beyond_limit | not_measured | reported
            "finding": pl.String,
        }
    ),
)
