"""The week in figures, in one sentence, and as what waits for a person."""

import json

import polars as pl
import pytest

from eval_pipeline.monitoring.weekly.figures import weekly_report
from eval_pipeline.monitoring.weekly.missing import week_missing
from eval_pipeline.monitoring.weekly.panel import panel_shares
from eval_pipeline.monitoring.weekly.summary import headline, needs, next_steps
from eval_pipeline.reports.weekly_page import week_json, weekly_page
from eval_pipeline.tables import ADJUDICATIONS, OUTCOME_TRACKING
from tests.outline import EVIL, Outline
from tests.week_evidence import (
    WEEK,
    decided,
    judged,
    large_week,
    monitored,
    rows_of,
    signal,
    small_week,
)


def figures(**changed: object) -> dict[tuple[str, str], dict]:
    rows = weekly_report(small_week(**changed)).to_dicts()
    return {(row["metric"], row["about"]): row for row in rows}


def test_the_panel_passes_three_of_the_four_that_it_decides():
    _, quality = judged(3, 1)
    whole = panel_shares(quality, confidence=0.95).row(0, named=True)
    # equal weights: 3 of 4; the one without a verdict is counted and is no fail
    assert (whole["subset"], whole["judged"], whole["undecided"]) == ("all", 5, 1)
    assert whole["value"] == pytest.approx(0.75)
    # Wilson's interval of 3 in 4
    assert (whole["lower"], whole["upper"]) == pytest.approx((0.3006, 0.9544), abs=1e-3)


def test_what_counts_for_fewer_interactions_is_less_evidence():
    alone, together = (
        panel_shares(judged(30, 10, effective=effective)[1], confidence=0.95).row(0, named=True)
        for effective in (40.0, 5.0)
    )
    assert together["value"] == pytest.approx(alone["value"])
    assert together["upper"] - together["lower"] > 2 * (alone["upper"] - alone["lower"])


def test_every_figure_is_a_row_with_its_interval_and_a_sentence():
    told = figures()
    assert told["interactions", "all"]["value"] == 500
    assert told["reserve", "all"]["value"] == 10
    assert told["shortfall", "all"]["value"] == 10
    assert told["quarantined", "all"]["value"] == 3
    assert told["queued", "all"]["value"] == 2  # a gold check is no question to people
    assert (told["settled", "all"]["value"], told["adjudicated", "all"]["value"]) == (1, 1)
    assert told["deficit", "refunds"]["value"] == 12
    assert told["retired", "all"]["sentence"] == "4 items were retired: 4 crowded out."
    assert told["canary_recall", "all"]["sentence"] == (
        "Of 200 planted canaries 99.0 % (98.0 to 100.0) were masked whole; 2 leaked."
    )
    # people's ceiling, not the scripts'
    assert told["ceiling", "all"]["value"] == 0.81
    assert told["judge_agreement", "arbiter"]["lower"] == 0.85


def test_what_was_not_measured_has_no_row():
    told = figures(frame=None, panel=None, quality=None, quarantined=None, judges=None, golden=None)
    absent = {"interactions", "pass_share", "quarantined", "judge_agreement", "golden_items"}
    assert absent.isdisjoint(metric for metric, _ in told)


def test_an_alarm_is_told_with_the_noise_around_it():
    row = figures(signals=signal())["drift_alarm", "assistant"]
    # 0.75 - 0.80, give or take 1.96 x 0.01
    assert row["value"] == pytest.approx(-0.05)
    assert (row["lower"], row["upper"]) == pytest.approx((-0.0696, -0.0304), abs=1e-4)


def test_a_quiet_week_says_so():
    assert headline(small_week()) == "Nothing moved beyond its noise."


def test_the_headline_says_alarms_first_then_decisions_then_production():
    told = headline(
        small_week(
            signals=signal(),
            decisions=(decided("a", "pass"), decided("b", "block"), decided("c", "invalid")),
            monitor=monitored(finding="unusual"),
        )
    )
    assert told == (
        "The provider changed under 'assistant' (-5.0 points, noise 2.0 either way); of 3 "
        "candidates 1 passed, 1 blocked, 1 could not be evaluated; 1 production metric unusual."
    )


def test_an_alarm_of_an_earlier_week_names_that_week():
    assert "since 2026-09-28" in headline(small_week(signals=signal(alarm_since="2026-09-28")))


def test_a_share_that_moved_more_than_chance_is_in_the_headline_and_one_that_did_not_is_not():
    _, before = judged(80, 0)
    now, half = judged(40, 40)
    told = headline(small_week(panel=now, quality=half, quality_before=before))
    # 50 of 100 against all: chance does not explain it, over two names together
    assert told.startswith("What the panel passes of all traffic moved by -50.0 points (")
    near, most = judged(78, 2)
    quiet = small_week(panel=near, quality=most, quality_before=before)
    assert headline(quiet) == "Nothing moved beyond its noise."


