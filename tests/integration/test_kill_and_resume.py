"""`kill -9` in the middle of a job, then the same command again: nothing lost or paid twice."""

import contextlib
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest

from eval_pipeline.cli.story import DESK
from eval_pipeline.demo.provider_process import ProviderProcess
from tests.scenario import CANDIDATE, NEXT_WEEK, WEEKS, World, requests_seen

CALM = ("--rate-limited-share", "0", "--failed-share", "0")
CONCURRENCY = 4
UNANSWERED_AT_A_KILL = CONCURRENCY
"""In flight: a call is in the journal before its worker takes the next."""
SLOW_SECONDS = 0.02
POLL_SECONDS = 0.02


@pytest.fixture
def slow_provider() -> Iterator[ProviderProcess]:
    """A provider that never fails, slow enough for a kill to land between two answers."""
    with ProviderProcess(latency_median_seconds=SLOW_SECONDS, arguments=CALM) as process:
        yield process


@pytest.fixture
def slow_world(finished_world: World, slow_provider: ProviderProcess, tmp_path) -> World:
    return slowed(finished_world.copied_to(tmp_path / "world", provider_url=slow_provider.base_url))


@pytest.fixture
def spared_world(finished_world: World, slow_provider: ProviderProcess, tmp_path) -> World:
    """The same world, for the same command without a kill."""
    folder = tmp_path / "spared-world"
    return slowed(finished_world.copied_to(folder, provider_url=slow_provider.base_url))


def slowed(world: World) -> World:
    world.configure(
        lambda tree: tree["providers"]["pharmacy-cloud"].update(concurrency=CONCURRENCY)
    )
    return world


def journal(world: World, where: str = "1") -> list[tuple]:
    """Answered calls by key, as the journal holds them on disk."""
    query = (
        "SELECT scope, system_id, item_id, trial, request_fingerprint, attempt, recorded_at "
        f"FROM call_attempts WHERE status = 'answered' AND {where} ORDER BY 1, 2, 3, 4, 5, 6"
    )
    with contextlib.closing(sqlite3.connect(world.store, timeout=30)) as store:
        return store.execute(query).fetchall()


def killed(world: World, *command: str, when: Callable[[], bool]) -> None:
    """Starts the command and kills it, without warning, as soon as `when` holds."""
    process = world.start(*command)
    deadline = time.monotonic() + 120
    while not when():
        if process.poll() is not None:
            _, said = process.communicate()
            pytest.fail(f"it ended before the kill: {said.decode()[-500:]}")
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.communicate()


def has_answers(world: World, scope: str, answers: int) -> Callable[[], bool]:
    """Whether the journal holds so many answers of the scope yet."""
    return lambda: len(journal(world, f"scope = '{scope}'")) >= answers


def finished(world: World, *command: str) -> int:
    process = world.start(*command)
    _, said = process.communicate(timeout=300)
    assert b"Traceback" not in said, said.decode()[-2000:]
    return process.returncode


def assert_nothing_recorded_was_paid_again(
    world: World, provider: ProviderProcess, *, at_the_kills: list[list[tuple]], scope: str
) -> None:
    answered = journal(world, f"scope = '{scope}'")
    keys = [row[:5] for row in answered]
    assert len(keys) == len(set(keys)), "a call was answered and recorded twice"
    for rows in at_the_kills:
        assert set(rows) <= set(answered), "a recorded answer was lost or replaced"
    # What the server saw = what is recorded + at most what each kill left unrecorded.
    unrecorded = requests_seen(provider) - len(answered)
    assert 0 <= unrecorded <= UNANSWERED_AT_A_KILL * len(at_the_kills)


@pytest.mark.slow
def test_a_refresh_killed_twice_completes_and_pays_nothing_twice(
    slow_world, slow_provider, refreshed_world
):
    scope, command = f"refresh:{NEXT_WEEK}", ("refresh", "--week", NEXT_WEEK)
    labels = slow_world.count("labels")
    where = f"scope = '{scope}'"
    snapshots: list[list[tuple]] = []
    # 80 verdicts and then the refuter's calls: kill while judging and while refuting.
    for answers in (40, 85):
        killed(
            slow_world,
            *command,
            when=has_answers(slow_world, scope, answers),
        )
        snapshots.append(journal(slow_world, where))
    assert [len(rows) for rows in snapshots] == sorted(len(rows) for rows in snapshots)
    assert finished(slow_world, *command) == 0
    assert_nothing_recorded_was_paid_again(
        slow_world, slow_provider, at_the_kills=snapshots, scope=scope
    )
    assert slow_world.count("labels") == labels
    queued = slow_world.count("review_tasks", f"week = '{NEXT_WEEK}'")
    assert queued > 0

    # An uninterrupted run of the same week queues the very same tasks.
    assert refreshed_world.count("review_tasks", f"week = '{NEXT_WEEK}'") == queued
    path = f"disputes/week={NEXT_WEEK}/part-0.parquet"
    assert slow_world.files()[path] == refreshed_world.files()[path]


@pytest.mark.slow
def test_a_publish_killed_at_any_moment_leaves_one_version_and_every_label(queued_world):
    with queued_world.pipeline() as pipeline:
        DESK.work(pipeline, week=NEXT_WEEK)
    labels = queued_world.count("labels"), queued_world.count("adjudications")
    command = ("publish", "--week", NEXT_WEEK)
    version = queued_world.lake / "golden" / f"{len(WEEKS) + 1:06d}"
    moments: list[Callable[[], bool]] = [
        (queued_world.lake / "judge_calibration" / f"week={NEXT_WEEK}").exists,
        lambda: version.exists() and any(version.iterdir()),
    ]
    for moment in moments:
        if not moment():
            killed(queued_world, *command, when=moment)
    assert finished(queued_world, *command) == 0
    with queued_world.pipeline() as pipeline:
        golden = pipeline.golden
        assert [golden.manifest(number).week for number in golden.numbers()] == [
            *WEEKS,
            NEXT_WEEK,
        ]
        assert not any(golden.verify(number) for number in golden.numbers())
    assert (queued_world.count("labels"), queued_world.count("adjudications")) == labels


@pytest.mark.slow
def test_a_killed_gate_decides_as_if_nothing_had_happened(slow_world, slow_provider, spared_world):
    for world in (slow_world, spared_world):
        shipped = world.folder / "candidates" / f"{CANDIDATE}.yaml"
        (shipped.parent / "late.yaml").write_text(shipped.read_text(encoding="utf-8"))
    scope, command = "candidate:late", ("gate", "--candidate", "late")
    where = f"scope = '{scope}'"
    snapshots: list[list[tuple]] = []
    for answers in (60,):
        killed(
            slow_world,
            *command,
            when=has_answers(slow_world, scope, answers),
        )
        snapshots.append(journal(slow_world, where))
    code = finished(slow_world, *command)
    assert_nothing_recorded_was_paid_again(
        slow_world, slow_provider, at_the_kills=snapshots, scope=scope
    )
    assert code == spared_world.run(*command).code
    path = "regression_report/candidate=late/part-0.parquet"
    assert slow_world.files()[path] == spared_world.files()[path]


@pytest.mark.slow
def test_a_run_that_found_its_answers_recorded_never_turns_to_the_provider(world, provider):
    before = requests_seen(provider)
    assert world.run("refresh", "--week", WEEKS[0]).code == 0
    assert requests_seen(provider) == before
