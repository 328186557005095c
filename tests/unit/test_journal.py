"""The journal keeps every attempt once, and gives back what it was given."""

import datetime as dt
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.adapters.schema import metadata
from eval_pipeline.errors import StoreError

NOON = dt.datetime(2026, 11, 16, 12, 0, tzinfo=dt.UTC)
KEY = CallKey("2026-11-16", "assistant", "item-1", 1, "f" * 32)
ANSWER = Attempt(
    key=KEY,
    attempt=1,
    status="answered",
    error_code=None,
    text="Take it with food.",
    requested_model="chat",
    served_model="chat-1",
    system_fingerprint="fp-1",
    finish_reason="stop",
    input_tokens=12,
    output_tokens=5,
    cost_usd=0.1 + 0.2,
    latency_seconds=1 / 3,
    recorded_at=NOON,
)


def failure(number: int, *, key: CallKey = KEY) -> Attempt:
    return replace(
        ANSWER, key=key, attempt=number, status="failed", error_code="server_error", text=None
    )


def made(journal: CallJournal, *keys: CallKey) -> list[int]:
    return [attempt.attempt for attempt in journal.last_attempts(keys).values()]


@contextmanager
def journal_in(folder: Path) -> Iterator[CallJournal]:
    engine = sa.create_engine(f"sqlite:///{folder / 'store.sqlite'}")
    metadata.create_all(engine)
    yield CallJournal(engine)
    engine.dispose()


@pytest.fixture
def sqlite_journal(tmp_path: Path) -> Iterator[CallJournal]:
    with journal_in(tmp_path) as journal:
        yield journal


@pytest.fixture
def journal_without_tables(tmp_path: Path) -> Iterator[CallJournal]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    yield CallJournal(engine)
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def journal(request: pytest.FixtureRequest) -> Iterator[CallJournal]:
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_journal")
        return
    engine = sa.create_engine(request.getfixturevalue("postgres_url"))
    metadata.create_all(engine)
    yield CallJournal(engine)
    engine.dispose()


def test_an_attempt_comes_back_exactly_as_it_was_recorded(journal: CallJournal) -> None:
    journal.record([ANSWER])
    assert journal.settled(KEY.scope) == {KEY: ANSWER}


def test_an_instant_keeps_its_moment_whatever_its_zone(journal: CallJournal) -> None:
    elsewhere = NOON.astimezone(dt.timezone(dt.timedelta(hours=9)))
    journal.record([replace(ANSWER, recorded_at=elsewhere)])
    assert journal.settled(KEY.scope)[KEY].recorded_at == NOON


def test_recording_an_attempt_again_changes_nothing(journal: CallJournal) -> None:
    journal.record([ANSWER])
    journal.record([replace(ANSWER, text="something else"), failure(2)])
    assert journal.settled(KEY.scope) == {KEY: ANSWER}
    assert made(journal, KEY) == [2]


def test_refused_calls_are_settled_and_failed_ones_are_not(journal: CallJournal) -> None:
    refused = replace(KEY, item_id="item-2")
    failed = replace(KEY, item_id="item-3")
    journal.record(
        [
            replace(ANSWER, key=refused, status="refused", text=None),
            failure(1, key=failed),
            failure(2, key=failed),
        ]
    )
    assert journal.settled(KEY.scope).keys() == {refused}
    assert made(journal, refused, failed) == [1, 2]


def test_scope_system_item_trial_and_request_each_make_another_call(journal: CallJournal) -> None:
    others = [
        replace(KEY, system_id="other"),
        replace(KEY, item_id="other"),
        replace(KEY, trial=2),
        replace(KEY, request_fingerprint="0" * 32),
    ]
    journal.record([ANSWER, *(replace(ANSWER, key=key) for key in others)])
    assert journal.settled(KEY.scope).keys() == {KEY, *others}
    assert journal.settled("2026-11-23") == {}


