from collections.abc import Iterator
from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from faker.providers.person.en_US import Provider as AmericanNames

from eval_pipeline.demo.knowledge import assess
from eval_pipeline.demo.logs import LogSummary, planted_canaries, route_mix, write_logs
from eval_pipeline.demo.people import (
    _COMMON_FIRST,
    _COMMON_LAST,
    _RARE_FIRST,
    _RARE_LAST,
    customer,
    iban_valid,
    luhn_valid,
)
from eval_pipeline.demo.pharmacy_models import DEMO_WEEKS
from eval_pipeline.tables import INTERACTION_SCHEMA

SEED = 11
WEEKS = DEMO_WEEKS[4:6]
PEOPLE = [customer(number, seed=SEED) for number in range(400)]


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> LogSummary:
    return write_logs(tmp_path_factory.mktemp("logs"), weeks=WEEKS, seed=SEED)


@pytest.fixture(scope="module")
def logs(written) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(file) for file in written.files])


def texts_of(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts_of(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts_of(part)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path):
    def written_with(seed: int, folder: str) -> bytes:
        summary = write_logs(
            tmp_path / folder, weeks=WEEKS[:1], seed=seed, conversations_per_week=120
        )
        return summary.files[0].read_bytes()

    assert written_with(1, "one") == written_with(1, "two")
    assert written_with(1, "one") != written_with(2, "three")


def test_a_week_does_not_depend_on_the_weeks_written_with_it(tmp_path: Path):
    options = {"seed": SEED, "conversations_per_week": 60}
    alone = write_logs(tmp_path / "alone", weeks=WEEKS[1:], **options)
    together = write_logs(tmp_path / "together", weeks=WEEKS, **options)
    assert alone.files[0].read_bytes() == together.files[1].read_bytes()


def test_logs_have_the_canonical_schema_and_lie_within_their_week(written, logs):
    assert logs.schema == INTERACTION_SCHEMA
    assert logs["interaction_id"].is_unique().all()
    for week, file in zip(WEEKS, written.files, strict=True):
        assert file.parent.name == f"week={week.isoformat()}"
        days = pl.read_parquet(file)["occurred_at"].dt.date()
        monday = days.dt.truncate("1w").unique().to_list()
        assert monday == [week]


def test_a_week_holds_about_1500_interactions_in_conversations_of_one_to_three(logs):
    assert logs.height / len(WEEKS) == pytest.approx(1500, abs=100)
    turns = logs.group_by("conversation_id").len()["len"]
    assert set(turns.to_list()) == {1, 2, 3}
    last_roles = logs["messages"].list.last().struct.field("role").unique().to_list()
    assert last_roles == ["user"]


def test_every_canary_stands_in_the_logs_exactly_as_listed(written, logs):
    everything = "\n".join(texts_of(logs.rows()))
    assert len(written.canaries) > 1000
    missing = [canary for canary in written.canaries if canary not in everything]
    assert missing == []


def test_canaries_can_be_recomputed_from_the_seed(written):
    assert planted_canaries(weeks=WEEKS, seed=SEED) == list(written.canaries)


@pytest.mark.parametrize("column", ["messages", "response", "user_id", "error", "attributes"])
def test_personal_data_are_planted_in_every_column_that_holds_text(column, written, logs):
    texts = "\n".join(texts_of(logs[column].to_list()))
    assert sum(canary in texts for canary in written.canaries) >= 3


def test_no_canary_is_so_short_that_it_could_stand_anywhere(written):
    assert min(len(canary) for canary in written.canaries) >= 9
    assert all(
        any(mark in canary for mark in " @_-./") or len(canary) > 15 for canary in written.canaries
    )


def test_cards_pass_luhn_and_ibans_their_check_digits():
    assert luhn_valid("4539578763621486")
    assert not luhn_valid("4539578763621487")
    assert iban_valid("GB82 WEST 1234 5698 7654 32")
    assert not iban_valid("GB83 WEST 1234 5698 7654 32")
    for person in PEOPLE:
        digits = person.value("card").replace(" ", "").replace("-", "")
        assert len(digits) == 16
        assert luhn_valid(digits)
        assert iban_valid(person.value("iban"))


def test_phone_numbers_are_valid_as_written():
    for person in PEOPLE:
        number = phonenumbers.parse(person.value("phone"))
        assert phonenumbers.is_valid_number(number), person.value("phone")


def test_common_names_are_in_fakers_lists_and_rare_ones_in_none():
    first = {str(name) for name in AmericanNames.first_names}
    last = {str(name) for name in AmericanNames.last_names}
    assert set(_COMMON_FIRST) <= first
    assert set(_COMMON_LAST) <= last
    assert first.isdisjoint(_RARE_FIRST)
    assert last.isdisjoint(_RARE_LAST)


def test_logged_quality_follows_the_baseline_and_its_silent_change(logs):
    answered = logs.filter(pl.col("response").is_not_null(), pl.col("route") == "refunds")
    right = {
        week: [
            assess(row["messages"], row["response"]).correct
            for row in answered.filter(
                pl.col("occurred_at").dt.date().dt.truncate("1w") == week
            ).iter_rows(named=True)
        ]
        for week in WEEKS
    }
    # About 270 a week: standard error of a difference sqrt(.86*.14/270 + .61*.39/270) = 0.036.
    before, after = (sum(right[week]) / len(right[week]) for week in WEEKS)
    assert 0.14 <= before - after <= 0.36


def test_outcomes_go_with_correctness_and_some_are_unknown(logs):
    answered = logs.filter(pl.col("response").is_not_null())
    scored = answered.with_columns(
        right=pl.Series(
            [
                assess(row["messages"], row["response"]).correct
                for row in answered.iter_rows(named=True)
            ]
        )
    )
    resolved = dict(scored.group_by("right").agg(pl.col("outcome").mean()).iter_rows())
    # Planted: 0.90 where right, 0.35 where wrong; about 400 wrong ones, standard error 0.024.
    assert resolved[True] == pytest.approx(0.90, abs=0.03)
    assert resolved[False] == pytest.approx(0.35, abs=0.08)
    assert 0.08 <= scored["outcome"].null_count() / scored.height <= 0.16


def test_few_calls_failed_and_those_have_an_error_and_no_response(logs):
    failed = logs.filter(pl.col("response").is_null())
    assert 0 < failed.height / logs.height < 0.02
    assert failed["error"].null_count() == 0
    assert failed["served_model"].null_count() == failed.height


def test_the_topic_mix_sums_to_one_and_medication_grows_every_week():
    mixes = [route_mix(week) for week in DEMO_WEEKS]
    for mix in mixes:
        assert sum(mix.values()) == pytest.approx(1.0)
        assert min(mix.values()) > 0.1
    shares = [mix["medication"] for mix in mixes]
    assert shares == sorted(set(shares))
