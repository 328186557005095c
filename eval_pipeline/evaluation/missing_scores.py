"""What a comparison had to do without, by why and by arm; nothing here is ever a score."""

from typing import Final

import polars as pl

from eval_pipeline.tables.outcomes import with_kind

MISSING_SCORES: Final = pl.Schema(
    {"code": pl.String, "scorer": pl.String, "baseline": pl.Int64, "candidate": pl.Int64}
)
"""One row per code and scorer: trials without a score, per arm. `code` is the outcome's kind where
the system gave no answer (failed:CODE, empty, unparsable), else what stood in the scorer's way."""

ARMS: Final = ("baseline", "candidate")


def missing_scores(trials: pl.DataFrame) -> pl.DataFrame:
    """MISSING_SCORES of REGRESSION_TRIALS, the most frequent first."""
    without = with_kind(trials.filter(pl.col("score").is_null()))
    failed = pl.col("status") == "failed"
    code = pl.when(failed).then("outcome").otherwise(pl.col("score_error").fill_null("unscored"))
    counted = without.group_by(code.alias("code"), "scorer").agg(
        (pl.col("arm") == arm).sum().cast(pl.Int64).alias(arm) for arm in ARMS
    )
    return counted.select(list(MISSING_SCORES)).sort(
        -(pl.col("baseline") + pl.col("candidate")), "code", "scorer"
    )


def refusals(trials: pl.DataFrame) -> dict[str, int]:
    """Answers that the systems refused to give, by arm: they are scored, and told beside."""
    refused = trials.filter(pl.col("status") == "refused")
    return {arm: refused.filter(pl.col("arm") == arm).height for arm in ARMS}