def test_of_two_answers_to_one_call_the_earlier_attempt_stands(journal: CallJournal) -> None:
    later = replace(ANSWER, attempt=10, text="later")
    journal.record([later, replace(ANSWER, attempt=2)])
    assert journal.settled(KEY.scope)[KEY].attempt == 2


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 12))
def test_the_order_of_recording_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cut: int
) -> None:
    attempts = [
        *(failure(number) for number in (1, 2, 3)),
        *(replace(ANSWER, attempt=number) for number in (4, 5)),
        *(replace(ANSWER, key=replace(KEY, trial=trial)) for trial in range(2, 9)),
    ]
    shuffled = random.Random(seed).sample(attempts, len(attempts))
    with journal_in(tmp_path_factory.mktemp("journal")) as journal:
        journal.record(shuffled[:cut])
        journal.record(shuffled[cut:])
        expected = {KEY: attempts[3], **{attempt.key: attempt for attempt in attempts[5:]}}
        assert journal.settled(KEY.scope) == expected
        assert made(journal, KEY) == [5]


def test_what_is_settled_can_be_narrowed_to_systems(journal: CallJournal) -> None:
    other = replace(KEY, system_id="another-system")
    journal.record([ANSWER, replace(ANSWER, key=other)])
    assert journal.settled(KEY.scope, systems=[KEY.system_id]).keys() == {KEY}
    assert journal.settled(KEY.scope, systems=[]) == {}
    assert journal.settled(KEY.scope).keys() == {KEY, other}


def test_a_missing_schema_is_said_without_quoting_a_row(
    journal_without_tables: CallJournal,
) -> None:
    journal = journal_without_tables
    with pytest.raises(StoreError, match="OperationalError") as caught:
        journal.record([ANSWER])
    assert "with food" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(StoreError):
        journal.settled(KEY.scope)


def test_the_writer_redacts_every_text_before_it_is_stored(
    tmp_path: Path, sqlite_journal: CallJournal
) -> None:
    journal = sqlite_journal
    with AttemptWriter(
        journal, redact=lambda texts: [text.replace("food", "[FOOD]") for text, _ in texts]
    ) as writer:
        writer.submit(ANSWER, route="*")
        writer.submit(failure(2), route="*")
    assert journal.settled(KEY.scope)[KEY].text == "Take it with [FOOD]."
    assert b"with food" not in (tmp_path / "store.sqlite").read_bytes()


def test_the_writer_commits_without_being_closed(sqlite_journal: CallJournal) -> None:
    journal = sqlite_journal
    with AttemptWriter(journal, redact=lambda texts: [text for text, _ in texts]) as writer:
        writer.submit(ANSWER, route="*")
        until = time.monotonic() + 10
        while not journal.settled(KEY.scope) and time.monotonic() < until:
            time.sleep(0.01)
        assert journal.settled(KEY.scope) == {KEY: ANSWER}


def test_the_writer_commits_what_is_left_when_an_error_ends_its_use(
    sqlite_journal: CallJournal,
) -> None:
    journal = sqlite_journal

    def interrupted() -> None:
        with AttemptWriter(journal, redact=lambda texts: [text for text, _ in texts]) as writer:
            for trial in range(1, 201):
                writer.submit(replace(ANSWER, key=replace(KEY, trial=trial)), route="*")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(journal.settled(KEY.scope)) == 200


def test_a_failed_commit_is_raised_at_the_latest_when_the_writer_closes(
    journal_without_tables: CallJournal,
) -> None:
    journal = journal_without_tables

    def write() -> None:
        with AttemptWriter(journal, redact=lambda texts: [text for text, _ in texts]) as writer:
            writer.submit(ANSWER, route="*")

    with pytest.raises(StoreError):
        write()


def test_the_writer_refuses_more_work_after_a_failed_commit(
    journal_without_tables: CallJournal,
) -> None:
    journal = journal_without_tables

    def write_on() -> None:
        with AttemptWriter(journal, redact=lambda texts: [text for text, _ in texts]) as writer:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                writer.submit(ANSWER, route="*")
                time.sleep(0.01)
            pytest.fail("the writer went on")

    with pytest.raises(StoreError):
        write_on()


def test_the_writer_redacts_by_the_route_that_a_text_belongs_to(journal: CallJournal) -> None:
    def by_route(texts: Sequence[tuple[str, str]]) -> list[str]:
        return [f"{route}: {text}" for text, route in texts]

    with AttemptWriter(journal, redact=by_route) as writer:
        writer.submit(ANSWER, route="store_hours")
    (held,) = journal.settled(KEY.scope).values()
    assert held.text == f"store_hours: {ANSWER.text}"
