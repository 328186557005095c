"""How many requests at once a provider is given, on a clock that the tests turn."""

import random

import pytest

from eval_pipeline.adapters.model_calls.level import Level


def answers(level: Level, count: int, *, at: float) -> int:
    for _ in range(count):
        level.answered(sent_at=at)
    return level.limit


def test_it_doubles_with_every_round_that_goes_well_up_to_the_ceiling() -> None:
    level = Level(100, first=8)
    # 8 answers make 16, 16 make 32, ...
    rounds = [answers(level, level.limit, at=number) for number in range(5)]
    assert rounds == [16, 32, 64, 100, 100]


def test_it_never_begins_above_the_ceiling() -> None:
    assert Level(4, first=8).limit == 4


def test_the_first_429_halves_it_and_ends_the_doubling() -> None:
    level = Level(64, first=16)
    assert level.refused(sent_at=0.0, now=1.0)
    assert level.limit == 8
    # Answers at 8 at once add 1/8 or a little less each: nine lift it to 9.
    assert answers(level, 9, at=1.0) == 9


def test_requests_that_were_on_their_way_together_halve_it_once() -> None:
    level = Level(64, first=16)
    cuts = [level.refused(sent_at=0.0, now=1.0 + number / 10) for number in range(5)]
    assert (cuts, level.limit) == ([True, False, False, False, False], 8)


def test_what_was_sent_before_a_cut_does_not_lift_it() -> None:
    level = Level(64, first=16)
    level.refused(sent_at=0.0, now=1.0)
    assert answers(level, 50, at=0.5) == 8


def test_after_two_cuts_it_looks_at_what_they_brought_before_a_third() -> None:
    level = Level(64, first=64)
    seen = []
    for number in range(4):
        level.refused(sent_at=float(number), now=number + 0.5)
        seen.append(level.limit)
    assert seen == [32, 16, 16, 16]
    # A provider that refuses everything is slowed on down to one.
    for number in range(4, 400):
        level.refused(sent_at=float(number), now=number + 0.5)
    assert level.limit == 1


def served(level: Level, *, refused_share: float, rounds: int, seed: int) -> list[int]:
    """The limit after each of so many rounds, in which requests are refused at random."""
    chance, limits = random.Random(seed), []
    for number in range(rounds):
        at = float(number)
        fates = [chance.random() < refused_share for _ in range(level.limit)]
        for refused in fates:
            if refused:
                level.refused(sent_at=at, now=at + 0.5)
            else:
                level.answered(sent_at=at)
        limits.append(level.limit)
    return limits


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_refusals_that_do_not_depend_on_the_load_do_not_cost_the_pace(share: float) -> None:
    reached = [
        served(Level(64, first=8), refused_share=share, rounds=120, seed=seed) for seed in range(40)
    ]
    # From the 40th round on, over 40 seeds: mostly near the ceiling.
    later = [limit for limits in reached for limit in limits[40:]]
    assert sum(later) / len(later) > 40


def test_a_provider_that_bears_ten_at_once_gets_about_ten() -> None:
    level = Level(64, first=8)
    used, refused_in_all = [], 0
    for number in range(300):
        at, sent = float(number), level.limit
        for place in range(sent):
            if place < 10:
                level.answered(sent_at=at)
            else:
                refused_in_all += 1
                level.refused(sent_at=at, now=at + 0.5)
        used.append(sent)
    later = used[50:]
    assert 5 <= sum(later) / len(later) <= 12
    assert max(later) <= 16
    assert refused_in_all < 0.15 * sum(used)


def test_noise_is_forgotten_once_the_429s_stop() -> None:
    level = Level(64, first=8)
    served(level, refused_share=0.3, rounds=60, seed=3)
    answers(level, 3_000, at=100.0)
    assert level.limit == 64
    # One 429 is then again a reason to go slower.
    assert level.refused(sent_at=101.0, now=101.5)


def test_a_provider_that_fails_often_is_held_at_its_level() -> None:
    level = Level(64, first=8)
    for _ in range(10):
        level.failed(sent_at=0.0)
    assert answers(level, 3, at=0.0) == 8
    # The share of failures falls below a fifth after some more answers, then it grows again.
    assert answers(level, 40, at=0.0) > 8


def test_a_rare_failure_stops_nothing() -> None:
    level = Level(64, first=8)
    level.failed(sent_at=0.0)
    assert answers(level, 8, at=0.0) == 16


def test_it_tells_a_provider_that_answers_from_one_that_is_down() -> None:
    level = Level(64, first=8)
    assert level.mostly_answers
    for _ in range(100):
        level.failed(sent_at=0.0)
    assert not level.mostly_answers
    answers(level, 100, at=0.0)
    assert level.mostly_answers
