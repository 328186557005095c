"""The same work begun twice at the same moment: two daemons, two schedules, two people.

Two processes run the same command on one lake, store and Dagster instance. There is one set of
results, as if one had run alone; what was paid was paid once; and who loses says so in a sentence.
"""

from collections.abc import Sequence
from random import Random

import pytest

from tests.command_server import errand
from tests.command_worlds import LATE, UNDECIDED, Course, said
from tests.fault_ledger import SEED, FaultLedger
from tests.plain_ends import unclear
from tests.scenario import NEXT_WEEK, WEEKS, requests_seen
from tests.sizes import FULL
from tests.world_state import KEPT, difference, differing, problems, state_of

pytestmark = pytest.mark.slow

WHY = ("--by", "ada", "--reason", "looked at it")
DOUBLES = (
    ("begun", "alerts", "send"),
    ("begun", "waive", UNDECIDED, "--until", "2099-01-01", *WHY),
    ("refreshed", "step", "review", NEXT_WEEK),
    ("begun", "aa", "--week", WEEKS[1]),
    ("begun", "monitor", "--week", NEXT_WEEK),
    ("begun", "refresh", "--week", NEXT_WEEK),
    ("reviewed", "publish", "--week", NEXT_WEEK),
    ("begun", "gate", "--candidate", LATE),
    ("published", "alerts", "digest", "--send", "--week", NEXT_WEEK),
)
CHEAP = 3
"""How many of them an ordinary day chooses from."""


def chosen() -> Sequence[tuple[str, ...]]:
    return DOUBLES if FULL else [Random(f"doubles {SEED}").choice(DOUBLES[:CHEAP])]


@pytest.mark.parametrize("double", chosen(), ids=" ".join)
def test_of_two_that_do_the_same_at_once_there_is_one_set_of_results(
    course: Course, fault_ledger: FaultLedger, double: tuple[str, ...]
) -> None:
    stage, *words = double
    world = course.beginning(stage)
    paid, told = requests_seen(course.provider), len(course.receiver.requests)
    alone = course.run(world, *words)
    assert alone.signal == 0
    wanted = state_of(world)
    paid = requests_seen(course.provider) - paid
    told = len(course.receiver.requests) - told

    world = course.beginning(stage)
    requests, messages = requests_seen(course.provider), len(course.receiver.requests)
    ended = course.server.run(*(errand(world, *words, name=name) for name in ("one-", "two-")))
    fault_ledger.injected("begun twice at once", " ".join(words))
    said_by_both = [*said(world, "one-"), *said(world, "two-")]
    assert unclear(world, *said_by_both) == []
    assert [one.signal for one in ended] == [0, 0]
    codes = [one.said for one in ended]
    for name, code in zip(("one-", "two-"), codes, strict=True):
        lost = said(world, name)[1].read_text(encoding="utf-8")
        assert code == alone.said or lost.count("Error: ") == 1, lost
    assert alone.said in codes
    assert problems(world) == []
    found = state_of(world)
    assert differing(found, wanted) == []
    for table in KEPT:
        rows = found.store[table], wanted.store[table]
        assert rows[0] == rows[1], f"{table} {difference(*rows)}"
    assert requests_seen(course.provider) - requests == paid
    assert len(course.receiver.requests) - messages == told
