"""Old versions re-run, candidates compared, and the decision."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import CALL_COLUMNS, NAMES, Table, schema_of

DRIFT_TRIALS: Final = Table(
    name="drift_trials",
    job="drift",
    grain="one row per pinned system, item revision, stream and trial of this week",
    partitioned_by="week",
    key=("system_id", "item_id", "item_revision", "stream", "trial"),
    required=frozenset({"golden_versions", "scorer", "status", "attempts", "conversation_key"}),
    schema=schema_of(
        {
            "system_id": pl.String,
            "item_id": pl.String,
            "item_revision": pl.Int64,
            "stream": pl.String,  # rerun: asked and scored now | rejudged: old answer, scored now
            "trial": pl.Int64,
            "reference_week": pl.String,  # whose answers a rejudged row scores; null for rerun
            "golden_versions": pl.List(pl.Int64),
            "route": pl.String,
            "subsets": NAMES,
            "conversation_key": pl.String,
            "scorer": pl.String,
            "response": pl.String,
            "score": pl.Float64,  # 0 to 1; null where there is none
            "score_error": pl.String,
            **CALL_COLUMNS,
        }
    ),
)


DRIFT_REPORT: Final = Table(
    name="drift_report",
    job="drift",
    grain="one row per pinned system, golden version, subset and component of the week's change",
    partitioned_by="week",
    key=("system_id", "golden_version", "subset", "component"),
    required=frozenset({"finding", "items"}),
    schema=schema_of(
        {
            "system_id": pl.String,
            "golden_version": pl.Int64,
            "subset": pl.String,  # a subset, or 'all'
            # In the order in which they are told, from the version's value then to today's:
            # truth: revised references, on old answers
            # judge: old answers scored again, by today's judges
            # provider: the same items asked again, scored by today's judges
            # within: the strata's items are others than then; shares averaged over both weeks
            # mix: the shares of the strata that both weeks have
            # entry: strata that only this week's traffic has
            # exit: strata that only the reference week's traffic had
            # total: the sum of those that were measured
            "component": pl.String,
            "reference_week": pl.String,
            "difference": pl.Float64,
            "standard_error": pl.Float64,  # by conversation; from within on also of shares
            "lower": pl.Float64,
            "upper": pl.Float64,
            "before": pl.Float64,  # the value that the component starts from
            "after": pl.Float64,  # before and difference; the next component's before
            "items": pl.Int64,
            "clusters": pl.Int64,
            "missing_items": pl.Int64,  # asked, and without a score that the component needs
            "uncovered": pl.Float64,  # share of traffic on routes without items; null: no traffic
            "shapley": pl.Float64,  # mean over all orders of truth, judge, provider; null: unknown
            "interaction": pl.Float64,  # difference less shapley: what the order decides
            "finding": pl.String,  # drift | within_noise | not_measured
            "note": pl.String,
        }
    ),
)


PREFERENCES: Final = pl.List(
    pl.Struct(
        {
            "judge_id": pl.String,
            "score": pl.Float64,
            "consistent": pl.Boolean,
            "error": pl.String,
        }
    )
)
"""By judge: 1 for the candidate, 0 for the baseline, 0.5 for a tie, null with an error where an
order is missing; `consistent` is false where the preference moved with the order."""

REGRESSION_TRIALS: Final = Table(
    name="regression_trials",
    job="evaluate",
    grain="one row per arm, item and trial of a candidate's evaluation",
    partitioned_by="candidate",
    key=("arm", "item_id", "trial"),
    required=frozenset(
        {
            "system_id",
            "source",
            "look",
            "golden_version",
            "subsets",
            "cluster_id",
            "scorer",
            "status",
            "attempts",
        }
    ),
    later=frozenset({"confidence", "answered_from"}),
    schema=schema_of(
        {
            "arm": pl.String,  # baseline | candidate
            "system_id": pl.String,
            "item_id": pl.String,
            "trial": pl.Int64,
            "source": pl.String,  # golden | reserve | synthetic
            "look": pl.Int64,  # the look, from 1, that first asked for this item
            "golden_version": pl.Int64,
            "route": pl.String,
            "subsets": NAMES,
            "cluster_id": pl.String,
            "scorer": pl.String,
            "response": pl.String,
            "score": pl.Float64,
            "score_error": pl.String,
            "preferences": PREFERENCES,  # on the candidate's rows that were compared, else null
            "cell": pl.String,  # of the live traffic, that the item stands for; null for none
            "cell_share": pl.Float64,  # of the week's traffic, the whole cell's
            **CALL_COLUMNS,
            "confidence": pl.Float64,  # 0 to 1, as the system says; null where it does not
            "answered_from": pl.String,  # the golden item whose answer a naive system gave
        }
    ),
)


REGRESSION_REPORT: Final = Table(
    name="regression_report",
    job="evaluate",
    grain="one row per subset of a candidate's comparison with the baseline, and 'all' for all",
    partitioned_by="candidate",
    key=("subset",),
    required=frozenset({"state", "items", "margin", "missing_baseline", "missing_candidate"}),
    schema=schema_of(
        {
            "subset": pl.String,  # 'all' and the subsets; synthetic items stand in theirs alone
            "state": pl.String,  # certified | blocked | undecided | infeasible | reported
            "baseline_mean": pl.Float64,
            "candidate_mean": pl.Float64,
            "difference": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "margin": pl.Float64,
            "items": pl.Int64,
            "effective_items": pl.Float64,
            "design_effect": pl.Float64,  # items over effective items: what weights, clusters cost
            "intraclass_correlation": pl.Float64,  # null where no cluster holds two items
            "clusters": pl.Int64,
            "wins": pl.Int64,
            "losses": pl.Int64,
            "p_noninferior": pl.Float64,
            "p_harm": pl.Float64,
            "missing_baseline": pl.Int64,
            "missing_candidate": pl.Int64,
            "looks": pl.Int64,
            "items_needed": pl.Int64,
            "method": pl.String,
            "judge_difference": pl.Float64,  # before people's labels corrected it
            "rectifier": pl.Float64,  # what those added; null where nothing is corrected
            "rectifier_se": pl.Float64,
            "human_labels": pl.Int64,  # pairs that the rectifier rests on
            "bias_bound": pl.Float64,  # what a judge-only pass has to clear besides the margin
            "uncovered": pl.Float64,  # of live traffic, by 'all'; null where it is not known
        }
    ),
)


GATE_DECISION: Final = Table(
    name="gate_decision",
    job="gate",
    grain="one row per decision on a candidate that differs from the one before it",
    partitioned_by="candidate",
    key=("sequence",),
    required=frozenset({"decision_id", "verdict", "decision_json", "candidate_id", "baseline_id"}),
    schema=schema_of(
        {
            "sequence": pl.Int64,  # from 1; the last one holds
            "decision_id": pl.String,
            "candidate_id": pl.String,
            "baseline_id": pl.String,
            "golden_version": pl.Int64,
            "verdict": pl.String,  # pass | block | inconclusive | invalid
            "reasons": NAMES,
            "blocked_subsets": NAMES,
            "undecided_subsets": NAMES,
            "decision_json": pl.String,
        }
    ),
)
