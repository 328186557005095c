"""What is found in the tables, and when it is the same thing again."""

import datetime as dt
from typing import get_args

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.monitoring.alerting.conditions import (
    ReviewWeek,
    drift_events,
    monitor_events,
    outcome_events,
    review_events,
)
from eval_pipeline.monitoring.alerting.decisions import (
    decision_events,
    provider_change_events,
)
from eval_pipeline.monitoring.alerting.events import LASTING, RUN_KINDS, AlertEvent
from eval_pipeline.monitoring.alerting.runs import FailedRun, run_event, split_subject
from eval_pipeline.settings import AlertKind
from tests.alert_world import decision, decisions, event, finding, signals


def test_kind_subject_and_since_make_an_event_the_same_and_nothing_else_does():
    assert event().identity == event(severity="warn", title="other", lines=()).identity
    for change in ({"kind": "gate_block"}, {"subject": "b"}, {"since": "2026-10-19"}):
        assert event(**change).identity != event().identity


@given(
    st.text(max_size=400),
    st.lists(st.text(max_size=500), max_size=40),
)
def test_an_event_is_short_lines_and_survives_the_store(text, lines):
    one = event(subject=text, title=text, next_step=text, lines=tuple(lines))
    assert AlertEvent.from_json(one.to_json()) == one
    assert len(one.subject) <= 200
    assert len(one.title) <= 150
    assert len(one.lines) <= 12
    for told in (one.title, one.next_step, *one.lines):
        assert len(told) <= 300
        assert told.isprintable()


def test_what_is_cut_off_is_counted():
    one = event(lines=tuple(f"line {number}" for number in range(20)))
    assert one.lines[-1] == "and 9 more"  # 11 stay


def test_every_kind_that_a_run_makes_lasts_until_a_run_succeeds():
    assert RUN_KINDS <= LASTING < set(get_args(AlertKind))


def test_a_blocked_candidate_is_told_with_its_figures_and_without_anybodys_words():
    (found,) = decision_events(decisions(decision()))
    assert (found.kind, found.severity, found.subject) == ("gate_block", "warn", "sharper")
    assert found.lines[:3] == (
        "against 'assistant' on golden version 1",
        "all items +1.0 points (-1.0 to +3.0) on 100 items",
        "worse: refunds -10.0 points (-15.0 to -5.0) on 100 items",
    )
    assert "3 scores missing: 1 of the baseline's, 2 of the candidate's" in found.lines
    assert "Ada" not in found.to_json()


@pytest.mark.parametrize(
    ("verdict", "kind", "severity"),
    [
        ("pass", "gate_pass", "info"),
        ("inconclusive", "gate_inconclusive", "warn"),
        ("invalid", "gate_inconclusive", "warn"),
    ],
)
def test_every_verdict_has_its_kind(verdict, kind, severity):
    (found,) = decision_events(decisions(decision(verdict=verdict)))
    assert (found.kind, found.severity) == (kind, severity)


def test_what_a_provider_runs_already_pages_when_it_is_worse():
    (found,) = decision_events(decisions(decision("provider-change-assistant-1234")))
    assert found.severity == "page"


def test_a_waived_block_is_information():
    (found,) = decision_events(decisions(decision(waived=True)))
    assert (found.kind, found.severity) == ("gate_block", "info")
    assert found.title.endswith("is blocked and is waived")


def test_another_decision_on_the_candidate_is_another_event():
    first, second = decision(), decision(subsets=(finding("refunds", "blocked", items=101),))
    (one,), (other,) = (list(decision_events(decisions(each))) for each in (first, second))
    assert one.identity != other.identity


def test_alarms_of_one_system_and_week_are_one_event():
    rows = [
        {},
        {"subset": "refunds", "shift": -0.4},
        {"subset": "hours", "alarm_since": "2026-10-19"},
        {"subset": "quiet", "alarm": False, "alarm_since": None, "finding": "within_noise"},
    ]
    first, second = drift_events(signals(*rows), week="2026-10-26")
    assert (first.since, second.since) == ("2026-10-12", "2026-10-19")
    assert first.severity == "page"
    assert first.lines == (
        "all (rerun): -10.0 points since 2026-10-12, noise floor 1.0 points, 200 items",
        "refunds (rerun): -40.0 points since 2026-10-12, noise floor 1.0 points, 200 items",
    )
    assert list(drift_events(signals({"alarm": False, "finding": "within_noise"}), week="w")) == []


