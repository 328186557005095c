"""Gated dimensions: what is read off every answer, and what the same comparison certifies."""

import polars as pl
import pytest

from eval_pipeline.evaluation.built_in_dimensions import built_in_scores
from eval_pipeline.evaluation.dimension_states import with_states
from eval_pipeline.evaluation.dimensions import compare_dimensions, dimension_frame, dimension_rows
from eval_pipeline.evaluation.paired_tests import holm
from eval_pipeline.ports import Score
from eval_pipeline.settings import (
    ExactScoring,
    FieldsF1Scoring,
    GateSettings,
    JsonSchemaScoring,
    PanelScoring,
    RequiredFieldsScoring,
)
from eval_pipeline.settings.policy_dimensions import dimension_problems, dimensions_given

ONE_LOOK = {"looks": (), "confidence": 0.95}
SCHEMA = JsonSchemaScoring(json_schema={"type": "object", "required": ["status"]})


def trial(arm: str, item: int, **changed: object) -> dict[str, object]:
    return {
        "arm": arm, "item_id": f"item-{item:04}", "trial": 1, "source": "golden", "look": 1,
        "route": "orders", "subsets": ["refunds"] if item % 2 else ["orders"],
        "cluster_id": f"c-{item}", "scorer": "panel", "score": 1.0, "score_error": None,
        "status": "answered", "error_code": None, "response": "{}", **changed,
    }  # fmt: skip


def scored(judged: dict[int, float | None], *, items: int, source: str = "golden") -> pl.DataFrame:
    """Both arms score 1 in 'judged' on every item, but the candidate what `judged` says."""
    rows = []
    for item in range(items):
        for arm in ("baseline", "candidate"):
            value = judged.get(item, 1.0) if arm == "candidate" else 1.0
            error = None if value is not None else "rate_limited"
            rows += dimension_rows(
                trial(arm, item, source=source),
                deciding="panel",
                others={"judged": Score(value, error, "exact")},
            )
    return dimension_frame(rows)


def states(scores: pl.DataFrame, policy: GateSettings, **more: object) -> dict[str, str]:
    report = with_states(
        compare_dimensions(scores, confidence=policy.confidence), scores, policy=policy, **more
    )
    return {
        row["subset"]: row["state"] for row in report.filter(dimension="judged").to_dicts()
    }  # fmt: skip


def gated(tolerances: dict[str, float], **more: object) -> GateSettings:
    return GateSettings(**{**ONE_LOOK, "dimensions": {"judged": tolerances}, **more})


@pytest.mark.parametrize(
    ("answer", "scorers", "scores"),
    [
        ({}, [PanelScoring()], {"refusal": 1.0}),
        ({"status": "refused", "response": None}, [PanelScoring()], {"refusal": 0.0}),
        ({"response": '{"status": "sent"}'}, [SCHEMA], {"refusal": 1.0, "format_validity": 1.0}),
        ({"response": "{}"}, [SCHEMA], {"refusal": 1.0, "format_validity": 0.0}),
        ({"response": "sent"}, [SCHEMA], {"refusal": 1.0, "format_validity": 0.0}),
        (
            {"response": '{"status": null}'},
            [ExactScoring(), RequiredFieldsScoring(fields=("status",))],
            {"refusal": 1.0, "format_validity": 0.0},
        ),
        ({"response": "[]"}, [FieldsF1Scoring()], {"refusal": 1.0, "format_validity": 0.0}),
        (
            {"status": "refused", "response": None},
            [FieldsF1Scoring()],
            {"refusal": 0.0, "format_validity": 0.0},
        ),
        (
            {"status": "failed", "error_code": "timeout", "response": None},
            [FieldsF1Scoring()],
            {"refusal": None, "format_validity": None},
        ),
        ({"response": None}, [FieldsF1Scoring()], {"refusal": 1.0, "format_validity": None}),
    ],
)
def test_what_is_read_off_an_answer(answer, scorers, scores):
    found = built_in_scores(trial("candidate", 1, **answer), scorers)
    assert {name: score.value for name, score in found.items()} == scores
    assert all((score.value is None) == (score.error is not None) for score in found.values())


def test_a_dimension_that_is_not_gated_is_reported_and_untouched():
    scores = scored({1: 0.0}, items=40)
    report = compare_dimensions(scores, confidence=0.95)
    assert with_states(report, scores, policy=GateSettings(**ONE_LOOK)).equals(report)
    assert set(report["state"]) == {"reported"}


def test_a_dimension_is_certified_where_the_same_test_rules_out_its_tolerance():
    # 100 items of each subset without a loss rule out 3 points: 0.97^100 = 0.048 < 0.05. 2.9
    # points they do not: 0.971^100 = 0.053.
    whole = scored({}, items=200)
    assert states(whole, gated({"default": 0.03})) == {
        "all": "certified", "orders": "certified", "refunds": "certified",
    }  # fmt: skip
    found = states(whole, gated({"default": 0.03, "refunds": 0.02}))
    assert found["refunds"] == "infeasible"
    assert found["orders"] == "certified"


