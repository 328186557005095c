"""What the pages say first, of words that differ, of alarms, of cost and latency."""

import polars as pl
import pytest

from eval_pipeline.evaluation.failure_costs import FAILURE_COSTS
from eval_pipeline.reports.beside import Beside, Standing
from eval_pipeline.reports.drift_attribution import alarms, attribution_sentences
from eval_pipeline.reports.drift_timeline import drift_timeline
from eval_pipeline.reports.first_screen import next_steps, why
from eval_pipeline.reports.judge_quality import agreement_chart
from eval_pipeline.reports.missing import reason_words, score_rows
from eval_pipeline.reports.operations_chart import charted_ratios, operations_chart
from eval_pipeline.reports.operations_rows import operations_rows
from eval_pipeline.reports.word_diff import Part, marked
from eval_pipeline.tables import DRIFT_REPORT, DRIFT_SIGNALS, JUDGE_QUALITY, OPERATIONS_REPORT


def row(subset: str, state: str, difference: float | None = -0.121, **changed: object) -> dict:
    told = {
        "subset": subset, "state": state, "difference": difference, "lower": -0.15, "upper": -0.09,
        "margin": 0.05, "items": 199, "wins": 6, "losses": 34, "items_needed": None,
    }  # fmt: skip
    return told | changed


def decision(*rows: dict, verdict: str = "block", reasons: tuple[str, ...] = ()) -> dict:
    whole = row("all", "certified", 0.031, lower=0.01, upper=0.05, margin=0.02)
    return {
        "candidate": "sharper", "baseline": "today", "verdict": verdict, "reasons": list(reasons),
        "aggregate": whole, "subsets": list(rows), "confidence": 0.95,
    }  # fmt: skip


COST = dict.fromkeys(FAILURE_COSTS) | {
    "attribute": "subset", "name": "drugs", "lost": 23.5, "lost_lower": 11.3, "lost_upper": 37.5,
    "usd": 1408.0, "usd_lower": 677.0, "usd_upper": 2246.0, "usd_basis": "set",
}  # fmt: skip
ASKED = Standing(owners={"drugs": "pharmacist-on-duty"})


def test_the_first_reason_names_subset_size_cost_and_whom_to_ask():
    told = why(decision(row("drugs", "blocked")), costs=[COST], standing=ASKED)
    assert told == [
        (
            "Harm is proven in drugs on 199 items: 34 lost, 6 won. It costs 23.5 (11.3 to 37.5) "
            "successes per 1,000 interactions, 1,408 (677 to 2,246) USD a week. Ask "
            "pharmacist-on-duty."
        )
    ]


def test_what_the_headline_does_not_say_is_said_with_its_interval():
    both = decision(row("drugs", "blocked"), row("hours", "blocked", -0.2, lower=-0.3, upper=-0.1))
    told = why(both, standing=None)
    # the worst stands in the headline, the other one's figures do not
    assert told[0].startswith("Harm is proven in hours")
    assert told[1].startswith("drugs falls 12.1 points (95 % interval -15.0 to -9.0; tolerance 5)")


def test_a_reason_that_a_row_has_told_is_not_told_again_and_no_more_than_four_are():
    reasons = ("Subset 'drugs' is worse: …", "The provider drifted.", "b", "c", "d")
    told = why(decision(row("drugs", "blocked"), reasons=reasons), standing=None)
    assert told[1:] == ["The provider drifted.", "b", "c"]


def test_more_than_two_that_stand_in_the_way_are_named_together():
    rows = [row(name, "blocked", -0.1 - place / 100) for place, name in enumerate("abcd")]
    told = why(decision(*rows), standing=None)
    assert told[2] == "2 more stand in the way: b, a."


def test_of_a_pass_the_subset_nearest_to_its_tolerance_is_told():
    rows = [
        row("near", "certified", -0.02, lower=-0.045, upper=0.0),
        row("far", "certified", 0.0, lower=-0.01, upper=0.01),
    ]
    told = why(decision(*rows, verdict="pass", reasons=("All is well.",)), standing=None)
    assert told[0] == "All is well."
    assert told[1].startswith("Nearest to its tolerance: near falls 2.0 points")


