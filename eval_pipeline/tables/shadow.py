"""Shadow mode: production's own requests, put before the candidate beside the baseline's answer."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import (
    CALL_COLUMNS,
    MESSAGES,
    NAMES,
    UTC_MICROSECONDS,
    Table,
    schema_of,
)

SHADOW_TRIALS: Final = Table(
    name="shadow_trials",
    job="shadow",
    grain="one row per source, week, arm and request that a candidate shadowed",
    partitioned_by="candidate",
    key=("source", "week", "arm", "item_id", "trial"),
    required=frozenset(
        {
            "system_id",
            "look",
            "subsets",
            "cluster_id",
            "design_weight",
            "scorer",
            "status",
            "attempts",
            "prompt_use",
        }
    ),
    schema=schema_of(
        {
            "source": pl.String,  # recorded: as logged | asked: both asked now | live: mirrored
            "week": pl.String,
            "arm": pl.String,  # baseline | candidate
            "system_id": pl.String,
            "item_id": pl.String,
            "trial": pl.Int64,
            "look": pl.Int64,  # always 1: nothing is topped up
            "route": pl.String,
            "subsets": NAMES,
            "cluster_id": pl.String,
            "stratum": pl.String,  # of the week's draw; null for live
            "design_weight": pl.Float64,  # 1 / chance that the request was asked
            "prompt_use": pl.String,  # exchanged | added | kept | none: see docs/shadow-mode.md
            "masked_texts": pl.Int64,  # of the recorded interaction; null for live
            "scorer": pl.String,
            "response": pl.String,
            "score": pl.Float64,
            "score_error": pl.String,
            **CALL_COLUMNS,
        }
    ),
)


FATES: Final = pl.List(pl.Struct({"fate": pl.String, "requests": pl.Int64}))
"""What became of requests, and of how many."""

FIGURES: Final = pl.List(
    pl.Struct(
        {
            "arm": pl.String,
            "metric": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "calls": pl.Int64,
        }
    )
)
"""Figures of operations of both arms, as operations_report names them, and latency's p99."""

SHADOW_REPORT: Final = Table(
    name="shadow_report",
    job="shadow",
    grain="one row per source, week and subset of a candidate's shadow comparison, 'all' for all",
    partitioned_by="candidate",
    key=("source", "week", "subset"),
    required=frozenset({"state", "items", "margin", "missing_baseline", "missing_candidate"}),
    schema=schema_of(
        {
            "source": pl.String,  # recorded | asked | live
            "week": pl.String,  # of live requests, which are pooled, the newest
            "subset": pl.String,
            "state": pl.String,  # certified | blocked | undecided | infeasible
            "baseline_mean": pl.Float64,
            "candidate_mean": pl.Float64,
            "difference": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "margin": pl.Float64,
            "items": pl.Int64,  # with a score in both arms
            "effective_items": pl.Float64,
            "design_effect": pl.Float64,
            "clusters": pl.Int64,
            "wins": pl.Int64,
            "losses": pl.Int64,
            "p_noninferior": pl.Float64,
            "p_harm": pl.Float64,
            "items_needed": pl.Int64,
            "missing_baseline": pl.Int64,
            "missing_candidate": pl.Int64,
            "method": pl.String,
            "answered_pairs": pl.Int64,  # requests that both arms answered
            "differing_share": pl.Float64,  # of these, whose normal forms differ; weighted
            "differing_lower": pl.Float64,
            "differing_upper": pl.Float64,
            "differing_exactly": pl.Float64,  # of these, that differ in any character; weighted
            "refused_baseline": pl.Int64,
            "refused_candidate": pl.Int64,
            "failed_baseline": pl.Int64,
            "failed_candidate": pl.Int64,
            "figures": FIGURES,
            "fates": FATES,  # what was not compared and why; on 'all', else empty
            "remarks": NAMES,  # what limits the comparison, in sentences; on 'all', else empty
        }
    ),
)


SHADOW_PAIRS: Final = Table(
    name="shadow_pairs",
    job="shadow",
    grain="one row per arm of a mirrored request, every text masked, ids of people as keys",
    partitioned_by="segment",
    key=("pair_id", "arm"),
    required=frozenset(
        {
            "candidate_id",
            "system_id",
            "occurred_at",
            "conversation_key",
            "route",
            "prompt_use",
            "inclusion_probability",
            "status",
            "attempts",
        }
    ),
    schema=schema_of(
        {
            "pair_id": pl.String,
            "arm": pl.String,  # baseline | candidate
            "candidate_id": pl.String,
            "system_id": pl.String,
            "occurred_at": UTC_MICROSECONDS,
            "conversation_key": pl.String,
            "user_key": pl.String,
            "route": pl.String,
            "messages": MESSAGES,  # the conversation; on the baseline's row, else null
            "response": pl.String,
            "prompt_use": pl.String,  # exchanged | added | kept | none
            "streamed": pl.Boolean,  # whether the customer's answer was
            "inclusion_probability": pl.Float64,  # the share that was mirrored
            "anonymiser_fingerprint": pl.String,
            **CALL_COLUMNS,
        }
    ),
)
"""Made by no asset: the mirror writes segments, once each, as requests pass."""

SHADOW_COUNTS: Final = Table(
    name="shadow_counts",
    job="shadow",
    grain="one row per start of the mirror and fate of its requests",
    partitioned_by="segment",
    key=("candidate_id", "fate"),
    required=frozenset({"started_at", "counted_until", "requests"}),
    schema=schema_of(
        {
            "candidate_id": pl.String,
            "fate": pl.String,
            "requests": pl.Int64,
            "started_at": UTC_MICROSECONDS,
            "counted_until": UTC_MICROSECONDS,
        }
    ),
)
"""Made by no asset, as SHADOW_PAIRS."""