def test_a_proven_loss_in_one_subset_blocks_there_and_keeps_its_figures():
    # 20 of the 100 refunds are lost.
    scores = scored(dict.fromkeys(range(1, 41, 2), 0.0), items=200)
    policy = gated({"default": 0.05, "all": 0.2})
    report = with_states(compare_dimensions(scores, confidence=0.95), scores, policy=policy)
    row = report.row(by_predicate=pl.col("state") == "blocked", named=True)
    assert (row["dimension"], row["subset"], row["margin"]) == ("judged", "refunds", 0.05)
    assert (row["difference"], row["losses"], row["looks"]) == (pytest.approx(-0.2), 20, 1)
    assert states(scores, policy)["all"] == "certified"  # -10 points of 20


def test_further_gated_dimensions_make_a_block_ask_for_more_proof():
    losses = dict.fromkeys(range(1, 23, 2), 0.0)  # 11 of 100 refunds
    scores = scored(losses, items=200)
    alone = gated({"default": 0.095})
    beside = alone.model_copy(
        update={
            "dimensions": {**alone.dimensions, **{f"d{n}": {"default": 0.095} for n in range(9)}}
        }
    )
    report = with_states(compare_dimensions(scores, confidence=0.95), scores, policy=alone)
    p_harm = report.row(
        by_predicate=(pl.col("dimension") == "judged") & (pl.col("subset") == "refunds"), named=True
    )["p_harm"]
    # Six claims alone, two dimensions of three names; thirty-three with nine dimensions more.
    assert 0.05 / 33 < p_harm <= 0.05 / 6
    assert states(scores, alone)["refunds"] == "blocked"
    assert states(scores, beside)["refunds"] != "blocked"


def test_holm_counts_claims_that_are_decided_elsewhere_as_if_nothing_spoke_for_them():
    # 0.01 * (2 + 3), then max of it and 0.02 * (1 + 3).
    assert holm({"a": 0.01, "b": 0.02}, beside=3) == pytest.approx({"a": 0.05, "b": 0.08})
    union = holm({"a": 0.01, "b": 0.02, "x": 1.0, "y": 1.0, "z": 1.0})
    assert holm({"a": 0.01, "b": 0.02}, beside=3) == {name: union[name] for name in "ab"}


def test_a_named_subset_without_any_of_the_dimension_is_undecided_and_others_are_left_out():
    scores = scored({}, items=200)
    found = states(scores, gated({"default": 0.05, "rare": 0.05}), subsets=("rare", "other"))
    assert found["rare"] == "undecided"
    assert "other" not in found


def test_a_gated_dimension_that_nothing_measured_is_undecided_as_a_whole():
    policy = GateSettings(**ONE_LOOK, dimensions={"absent": {"default": 0.05}})
    scores = scored({}, items=40)
    report = with_states(compare_dimensions(scores, confidence=0.95), scores, policy=policy)
    (row,) = report.filter(dimension="absent").to_dicts()
    assert (row["subset"], row["state"], row["items"]) == ("all", "undecided", 0)


def test_missing_scores_are_bounded_from_the_worst_side():
    lost = scored(dict.fromkeys(range(1, 21, 2)), items=200)  # 10 of 100 refunds
    found = states(lost, gated({"default": 0.05}))
    assert found["refunds"] in {"undecided", "infeasible"}
    assert found["orders"] == "certified"


def test_synthetic_items_are_gated_by_no_dimension():
    both = pl.concat(
        [
            scored({}, items=200),
            scored(dict.fromkeys(range(60), 0.0), items=60, source="synthetic").with_columns(
                item_id="s-" + pl.col("item_id"), subsets=pl.lit(["synthetic_adversarial"])
            ),
        ]
    )
    found = states(both, gated({"default": 0.05}))
    assert found.pop("synthetic_adversarial") == "reported"
    assert set(found.values()) == {"certified"}


def test_what_the_policy_may_name_is_what_the_configuration_measures():
    scoring = {"default": PanelScoring(), "orders": (SCHEMA, FieldsF1Scoring(name="f1"))}
    assert dimensions_given(scoring) == ("f1", "format_validity", "json_schema", "panel", "refusal")
    assert dimensions_given({"default": PanelScoring()}) == ("panel", "refusal")
    (problem,) = dimension_problems({"tone": {"default": 0.1}}, scoring=scoring, subsets=())
    assert "'tone', which nothing scores; allowed are f1, format_validity" in problem
    (problem,) = dimension_problems(
        {"format_validity": {"default": 0.1}}, scoring={"default": PanelScoring()}, subsets=()
    )
    assert "no route of `scoring` asks for JSON" in problem
    (problem,) = dimension_problems(
        {"refusal": {"default": 0.1, "refnds": 0.1}}, scoring=scoring, subsets=("refunds",)
    )
    assert "'refnds', which is not under `subsets`" in problem
    (problem,) = dimension_problems(
        {}, scoring={"default": PanelScoring(name="refusal")}, subsets=()
    )
    assert "`scoring.default` has a dimension 'refusal', which is kept" in problem


@pytest.mark.parametrize(
    ("dimensions", "problem"),
    [
        ({"judged": {"refunds": 0.1}}, "`dimensions.judged` needs a `default`"),
        ({"judged": {"default": 1.0}}, "not between 0 and 1"),
    ],
)
def test_a_tolerance_of_a_dimension_is_checked_as_any_other(dimensions, problem):
    with pytest.raises(ValueError, match=problem):
        GateSettings(dimensions=dimensions)
