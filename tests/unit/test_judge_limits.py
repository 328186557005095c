"""What the gate makes of the judges behind the scores."""

import polars as pl
import pytest

from eval_pipeline.evaluation.gate.calibration import calibration_grounds
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.settings import GateSettings, JudgeQualitySettings
from eval_pipeline.tables import JUDGE_QUALITY, REGRESSION_TRIALS

JUDGES = ("owl", "panel", "wren")


def quality(*rows: dict[str, object]) -> pl.DataFrame:
    usual = {
        "judge_id": "owl", "rubric_id": "all", "measure": "retest_flips", "against": "itself",
        "value": 0.02, "lower": 0.01, "upper": 0.04, "items": 80, "missing": 0, "weeks": 4,
        "finding": "reported",
    }  # fmt: skip
    # Every judge has some row, so that the gate knows who there is.
    known = [usual | {"judge_id": judge, "measure": "agreement"} for judge in JUDGES]
    frame = pl.DataFrame(
        [*known, *(usual | row for row in rows)],
        schema=JUDGE_QUALITY.schema,
        infer_schema_length=None,
    )
    return JUDGE_QUALITY.conform(frame)


def trials(*scorers: str) -> pl.DataFrame:
    rows = [{"scorer": scorer, "item_id": f"x{at}"} for at, scorer in enumerate(scorers)]
    return pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema)


def grounds(
    frame: pl.DataFrame | None, policy: JudgeQualitySettings, *scorers: str, scored: bool = True
) -> Grounds:
    evidence = Evidence(
        trials=trials(*scorers) if scorers else None, judge_quality=frame, panel_scored=scored
    )
    return calibration_grounds(GateSettings(judges=policy), evidence)


FLIPS = JudgeQualitySettings(maximum_retest_flips=0.05)
BOTH_FLIP = [{"judge_id": judge} for judge in ("owl", "wren")]
BEYOND = {"value": 0.12, "lower": 0.07, "upper": 0.2}
OPEN = {"value": 0.06, "lower": 0.03, "upper": 0.12}


def test_without_limits_nothing_is_asked_of_the_judges():
    assert grounds(None, JudgeQualitySettings()) == Grounds()
    assert grounds(quality(BEYOND), JudgeQualitySettings()) == Grounds()


def test_a_limit_that_is_kept_says_nothing():
    assert grounds(quality(*BOTH_FLIP), FLIPS) == Grounds()


def test_a_limit_that_is_broken_makes_the_decision_invalid():
    found = grounds(quality({"judge_id": "wren"}, BEYOND), FLIPS)
    (told,) = found.invalid
    assert told == (
        "Judge 'owl' changes its verdict on the very same words: 12.0 points (7.0 to 20.0) on "
        "80; the policy accepts at most 5.0 points."
    )


def test_a_limit_may_be_noted_only():
    noted = FLIPS.model_copy(update={"noted_only": ("maximum_retest_flips",)})
    found = grounds(quality({"judge_id": "wren"}, BEYOND), noted)
    assert (found.invalid, len(found.notes)) == ((), 1)


@pytest.mark.parametrize("undecided", ["note", "invalid"])
def test_what_the_interval_leaves_open_is_the_policy_s_to_decide(undecided):
    policy = FLIPS.model_copy(update={"undecided": undecided})
    found = grounds(quality({"judge_id": "wren"}, OPEN), policy)
    (told,) = found.notes if undecided == "note" else found.invalid
    assert told.endswith("but not beyond doubt.")


def test_what_was_not_measured_has_not_been_kept():
    nothing = {"value": None, "lower": None, "upper": None, "note": "nothing was answered twice"}
    (told,) = grounds(quality({"judge_id": "wren"}, nothing), FLIPS).invalid
    assert "has not been measured (nothing was answered twice)" in told
    assert len(grounds(quality({"judge_id": "wren"}), FLIPS).invalid) == 1
    (never,) = grounds(None, FLIPS).invalid
    assert "`maximum_retest_flips`" in never


def test_no_model_behind_the_scores_asks_nothing():
    assert grounds(None, FLIPS, scored=False) == Grounds()


def test_only_judges_behind_the_scores_are_asked():
    frame = quality({"judge_id": "wren"}, BEYOND)
    assert grounds(frame, FLIPS, "judge:wren") == Grounds()
    assert grounds(frame, FLIPS, "judge:owl").invalid
    assert grounds(frame, FLIPS, "panel", "exact").invalid


