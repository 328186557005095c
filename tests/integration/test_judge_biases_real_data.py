"""Published judges: what is measured of them is what plain counting over the raw files gives."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from eval_pipeline.judging.biases.correlation import shared_errors
from eval_pipeline.judging.biases.drifting import anchor_drift
from eval_pipeline.judging.biases.labelled import labelled_verdicts
from eval_pipeline.judging.biases.measured import finding_of
from eval_pipeline.judging.biases.repeated import position_effects
from tests.judges import (
    WEEK,
    label_rows,
    no_panel,
    position_probes,
    probe_rows,
    response_rows,
    verdict_rows,
)
from tests.real_data import DATA, needs

pytestmark = [pytest.mark.real_data, needs("llmbar")]

JUDGES = ("ChatGPT", "ChatGPT-0301", "GPT-4", "LLaMA2", "PaLM2")
LABELS = {1: "pass", 2: "fail"}
WINNERS = {"1": "pass", "2": "fail"}


@pytest.fixture(scope="module")
def both_orders() -> pl.DataFrame:
    """The 419 core items under the plain prompt: per judge the winner in each order."""
    judgments = pl.read_parquet(DATA / "llmbar" / "judgments.parquet").filter(
        pl.col("subset").str.starts_with("LLMBar") & (pl.col("prompt") == "Vanilla")
    )
    wide = judgments.filter(pl.col("trial") == 0).pivot(
        "swap", index=["subset", "item", "judge", "label"], values="winner"
    )
    return wide.sort("subset", "item", "judge")


@pytest.mark.parametrize(("judge", "consistency"), [("GPT-4", 0.928), ("PaLM2", 0.726)])
def test_position_excess_is_one_minus_the_published_order_consistency(
    both_orders, judge, consistency
):
    own = both_orders.filter(pl.col("judge") == judge)
    plain, swapped = {"1": "a", "2": "b"}, {"1": "b", "2": "a"}
    answers = [
        (plain.get(first), swapped.get(second)) * 2
        for first, second in own.select("false", "true").iter_rows()
    ]
    effects = position_effects(position_probes(answers), confidence=0.95)
    same = (own["false"] == own["true"]).mean()
    assert same == pytest.approx(consistency, abs=5e-4)
    decided = own.filter(pl.col("false").is_in(list(plain)), pl.col("true").is_in(list(plain)))
    assert effects.excess.missing == own.height - decided.height
    flipped = (decided["false"] != decided["true"]).mean()
    assert effects.excess.value == pytest.approx(flipped)
    first_wins = (decided["false"] == "1").mean() + (decided["true"] == "2").mean()
    assert effects.bias.value == pytest.approx(first_wins / 2 - 0.5)
    assert finding_of(effects.excess, 0.05) == ("undecided" if judge == "GPT-4" else "beyond_limit")


def test_two_releases_of_one_judge_differ_by_the_published_flips(both_orders):
    anchors = probe_rows(
        {
            "probe": "anchor",
            "week": week,
            "item_id": f"{row['subset']}-{row['item']}",
            "verdict": WINNERS[row["false"]],
            "expected": LABELS[row["label"]],
        }
        for week, judge in (("2026-11-09", "ChatGPT-0301"), (WEEK, "ChatGPT"))
        for row in both_orders.filter(pl.col("judge") == judge).iter_rows(named=True)
    )
    drift = anchor_drift(anchors, week=WEEK, confidence=0.95)
    assert drift.changes.value == pytest.approx(71 / 419)
    assert drift.accuracy_change.note == "right to wrong: 53; wrong to right: 18"
    assert drift.accuracy_change.value == pytest.approx(-35 / 419)
    assert drift.accuracy_change.p_value < 5e-5
    assert drift.accuracy_change.upper < 0


def test_error_correlations_are_the_coefficients_of_the_errors(both_orders):
    wide = both_orders.filter(pl.col("judge").is_in(JUDGES)).pivot(
        "judge", index=["subset", "item", "label"], values="false"
    )
    wide = wide.drop_nulls().filter(
        pl.all_horizontal(pl.col(judge).is_in(list(WINNERS)) for judge in JUDGES)
    )
    labels = [LABELS[label] for label in wide["label"]]
    verdicts = pl.concat(
        [verdict_rows(judge, [WINNERS[winner] for winner in wide[judge]]) for judge in JUDGES]
    )
    rows = labelled_verdicts(verdicts, no_panel(), label_rows(labels), response_rows(len(labels)))
    shared = shared_errors(rows, confidence=0.95, resamples=200)
    wrong = np.array(
        [[WINNERS[winner] != label for winner, label in zip(wide[judge], labels, strict=True)]
         for judge in JUDGES]
    )  # fmt: skip
    direct = np.corrcoef(wrong)
    for (one, first), (other, second) in combinations(enumerate(JUDGES), 2):
        assert shared.pairs[first, second].value == pytest.approx(direct[one, other])
    mean = direct[np.triu_indices(len(JUDGES), 1)].mean()
    assert shared.effective_judges.value == pytest.approx(5 / (1 + 4 * mean))
    assert 1 < shared.effective_judges.value < 4