def test_a_change_of_the_provider_is_told_while_it_is_recent():
    seen = dt.datetime(2026, 11, 10, tzinfo=dt.UTC)
    frame = pl.DataFrame(
        {
            "system_id": ["assistant"] * 3,
            "seen_at": [seen, seen - dt.timedelta(days=30), seen],
            "finding": ["changed", "changed", "same"],
            "served_model": ["m-2", "m-1", "m-2"],
            "canaries": [30, 30, 30],
            "changed_answers": [7, 3, 0],
            "candidate_id": ["provider-change-1", None, None],
        }
    )
    (found,) = provider_change_events(frame, not_before=seen - dt.timedelta(days=14))
    assert found.lines == (
        "served model now: m-2",
        "7 of 30 canary answers are new",
        "opened as candidate 'provider-change-1'",
    )


MONITOR_ROW = {
    "source": "production", "metric": "error_rate", "subset": "all", "value": 0.08,
    "lower": 0.07, "upper": 0.09, "baseline_median": 0.02, "change": 0.06, "robust_z": 6.0,
    "since_week": "2026-10-19", "weeks": 1, "next_step": "Look at the route.", "sentence": "",
}  # fmt: skip


def test_a_number_of_production_pages_once_it_has_lasted_two_weeks():
    (new,) = monitor_events(pl.DataFrame([MONITOR_ROW]), week="2026-10-19", table="monitor_alerts")
    (old,) = monitor_events(
        pl.DataFrame([MONITOR_ROW | {"weeks": 2}]), week="2026-10-26", table="monitor_alerts"
    )
    assert (new.severity, old.severity) == ("warn", "page")
    assert new.identity == old.identity
    assert new.lines[0] == "production: 0.08 (0.07 to 0.09), usually 0.02"


def test_an_outcome_that_no_longer_goes_with_the_labels_is_told_and_others_are_not():
    row = {
        "subset": "refunds", "weeks": 8, "inside": 4, "coverage": 0.95,
        "finding": "no_longer_tracks", "since_week": "2026-10-05", "sentence": "",
    }  # fmt: skip
    frame = pl.DataFrame([row, row | {"subset": "hours", "finding": "tracks"}])
    (found,) = outcome_events(frame, week="2026-10-26", table="outcome_tracking")
    assert (found.kind, found.subject, found.since) == (
        "outcome_no_longer_tracks",
        "refunds",
        "2026-10-05",
    )
    assert "4 of 8 weeks; 95% are promised" in found.lines[0]


def week(reason: str | None, *, waiting: int = 5) -> ReviewWeek:
    return ReviewWeek("2026-10-26", 20, waiting, dt.date(2026, 11, 6), reason)


def test_a_deadline_is_told_from_its_day_on_and_only_where_it_holds_something_back():
    held = week("15 of 20 tasks are settled")
    on, before = dt.date(2026, 11, 6), dt.date(2026, 11, 5)
    (found,) = review_events((held,), as_of=on, backlog=80)
    assert (found.kind, found.since) == ("review_deadline", "2026-11-06")
    assert list(review_events((held,), as_of=before, backlog=80)) == []
    assert list(review_events((week(None),), as_of=on, backlog=80)) == []


def test_a_long_queue_is_told_at_its_limit():
    weeks = (week(None, waiting=50), week(None, waiting=30))
    as_of = dt.date(2026, 11, 1)
    (found,) = review_events(weeks, as_of=as_of, backlog=80)
    assert found.title == "80 review tasks wait for people"
    assert list(review_events(weeks, as_of=as_of, backlog=81)) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "run_failed"),
        ({"errors": ("SpendingLimitError",)}, "spending_limit"),
        ({"errors": ("ContractError",), "checks": ("sampling_frame.logs",)}, "check_failed"),
    ],
)
def test_a_failed_run_is_one_event_of_what_stopped_it(changes, kind):
    run = FailedRun("refresh", "run-1", "2026-11-16", steps=("sampling_frame",), **changes)
    found = run_event(run)
    assert (found.kind, found.severity) == (kind, "page")
    assert "step sampling_frame" in found.lines
    assert split_subject(found.subject) == ("refresh", "2026-11-16")


def test_a_run_that_fails_again_is_the_same_event():
    first, second = (run_event(FailedRun("refresh", one, "2026-11-16")) for one in ("a", "b"))
    assert first.identity == second.identity
    assert split_subject(run_event(FailedRun("digest", "a")).subject) == ("digest", None)