def test_position_effects_count_only_where_answers_stood_side_by_side():
    policy = JudgeQualitySettings(maximum_position_excess=0.05)
    rows = [
        {"judge_id": judge, "measure": "position_excess", **BEYOND} for judge in ("owl", "wren")
    ]
    assert grounds(quality(*rows), policy, "panel") == Grounds()
    assert len(grounds(quality(*rows), policy, "preference").invalid) == 2


@pytest.mark.parametrize(("lower", "kept"), [(0.91, True), (0.89, False)])
def test_agreement_is_held_to_its_lower_bound_as_a_share_of_people_s(lower, kept):
    policy = JudgeQualitySettings(minimum_share_of_ceiling=0.9)
    row = {"measure": "share_of_ceiling", "against": "people", "value": 0.95, "upper": 1.0}
    rows = [row | {"judge_id": judge, "lower": lower} for judge in JUDGES]
    assert (grounds(quality(*rows), policy) == Grounds()) is kept


def test_agreement_may_be_asked_under_each_rubric():
    policy = JudgeQualitySettings(minimum_share_of_ceiling=0.9, by_rubric=True)
    row = {"judge_id": "owl", "measure": "share_of_ceiling", "against": "people", "value": 0.99}
    bad = row | {"rubric_id": "orders@1", "lower": 0.5, "upper": 1.0}
    good = row | {"rubric_id": "all", "lower": 0.95, "upper": 1.0}
    (told,) = grounds(quality(bad, good), policy, "judge:owl").invalid
    assert told.startswith("Judge 'owl' under orders@1 agrees with people")


def test_calibration_is_asked_of_what_the_score_is():
    policy = JudgeQualitySettings(maximum_calibration_error=0.05)
    votes = {"judge_id": "panel", "measure": "ece_debiased", "against": "votes", **BEYOND}
    nothing = {"value": None, "lower": None, "upper": None, "note": "it grades nothing: …"}
    alone = {"judge_id": "owl", "measure": "ece_debiased", "against": "repeats", **nothing}
    frame = quality(votes, alone)
    (told,) = grounds(frame, policy, "panel").invalid
    assert told.startswith("The panel is off in what its grades promise: 12.0 points")
    assert grounds(frame, policy, "judge:owl") == Grounds()


def test_judges_that_err_together_are_noted_as_a_pair():
    policy = JudgeQualitySettings(maximum_error_correlation=0.5)
    pair = {"measure": "error_correlation", "against": "wren", "value": 0.8, "lower": 0.7,
            "upper": 0.9}  # fmt: skip
    found = grounds(quality(pair), policy, "panel")
    assert found.invalid == ()
    (told,) = found.notes
    assert told == (
        "Judge 'owl' errs where 'wren' errs: 0.80 (0.70 to 0.90) on 80; the policy accepts at "
        "most 0.50."
    )
    assert grounds(quality(pair), policy, "judge:owl") == Grounds()


ALARM = {"measure": "anchor_accuracy_change", "against": "first_verdicts", "value": -0.1,
         "lower": -0.15, "upper": -0.05, "p_value": 0.001, "finding": "alarm"}  # fmt: skip


def test_a_judge_that_changed_on_its_anchors_suspends_the_decision():
    told = grounds(quality(ALARM), JudgeQualitySettings(), "panel").suspending
    assert told[0] == (
        "Judge 'owl' has changed on its anchors: -10.0 points of accuracy (-15.0 to -5.0) on 80 "
        "frozen answers, adjusted p = 0.001."
    )
    assert told[1].startswith("A judge that changed decides nothing")
    assert grounds(quality(ALARM), JudgeQualitySettings(), "judge:wren") == Grounds()


def test_the_policy_may_only_note_a_changed_judge_or_ignore_it():
    noted = grounds(quality(ALARM), JudgeQualitySettings(anchor_alarm="note"))
    assert (noted.suspending, len(noted.notes)) == ((), 1)
    assert grounds(quality(ALARM), JudgeQualitySettings(anchor_alarm="off")) == Grounds()


def test_a_fault_that_has_always_been_there_is_no_change():
    always = ALARM | {"measure": "recurring_disagreement", "against": "general@0: missed"}
    assert grounds(quality(always), JudgeQualitySettings()) == Grounds()
