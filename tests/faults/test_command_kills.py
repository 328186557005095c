"""`kill -9` at seeded points of every job and of what people do: run again, it ends unharmed.

Each command is first run unharmed from the beginning of its scenario; that tells which boundaries
it crosses and how the world looks at its end. Then it is killed at one boundary after the other,
always from the same beginning. Before it is run again readers must find every file as it was or
as it is to be; afterwards everything is as if nobody had been killed.
"""

import signal
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assets.jobs import ALL_JOBS
from eval_pipeline.demo.logs import planted_canaries
from tests.command_worlds import CONCURRENCY, LATE, UNDECIDED, Course, said, words_of
from tests.fault_ledger import SEED, FaultLedger
from tests.kills import AFTER, BEFORE, TORN, Death
from tests.plain_ends import unclear
from tests.scenario import (
    CONVERSATIONS,
    KEY,
    MONDAYS,
    NEXT_WEEK,
    WEEKS,
    World,
    planted_strings_in,
    requests_seen,
)
from tests.scenario import (
    SEED as WORLD_SEED,
)
from tests.sizes import FULL
from tests.world_state import (
    KEPT,
    WorldState,
    difference,
    differing,
    problems,
    state_of,
    version_problems,
)

pytestmark = pytest.mark.slow

EVERY_DAY = 2
"""Scenarios that the everyday run plays, and kills in each."""


@dataclass(frozen=True)
class Scenario:
    """A command in a stage's world; `points` is how often it is killed at full size.

    `anew`: what it pays is a measurement of this very run, and is asked anew by the next.
    """

    stage: str
    words: tuple[str, ...]
    points: int
    job: str | None = None
    anew: bool = False

    @property
    def name(self) -> str:
        return " ".join(self.words)


def of(stage: str, *words: str, points: int, job: str | None = None, **more: Any) -> Scenario:
    return Scenario(stage, words, points, job, **more)


SMALL_LOAD = ("--yes", "--ramp", "1,4", "--rates", "60", "--requests-per-step", "20")
WHY = ("--by", "ada", "--reason", "looked at it")
SCENARIOS = (
    of("begun", "refresh", "--week", NEXT_WEEK, points=20, job="refresh"),
    of("begun", "monitor", "--week", NEXT_WEEK, points=9, job="monitor"),
    of("reviewed", "publish", "--week", NEXT_WEEK, points=24, job="publish"),
    of("published", "audit", "--week", NEXT_WEEK, points=8, job="audit_gate"),
    of("published", "judge-checks", "--week", NEXT_WEEK, points=12, job="judge_checks"),
    of("published", "drift", "--week", NEXT_WEEK, points=12, job="drift"),
    of("begun", "drift", "pin", "--week", WEEKS[1], points=9, job="drift_pin"),
    of("begun", "evaluate", "--candidate", LATE, points=8, job="evaluate"),
    of("begun", "review", "audit-candidate", "--candidate", UNDECIDED, points=9, job="audit"),
    of("begun", "gate", "--candidate", LATE, points=16, job="gate"),
    of("published", "step", "record", UNDECIDED, points=6, job="record"),
    of("begun", "triage", "--candidate", UNDECIDED, points=10, job="triage"),
    of("published", "continue-gate", "--candidate", UNDECIDED, points=12, job="continue_gate"),
    of("begun", "aa", "--week", WEEKS[1], points=10, job="aa"),
    of("published", "step", "report", NEXT_WEEK, points=10, job="report"),
    of("published", "alerts", "digest", "--send", "--week", NEXT_WEEK, points=8, job="digest"),
    of(
        "begun", "shadow", "run", "--candidate", UNDECIDED, "--items", "20", points=10, job="shadow"
    ),
    of("begun", "load", UNDECIDED, *SMALL_LOAD, points=8, job="load", anew=True),
    of("begun", "watch", points=8),
    of("begun", "alerts", "send", points=9),
    of("refreshed", "step", "review", NEXT_WEEK, points=5),
    of("published", "step", "withdraw", points=4),
    of("begun", "waive", UNDECIDED, "--until", "2099-01-01", *WHY, points=3),
)


def chosen() -> Sequence[Scenario]:
    """All scenarios, or the few of an ordinary day, which the seed chooses."""
    return SCENARIOS if FULL else Random(f"scenarios {SEED}").sample(SCENARIOS, EVERY_DAY)


