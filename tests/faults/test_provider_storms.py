"""A provider that is down, limited or not itself for a while, and then well again."""

import datetime as dt
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval_pipeline.errors import ProviderAccessError, ProviderUnreachableError
from eval_pipeline.settings import ProviderSettings
from tests.certificates import self_signed
from tests.hostile_server import Asked, HostileServer, Talk, chat_answer
from tests.loopback import Desk, call, calls, free_port

SETTINGS = {"maximum_attempts": 4, "maximum_wait_seconds": 0.02, "total_timeout_seconds": 20}
CALLS = 40


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.engine.dispose()


class Storm:
    """Turns the first so many requests away, whoever makes them; then answers."""

    def __init__(self, requests: int, status: str, *headers: str) -> None:
        self.asked = Asked()
        self._left = requests
        self._turned_away = (status, headers)
        self._lock = threading.Lock()

    def __call__(self, talk: Talk) -> None:
        self.asked.count(talk.json["messages"][-1]["content"])
        with self._lock:
            self._left -= 1
            raging = self._left >= 0
        status, headers = self._turned_away
        if raging:
            talk.answer(b'{"error": {"message": "later"}}', *headers, status=status)
        else:
            talk.answer(chat_answer())


DATE = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=5)).strftime("%a, %d %b %Y %H:%M:%S GMT")
STORMS = [
    ("429 Later", "retry-after: 0.01", "rate_limited"),
    ("429 Later", f"retry-after: {DATE}", "rate_limited"),
    ("429 Later", "retry-after: -7", "rate_limited"),
    ("429 Later", "retry-after: 1e999", "rate_limited"),
    ("429 Later", "retry-after: soon", "rate_limited"),
    ("429 Later", "x-should-retry: true", "rate_limited"),
    ("500 No", "x: y", "server_error"),
    ("502 No", "content-type: text/html", "server_error"),
    ("503 No", "retry-after: 3600", "server_error"),
    ("529 Overloaded", "x: y", "server_error"),
]


@pytest.mark.parametrize(("status", "header", "code"), STORMS, ids=range(len(STORMS)))
def test_a_storm_passes_and_every_call_is_answered_once(
    desk: Desk, status: str, header: str, code: str, fault_ledger
) -> None:
    fault_ledger.injected("storm", "provider")
    storm = Storm(30, status, header)
    with HostileServer(storm) as server:
        outcomes = desk.runner(server.port, **SETTINGS).run(calls(CALLS), purpose="a storm")
        missing = [each for each in outcomes if each.status == "failed"]
        again = desk.runner(server.port, **SETTINGS).run(calls(CALLS), purpose="a storm")
    assert {each.error_code for each in missing} <= {code}
    assert {each.status for each in again} == {"answered"}
    rows = desk.rows()
    assert sum(row["status"] == "answered" for row in rows) == CALLS
    assert [row["error_code"] for row in rows if row["status"] == "failed"] == [code] * 30
    assert sum(storm.asked.values()) == len(rows)


def test_a_storm_without_end_is_given_up_in_time_and_gone_on_with_later(
    desk: Desk, fault_ledger
) -> None:
    fault_ledger.injected("storm", "provider")
    lasting = SETTINGS | {"total_timeout_seconds": 1}
    storm = Storm(10**9, "429 Later", "retry-after: 60")
    with HostileServer(storm) as server:
        outcomes = desk.runner(server.port, **lasting).run(calls(5), purpose="a storm")
        assert {(each.status, each.error_code) for each in outcomes} == {("failed", "rate_limited")}
        server.act = lambda talk: talk.answer(chat_answer())
        again = desk.runner(server.port, **lasting).run(calls(5), purpose="a storm")
    assert {each.status for each in again} == {"answered"}


@pytest.mark.parametrize("status", ["401 No", "402 Pay", "403 No"])
def test_a_refused_key_ends_the_run_with_a_sentence_and_the_next_run_finishes(
    desk: Desk, status: str, fault_ledger
) -> None:
    fault_ledger.injected("access", "provider")
    storm = Storm(1000, status)
    with HostileServer(storm) as server:
        with pytest.raises(ProviderAccessError, match="run the same command again"):
            desk.runner(server.port, **SETTINGS).run(calls(CALLS), purpose="a run")
        server.act = lambda talk: talk.answer(chat_answer())
        again = desk.runner(server.port, **SETTINGS).run(calls(CALLS), purpose="a run")
    assert {each.status for each in again} == {"answered"}


def unreachable(desk: Desk, base_url: str) -> str:
    settings = ProviderSettings(base_url=base_url, **(SETTINGS | {"maximum_attempts": 2}))
    with pytest.raises(ProviderUnreachableError) as failure:
        desk.runner_over({"acme": settings}).run([call("question")], purpose="a run")
    assert {row["error_code"] for row in desk.rows()} == {"connection"}
    return str(failure.value)


@pytest.mark.parametrize(
    "url", ["http://nobody.invalid/v1", "https://nobody.invalid/v1", "http://a..b.invalid/v1"]
)
def test_a_name_that_nobody_has_ends_the_run_with_a_sentence(desk: Desk, url: str, fault_ledger):
    fault_ledger.injected("dns", "provider")
    assert "cannot be reached" in unreachable(desk, url)


def test_a_port_without_a_server_ends_the_run_with_a_sentence(desk: Desk, fault_ledger) -> None:
    fault_ledger.injected("connection", "provider")
    assert "cannot be reached" in unreachable(desk, f"http://127.0.0.1:{free_port()}/v1")


def test_a_certificate_of_nobody_ends_the_run(desk: Desk, tmp_path: Path, fault_ledger) -> None:
    fault_ledger.injected("tls", "provider")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(self_signed(tmp_path))
    with HostileServer(lambda talk: talk.answer(chat_answer()), context=context) as server:
        told = unreachable(desk, f"https://127.0.0.1:{server.port}/v1")
    assert "certificate" in told.lower()
    assert server.heads == []


def test_a_server_without_tls_is_not_spoken_to_in_plain_text(desk: Desk, fault_ledger) -> None:
    fault_ledger.injected("tls", "provider")
    with HostileServer(lambda talk: talk.answer(chat_answer())) as server:
        unreachable(desk, f"https://127.0.0.1:{server.port}/v1")
    assert server.heads == []
