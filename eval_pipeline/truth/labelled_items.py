"""Turns a week's labelled interactions into candidates for the golden set."""

import polars as pl

from eval_pipeline.tables import GOLDEN_SET

CANDIDATE_COLUMNS = tuple(
    column
    for column in GOLDEN_SET.schema
    if column not in {"item_id", "item_revision", "item_fingerprint", "admitted_in", "admitted_on"}
)
"""A candidate is a golden item before it has an identity and a version."""


def labelled_items(
    *,
    anonymised: pl.DataFrame,
    stratified: pl.DataFrame,
    panel_verdicts: pl.DataFrame,
    adjudications: pl.DataFrame,
    week: str,
) -> pl.DataFrame:
    """One row per sampled interaction with a label, columns as `CANDIDATE_COLUMNS` plus the id.

    A settled label (people's or the log's) wins over the panel's. Interactions that neither
    settled nor got a panel verdict are not in the frame. A logged response is the reference only
    if it passed; a corrected reference from an adjudication wins over it.
    """
    settled = adjudications.select(
        "interaction_id",
        "annotator_kind",
        "labelled_on",
        settled_label="label",
        settled_by="settled_by",
        corrected="reference_response",
    )
    rows = (
        stratified.filter(pl.col("selection") == "sample")
        .join(
            anonymised.select(
                "interaction_id", "messages", "response", "served_model", "user_key", "occurred_at"
            ),
            on="interaction_id",
        )
        .join(
            panel_verdicts.select("interaction_id", "panel_verdict"),
            on="interaction_id",
            how="left",
        )
        .join(settled, on="interaction_id", how="left")
    )
    label = pl.coalesce("settled_label", "panel_verdict")
    return (
        rows.with_columns(reference_label=label)
        .filter(pl.col("reference_label").is_in(["pass", "fail"]))
        .with_columns(
            week=pl.lit(week),
            logged_response="response",
            logged_model="served_model",
            expected_behaviour=pl.lit("answer"),
            derived_from=pl.lit(None, dtype=pl.String),
            mutation=pl.lit(None, dtype=pl.String),
            label_source=pl.coalesce("settled_by", pl.lit("panel")),
            reference_response=pl.coalesce(
                "corrected", pl.when(pl.col("reference_label") == "pass").then("response")
            ),
            labelled_on=pl.coalesce("labelled_on", pl.col("occurred_at").dt.date()),
        )
        .select("interaction_id", *CANDIDATE_COLUMNS)
        .sort("interaction_id")
    )
