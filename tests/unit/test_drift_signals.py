"""A week's DRIFT_SIGNALS from its tables, what is counted, and what the gate makes of them."""

import datetime as dt
import random

import polars as pl
import pytest

from eval_pipeline.evaluation.drift_detection.pinning import (
    PinOrder,
    keys_held,
    missing_reruns,
    pinned_in,
    reference_items,
    runs_wanted,
)
from eval_pipeline.evaluation.drift_detection.readings import FROZEN_COLUMNS
from eval_pipeline.evaluation.drift_detection.signals import signals_of_week
from eval_pipeline.evaluation.gate.drift import DECIDES_NOTHING, drift_grounds
from eval_pipeline.evaluation.trial_items import TrialItem
from eval_pipeline.reports.drift_plots import in_words, signal_sentence, signal_timeline
from eval_pipeline.settings import SYNTHETIC_SUBSET, DriftSettings, GateSettings
from eval_pipeline.tables import DRIFT_REFERENCE, DRIFT_SIGNALS, DRIFT_TRIALS

PINNED = "2026-11-02"
WEEKS = [(dt.date(2026, 11, 2) + dt.timedelta(weeks=n)).isoformat() for n in range(6)]
POLICY = DriftSettings(reference_runs=4, reference_days=1)
ITEMS = 40


def reference(
    runs: int = 4,
    *,
    items: int = ITEMS,
    pinned: str = PINNED,
    score: float = 1.0,
) -> pl.DataFrame:
    """Every item scored `score` in every run and stream, but for the first in the first run."""
    return pl.DataFrame(
        [
            {
                "system_id": "steady", "pinned_week": pinned, "stream": stream,
                "item_id": f"i{item:02d}", "item_revision": 1, "frozen_week": pinned,
                "run": run, "asked_on": dt.date(2026, 11, 2), "scorer": "panel",
                "score": 0.0 if item == 0 and run == 1 else score,
            }
            for stream in ("rerun", "rejudged")
            for item in range(items)
            for run in range(1, runs + 1)
        ],
        schema=DRIFT_REFERENCE.schema,
    )  # fmt: skip


def trials(
    rerun: list[float | None],
    rejudged: list[float | None] | None = None,
    *,
    revision: int = 1,
    subsets: tuple[str, ...] = ("refunds",),
) -> pl.DataFrame:
    """One item per score; `rejudged` is all right where it is not given."""
    streams = {"rerun": rerun, "rejudged": [1.0] * len(rerun) if rejudged is None else rejudged}
    return pl.DataFrame(
        [
            {
                "system_id": "steady", "item_id": f"i{item:02d}", "item_revision": revision,
                "stream": stream, "trial": 1, "subsets": list(subsets), "score": score,
            }
            for stream, scores in streams.items()
            for item, score in enumerate(scores)
        ],
        schema=DRIFT_TRIALS.schema,
    )  # fmt: skip


def frozen(count: int = ITEMS, *, score: float = 1.0) -> pl.DataFrame:
    rows = [("steady", f"i{item:02d}", 1, PINNED, score) for item in range(count)]
    return pl.DataFrame(rows, schema=FROZEN_COLUMNS, orient="row")


def weeks_of(*weeks: pl.DataFrame, runs: pl.DataFrame | None = None, audit: float = 1.0, **more):
    """The signals of each week, one after the other."""
    history, found = DRIFT_SIGNALS.empty().with_columns(week=pl.lit("")), []
    for week, asked in zip(WEEKS, weeks, strict=False):
        signals = signals_of_week(
            asked,
            reference=reference() if runs is None else runs,
            frozen=frozen(score=audit),
            history=history,
            systems=("steady",),
            week=week,
            policy=POLICY.model_copy(update=more),
        )
        history = pl.concat([history, signals.with_columns(week=pl.lit(week))])
        found.append(signals)
    return found


def row_of(signals: pl.DataFrame, stream: str = "rerun", subset: str = "all") -> dict:
    return signals.filter(stream=stream, subset=subset).row(0, named=True)


GOOD, WORSE = [1.0] * ITEMS, [0.0] * 8 + [1.0] * (ITEMS - 8)


def test_a_quiet_week_is_within_noise_and_says_so():
    row = row_of(weeks_of(trials(GOOD))[0])
    # One item was right in 3 of 4 runs: mean (39 + .75) / 40; 4/3 x 3/16 = 1/4 over 40²
    assert (row["value"], row["mu0"]) == (1.0, pytest.approx(39.75 / 40))
    assert row["sigma"] == pytest.approx(0.5 / 40)
    assert row["z"] == pytest.approx(0.5)
    assert (row["k_runs"], row["items"], row["finding"]) == (4, 40, "within_noise")
    assert signal_sentence(row) == (
        "steady, re-run now (provider and judge), all: within noise; +0.6 points this week, "
        "noise floor 1.2, on 40 items."
    )


