import polars as pl
import pytest

from eval_pipeline.truth.saturation import saturated_items

SCHEMA = {
    "week": pl.String,
    "item_id": pl.String,
    "item_revision": pl.Int64,
    "system_id": pl.String,
    "stream": pl.String,
    "score": pl.Float64,
}


def trials(*rows) -> pl.DataFrame:
    """week, item, system, score and, where given, revision and stream."""
    full = [
        (f"2026-0{week}-01", item, revision, system, stream, score)
        for week, item, system, score, revision, stream in (
            (*row, *(1, "rerun")[len(row) - 4 :]) for row in rows
        )
    ]
    return pl.DataFrame(full, schema=SCHEMA, orient="row")


def asked(scores, *, item="a", system="s"):
    return [(week, item, system, score) for week, score in enumerate(scores, start=1)]


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        ([1.0, 1.0, 1.0], True),
        ([0.0, 1.0, 1.0, 1.0], True),  # what was before the newest three does not matter
        ([1.0, 1.0], False),  # asked in two weeks only
        ([1.0, 1.0, 0.99], False),
        ([1.0, 1.0, None], False),  # an error is never a score
        ([1.0, 1.0, 1.0, None], False),
    ],
)
def test_full_score_in_each_of_the_newest_weeks_is_saturated(scores, found):
    assert saturated_items(trials(*asked(scores)), weeks=3) == ({"a"} if found else set())


def test_one_system_that_fails_or_was_not_asked_keeps_an_item_telling():
    both = [*asked([1.0, 1.0]), *asked([1.0, 1.0], system="t")]
    assert saturated_items(trials(*both), weeks=2) == {"a"}
    worse = [*asked([1.0, 1.0]), *asked([1.0, 0.5], system="t")]
    assert saturated_items(trials(*worse), weeks=2) == set()
    # t was asked b in the second week, and not a
    absent = [*asked([1.0, 1.0]), *asked([1.0], system="t"), (2, "b", "t", 1.0)]
    assert saturated_items(trials(*absent), weeks=2) == set()


def test_an_item_s_weeks_are_those_in_which_it_was_asked():
    # a was not asked in the second week: its newest two are the first and the third
    assert saturated_items(
        trials((1, "a", "s", 1.0), (2, "b", "s", 1.0), (3, "a", "s", 1.0)), weeks=2
    ) == {"a"}


def test_a_new_revision_starts_anew_and_scored_again_is_not_asked_again():
    revised = [*asked([1.0, 1.0]), (3, "a", "s", 1.0, 2)]
    assert saturated_items(trials(*revised), weeks=2) == set()
    rejudged = [*asked([1.0]), (2, "a", "s", 1.0, 1, "rejudged")]
    assert saturated_items(trials(*rejudged), weeks=2) == set()


def test_without_trials_nothing_is_saturated():
    assert saturated_items(trials(), weeks=2) == set()
