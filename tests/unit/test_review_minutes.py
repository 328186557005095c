import random

import pytest

from eval_pipeline.review.minutes import (
    DEFAULT_READING,
    characters_of_subject,
    characters_shown,
    fitted_reading,
)


def test_before_it_is_measured_a_text_is_read_at_a_thousand_characters_a_minute() -> None:
    # half a minute to decide and two to read
    assert DEFAULT_READING.minutes(2000) == pytest.approx(2.5)
    assert (DEFAULT_READING.minutes(0), DEFAULT_READING.minutes(10**7)) == (0.5, 30.0)
    assert fitted_reading([(1000, 60.0)] * 29) == DEFAULT_READING


def test_overhead_and_speed_are_those_of_the_labels() -> None:
    # 20 seconds and 1 for every 50 characters: a third of a minute, 3,000 characters a minute
    rule = fitted_reading([(100 * n, 20 + 2 * n) for n in range(40)])
    assert rule.overhead_minutes == pytest.approx(20 / 60)
    assert rule.characters_a_minute == pytest.approx(3000)
    assert rule.labels == 40
    assert rule.minutes(3000) == pytest.approx(80 / 60)


def test_one_label_in_five_left_open_over_coffee_changes_little() -> None:
    draws = random.Random(7)
    measured = [(100 * n, 20 + 2 * n + draws.uniform(-3, 3)) for n in range(100)]
    for position in range(0, 100, 5):
        measured[position] = (measured[position][0], draws.uniform(600, 3600))
    rule = fitted_reading(measured)
    assert rule.minutes(3000) == pytest.approx(80 / 60, rel=0.25)


def test_labels_that_take_no_longer_for_longer_texts_take_their_median() -> None:
    rule = fitted_reading([(100 * n, 90.0 - n) for n in range(40)])
    # 51 to 90 seconds: the upper median is 71
    assert (rule.minutes(0), rule.minutes(10**6)) == (71 / 60, 71 / 60)
    same = fitted_reading([(500, 30.0 + n) for n in range(31)])
    assert same.minutes(500) == pytest.approx(45 / 60)


def test_only_the_newest_five_hundred_labels_count() -> None:
    old = [(100 * (n % 40), 1000.0) for n in range(200)]
    new = [(100 * (n % 40), 20.0 + 2 * (n % 40)) for n in range(500)]
    assert fitted_reading([*old, *new]).labels == 500
    assert fitted_reading([*old, *new]).overhead_minutes == pytest.approx(20 / 60)


def test_characters_are_those_of_conversation_and_response() -> None:
    messages = [{"role": "user", "content": "when?"}, {"role": "tool", "content": None}]
    assert characters_shown(messages, "tomorrow") == 13
    assert characters_shown(None, None) == 0
    subject = '{"criteria":["x"],"messages":[{"content":"when?"}],"response":"tomorrow"}'
    assert characters_of_subject(subject) == 13
