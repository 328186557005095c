"""Which of a week's drawn requests the candidate is asked, and what each stands for."""

import polars as pl


def shadow_draw(
    sampled: pl.DataFrame, *, present: pl.Series, maximum: int | None = None
) -> pl.DataFrame:
    """The requests to ask (`interaction_id`, `stratum`, `design_weight`), by id.

    `sampled`: SAMPLED_INTERACTIONS, sample and reserve together. `present`: the ids that may be
    asked; an erased one is not among them. With `maximum` each stratum gives the beginning of its
    own hash order, as much of it as its part of the traffic, so a smaller draw lies in a larger
    one. A conversation is asked whole or not at all.

    Horvitz-Thompson: of N_h conversations of a stratum the n_h with the smallest hashes are asked,
    which is a simple random sample of them, and of each the share f_i of its requests that the
    draw took. The weight is N_h / n_h / f_i, over what is really asked: what was erased or left
    out is taken to be like the rest of its stratum.
    """
    first_stage = pl.when(pl.col("selection") == "sample").then("allocated").otherwise(
        "drawn"
    ) / pl.col("population_size")
    unit = ["stratum", "position"]
    rows = (
        sampled.filter(pl.col("interaction_id").is_in(present.to_list()))
        .with_columns(
            within=pl.col("inclusion_probability") / first_stage,
            place=(pl.col("position") - 0.5) / pl.col("population_size"),
        )
        .sort("place", "stratum", "interaction_id")
        .with_row_index("rank", offset=1)
    )
    if maximum is not None:
        rows = rows.filter(pl.col("rank").max().over(unit) <= maximum)
    asked = pl.col("position").n_unique().over("stratum")
    return rows.select(
        "interaction_id",
        "stratum",
        design_weight=pl.col("population_size") / asked / pl.col("within"),
    ).sort("interaction_id")
