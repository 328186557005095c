"""The contract of the week's logs: each promise broken alone, in which words, how severely."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eval_pipeline.adapters.contracts.expectations import validate_logs
from eval_pipeline.adapters.contracts.results import ContractResult
from eval_pipeline.adapters.contracts.volumes import volume_of
from eval_pipeline.adapters.logs.profile import LOG_PROFILE
from eval_pipeline.settings import ContractSettings
from eval_pipeline.settings.logs import USUAL_SEVERITIES

WEEK = dt.date(2026, 11, 16)
MONDAY = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
LIMITS = {
    "minimum_interactions": 100,
    "maximum_null_share": {"response": 0.05, "route": 0.0},
    "maximum_duplicate_share": 0.01,
    "maximum_quarantined_share": 0.02,
}
CONTRACT = ContractSettings(**LIMITS)
AT_THE_LIMITS = {
    "interactions": 1000,
    "late_interactions": 50,
    "quarantined": 10,
    "days_with_interactions": 7,
    "null_response": 50,
    "out_of_range": 10,
    "first_occurred_at": MONDAY,
    "last_occurred_at": MONDAY + dt.timedelta(days=6, hours=23),
}
STRATA = {"refunds": 600, "dosage": 400}
UNMEASURED = (
    "The profile must hold every measure that the contract speaks of; missing: `null_share_route`."
)
BREACHES = {
    "schema": ("null_route", None, UNMEASURED),
    # 20 of 1000 + 10 rows
    "duplicates": (
        "duplicate_ids",
        20,
        "At most 1 % of the rows may repeat an id; found 1.98 %.",
    ),
    # 11 of 1000
    "ranges": (
        "out_of_range",
        11,
        "At most 1 % of the interactions may be out of range; found 1.1 %.",
    ),
    # 30 of 1000 + 30 rows
    "quarantine": (
        "quarantined",
        30,
        "At most 2 % of the rows may be malformed and quarantined; found 2.91 %.",
    ),
    # 51 of 1000
    "nulls": (
        "null_response",
        51,
        "At most 5 % of the interactions may lack `response`; found 5.1 %.",
    ),
    # 15 hours before Monday; a file cut by local time may differ by 14
    "inside_week": (
        "first_occurred_at",
        MONDAY - dt.timedelta(hours=15),
        "No interaction may lie more than 14 hours outside the week; found 15 hours.",
    ),
    "in_the_future": ("in_the_future", 3, "No interaction may lie in the future; found 3."),
    "arrival_order": (
        "arrived_before_occurred",
        2,
        "No interaction may arrive before it occurred; found 2.",
    ),
    "days_present": (
        "days_with_interactions",
        6,
        "There must be interactions on at least 7 days of the week; found 6.",
    ),
    # 51 of 1000
    "late": (
        "late_interactions",
        51,
        "At most 5 % of the interactions may be of the week before and late; found 5.1 %.",
    ),
}


def a_profile(**changed: object) -> pl.DataFrame:
    counts = {name: 0 for name, dtype in LOG_PROFILE.items() if dtype == pl.Int64}
    row = {**counts, "quarantine_reasons": [], **AT_THE_LIMITS, **changed}
    return pl.DataFrame([row], schema=LOG_PROFILE)


def strata_of(counts: dict[str, int]) -> pl.DataFrame:
    rows = {"stratum": list(counts), "interactions": list(counts.values())}
    return pl.DataFrame(rows, schema={"stratum": pl.String, "interactions": pl.Int64})


def history_of(*weeks: dict[str, int]) -> pl.DataFrame:
    """The frames of earlier weeks, oldest first."""
    empty = strata_of({}).with_columns(week=pl.lit(None, dtype=pl.String))
    frames = [
        strata_of(counts).with_columns(week=pl.lit((WEEK - dt.timedelta(7 * ago)).isoformat()))
        for ago, counts in zip(range(len(weeks), 0, -1), weeks, strict=True)
    ]
    return pl.concat([empty, *frames])


def judged(
    profile: pl.DataFrame | None = None,
    *,
    contract: ContractSettings = CONTRACT,
    history: pl.DataFrame | None = None,
    strata: dict[str, int] = STRATA,
) -> ContractResult:
    return validate_logs(
        a_profile() if profile is None else profile,
        contract=contract,
        history=history_of(STRATA, STRATA, STRATA) if history is None else history,
        strata=strata_of(strata),
        week=WEEK,
    )


def told(result: ContractResult) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return result.failures, result.warnings


def test_a_week_at_its_limits_keeps_the_contract():
    # 50 of 1000 are late and 50 lack a response: exactly 5 %; 10 of 1000 are out of range
    result = judged()
    assert told(result) == ((), ())
    assert result.shortfalls == ()
    assert result.as_markdown().endswith(f"all {result.evaluated} expectations hold.")


@pytest.mark.parametrize("name", BREACHES)
def test_each_promise_broken_alone_gives_its_sentence_at_its_usual_severity(name):
    column, value, sentence = BREACHES[name]
    profile = a_profile().drop(column) if value is None else a_profile(**{column: value})
    blocking = USUAL_SEVERITIES[name] == "blocking"
    assert told(judged(profile)) == (((sentence,), ()) if blocking else ((), (sentence,)))


@pytest.mark.parametrize("name", BREACHES)
def test_the_configuration_moves_a_promise_to_the_other_severity_by_name(name):
    column, value, sentence = BREACHES[name]
    profile = a_profile().drop(column) if value is None else a_profile(**{column: value})
    was_blocking = USUAL_SEVERITIES[name] == "blocking"
    moved = ContractSettings(**LIMITS, severity={name: "warning" if was_blocking else "blocking"})
    result = judged(profile, contract=moved)
    assert told(result) == (((), (sentence,)) if was_blocking else ((sentence,), ()))
    assert result.passed == was_blocking


def test_too_few_interactions_break_the_contract():
    few = a_profile(
        interactions=99, quarantined=0, null_response=0, out_of_range=0, late_interactions=0
    )
    assert judged(few).failures == ("The week must hold at least 100 interactions; found 99.",)


def test_a_week_of_zeros_is_judged_without_dividing_by_zero():
    counts = {name: 0 for name, dtype in LOG_PROFILE.items() if dtype == pl.Int64}
    zeros = a_profile(**counts, first_occurred_at=None, last_occurred_at=None)
    assert judged(zeros).failures == ("The week must hold at least 100 interactions; found 0.",)


def test_a_tiny_breach_is_not_rounded_to_none():
    # 1 of 1000 routes is null and none may be
    assert judged(a_profile(null_route=1)).failures == (
        "At most 0 % of the interactions may lack `route`; found 0.1 %.",
    )


def test_repeated_ids_count_as_duplicates_and_not_as_quarantined_too():
    # 50 of 1000 rows repeat an id
    assert judged(a_profile(quarantined=0, duplicate_ids=50)).failures == (
        "At most 1 % of the rows may repeat an id; found 5 %.",
    )


def test_an_interaction_past_the_end_of_the_week_lies_outside_it():
    # 7 days and 20.5 hours after Monday: 20.5 hours past the end
    late = MONDAY + dt.timedelta(days=7, hours=20.5)
    assert judged(a_profile(last_occurred_at=late)).failures == (
        "No interaction may lie more than 14 hours outside the week; found 20.5 hours.",
    )


def test_volume_is_compared_with_the_median_of_the_earlier_weeks():
    # totals 2000, 2400, 3000: median 2400; 1000 / 2400 = 0.417
    history = history_of({"refunds": 2000}, {"refunds": 2400}, {"refunds": 3000})
    tolerant = ContractSettings(**LIMITS, minimum_volume_baseline=5000)
    (warning,) = judged(contract=tolerant, history=history).warnings
    assert warning == (
        "The week must hold 0.5 to 2 times its baseline, the median of the last 3 weeks; "
        "found 0.417 times."
    )


def test_only_the_newest_weeks_are_the_baseline():
    # of the last three weeks: 1000, 1000, 1000; the older ones held a hundred times as many
    much, usual = {"refunds": 100_000}, {"refunds": 1000}
    history = history_of(much, much, much, much, usual, usual, usual)
    volume = volume_of(strata_of({"refunds": 1000}), history, weeks=3, smallest_baseline=50)
    assert (volume.baseline, volume.weeks, volume.ratio) == (1000.0, 3, 1.0)


def test_a_baseline_of_an_even_number_of_weeks_lies_between_the_middle_two():
    # 100, 200, 400, 1000: (200 + 400) / 2 = 300, and 600 is twice that
    weeks = [{"refunds": count} for count in (1000, 100, 400, 200)]
    volume = volume_of(
        strata_of({"refunds": 600}), history_of(*weeks), weeks=8, smallest_baseline=50
    )
    assert (volume.baseline, volume.ratio) == (300.0, 2.0)


@pytest.mark.parametrize("weeks", [0, 1, 2])
def test_with_fewer_than_three_weeks_the_volume_is_not_judged_and_says_so(weeks):
    result = judged(history=history_of(*[{"refunds": 9}] * weeks))
    assert told(result) == ((), ())
    (shortfall,) = result.shortfalls
    assert shortfall == (
        f"The week's volume is not judged: too little history, {weeks} of the 3 earlier weeks "
        "that it takes."
    )


def test_a_stratum_that_vanished_is_a_warning_and_only_the_report_names_it():
    # refunds holds 900 of its 600; dosage, 400 a week, holds nothing
    result = judged(strata={"refunds": 900})
    assert told(result) == (
        (),
        ("Every stratum must hold 0.5 to 2 times its baseline; found 1 of 2 strata outside.",),
    )
    assert "Stratum `dosage`: 0 interactions against a baseline of 400." in result.as_markdown()
    assert "dosage" not in result.validation


def test_a_new_stratum_is_judged_from_its_third_week_on_by_the_weeks_since_it_came():
    old = {"refunds": 600}
    new = {"refunds": 600, "dosage": 200}
    now = strata_of({"refunds": 600, "dosage": 500})
    two = volume_of(now, history_of(old, old, new, new), weeks=8, smallest_baseline=50)
    three = volume_of(now, history_of(old, old, new, new, new), weeks=8, smallest_baseline=50)
    assert two.strata["stratum"].to_list() == ["refunds"]
    # the median of 200, 200, 200; the two weeks before it came are no zeros: 500 / 200
    assert three.strata.filter(stratum="dosage")["ratio"].to_list() == [2.5]


def test_a_small_stratum_is_not_judged_by_its_volume():
    small = {**STRATA, "rare": 49}
    assert judged(history=history_of(small, small, small)).warnings == ()


@given(
    weeks=st.lists(
        st.dictionaries(st.sampled_from("abc"), st.integers(0, 500), min_size=1), min_size=3
    ),
    now=st.dictionaries(st.sampled_from("abc"), st.integers(0, 500)),
)
def test_the_order_of_the_history_is_of_no_consequence(weeks, now):
    history = history_of(*weeks)
    volumes = [
        volume_of(strata_of(now), frame, weeks=8, smallest_baseline=1)
        for frame in (history, history.reverse(), history.sort("interactions", "stratum"))
    ]
    assert {(volume.baseline, volume.weeks) for volume in volumes} == {
        (volumes[0].baseline, min(8, len(weeks)))
    }
    assert all(volume.strata.equals(volumes[0].strata) for volume in volumes)


def test_the_report_tells_what_was_quarantined_and_what_waits_for_next_week():
    profile = a_profile(
        quarantine_reasons=[{"reason": "missing_route", "count": 10}], left_for_next_week=4
    )
    assert judged(profile).particulars == (
        "Quarantined as `missing_route`: 10.",
        "Left for the next week, arrived after this one was closed: 4.",
    )


@pytest.mark.parametrize(
    "setting",
    [
        {"severity": {"volum": "blocking"}},
        {"severity": {"volume": "fatal"}},
        {"maximum_null_share": {"respons": 0.1}},
        {"volume_weeks": 2},
        {"minimum_volume_ratio": 1.1},
        {"maximum_volume_ratio": 0.9},
        {"minimum_days": 8},
    ],
)
def test_a_setting_without_meaning_is_refused_at_load(setting):
    with pytest.raises(ValidationError):
        ContractSettings(**setting)
