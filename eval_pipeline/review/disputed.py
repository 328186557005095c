"""What annotators disputed, out to adjudicators as JSON lines."""

import json

import polars as pl

from eval_pipeline.fingerprint import canonical_json

_FURTHER = ("failure_mode", "confidence", "reference_response")


def export_disputed(
    tasks: pl.DataFrame, *, states: pl.DataFrame, labels: pl.DataFrame, refutations: pl.DataFrame
) -> str:
    """One line per disputed task, by task id: the queue's line, the labels, the refuter's claim.

    Labels stand with their reasons and, where given, failure mode, confidence and the answer that
    would have been right, without who gave them; corrected and withdrawn ones are left out. The
    claim with its quote is shown only here, where the blind labels are in; null where the refuter
    claimed nothing. Reads the review store's tasks and labels, `Settlement.states` and REFUTATIONS.
    """
    disputed = states.filter(pl.col("state") == "disputed").select("task_id")
    claims = {
        row["interaction_id"]: {name: row[name] for name in ("finding", "claim", "quote")}
        for row in refutations.iter_rows(named=True)
        if (row["claim"] or "").strip()
    }
    corrected = labels["corrects"].drop_nulls().to_list()
    standing = labels.filter(~pl.col("withdrawn"), ~pl.col("label_id").is_in(corrected))
    given: dict[str, list[dict[str, str]]] = {}
    for row in standing.sort("label", "rationale", "label_id").iter_rows(named=True):
        said = {"label": row["label"], "rationale": row["rationale"]}
        said |= {name: row[name] for name in _FURTHER if row[name] is not None}
        given.setdefault(row["task_id"], []).append(said)
    lines = [
        canonical_json(
            {
                "task_id": task["task_id"],
                "rubric_id": task["rubric_id"],
                "subject": json.loads(task["subject_json"]),
                "labels": given.get(task["task_id"], []),
                "refuter": claims.get(task["interaction_id"]),
            }
        )
        for task in tasks.join(disputed, on="task_id", how="semi")
        .sort("task_id")
        .iter_rows(named=True)
    ]
    return "".join(f"{line}\n" for line in lines)