def commands(*arguments: object, **named: object) -> list[str]:
    steps = next_steps(*arguments, **({"triaged": False, "standing": ASKED} | named))  # type: ignore[arg-type]
    return [step.command or step.sentence for step in steps]


def test_after_a_block_one_reads_then_triages_and_learns_who_may_waive():
    told = commands(decision(row("drugs", "blocked")))
    assert told[0] == "eval-pipeline explain sharper --subset drugs --texts"
    assert told[1] == "eval-pipeline triage --candidate sharper"
    assert told[-1] == "Nobody may waive it: `gate.may_waive` names nobody."
    assert not any("triage" in one for one in commands(decision(), triaged=True))


def test_a_proven_loss_is_waived_only_where_the_policy_lets_it():
    blocked = decision(row("drugs", "blocked"))
    strict = commands(blocked, standing=Standing(may_waive=("ada",)))
    assert strict[-1] == "A proven loss may not be waived: `gate.waive_blocks` is false."
    lenient = commands(blocked, standing=Standing(may_waive=("ada",), waive_blocks=True))
    assert lenient[-1] == "eval-pipeline waive sharper"


@pytest.mark.parametrize(
    ("verdict", "first"),
    [
        ("pass", "eval-pipeline promote sharper"),
        ("inconclusive", "eval-pipeline continue-gate --candidate sharper"),
        ("invalid", "eval-pipeline gate --candidate sharper"),
    ],
)
def test_every_verdict_has_a_next_step(verdict, first):
    assert commands(decision(verdict=verdict))[0] == first


def test_a_decision_outside_a_project_names_no_commands():
    steps = next_steps(decision(row("drugs", "blocked")), triaged=False, standing=None)
    assert steps
    assert all(step.command is None for step in steps)


def test_words_that_only_one_answer_has_are_marked_in_it():
    before, after = marked("Take it with water twice a day.", "Take it with milk twice a day.")
    assert Part("water", only_here=True) in before
    assert Part("milk", only_here=True) in after
    assert "".join(part.text for part in before) == "Take it with water twice a day."
    assert "".join(part.text for part in after) == "Take it with milk twice a day."


def test_a_space_between_marked_words_is_marked_with_them():
    _, after = marked("You may take it today or later.", "You must never take it today or later.")
    assert [part.text for part in after if part.only_here] == ["must never"]


@pytest.mark.parametrize(
    ("first", "second"), [("same", "same"), ("abc def", "uvw xyz !"), ("", "")]
)
def test_equal_answers_and_strangers_are_not_marked(first, second):
    assert not any(part.only_here for parts in marked(first, second) for part in parts)


def signals(*rows: dict) -> pl.DataFrame:
    usual = {
        "week": "2026-10-12", "system_id": "assistant", "stream": "rerun", "subset": "all",
        "value": 0.75, "mu0": 0.8, "sigma": 0.004, "shift": -0.047, "alarm": True,
        "alarm_since": "2026-10-12", "attribution": "provider", "items": 186, "missing": 0,
        "without_reference": 0, "finding": "alarm",
    }  # fmt: skip
    schema = {**DRIFT_SIGNALS.schema, "week": pl.String}
    return pl.DataFrame([usual | row for row in rows], schema=schema)


def test_an_alarm_says_since_when_how_far_whose_and_where_most():
    found = signals(
        {},
        {"subset": "refunds", "shift": -0.46},
        {"week": "2026-10-05", "alarm": False, "alarm_since": None, "attribution": None},
    )
    assert attribution_sentences(found) == [
        (
            "assistant: -4.7 points since 2026-10-12; the change is the provider's. "
            "Most of it in refunds (-46.0)."
        )
    ]
    assert [(one.week, one.attribution, one.raised) for one in alarms(found)] == [
        ("2026-10-12", "provider", True)
    ]


