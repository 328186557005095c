"""A rotation's effect, told apart into exits, revisions and entries; by hand."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.rotation_effect import rotation_effects
from eval_pipeline.reports.rotation_plots import in_words, rotation_chart
from eval_pipeline.settings import SYNTHETIC_SUBSET, DriftSettings
from eval_pipeline.tables import DRIFT_TRIALS, ROTATION_EFFECT

POLICY = DriftSettings(confidence=0.95, minimum_difference=0.02)
EFFECTS = ("exit_effect", "revision_effect", "entry_effect")


def trials(*rows, system: str = "steady") -> pl.DataFrame:
    """`rows`: (item, revision, versions, score) and optionally subsets, conversation."""
    return DRIFT_TRIALS.conform(
        pl.DataFrame(
            [
                {
                    "system_id": system,
                    "item_id": item,
                    "item_revision": revision,
                    "stream": "rerun",
                    "trial": 1,
                    "golden_versions": versions,
                    "route": "orders",
                    "subsets": list(more[0]) if more else [],
                    "conversation_key": more[1] if len(more) > 1 else f"c-{item}",
                    "scorer": "panel",
                    "score": score,
                    "status": "answered",
                    "attempts": 1,
                }
                for item, revision, versions, score, *more in rows
            ],
            schema=DRIFT_TRIALS.schema,
        )
    )


def effects(frame: pl.DataFrame) -> dict[str, dict]:
    found = rotation_effects(frame, policy=POLICY)
    return {row["subset"]: row for row in found.iter_rows(named=True)}


ROTATED = trials(
    ("kept-1", 1, [1, 2], 1.0),
    ("kept-2", 1, [1, 2], 0.0, ["refunds"]),
    ("revised", 1, [1], 0.0),
    ("revised", 2, [2], 1.0),
    ("gone-1", 1, [1], 1.0),
    ("gone-2", 1, [1], 1.0),
    ("come", 1, [2], 0.5),
)


def test_the_difference_is_the_sum_of_exits_revisions_and_entries() -> None:
    row = effects(ROTATED)["all"]
    # 3 of 5 right before, and 2.5 of 4 after
    assert row["mean_before"] == pytest.approx(0.6)
    assert row["mean_after"] == pytest.approx(0.625)
    # in both: (1 + 0 + 0) / 3 as it was, (1 + 0 + 1) / 3 as it is
    assert row["overlap_before"] == pytest.approx(1 / 3)
    assert row["overlap_after"] == pytest.approx(2 / 3)
    assert row["exit_effect"] == pytest.approx(1 / 3 - 0.6)
    assert row["revision_effect"] == pytest.approx(1 / 3)
    assert row["entry_effect"] == pytest.approx(0.625 - 2 / 3)
    assert row["difference"] == pytest.approx(0.025)
    counts = ("items_before", "items_after", "items_kept", "items_revised")
    assert [row[name] for name in counts] == [5, 4, 2, 1]
    assert (row["items_retired"], row["items_admitted"]) == (2, 1)


def test_two_versions_with_the_same_items_differ_by_nothing_at_all() -> None:
    row = effects(trials(*((f"i{n}", 1, [1, 2], float(n % 2)) for n in range(20))))["all"]
    assert [row[name] for name in EFFECTS] == [0.0, 0.0, 0.0]
    assert (row["difference"], row["lower"], row["upper"]) == pytest.approx((0, 0, 0), abs=1e-12)
    assert row["finding"] == "within_noise"


def test_a_missing_score_takes_the_item_out_of_both_versions_and_is_counted() -> None:
    row = effects(
        trials(
            ("a", 1, [1, 2], 1.0),
            ("b", 1, [1], 1.0),
            ("b", 2, [2], None),
            ("c", 1, [2], None),
            ("d", 1, [2], 0.0),
        )
    )["all"]
    assert row["missing_items"] == 2
    assert (row["items_before"], row["items_after"]) == (1, 2)
    assert row["items_retired"] == 0


def test_synthetic_items_stay_out_of_all_and_count_in_their_subset() -> None:
    frame = trials(
        ("a", 1, [1, 2], 1.0, ["hard"]),
        ("b", 1, [1, 2], 0.0),
        ("s", 1, [1, 2], 1.0, [SYNTHETIC_SUBSET]),
        ("t", 1, [2], 0.0, [SYNTHETIC_SUBSET]),
    )
    found = effects(frame)
    assert (found["all"]["items_after"], found["all"]["synthetic_items"]) == (2, 0)
    made = found[SYNTHETIC_SUBSET]
    assert (made["items_before"], made["items_after"], made["synthetic_items"]) == (1, 2, 2)
    assert made["entry_effect"] == pytest.approx(-0.5)  # (1 + 0) / 2 after, 1 before


def test_an_item_that_leaves_a_subset_by_a_revision_is_an_exit_of_the_subset() -> None:
    frame = trials(
        ("a", 1, [1, 2], 1.0, ["refunds"]),
        ("b", 1, [1], 0.0, ["refunds"]),
        ("b", 2, [2], 0.0, []),
    )
    found = effects(frame)
    assert found["refunds"]["items_retired"] == 1
    assert found["all"]["items_revised"] == 1
    assert found["all"]["items_retired"] == 0


def test_many_easy_entries_are_a_shift_and_a_few_are_within_noise() -> None:
    stay = [(f"k{n}", 1, [1, 2], float(n % 2)) for n in range(100)]
    many = effects(trials(*stay, *((f"n{n}", 1, [2], 1.0) for n in range(60))))["all"]
    few = effects(trials(*stay, ("n0", 1, [2], 1.0), ("n1", 1, [2], 1.0)))["all"]
    assert many["finding"] == "shift"
    # 60 of 160 items, half a point easier: .375 x .5
    assert many["entry_effect"] == pytest.approx(0.1875)
    assert many["entry_lower"] > 0
    assert few["finding"] == "within_noise"


def test_without_an_overlap_only_the_difference_is_told() -> None:
    row = effects(trials(("a", 1, [1], 1.0), ("b", 1, [1], 1.0), ("c", 1, [2], 0.0)))["all"]
    assert row["difference"] == pytest.approx(-1)
    assert [row[name] for name in EFFECTS] == [None, None, None]
    assert row["note"] == "no item is in both versions"


def test_a_version_without_scores_is_not_measured() -> None:
    row = effects(trials(("a", 1, [1], 1.0), ("c", 1, [2], None)))["all"]
    assert (row["finding"], row["difference"]) == ("not_measured", None)
    assert row["note"] == "no item of the version after has a score"


def test_pairs_are_consecutive_and_rejudged_answers_say_nothing() -> None:
    frame = trials(*((f"i{n}", 1, [3, 4, 5], 1.0) for n in range(4)))
    rejudged = frame.with_columns(stream=pl.lit("rejudged"), score=pl.lit(0.0))
    found = rotation_effects(pl.concat([frame, rejudged]), policy=POLICY)
    pairs = found.select("version_before", "version_after").rows()
    assert pairs == [(3, 4), (4, 5)]
    assert set(found["mean_after"]) == {1.0}


def test_one_version_alone_makes_no_row() -> None:
    found = rotation_effects(trials(("a", 1, [1], 1.0)), policy=POLICY)
    assert found.is_empty()
    assert found.schema == ROTATION_EFFECT.schema
    assert "nothing to compare" in rotation_chart(found)
    assert in_words(found).is_empty()


HELD = st.sampled_from(["kept", "revised", "gone", "come"])
SCORE = st.floats(0, 1)


@given(st.lists(st.tuples(HELD, SCORE, SCORE, st.integers(0, 5)), min_size=1, max_size=30))
def test_the_three_effects_sum_to_the_difference_whatever_the_scores(drawn) -> None:
    rows = []
    for number, (held, first, second, conversation) in enumerate(drawn):
        more = ([], f"c{conversation}")
        if held == "revised":
            rows.append((f"i{number}", 1, [1], first, *more))
            rows.append((f"i{number}", 2, [2], second, *more))
        else:
            versions = {"kept": [1, 2], "gone": [1], "come": [2]}[held]
            rows.append((f"i{number}", 1, versions, first, *more))
    row = effects(trials(*rows)).get("all")
    if row is None or row["difference"] is None or row["exit_effect"] is None:
        return
    assert sum(row[name] for name in EFFECTS) == pytest.approx(row["difference"], abs=1e-12)
    for effect, prefix in (("difference", ""), ("exit_effect", "exit_")):
        assert row[f"{prefix}lower"] <= row[f"{prefix}upper"]
        assert row[effect] is not None


def test_the_words_name_the_finding_and_the_chart_is_the_same_twice() -> None:
    found = rotation_effects(ROTATED, policy=POLICY)
    words = in_words(found).filter(pl.col("subset") == "all").row(0, named=True)
    assert words["finding"] == "within noise"
    assert words["exits"].startswith("-26.7 (")
    assert rotation_chart(found) == rotation_chart(found)
    assert "Versions 1 to 2: within noise" in rotation_chart(found)
