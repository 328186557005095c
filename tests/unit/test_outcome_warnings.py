"""Where the warning of lost tracking reaches a person: decision, plots, words."""

import polars as pl
import pytest

from eval_pipeline.evaluation.gate.outcome_tracking import REQUIRED, tracking_grounds
from eval_pipeline.reports.outcome_plots import (
    calibration_scatter,
    prediction_timeline,
    predictions_in_words,
    tracking_in_words,
    warnings,
)
from eval_pipeline.settings import GateSettings, OutcomeTrackingSettings
from eval_pipeline.tables import OUTCOME_PREDICTIONS, OUTCOME_TRACKING


def tracking(*rows: dict[str, object]) -> pl.DataFrame:
    usual = {"weeks": 12, "inside": 11, "finding": "tracks", "sentence": "It did."}
    return pl.DataFrame([{**usual, **row} for row in rows], schema=OUTCOME_TRACKING.schema)


LOST = tracking(
    {"subset": "all"},
    {"subset": "refunds", "finding": "no_longer_tracks", "since_week": "2026-10-12",
     "sentence": "Since 2026-10-12 it has been 6.1 points below."},
)  # fmt: skip


def test_a_lost_link_is_told_in_the_decision_and_changes_nothing_by_itself() -> None:
    found = tracking_grounds(LOST, GateSettings())
    told = "Outcome, subset 'refunds': Since 2026-10-12 it has been 6.1 points below."
    assert found.notes == (told,)
    assert (found.unknown, found.blocking, found.invalid) == ((), (), ())


def test_a_policy_that_asks_for_tracking_passes_nothing_without_it() -> None:
    policy = GateSettings(require_outcome_tracking=True)
    found = tracking_grounds(LOST, policy)
    assert found.unknown[-1] == REQUIRED
    assert len(found.unknown) == 2
    assert found.notes == ()


@pytest.mark.parametrize("frame", [None, tracking({"subset": "all"})])
def test_what_tracks_or_was_not_followed_is_not_mentioned(frame) -> None:
    policy = GateSettings(require_outcome_tracking=True)
    assert tracking_grounds(frame, policy) == tracking_grounds(None, GateSettings())


def test_the_link_starts_on_a_monday() -> None:
    with pytest.raises(ValueError, match="is a Tuesday; write the week's Monday"):
        OutcomeTrackingSettings.model_validate({"link_from": "2026-11-17"})


def test_warnings_name_their_subset() -> None:
    (found,) = warnings(LOST)
    assert found == "refunds: Since 2026-10-12 it has been 6.1 points below."


def predictions() -> pl.DataFrame:
    """Ten weeks of 'all' and a subset with a hostile name; the last week of 'all' is outside."""
    rows = [
        {
            "subset": subset, "week": f"2026-0{1 + week // 4}-{10 + week}", "basis": "rerun",
            "offline": 0.80 + week / 500, "offline_se": 0.01, "items": 100, "labelled": 0,
            "link": "level", "link_weeks": week, "predicted": None if week < 2 else 0.75,
            "lower": None if week < 2 else 0.70, "upper": None if week < 2 else 0.80,
            "outcome": 0.60 if (week, subset) == (9, "all") else 0.76, "observed": 300,
            "within_interval": None if week < 2 else (week, subset) != (9, "all"),
        }
        for week in range(10)
        for subset in ("all", "<b>$x$</b>")
    ]  # fmt: skip
    schema = {**OUTCOME_PREDICTIONS.schema, "week": pl.String}
    return pl.DataFrame(rows, schema=schema)


def test_the_plots_are_the_same_bytes_and_hold_names_as_text() -> None:
    frame, followed = predictions(), tracking({"subset": "all", "slope": 1.0})
    timeline = prediction_timeline(frame)
    assert timeline == prediction_timeline(frame.sample(fraction=1, shuffle=True, seed=1))
    scatter = calibration_scatter(frame, followed)
    assert scatter == calibration_scatter(frame, followed)
    for drawn in (timeline, scatter):
        assert drawn.startswith("<svg")
        assert "<b>" not in drawn
    assert "&lt;b&gt;$x$&lt;/b&gt;" in timeline


def test_inside_and_outside_differ_by_shape() -> None:
    lost = predictions()
    kept = lost.with_columns(within_interval=pl.col("within_interval").replace(False, True))
    # The marker of what lies outside is drawn once in the legend, and once more in the plot.
    shapes = [prediction_timeline(frame).count("<use") for frame in (lost, kept)]
    assert shapes[0] == shapes[1]
    assert prediction_timeline(lost) != prediction_timeline(kept)


def test_nothing_to_plot_is_still_drawn() -> None:
    empty = predictions().clear()
    assert prediction_timeline(empty).startswith("<svg")
    assert "Nothing to show yet." in calibration_scatter(empty, tracking().clear())


def test_words_put_all_traffic_first_and_dashes_where_nothing_is_known() -> None:
    week = predictions().filter(pl.col("week") == "2026-01-10").drop("week")
    words = predictions_in_words(week)
    assert words["subset"].to_list() == ["all", "<b>$x$</b>"]
    assert words.select("predicted", "interval", "inside").row(0) == ("—", "—", "—")
    told = tracking_in_words(tracking({"subset": "all", "bias": -0.031, "slope": 0.9}))
    assert told.select("finding", "inside", "bias", "slope").row(0) == (
        "tracks", "11 of 12", "-3.1", "0.90",
    )  # fmt: skip