def test_worse_new_answers_alarm_and_are_the_provider_s():
    row = row_of(weeks_of(trials(GOOD), trials(WORSE))[1])
    assert (row["finding"], row["attribution"], row["alarm_since"]) == (
        "alarm",
        "provider",
        WEEKS[1],
    )
    # 8 of 40 against 39.75 of 40: .8 - .99375
    assert row["shift"] == pytest.approx(-0.19375)


def test_frozen_answers_scored_lower_are_the_judge_s_and_so_is_the_re_run_s_alarm():
    signals = weeks_of(trials(GOOD), trials(WORSE, WORSE))[1]
    assert row_of(signals, "rejudged")["finding"] == "alarm"
    assert [row_of(signals, stream)["attribution"] for stream in ("rerun", "rejudged")] == [
        "judge", "judge",
    ]  # fmt: skip


def test_an_alarm_keeps_the_week_it_began_in():
    found = weeks_of(trials(GOOD), trials(WORSE), trials(WORSE), trials(WORSE))
    assert [row_of(signals)["alarm_since"] for signals in found] == [None, *[WEEKS[1]] * 3]


def test_verdicts_that_contradict_their_reference_leave_an_alarm_unattributed():
    signals = weeks_of(trials(WORSE), audit=0.0)[0]
    assert row_of(signals, "frozen")["finding"] == "alarm"
    assert row_of(signals)["attribution"] == "unattributed"


def test_without_reference_runs_nothing_is_measured():
    row = row_of(weeks_of(trials(WORSE), runs=DRIFT_REFERENCE.empty())[0])
    assert (row["finding"], row["alarm"], row["pinned_week"]) == ("not_measured", False, None)
    assert "There are no reference runs" in row["note"]
    assert row["without_reference"] == ITEMS


def test_one_reference_run_is_refused_with_the_reason():
    row = row_of(weeks_of(trials(WORSE), runs=reference(1))[0])
    assert (row["finding"], row["sigma"], row["missing"]) == ("not_measured", None, ITEMS)
    assert row["note"].startswith("One reference run is no basis")


def test_missing_and_unreferenced_items_are_counted_and_move_nothing():
    # i00 to i04 failed this week; i30 and later came after the pin and are all wrong.
    scores = [None] * 5 + [1.0] * 25 + [0.0] * 10
    row = row_of(weeks_of(trials(scores), runs=reference(items=30))[0])
    assert (row["items"], row["missing"], row["without_reference"]) == (25, 5, 10)
    assert (row["value"], row["mu0"]) == (1.0, 1.0)


def test_a_revised_reference_moves_nothing_before_it_has_runs_of_its_own():
    row = row_of(weeks_of(trials(WORSE, revision=2))[0])
    assert (row["finding"], row["without_reference"]) == ("not_measured", ITEMS)


def test_another_mix_of_items_is_held_against_the_same_items():
    # The 8 items that stay were always wrong, and still are.
    runs = reference().with_columns(
        score=pl.when(pl.col("item_id") < "i08").then(0.0).otherwise(pl.col("score"))
    )
    found = weeks_of(trials([0.0] * 8 + [1.0] * 32), trials([0.0] * 8), runs=runs)
    assert [row_of(signals)["value"] for signals in found] == [pytest.approx(0.8), 0.0]
    assert [row_of(signals)["finding"] for signals in found] == ["within_noise"] * 2


def test_a_new_pin_starts_the_sums_again_and_old_weeks_keep_the_old_one():
    again = pl.concat([reference(), reference(pinned=WEEKS[2], score=0.8)])
    found = weeks_of(
        trials(WORSE), trials(WORSE), trials([0.8] * 40), trials([0.8] * 40), runs=again
    )
    assert [row_of(signals)["pinned_week"] for signals in found] == [PINNED] * 2 + [WEEKS[2]] * 2
    assert [row_of(signals)["finding"] for signals in found] == ["alarm"] * 2 + ["within_noise"] * 2
    assert row_of(found[3])["cusum_down"] == 0.0


def test_subsets_alarm_by_the_family_of_all_of_them():
    signals = weeks_of(*[trials(WORSE)] * 3)[2]
    row = row_of(signals, subset="refunds")
    assert min(row["e_detector"], row["e_family"]) >= POLICY.average_run_length
    assert (row["finding"], row["attribution"]) == ("alarm", "provider")
    assert row_of(signals)["e_family"] is None


