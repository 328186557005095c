"""What people are told of a shadow."""

import polars as pl
import pytest

from eval_pipeline.evaluation.shadow.comparing import compare_shadow
from eval_pipeline.reports import shadow as told
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import SHADOW_REPORT, SHADOW_TRIALS

POLICY = GateSettings(
    aggregate_tolerance=0.05, tolerances={"default": 0.1, "rare": 0.1}, looks=(100, 200)
)


def trial(arm: str, number: int, *, score: float | None, **changes: object) -> dict[str, object]:
    row = dict.fromkeys(SHADOW_TRIALS.schema) | {
        "source": "recorded", "week": "2026-10-26", "arm": arm, "system_id": arm,
        "item_id": f"item-{number:03d}", "trial": 1, "look": 1, "route": "r", "subsets": [],
        "cluster_id": f"c-{number}", "design_weight": 1.0, "prompt_use": "none",
        "scorer": "panel", "response": "Yes.", "score": score,
        "score_error": None if score is not None else "timeout",
        "status": "answered" if score is not None else "failed", "attempts": 1,
        "requested_model": "m",
    }  # fmt: skip
    return {**row, **changes}


def compared(rows: list[dict[str, object]]) -> pl.DataFrame:
    trials = SHADOW_TRIALS.conform(pl.DataFrame(rows, schema=SHADOW_TRIALS.schema))
    return compare_shadow(trials, policy=POLICY, subsets=["rare"])


def test_differences_and_differing_answers_weigh_what_requests_stand_for():
    rows = []
    for number in range(40):
        lost = number < 10
        weight = 4.0 if lost else 1.0
        for arm, score, text in (
            ("baseline", 1.0, "Yes."),
            ("candidate", 0.0 if lost else 1.0, "No" if lost else "YES"),
        ):
            row = trial(arm, number, score=score, response=text, design_weight=weight)
            rows.append(row)
    whole = compared(rows).row(by_predicate=pl.col("subset") == "all", named=True)
    # Lost: 10 requests of weight 4 of 10 * 4 + 30 * 1.
    assert whole["difference"] == pytest.approx(-40 / 70)
    assert whole["differing_share"] == pytest.approx(40 / 70)
    assert whole["differing_exactly"] == pytest.approx(1.0)
    assert whole["answered_pairs"] == 40


def alike(requests: int, *, failed: int) -> dict[str, object]:
    rows = [
        trial(arm, number, score=None if arm == "candidate" and number < failed else 1.0)
        for number in range(requests)
        for arm in ("baseline", "candidate")
    ]
    whole: dict[str, object] = compared(rows).row(
        by_predicate=pl.col("subset") == "all", named=True
    )
    return whole


def test_the_one_look_has_the_whole_alpha_that_the_gate_shares_over_its_looks():
    # 65 requests without a loss: 0.95^65 = 0.036, below 0.05 and above the 0.017 of three looks.
    assert alike(65, failed=0)["state"] == "certified"


def test_a_failed_call_is_counted_and_no_score():
    whole = alike(65, failed=1)
    assert (whole["items"], whole["missing_candidate"], whole["failed_candidate"]) == (64, 1, 1)
    assert whole["candidate_mean"] == 1.0
    # One of 65 is more than half a percent: it could have been a loss.
    assert whole["state"] != "certified"


def report(*changes: dict[str, object]) -> pl.DataFrame:
    base = dict.fromkeys(SHADOW_REPORT.schema) | {
        "source": "recorded", "week": "2026-10-26", "subset": "all", "state": "certified",
        "difference": 0.03, "lower": 0.004, "upper": 0.056, "margin": 0.03, "items": 590,
        "missing_baseline": 10, "missing_candidate": 0, "failed_baseline": 6,
        "failed_candidate": 0, "refused_baseline": 0, "refused_candidate": 0,
        "differing_share": 0.4, "differing_lower": 0.36, "differing_upper": 0.44,
        "figures": [
            {"arm": "candidate", "metric": metric, "value": 1.5, "lower": 1.2, "upper": 1.9,
             "calls": 600}
            for metric in ("latency_p95_ratio", "cost_per_success_ratio")
        ],
        "fates": [{"fate": "asked", "requests": 600}], "remarks": [],
    }  # fmt: skip
    return SHADOW_REPORT.conform(
        pl.DataFrame([{**base, **change} for change in changes], schema=SHADOW_REPORT.schema)
    )


def test_the_sentence_names_what_is_worse_and_what_is_open():
    told_of = told.sentences(
        report(
            {},
            {"subset": "dosage", "state": "blocked", "difference": -0.2},
            {"subset": "hours", "state": "undecided", "difference": -0.01},
        )
    )
    assert told_of[0] == (
        "On production's recorded answers of the week of 2026-10-26, the candidate is 3.0 points "
        "better (+0.4 to +5.6) over all 590 requests; worse beyond its tolerance on dosage; "
        "undecided on hours."
    )
    assert told_of[-1] == "A shadow comparison replaces no decision of the gate."


def test_latency_is_told_only_where_both_arms_were_measured_alike():
    assert not [each for each in told.sentences(report({})) if "latency" in each]
    asked = told.sentences(report({"source": "asked"}))
    assert "The candidate's latency at p95 is 1.50 times the other's (1.20 to 1.90)." in asked


def test_what_was_dropped_is_told_and_what_was_not_meant_to_be_asked_is_not():
    fates = [{"fate": "not_drawn", "requests": 90}, {"fate": "queue_full", "requests": 4}]
    (line,) = [each for each in told.sentences(report({"fates": fates})) if "Not compared" in each]
    assert line == "Not compared: 4 dropped: too many were waiting."


def test_of_one_week_what_was_measured_alike_speaks_and_nothing_of_nothing():
    both = report({}, {"source": "asked"}, {"source": "live", "week": "2026-10-19"})
    assert told.newest(both)["source"].to_list() == ["asked"]
    assert told.sentences(None) == []
    assert told.sentences(SHADOW_REPORT.empty()) == []
