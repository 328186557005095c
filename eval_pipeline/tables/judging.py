"""What judges, refuter and panel said, what went to people, and how good the judges are."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import CALL_COLUMNS, Table, schema_of

CRITERIA: Final = pl.List(
    pl.Struct({"criterion": pl.Int64, "level": pl.String, "rationale": pl.String})
)
"""By criterion, numbered from 1 as in the rubric: the level, null where undecided, and why."""

VERDICTS: Final = Table(
    name="verdicts",
    job="refresh",
    grain="one row per interaction, judge and order; verdict is null unless the judge answered",
    partitioned_by="week",
    key=("interaction_id", "judge_id", "order"),
    required=frozenset({"rubric_id", "family", "status", "attempts"}),
    schema=schema_of(
        {
            "interaction_id": pl.String,
            "judge_id": pl.String,
            "rubric_id": pl.String,
            "family": pl.String,
            "order": pl.String,  # single | response_first | response_second
            "verdict": pl.String,  # pass | fail | abstain | null
            "rationale": pl.String,
            "criteria": CRITERIA,  # null with the verdict
            **CALL_COLUMNS,
        }
    ),
)


REFUTATIONS: Final = Table(
    name="refutations",
    job="refresh",
    grain="one row per interaction that its judges would pass and the refuter attacked",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset({"refuter_id", "status", "attempts"}),
    schema=schema_of(
        {
            "interaction_id": pl.String,
            "refuter_id": pl.String,
            "finding": pl.String,  # refuted | survived | unproven | null
            "claim": pl.String,
            "quote": pl.String,  # the words of the material that the claim is about
            "quote_found": pl.Boolean,  # null where nothing is claimed
            **CALL_COLUMNS,
        }
    ),
)


PANEL_VERDICTS: Final = Table(
    name="panel_verdicts",
    job="refresh",
    grain="one row per judged interaction: what the panel says, or null where it cannot say",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset({"reason", "judges", "passes", "fails", "abstentions", "missing"}),
    schema=schema_of(
        {
            "interaction_id": pl.String,
            "panel_verdict": pl.String,  # pass | fail | null
            "reason": pl.String,  # unanimous | majority | split | refuted | below_quorum
            "judges": pl.Int64,
            "passes": pl.Int64,
            "fails": pl.Int64,
            "abstentions": pl.Int64,
            "missing": pl.Int64,
            "refuted": pl.Boolean,
            "weighted_pass_share": pl.Float64,  # null where all judges weigh the same
        }
    ),
)


DISPUTES: Final = Table(
    name="disputes",
    job="refresh",
    grain="one row per interaction sent to people this week, with why and with what probability",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset({"task_id", "selection", "reason", "label_probability"}),
    schema=schema_of(
        {
            "interaction_id": pl.String,
            "task_id": pl.String,
            "selection": pl.String,  # dispute | audit | gold_check
            # split | refuted | below_quorum | recurring | gate_critical | audit | gold_check
            "reason": pl.String,
            "panel_verdict": pl.String,
            "label_probability": pl.Float64,  # of a gold check: of being taken from the golden set
            "value": pl.Float64,  # of one label, expected; null for a gold check
            "expected_minutes": pl.Float64,
            "priority": pl.Float64,  # 0 to 1, larger is served first
        }
    ),
)


JUDGE_CALIBRATION: Final = Table(
    name="judge_calibration",
    job="publish",
    grain="one row per judge, rubric and measure, from settled labels up to this week",
    partitioned_by="week",
    key=("judge_id", "measure"),
    required=frozenset({"labelled"}),
    schema=schema_of(
        {
            # A judge, 'panel', 'refuter' (with ':model' where several), or 'people' (annotators).
            "judge_id": pl.String,
            "rubric_id": pl.String,
            # agreement | ac1 | kappa | alpha | sensitivity | specificity;
            # of the refuter precision | miss_rate | recall
            "measure": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "labelled": pl.Int64,
            "weeks": pl.Int64,
        }
    ),
)