def deaths(passed: Sequence[tuple[str, bool]], *, points: int, seed: str) -> list[Death]:
    """Where to die: boundaries of each name in turn, so that the rare ones come too.

    The last of a name is left out where threads overlap: another run may not come to it.
    """
    random = Random(f"{seed} {SEED}")
    torn = {name for name, half in passed if half}
    counts = Counter(name for name, _ in passed)
    left: dict[str, list[Death]] = {}
    for name, count in counts.items():
        steady = count if name not in OVERLAPPING else max(1, count - CONCURRENCY - count // 3)
        moments = (BEFORE, TORN, AFTER) if name in torn else (BEFORE, AFTER)
        left[name] = [Death(name, nth, moment) for nth in range(steady) for moment in moments]
        random.shuffle(left[name])
    found: list[Death] = []
    while left and len(found) < points:
        for name in random.sample(sorted(left), len(left)):
            found.append(left[name].pop())
            if not left[name]:
                del left[name]
    return found[:points]


OVERLAPPING = {"request", "commit store"}


def test_every_job_is_killed_in_some_scenario() -> None:
    assert {scenario.job for scenario in SCENARIOS} - {None} == {job.name for job in ALL_JOBS}


@pytest.mark.parametrize("scenario", chosen(), ids=lambda scenario: scenario.name)
def test_a_killed_command_that_is_run_again_ends_as_if_nobody_had_killed_it(
    course: Course, fault_ledger: FaultLedger, scenario: Scenario, tmp_path: Path
) -> None:
    world = course.beginning(scenario.stage)
    before = state_of(world)
    told, paid = len(course.receiver.requests), requests_seen(course.provider)
    unharmed = course.run(world, *scenario.words)
    assert unharmed.signal == 0
    after = state_of(world)
    assert unclear(world, *said(world)) == []
    assert problems(world) == []
    told, paid = len(course.receiver.requests) - told, requests_seen(course.provider) - paid
    points = scenario.points if FULL else EVERY_DAY
    for death in deaths(unharmed.boundaries, points=points, seed=scenario.name):
        where = f"{scenario.name}: {death}"
        world = course.beginning(scenario.stage)
        messages, requests = len(course.receiver.requests), requests_seen(course.provider)
        killed = course.run(world, *scenario.words, death=death)
        assert killed.signal == signal.SIGKILL, f"{where}: {killed.said}"
        fault_ledger.injected("kill", where)
        assert unclear(world, *said(world)) == [], where
        left = state_of(world)
        assert_old_or_new(left, before, after, where, anew=scenario.anew)
        assert version_problems(world) == [], where
        assert planted_in(world, tmp_path) == [], where

        again = course.run(world, *scenario.words)
        assert (again.signal, again.said) == (0, unharmed.said), f"{where}: {words_of(world)}"
        assert unclear(world, *said(world)) == [], where
        ended = state_of(world)
        assert differing(ended, after) == [], where
        assert_same_rows(ended, left, after, where, anew=scenario.anew)
        asked = requests_seen(course.provider) - requests
        if not scenario.anew:
            assert 0 <= asked - paid <= CONCURRENCY, f"{where}: {asked} for {paid}"
        assert 0 <= len(course.receiver.requests) - messages - told <= 1, where
        assert len(course.receiver.ids(messages)) == told, where
        assert planted_in(world, tmp_path) == [], where


def planted_in(world: World, folder: Path) -> list[str]:
    """Personal strings of the logs, and the key, that lie anywhere but in the logs."""
    canaries = planted_canaries(
        weeks=MONDAYS, seed=WORLD_SEED, conversations_per_week=CONVERSATIONS
    )
    places = [path for path in world.folder.iterdir() if path != world.logs]
    scratch = folder / uuid.uuid4().hex
    scratch.mkdir()
    return planted_strings_in(places, [*canaries, KEY], scratch=scratch)


def assert_old_or_new(
    left: WorldState, before: WorldState, after: WorldState, where: str, *, anew: bool
) -> None:
    """Every file is that of the beginning or that of the end; no row is gone, none from nowhere."""
    for path in left.lake.keys() | before.lake.keys():
        found = left.lake.get(path)
        assert found in (before.lake.get(path), after.lake.get(path)), f"{where}: {path}"
    for table in KEPT:
        rows = left.store[table]
        if table == "review_tasks":  # their states change, one transaction after the other
            assert rows.total() in (before.store[table].total(), after.store[table].total()), where
            continue
        assert before.store[table] <= rows, f"{where}: rows of {table} are gone"
        if not (anew and table == "call_attempts"):
            assert rows <= after.store[table], f"{where}: {rows - after.store[table]}"


def assert_same_rows(
    ended: WorldState, left: WorldState, after: WorldState, where: str, *, anew: bool
) -> None:
    """What people and providers did is on record as in an unharmed run, each thing once."""
    for table in KEPT:
        rows, wanted = ended.store[table], after.store[table]
        if anew and table == "call_attempts":
            assert left.store[table] <= rows, f"{where}: rows of {table} are gone"
            assert rows.total() >= wanted.total(), where
        else:
            assert rows == wanted, f"{where}: {table} {difference(rows, wanted)}"
    assert not ended.store["call_claims"], where
