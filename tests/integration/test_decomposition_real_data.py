"""Changes that really happened, through the product's report: a judge's, and a provider's."""

from typing import Any

import polars as pl
import pytest

from eval_pipeline.evaluation.decomposition.report import decompose
from eval_pipeline.settings import DriftSettings
from eval_pipeline.tables import DRIFT_TRIALS, STRATIFIED_INTERACTIONS
from tests.real_data import DATA, needs

pytestmark = [pytest.mark.real_data, needs("wildbench", "llmdrift")]
TURBO, OMNI = "gpt-4-turbo-2024-04-09", "gpt-4o-2024-05-13"
MODELS = (
    "Phi-3-mini-128k-instruct", "Qwen1.5-72B-Chat-greedy", "gemma-2b-it", "gemma-7b-it",
    "gpt-3.5-turbo-0125", "reka-flash-20240226",
)  # fmt: skip
SCALE = 10.0
"""WildBench scores from 1 to 10."""


@pytest.fixture(scope="module")
def wildbench() -> pl.DataFrame:
    return pl.read_parquet(DATA / "wildbench" / "scores.parquet")


def judged(
    frame: pl.DataFrame, judge: str, *, model: str, version: str = "v2.0522"
) -> pl.DataFrame:
    """item_id and score from 0 to 1 of one model's outputs by one judge."""
    own = frame.filter(
        (pl.col("judge") == judge) & (pl.col("model") == model) & (pl.col("version") == version)
    )
    return own.select(item_id="session_id", score=pl.col("score") / SCALE).unique(
        "item_id", keep="first", maintain_order=True
    )


def trials(scores: pl.DataFrame, stream: str, *, scorer: str = "judge") -> pl.DataFrame:
    columns = scores.with_columns(
        system_id=pl.lit("pinned"),
        item_revision=pl.lit(1, pl.Int64),
        stream=pl.lit(stream),
        trial=pl.lit(1, pl.Int64),
        golden_versions=pl.lit([1], pl.List(pl.Int64)),
        route=pl.lit("chat"),
        subsets=pl.lit([], pl.List(pl.String)),
        conversation_key=pl.col("item_id"),
        scorer=pl.lit(scorer),
        status=pl.lit("answered"),
        attempts=pl.lit(1, pl.Int64),
    )
    empty = pl.DataFrame(schema=DRIFT_TRIALS.schema)
    return pl.concat([empty, columns], how="diagonal").select(list(DRIFT_TRIALS.schema))


def parts_of(then: pl.DataFrame, *now: pl.DataFrame) -> dict[str, dict[str, Any]]:
    report = decompose(
        pl.concat(now),
        reference_trials=then,
        traffic=STRATIFIED_INTERACTIONS.empty(),
        reference_traffic=None,
        reference_week="2024-05-06",
        system_id="pinned",
        systems=1,
        policy=DriftSettings(),
    )
    return {row["component"]: row for row in report.to_dicts()}


def drifted(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, row in found.items() if row["finding"] == "drift"} - {"total"}


@pytest.mark.parametrize("model", MODELS)
def test_a_silent_judge_update_is_the_judge_s_drift_and_never_the_provider_s(wildbench, model):
    before, after = (judged(wildbench, judge, model=model) for judge in (TURBO, OMNI))
    found = parts_of(trials(before, "rerun"), trials(after, "rejudged"), trials(after, "rerun"))
    both = before.join(after, on="item_id", suffix="_after")
    raw = (both["score_after"] - both["score"]).mean()
    assert found["judge"]["difference"] == pytest.approx(raw)
    assert raw < 0
    assert drifted(found) == {"judge"}
    assert found["provider"]["difference"] == 0.0


def test_over_the_six_models_the_update_costs_six_points_in_a_hundred(wildbench):
    pooled = {
        judge: pl.concat(
            judged(wildbench, judge, model=model).with_columns(
                item_id=pl.concat_str(pl.lit(model), "item_id", separator="/")
            )
            for model in MODELS
        )
        for judge in (TURBO, OMNI)
    }
    found = parts_of(
        trials(pooled[TURBO], "rerun"),
        trials(pooled[OMNI], "rejudged"),
        trials(pooled[OMNI], "rerun"),
    )
    # 6.79 to 6.17 of 10
    assert found["total"]["before"] == pytest.approx(0.679, abs=0.001)
    assert found["total"]["after"] == pytest.approx(0.617, abs=0.001)
    assert drifted(found) == {"judge"}


def test_two_releases_of_one_judge_are_within_noise(wildbench):
    models = ("gpt-3.5-turbo-0125", "reka-edge", "gemma-7b-it")
    for model in models:
        old, new = (
            judged(wildbench, OMNI, model=model, version=version)
            for version in ("v2.0522", "v2.0625")
        )
        found = parts_of(trials(old, "rerun"), trials(new, "rejudged"), trials(new, "rerun"))
        assert drifted(found) == set()


def test_with_all_cells_measured_shapley_s_values_sum_and_components_interact(
    wildbench,
):
    worse = "gemma-7b-it"
    good = "Qwen1.5-72B-Chat-greedy"
    found = parts_of(
        trials(judged(wildbench, TURBO, model=good), "rerun"),
        trials(judged(wildbench, OMNI, model=good), "rejudged"),
        trials(judged(wildbench, TURBO, model=worse), "old_judge"),
        trials(judged(wildbench, OMNI, model=worse), "rerun"),
    )
    assert drifted(found) == {"judge", "provider"}
    fair = [found[name]["shapley"] for name in ("truth", "judge", "provider")]
    assert sum(fair) == pytest.approx(found["total"]["difference"], abs=1e-12)
    assert found["judge"]["interaction"] == pytest.approx(-found["provider"]["interaction"])
    assert found["judge"]["interaction"] != 0


@pytest.mark.parametrize(
    ("family", "task", "before", "after"),
    [("gpt-4", "prime", 0.840, 0.511), ("gpt-3.5-turbo", "prime", 0.496, 0.762)],
)
def test_a_silent_model_update_is_the_provider_s_drift(family, task, before, after):
    answers = pl.read_parquet(DATA / "llmdrift" / "answers.parquet").filter(
        (pl.col("model_family") == family) & (pl.col("task") == task)
    )
    march, june = (
        answers.filter(pl.col("era") == era).select("item_id", "score")
        for era in ("2023-03", "2023-06")
    )
    found = parts_of(
        trials(march, "rerun", scorer="exact"),
        trials(march, "rejudged", scorer="exact"),
        trials(june, "rerun", scorer="exact"),
    )
    assert (found["total"]["before"], found["total"]["after"]) == pytest.approx((before, after))
    assert found["provider"]["difference"] == pytest.approx(after - before)
    assert drifted(found) == {"provider"}
    # A rule scores and no reference was revised: every order gives the provider the same.
    assert found["provider"]["interaction"] == pytest.approx(0.0, abs=1e-12)
