"""Cut-offs from a budget, scales, seasons, acknowledged weeks and mixes."""

import math

import numpy as np
import polars as pl
import pytest

from eval_pipeline.monitoring.baselines import (
    CutOff,
    centre_of,
    cut_off,
    false_alarm_share,
    floored_alarm_share,
    robust_z,
    weekly_share,
)
from eval_pipeline.monitoring.comparison import judge, past_of
from eval_pipeline.monitoring.scales import (
    Figures,
    change_of,
    from_scale,
    on_scale,
    rare_by_chance,
    sampling_error,
)
from eval_pipeline.monitoring.seasons import season_of
from eval_pipeline.settings import AcknowledgedWeeks, MonitorSettings

POLICY = MonitorSettings()


def figures(value: list[float] | np.ndarray, measured: float = 1e6) -> Figures:
    """Figures with hardly any sampling error of their own."""
    values = np.asarray(value, dtype=np.float64)
    return Figures(values, values - 1e-9, values + 1e-9, np.full(values.shape, measured))


def test_centre_and_spread_are_those_of_the_last_26_usable_weeks() -> None:
    # 30 weeks, of which the first four would move the median; 1 to 26 have median 13.5
    past = np.array([[900.0] * 4 + list(range(1, 27))])
    centre = centre_of(past)
    assert (centre.median[0], centre.weeks[0]) == (13.5, 26)
    # the distances .5, .5, 1.5, 1.5 ... 12.5, 12.5 have median 6.5
    assert centre.spread[0] == pytest.approx(1.4826 * 6.5)


def test_a_week_that_is_not_usable_makes_room_for_an_older_one() -> None:
    past = np.array([[7.0, *[1.0] * 25, np.nan]])
    assert centre_of(past).weeks[0] == 26
    assert centre_of(np.array([[np.nan, np.nan]])).weeks[0] == 0


def test_the_spread_is_never_below_the_sampling_error() -> None:
    centre = centre_of(np.array([[2.0] * 10]))
    assert robust_z(np.array([2.5]), centre, error=np.array([0.25]))[0] == 2.0


def test_a_cut_off_falls_with_history_and_rises_with_series() -> None:
    alone, six = weekly_share(1.0, series=1), weekly_share(1.0, series=6)
    assert six == pytest.approx(1 / 312)
    by_weeks = [cut_off(weeks, six).by_mad for weeks in (6, 8, 12, 26)]
    assert by_weeks == sorted(by_weeks, reverse=True)
    assert cut_off(26, six).by_mad > cut_off(26, alone).by_mad
    assert cut_off(26, six).by_sampling < cut_off(26, six).by_mad


@pytest.mark.parametrize("weeks", [8, 26])
def test_the_share_beyond_a_cut_off_is_what_direct_simulation_finds(weeks: int) -> None:
    # 200,000 histories and weeks, seed 5, share .01: Monte Carlo error .0002
    share = 0.01
    limit = cut_off(weeks, share)
    drawn = np.random.default_rng(5).standard_normal((200_000, weeks + 1))
    centre = centre_of(drawn[:, :-1])
    beyond = np.abs(drawn[:, -1] - centre.median) > limit.by_mad * centre.spread
    assert beyond.mean() == pytest.approx(0.9 * share, abs=0.001)
    assert false_alarm_share(limit.by_mad, weeks) <= 0.9 * share


@pytest.mark.parametrize("straying", [0.0, 0.5, 1.5, 3.0])
def test_no_straying_beyond_the_sampling_error_passes_the_share(straying: float) -> None:
    share = 0.005
    limit = cut_off(12, share)
    assert floored_alarm_share(limit, 12, straying=straying) <= share * 1.05
    # As a simulation, 100,000 weeks, seed 6: the floor is 1, weeks stray by hypot(1, straying)
    drawn = math.hypot(1, straying) * np.random.default_rng(6).standard_normal((100_000, 13))
    centre = centre_of(drawn[:, :-1])
    z = np.abs(robust_z(drawn[:, -1], centre, error=np.ones(100_000)))
    reached = np.where(centre.spread < 1, limit.by_sampling, limit.by_mad)
    assert (z > reached).mean() <= share + 0.001


def test_cut_offs_are_the_same_wherever_they_are_computed() -> None:
    # what the seed, the rounding and the method give; a change here changes every alert
    assert cut_off(26, weekly_share(0.8, series=6)) == CutOff(4.13, 3.46)


def test_shares_are_angles_and_come_back() -> None:
    now = Figures(np.array([0.25]), *[np.array([np.nan])] * 2, np.array([1200.0]))
    angle = on_scale(now, "share")
    # 2 asin(sqrt((300 + .375) / 1200.75)) = 2 asin(.50017) = 1.04760
    assert angle[0] == pytest.approx(1.0476, abs=1e-4)
    assert from_scale(angle, "share")[0] == pytest.approx(300.375 / 1200.75)
    assert sampling_error(now, "share", median=angle)[0] == pytest.approx(1 / math.sqrt(1200.5))


def test_none_of_four_expected_is_no_event_and_none_of_twenty_is() -> None:
    # (1 - .004)^1000 = .0182 and (1 - .02)^1000 = 1.7e-9, against .0016 to either side
    nothing = Figures(np.zeros(2), np.zeros(2), np.zeros(2), np.full(2, 1000.0))
    median = 2 * np.arcsin(np.sqrt(np.array([0.004, 0.02])))
    rare = rare_by_chance(nothing, "share", median=median, tail=np.full(2, 0.0016))
    assert rare.tolist() == [0.0, 1.0]