def test_what_waits_for_a_person_is_named_with_its_command():
    told = [
        (need.sentence, need.command)
        for need in needs(small_week(signals=signal(), decisions=(decided("b", "block"),)))
    ]
    assert told[0][1] == f"eval-pipeline drift pin --week {WEEK} --system assistant --again"
    assert told[1] == (
        "'b' does not pass: fix it, or see what stays open.", "eval-pipeline explain b",
    )  # fmt: skip
    assert told[2][0] == "1 of 2 responses that went to people have no settled label."
    assert told[3][0] == (
        "The golden set lacks 12 items of 'refunds': the next weeks ask for them."
    )


def test_many_candidates_that_do_not_pass_are_one_thing_to_look_at():
    many = small_week(decisions=tuple(decided(name, "block") for name in "abcde"))
    assert needs(many)[0].sentence.startswith("'a', 'b', 'c' and 2 more do not pass")


def test_a_waived_block_waits_for_nobody():
    waived = needs(small_week(decisions=(decided("b", "block", waived=True),)))
    assert not any("does not pass" in need.sentence for need in waived)


def test_alerts_wait_for_a_person_and_of_outcomes_only_what_no_longer_tracks():
    alerts = pl.DataFrame({"sentence": ["Errors doubled."], "next_step": ["Look at the route."]})
    tracking = rows_of(
        OUTCOME_TRACKING,
        {"subset": "all", "finding": "tracks", "sentence": "For 9 of 9 weeks it fell inside."},
        {"subset": "refunds", "finding": "no_longer_tracks", "sentence": "It fell outside."},
        weeks=9, inside=9,
    )  # fmt: skip
    told = [need.sentence for need in needs(small_week(alerts=alerts, tracking=tracking))]
    assert "Errors doubled." in told
    assert "'refunds': It fell outside." in told
    assert not any("9 of 9" in sentence for sentence in told)


def test_what_was_not_made_is_a_next_step_and_the_next_week_is_the_last():
    steps = next_steps(small_week(not_made={"drift_report": "eval-pipeline drift --week W"}))
    assert [step.command for step in steps] == [
        "eval-pipeline drift --week W", "eval-pipeline refresh --week 2026-10-19",
    ]  # fmt: skip


def test_what_is_missing_is_counted_by_who_owed_it_and_why():
    rows = week_missing(small_week()).rows()
    assert rows == [
        ("row of the logs", "logs", "no text", 3, 503),
        ("conversation", "route=care", "population", 10, 60),
        ("verdict", "arbiter", "abstained", 1, 3),
        ("verdict", "arbiter", "failed:timeout", 1, 3),
        ("panel verdict", "panel", "split", 1, 5),
        ("label", "people, asked for refuted", "not_settled", 1, 1),
    ]


def test_before_people_answered_nothing_is_settled_and_the_page_stands():
    known = small_week(adjudications=None, agreement=None)
    assert "How far people agree was not measured." in weekly_page(weekly_report(known), known)
    unanswered = small_week(adjudications=ADJUDICATIONS.empty())
    assert needs(unanswered)[0].sentence.startswith("2 of 2 responses")


def test_the_page_and_the_json_say_the_same_and_are_the_same_every_time():
    known = small_week(signals=signal())
    report = weekly_report(known)
    page, told = weekly_page(report, known), json.loads(week_json(report, known))
    assert told["headline"].startswith("The provider changed")
    assert told["headline"].split(" (")[0] in page.replace("&#39;", "'").replace("<wbr>", "")
    assert {row["metric"] for row in told["figures"]} == set(report["metric"])
    again = small_week(signals=signal())
    assert page == weekly_page(weekly_report(again), again)
    assert week_json(report, known) == week_json(weekly_report(again), again)


def test_the_page_tells_every_part_of_the_week_and_is_accessible_html():
    known = large_week("subset_")
    outline = Outline(weekly_page(weekly_report(known), known))
    text = " ".join("".join(outline.texts).split())
    for part in (
        "Decisions on this week", "Drift", "What the panel says", "Production", "People",
        "How good the judges are", "Golden set", "Traffic and sample", "What is missing",
        "Do offline scores foresee",
    ):  # fmt: skip
        assert part in text
    assert len(outline.named("h1")) == 1
    assert all(head.get("scope") in {"col", "row"} for head in outline.named("th"))
    assert all(svg.get("aria-label") for svg in outline.named("svg"))
    ids = [given["id"] for _, given in outline.tags if "id" in given]
    assert len(ids) == len(set(ids))


def test_a_week_with_hostile_names_stays_text():
    known = large_week(EVIL, subsets=3)
    source = weekly_page(weekly_report(known), known)
    outline = Outline(source)
    assert not outline.named("script")
    assert not outline.named("img")
    assert all(not name.startswith("on") for _, given in outline.tags for name in given)
    assert all("javascript" not in (link["href"] or "") for link in outline.named("a"))
    assert "\x1b" not in source
    assert "\u202e" not in source


def test_the_largest_week_stays_under_two_megabytes():
    known = large_week(f"{'x' * 60}_")
    assert len(weekly_page(weekly_report(known), known).encode()) < 2_000_000
