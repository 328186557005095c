"""What people said of a candidate's answers, and what that does to the judges' difference."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import NAMES, Table, schema_of

CANDIDATE_AUDIT: Final = Table(
    name="candidate_audit",
    job="evaluate",
    grain="one row per arm of an item that was drawn to be labelled by people",
    partitioned_by="candidate",
    key=("item_id", "arm"),
    required=frozenset({"label_stratum", "label_probability", "state", "score"}),
    schema=schema_of(
        {
            "arm": pl.String,  # baseline | candidate
            "item_id": pl.String,
            "task_id": pl.String,  # one for both arms where they gave the same answer; see `state`
            "label_stratum": pl.String,  # split | changed | same: what the judges said of the pair
            "label_probability": pl.Float64,  # that this item is drawn, among its stratum's
            "score": pl.Float64,  # the judges', of this answer
            # given: no judge scored it, so there is nothing to correct, and no task;
            # not_queued | stale: no task, or one that shows another answer or older criteria;
            # open | labelled | agreed | disputed | adjudicated | cannot_tell: of the task
            "state": pl.String,
            "label": pl.String,  # pass | fail; null while it is not settled
            "settled_by": pl.String,  # agreement | adjudication
            "annotators": NAMES,
            "labels": NAMES,
            "annotator_kind": pl.String,  # person | scripted
            "labelled_on": pl.Date,
        }
    ),
)


HUMAN_CORRECTION: Final = Table(
    name="human_correction",
    job="evaluate",
    grain="one row per subset of a candidate's audit, and 'all' for what corrects the gate",
    partitioned_by="candidate",
    key=("subset",),
    required=frozenset({"state", "items", "drawn", "labelled", "missing", "trials_fingerprint"}),
    schema=schema_of(
        {
            "subset": pl.String,
            # used: of 'all' and meets the policy; too_few | unfinished: of 'all' and does not;
            # told: of a subset, for reading; what corrects it is the rectifier of 'all'
            "state": pl.String,
            "items": pl.Int64,  # that judges scored, in at least one arm
            "drawn": pl.Int64,
            "labelled": pl.Int64,  # drawn items on whose pair people have settled
            "missing": pl.Int64,  # drawn and not settled
            "judge_difference": pl.Float64,  # of those items, by the judges
            "rectifier": pl.Float64,  # people's difference minus the judges'
            "rectifier_se": pl.Float64,
            "between_variance": pl.Float64,  # of subsets' rectifiers; of 'all'
            "groups": pl.Int64,  # subsets that it rests on
            "degrees": pl.Float64,
            "variance_ratio": pl.Float64,  # over that of the labels alone; below 1 judges help
            "human_error": pl.Float64,  # of a settled label, from the two labels before it
            "annotator_kind": pl.String,  # scripted where a script answered any of it
            "labelled_on": pl.Date,  # of the newest label
            "trials_fingerprint": pl.String,  # of the scores that it corrects
        }
    ),
)
