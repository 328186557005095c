"""What the gate has spent of its errors, its runs on the baseline alone, and what was continued."""

from typing import Final

import polars as pl

from eval_pipeline.tables.evaluation import REGRESSION_TRIALS
from eval_pipeline.tables.table import Table, schema_of

CONTINUATION_TRIALS: Final = Table(
    name="continuation_trials",
    job="continue_gate",
    grain="one row per arm, item and trial asked of the reserve of later weeks",
    partitioned_by="candidate",
    key=REGRESSION_TRIALS.key,
    required=REGRESSION_TRIALS.required | {"week", "mix_weight"},
    later=REGRESSION_TRIALS.later,
    schema=schema_of(
        {
            **REGRESSION_TRIALS.schema,
            "week": pl.String,  # of the reserve that the item is from
            "mix_weight": pl.Float64,  # in the aggregate; fixed before the week was asked
        }
    ),
)


CONTINUATION_REPORT: Final = Table(
    name="continuation_report",
    job="continue_gate",
    grain="one row per subset that was undecided after the last planned look",
    partitioned_by="candidate",
    key=("subset",),
    required=frozenset({"state", "golden_version", "since_look", "items", "alpha"}),
    schema=schema_of(
        {
            "subset": pl.String,
            "golden_version": pl.Int64,
            "state": pl.String,  # certified | blocked | undecided
            "since_look": pl.Int64,  # the planned look after which it was undecided
            "reserve_weeks": pl.Int64,
            "items": pl.Int64,
            "clusters": pl.Int64,
            "difference": pl.Float64,
            "margin": pl.Float64,
            "e_noninferior": pl.Float64,  # the largest so far; certified at 1 / alpha
            "e_harm": pl.Float64,  # the largest so far; blocked at hypotheses / alpha
            "hypotheses": pl.Int64,
            "alpha": pl.Float64,
            "missing_baseline": pl.Int64,
            "missing_candidate": pl.Int64,
        }
    ),
)


GATE_LEDGER: Final = Table(
    name="gate_ledger",
    job="gate",
    grain="one row per golden version, content of candidate and policy, and look",
    partitioned_by="candidate",
    key=("golden_version", "candidate_fingerprint", "policy_fingerprint", "look"),
    required=frozenset({"exposure", "look_kind", "exposed_items", "alpha", "decision_id"}),
    schema=schema_of(
        {
            "golden_version": pl.Int64,
            "candidate_id": pl.String,
            "candidate_fingerprint": pl.String,
            "policy_fingerprint": pl.String,
            "exposure": pl.Int64,  # from 1: the how manieth candidate on this version
            "look": pl.Int64,
            "look_kind": pl.String,  # planned | continued
            "exposed_items": pl.Int64,  # cumulative; golden and reserve
            "undecided_subsets": pl.List(pl.String),
            "alpha": pl.Float64,  # that this look may spend
            "decision_id": pl.String,
        }
    ),
)


AA_RUNS: Final = Table(
    name="aa_runs",
    job="aa",
    grain="one row per subset of the week's run of the baseline against itself, and 'all' for all",
    partitioned_by="week",
    key=("subset",),
    required=frozenset({"verdict", "state", "items", "margin", "run_cost_usd"}),
    schema=schema_of(
        {
            "subset": pl.String,
            "verdict": pl.String,  # of the whole run; anything but block is no false block
            "state": pl.String,
            "difference": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "margin": pl.Float64,
            "items": pl.Int64,
            "clusters": pl.Int64,
            "discordance": pl.Float64,  # mean squared difference: of binary scores, the share
            "design_effect": pl.Float64,
            "flip_rate": pl.Float64,  # share of items whose two scores differ at all
            "looks": pl.Int64,
            "golden_version": pl.Int64,
            "run_cost_usd": pl.Float64,  # of the whole run, judging included
        }
    ),
)