def test_a_change_is_relative_where_figures_change_by_a_factor() -> None:
    assert change_of(70.0, 100.0, "ratio") == pytest.approx(-0.3)
    assert change_of(0.04, 0.02, "share") == pytest.approx(0.02)
    assert change_of(1.0, 0.0, "ratio") is None


def test_a_first_refusal_wave_is_seen_after_weeks_without_any() -> None:
    # 8 weeks of no refusal in 1,500 calls, then a quarter of all
    none = Figures(*[np.zeros((1, 8))] * 3, np.full((1, 8), 1500.0))
    now = Figures(*[np.array([0.25])] * 3, np.array([1500.0]))
    assert judge(now, none, "share", policy=POLICY).unusual[0]


def yearly(weeks: int, amplitude: float) -> np.ndarray:
    generator = np.random.default_rng(8)
    wave = amplitude * np.sin(2 * np.pi * np.arange(weeks) / 52)
    return wave + generator.standard_normal(weeks)


def test_a_yearly_wave_is_taken_out_after_two_years_and_noise_is_not() -> None:
    wave = yearly(120, 5.0)
    found = season_of(wave, strength=0.64)
    assert found is not None
    assert np.std(wave - found.past) < 1.3
    assert found.now == pytest.approx(5 * math.sin(2 * math.pi * 120 / 52), abs=1.5)
    # two years of three weeks each: sqrt((1 + 1/6) / (1 - 1/6))
    assert found.widening == pytest.approx(math.sqrt(7 / 5))
    assert season_of(wave[-103:], strength=0.64) is None
    assert season_of(yearly(120, 0.0), strength=0.64) is None
    assert season_of(wave, strength=1.0) is None


def test_a_usual_summer_is_an_event_only_where_the_year_is_not_known() -> None:
    # 117 weeks of a wave of +-30 %, whose trough is now: 26 weeks ago it was at its height
    weeks = np.arange(118)
    wave = 100 * np.exp(0.3 * np.cos(2 * np.pi * weeks / 52 + np.pi / 2) * 3)
    noise = np.exp(0.02 * np.random.default_rng(9).standard_normal(118))
    drawn = figures((wave * noise)[None, :])
    now = Figures(*(part[:, -1] for part in vars(drawn).values()))
    past = Figures(*(part[:, :-1] for part in vars(drawn).values()))
    known = judge(now, past, "ratio", policy=POLICY)
    assert known.seasonal[0]
    assert not known.unusual[0]
    jumped = Figures(*(1.8 * part[:, -1] for part in vars(drawn).values()))
    assert judge(jumped, past, "ratio", policy=POLICY).unusual[0]


def history(values: list[float]) -> pl.DataFrame:
    first = np.datetime64("2026-01-05")
    rows = [
        {
            "week": str(first + np.timedelta64(7 * place, "D")),
            "subset": "all",
            "metric": "cost",
            "value": value,
            "lower": value,
            "upper": value,
            "measured": 100,
        }
        for place, value in enumerate(values)
    ]
    return pl.DataFrame(rows)


def past_values(policy: MonitorSettings, *, metric: str = "cost", week: str = "2026-02-16"):
    told = history([1, 2, 3, 4, 5, 6]).with_columns(metric=pl.lit(metric))
    return past_of(told, [("all", metric)], week=week, policy=policy).figures.value[0].tolist()


def acknowledging(**known: object) -> MonitorSettings:
    told = {"week": "2026-01-12", "by": "Ada", "reason": "outage", **known}
    return MonitorSettings(acknowledged=(AcknowledgedWeeks.model_validate(told),))


def test_acknowledged_weeks_leave_the_baseline() -> None:
    assert past_values(POLICY) == [1, 2, 3, 4, 5, 6]
    masked = past_values(acknowledging(until="2026-01-19"))
    assert [place for place, value in enumerate(masked) if math.isnan(value)] == [1, 2]


def test_an_acknowledgement_of_another_metric_or_route_masks_nothing() -> None:
    assert past_values(acknowledging(metrics=["error_share"])) == [1, 2, 3, 4, 5, 6]
    assert past_values(acknowledging(routes=["billing"])) == [1, 2, 3, 4, 5, 6]
    of_family = past_values(acknowledging(metrics=["cost"]), metric="cost: a")
    assert math.isnan(of_family[1])


def test_a_new_level_leaves_only_what_came_after_it() -> None:
    values = past_values(acknowledging(week="2026-01-26", new_level=True))
    assert values[3:] == [4, 5, 6]
    assert all(math.isnan(value) for value in values[:3])


def test_a_week_that_was_never_counted_is_a_gap_and_not_a_neighbour() -> None:
    values = past_values(POLICY, week="2026-03-02")
    assert values[:6] == [1, 2, 3, 4, 5, 6]
    assert [math.isnan(value) for value in values[6:]] == [True, True]


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"week": "2026-01-13"}, "must be Mondays"),
        ({"until": "2026-01-05"}, "lies before"),
        ({"until": "2026-01-19", "new_level": True}, "has no `until`"),
        ({"by": ""}, "at least 1 character"),
    ],
)
def test_an_acknowledgement_that_makes_no_sense_is_refused(known: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        acknowledging(**known)