def test_synthetic_items_stand_in_their_own_rows_only():
    signals = weeks_of(trials(WORSE, subsets=(SYNTHETIC_SUBSET,)))[0]
    assert row_of(signals)["items"] == 0
    assert row_of(signals, subset=SYNTHETIC_SUBSET)["items"] == ITEMS


def test_runs_of_one_day_are_noted():
    row = row_of(weeks_of(trials(GOOD), reference_days=3)[0])
    assert "The reference runs are of 1 day, not of 3" in row["note"]


def test_the_order_of_rows_changes_no_byte():
    asked = trials(WORSE)
    places = list(range(asked.height))
    random.Random(3).shuffle(places)
    (forth,), (back,) = weeks_of(asked), weeks_of(asked[places], runs=reference().reverse())
    assert forth.equals(back)


def test_a_judge_s_alarm_suspends_and_a_provider_s_is_a_note():
    policy = GateSettings()
    judge = drift_grounds(None, policy, signals=weeks_of(trials(WORSE, WORSE))[0])
    assert judge.suspending[-1] == DECIDES_NOTHING
    assert "The judge drifted: frozen answers of system 'steady'" in judge.suspending[0]
    provider = drift_grounds(None, policy, signals=weeks_of(trials(WORSE))[0])
    assert provider.suspending == ()
    assert provider.notes[0].startswith("The provider drifted: -19.4 points on 'all'")


def test_an_unmeasured_noise_floor_is_a_note_and_no_more():
    signals = weeks_of(trials(WORSE), runs=reference(1))[0]
    grounds = drift_grounds(None, GateSettings(), signals=signals)
    assert (grounds.suspending, grounds.unknown, grounds.invalid) == ((), (), ())
    assert grounds.notes[0].startswith("The noise floor of system 'steady' is not measured")
    assert drift_grounds(None, GateSettings(), signals=None).notes == ()


def test_an_alarm_that_nobody_can_attribute_is_told_as_such():
    signals = weeks_of(trials(WORSE), audit=0.0)[0]
    told = drift_grounds(None, GateSettings(), signals=signals).notes
    assert "whether by provider or judge cannot be told" in told[0]
    assert "contradict their own reference" in told[-1]


def test_the_timeline_is_drawn_with_and_without_weeks():
    found = weeks_of(trials(GOOD), trials(WORSE))
    frame = pl.concat([s.with_columns(week=pl.lit(w)) for s, w in zip(found, WEEKS, strict=False)])
    drawn = signal_timeline(frame, threshold=4.0)
    assert drawn == signal_timeline(frame.reverse(), threshold=4.0)
    assert "steady, all items against their reference" in drawn
    assert "No week has a reference yet" in signal_timeline(frame.clear(), threshold=4.0)
    assert in_words(found[1])["finding"].to_list()[:1] == ["within noise"]


def item(name: str) -> TrialItem:
    return TrialItem(name, 1, "orders", (), (), None, name, "golden", (1,))


def test_a_pin_makes_the_runs_that_are_missing_and_no_more():
    items = [item("i00"), item("i01"), item("new")]
    held = keys_held(reference(2, items=2))
    asked = {
        run: [one.item_id for one in lacking]
        for run, lacking in missing_reruns(items, held, pinned=PINNED, runs=3)
    }
    assert asked == {1: ["new"], 2: ["new"], 3: ["i00", "i01", "new"]}


def test_an_order_bounds_the_runs_and_the_weekly_job_adds_none():
    wanted = lambda order, existing: runs_wanted(  # noqa: E731
        "steady", existing=existing, order=order, policy=POLICY
    )
    assert wanted(None, 2) == 2
    assert wanted(PinOrder(), 2) == 4
    assert wanted(PinOrder(runs=1), 2) == 3
    assert wanted(PinOrder(runs=9), 2) == 4
    assert wanted(PinOrder(systems=("other",)), 2) == 2
    # The setting was lowered since: what there is stays, for later items too.
    assert wanted(PinOrder(), 7) == 7


def test_only_an_order_pins_and_only_again_replaces():
    at = lambda standing, order: pinned_in(  # noqa: E731
        "steady", standing=standing, order=order, week="w9"
    )
    assert at(None, None) is None
    assert at(None, PinOrder()) == "w9"
    assert at("w1", PinOrder()) == "w1"
    assert at("w1", PinOrder(again=True)) == "w9"
    assert at("w1", PinOrder(systems=("other",), again=True)) == "w1"


def test_of_too_many_items_the_same_ones_keep_their_runs():
    items = [item(f"i{number:02d}") for number in range(30)]
    chosen = {one.item_id for one in reference_items(items, maximum=10)}
    assert len(chosen) == 10
    later = {one.item_id for one in reference_items(items[5:], maximum=10)}
    assert chosen - later <= {one.item_id for one in items[:5]}
