"""What the weekly measurements of the judges ask, of which frozen responses, and what they find."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import CALL_COLUMNS, Table, schema_of

JUDGE_ANCHORS: Final = Table(
    name="judge_anchors",
    job="judge_checks",
    grain="one row per frozen response with a settled label that judges are asked about weekly",
    partitioned_by="week",
    key=("item_id",),
    required=frozenset(
        {"interaction_id", "conversation_key", "anchor_week", "admitted_week", "label", "source"}
    ),
    schema=schema_of(
        {
            "item_id": pl.String,
            "interaction_id": pl.String,
            "conversation_key": pl.String,
            "anchor_week": pl.String,  # whose interaction it is
            "admitted_week": pl.String,  # since when it is an anchor
            "label": pl.String,  # pass | fail
            "source": pl.String,  # who settled the label: agreement | adjudication | recorded
        }
    ),
)


JUDGE_PROBES: Final = Table(
    name="judge_probes",
    job="judge_checks",
    grain="one row per call that checks a judge, what it was checked for and what came back",
    partitioned_by="week",
    key=("probe", "judge_id", "item_id", "order", "repeat"),
    required=frozenset({"answered_by", "source", "status", "attempts"}),
    schema=schema_of(
        {
            "probe": pl.String,  # retest | position | anchor | rationale
            "judge_id": pl.String,  # the judge that is measured
            "answered_by": pl.String,  # the judge that was asked
            "item_id": pl.String,
            "interaction_id": pl.String,  # null for pairs of responses
            "order": pl.String,  # single | response_first | response_second
            "repeat": pl.Int64,  # from 1
            "rubric_id": pl.String,
            "source": pl.String,  # sample; of pairs: reference | rerun; of anchors: their label's
            "expected": pl.String,  # the verdict or label that it is held against; null for pairs
            "verdict": pl.String,  # pass | fail | abstain, of pairs a | b | tie; null: no answer
            "criterion": pl.Int64,  # the first that a fail says is broken, from 1; null otherwise
            **CALL_COLUMNS,
        }
    ),
)


JUDGE_BIASES: Final = Table(
    name="judge_biases",
    job="judge_checks",
    grain="one row per judge, measure and what the judge is held against; 'panel' for all together",
    partitioned_by="week",
    key=("judge_id", "measure", "against"),
    required=frozenset({"finding", "items", "missing"}),
    schema=schema_of(
        {
            "judge_id": pl.String,
            "measure": pl.String,
            "against": pl.String,  # itself | labels | first_verdicts | judges | a judge | a rubric
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "items": pl.Int64,  # that the value rests on
            "missing": pl.Int64,  # that should have borne on it and gave no usable answer
            "limit": pl.Float64,
            "p_value": pl.Float64,  # of drift and recurrence, adjusted for all of the week's
            "finding": pl.String,
            "note": pl.String,
        }
    ),
)
"""Findings: within_limit | undecided | beyond_limit; of anchors within_noise | alarm; reported
where there is no limit; not_measured."""


JUDGE_RELIABILITY: Final = Table(
    name="judge_reliability",
    job="judge_checks",
    grain="one row per judge, rubric, reading of its grades and bin of what it said",
    partitioned_by="week",
    key=("judge_id", "rubric_id", "against", "bin"),
    required=frozenset({"said", "came", "items", "weight_share"}),
    schema=schema_of(
        {
            "judge_id": pl.String,  # or 'panel'
            "rubric_id": pl.String,  # 'all' for all in force together
            "against": pl.String,  # votes | criteria | repeats: what is read as a probability
            "bin": pl.Int64,  # from 1, of about equal weight
            "said": pl.Float64,  # the mean probability of a pass
            "came": pl.Float64,  # the share that people pass
            "lower": pl.Float64,
            "upper": pl.Float64,
            "items": pl.Int64,
            "weight_share": pl.Float64,  # of all that was judged
        }
    ),
)


JUDGE_QUALITY: Final = Table(
    name="judge_quality",
    job="judge_checks",
    grain="one row per judge, rubric in force, measure and what the judge is held against",
    partitioned_by="week",
    key=("judge_id", "rubric_id", "measure", "against"),
    required=frozenset({"finding", "items", "missing", "weeks"}),
    schema=schema_of(
        {
            "judge_id": pl.String,  # a judge, 'panel' or 'people'
            "rubric_id": pl.String,  # 'all' for all in force together
            # agreement | base_rate | ac1 | kappa | alpha | sensitivity | specificity |
            # share_of_ceiling | brier and its parts | log_loss | ece | ece_debiased,
            # and what judge_biases measures
            "measure": pl.String,
            "against": pl.String,  # as in judge_biases, and the readings of judge_reliability
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "ceiling": pl.Float64,  # the same measure between two people
            "items": pl.Int64,
            "missing": pl.Int64,
            "p_value": pl.Float64,  # of drift and recurrence, adjusted for all of the week's
            "finding": pl.String,  # reported | not_measured; of judge_biases its own
            "note": pl.String,
            "weeks": pl.Int64,  # that labels are taken from
        }
    ),
)