def test_no_alarm_and_no_measurement_are_two_things():
    quiet = signals({"alarm": False, "alarm_since": None, "attribution": None})
    assert attribution_sentences(quiet)[0].startswith("No alarm in 2026-10-12")
    unmeasured = quiet.with_columns(finding=pl.lit("not_measured"), note=pl.lit("no reference"))
    assert attribution_sentences(unmeasured) == ["assistant, rerun: not measured. no reference"]
    assert attribution_sentences(None) == []


def test_the_timeline_marks_the_week_of_an_alarm_and_whose_it_is():
    rows = [
        {"week": week, "system_id": "assistant", "golden_version": 1, "subset": "all",
         "component": part, "difference": change, "lower": -0.1, "upper": 0.1, "items": 9,
         "finding": "within_noise"}
        for week, change in (("2026-10-05", 0.0), ("2026-10-12", -0.04))
        for part in ("provider", "total")
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema={"week": pl.String, **DRIFT_REPORT.schema})
    told = drift_timeline(frame, signals=signals({}))
    assert "alarm: provider" in told
    assert "alarm" not in drift_timeline(frame)
    assert told == drift_timeline(frame.reverse(), signals=signals({}))


def operations(**columns: object) -> pl.DataFrame:
    rows = [
        {"arm": arm, "system_id": arm, "metric": metric, "value": value, "lower": 0.9 * value,
         "upper": 1.1 * value, "calls": 9, "missing": 0, "limit": limit, "finding": finding}
        for arm, metric, value, limit, finding in (
            ("baseline", "latency_p95_seconds", 2.0, None, "reported"),
            ("candidate", "latency_p95_seconds", 3.0, None, "reported"),
            ("candidate", "latency_p95_ratio", 1.5, 1.2, "beyond_limit"),
        )
    ]  # fmt: skip
    whole = pl.DataFrame(rows, schema=OPERATIONS_REPORT.schema).with_columns(subset=pl.lit("all"))
    return whole.with_columns(**columns)  # type: ignore[arg-type]


def test_ratios_stand_against_the_policys_limits_with_their_intervals():
    measured, derived = charted_ratios(operations())
    assert (measured["metric"], measured["measured"]) == ("latency_p95_ratio", True)
    # 3 / 2, and intervals that are as wide as two of a tenth each
    assert derived["value"] == pytest.approx(1.5)
    assert derived["lower"] < 1.35
    assert derived["upper"] > 1.65
    assert "1.50 (1.35 to 1.65); limit 1.2" in operations_chart(operations())


def test_of_a_report_by_subset_all_items_speak():
    whole = operations()
    part = operations(subset=pl.lit("refunds"), value=pl.lit(99.0))
    assert operations_rows(pl.concat([part, whole])) == operations_rows(whole)
    assert len(operations_rows(whole)) == 2


def test_the_judges_chart_shows_people_beside_the_judges():
    rows = [
        {"judge_id": judge, "rubric_id": "all", "measure": "agreement", "against": "labels",
         "value": value, "lower": value - 0.05, "upper": value + 0.03, "items": 90, "missing": 0,
         "finding": "reported", "weeks": 8}
        for judge, value in (("arbiter", 0.9), ("people", 0.92))
    ]  # fmt: skip
    told = agreement_chart(pl.DataFrame(rows, schema=JUDGE_QUALITY.schema))
    assert "90.0 % (85.0 to 93.0), 90" in told
    assert "two people" in told


def test_reasons_are_words_and_unknown_codes_stay_readable():
    assert reason_words("below_quorum") == "too few judges said pass or fail"
    assert reason_words("failed:http_503") == "the call failed: http 503"
    assert reason_words("failed:timeout") == "the call timed out"


def test_what_is_excluded_and_refused_is_counted_beside_what_failed():
    beside = Beside(refused={"baseline": 0, "candidate": 3}, excluded=7)
    assert [(one["code"], one["baseline"], one["candidate"]) for one in score_rows(beside)] == [
        ("refused", 0, 3),
        ("contaminated", 7, 7),
    ]
    assert score_rows(Beside(refused={"baseline": 0, "candidate": 0})) == []
