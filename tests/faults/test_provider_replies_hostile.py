"""Two hundred ways in which a provider answers wrongly, all in one run of calls.

Each faulty call has an honest one beside it: the run goes on, an error is a code in the journal and
never a text, and the same run again pays for nothing twice.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from eval_pipeline.ports import CallOutcome
from tests.hostile_replies import ANSWERED, GOOD, LASTING, LIMIT_HEADERS, RETRY_AFTER, Fault, once
from tests.hostile_server import Asked, HostileServer, Talk
from tests.loopback import Desk, call

FAULTS = {fault.name: fault for fault in LASTING}
PASSING = {
    **{f"retry {number}": value for number, value in enumerate(RETRY_AFTER)},
}
LIMITS = {f"limit {number}": value for number, value in enumerate(LIMIT_HEADERS)}
SETTINGS = {
    "maximum_attempts": 2,
    "attempt_timeout_seconds": 1.0,
    "maximum_wait_seconds": 0.02,
    "total_timeout_seconds": 20,
    "concurrency": 32,
    "first_concurrency": 16,
}


class Provider:
    """Answers by what the prompt names, and honestly once it is `healed`."""

    def __init__(self) -> None:
        self.asked = Asked()
        self.healed = False

    def __call__(self, talk: Talk) -> None:
        prompt = talk.json["messages"][-1]["content"]
        nth = self.asked.count(prompt)
        if prompt in FAULTS and not self.healed:
            FAULTS[prompt].act(talk)
        elif prompt in PASSING:
            header = f"retry-after: {PASSING[prompt]}"
            once(lambda talk: talk.answer(b"{}", header, status="429 Later"))(talk, nth)
        elif prompt in LIMITS:
            talk.answer(GOOD, LIMITS[prompt])
        else:
            talk.answer(GOOD)


@dataclass
class Ran:
    """Both runs: what came of each call, what was asked until then, and the journal's rows."""

    first: dict[str, CallOutcome]
    asked_first: Asked
    second: dict[str, CallOutcome]
    asked_second: Asked
    rows: dict[str, list[sa.RowMapping]]
    elsewhere: list[str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    desk = Desk(tmp_path_factory.mktemp("hostile"))
    prompts = [*FAULTS, *PASSING, *LIMITS]
    prompts = [each for prompt in prompts for each in (prompt, f"honest beside {prompt}")]
    provider = Provider()
    # The connection pool of the worker is the fault's: what it poisons, an honest call meets.
    with HostileServer(provider) as server, HostileServer(lambda talk: None) as elsewhere:
        runner = desk.runner(server.port, **SETTINGS)
        planned = [call(prompt) for prompt in prompts]
        first = runner.run(planned, purpose="the faults")
        asked_first = Asked()
        asked_first.update(provider.asked)
        provider.healed = True
        second = runner.run(planned, purpose="the faults again")
    rows: dict[str, list[sa.RowMapping]] = defaultdict(list)
    for row in desk.rows():
        rows[row["item_id"]].append(row)
    yield Ran(
        {each.call.item_id: each for each in first},
        asked_first,
        {each.call.item_id: each for each in second},
        provider.asked,
        rows,
        elsewhere.heads,
    )
    desk.engine.dispose()


@pytest.mark.parametrize("fault", LASTING, ids=lambda fault: fault.name)
def test_a_fault_is_a_code_and_never_an_answer(ran: Ran, fault: Fault, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "provider")
    outcome = ran.first[fault.name]
    if fault.code == ANSWERED:
        assert (outcome.status, outcome.text) == ("answered", fault.text)
        return
    assert (outcome.status, outcome.error_code, outcome.text) == ("failed", fault.code, None)
    assert outcome.latency_seconds is None
    rows = ran.rows[fault.name][: fault.tries]
    assert [(row["status"], row["error_code"], row["text"]) for row in rows] == [
        ("failed", fault.code, None)
    ] * fault.tries
    assert ran.asked_first[fault.name] == fault.tries


@pytest.mark.parametrize("fault", LASTING, ids=lambda fault: fault.name)
def test_the_honest_call_beside_a_fault_is_answered_and_paid_once(ran: Ran, fault: Fault) -> None:
    honest = f"honest beside {fault.name}"
    assert (ran.first[honest].status, ran.first[honest].text) == ("answered", "Yes.")
    assert [row["status"] for row in ran.rows[honest]] == ["answered"]


@pytest.mark.parametrize("fault", LASTING, ids=lambda fault: fault.name)
def test_the_same_run_again_asks_what_is_missing_and_nothing_else(ran: Ran, fault: Fault) -> None:
    assert ran.second[fault.name].status == "answered"
    again = ran.asked_second[fault.name] - ran.asked_first[fault.name]
    assert again == (0 if fault.code == ANSWERED else 1)
    statuses = [row["status"] for row in ran.rows[fault.name]]
    assert statuses.count("answered") == 1
    assert len(statuses) == ran.asked_second[fault.name]
    assert ran.asked_second[f"honest beside {fault.name}"] == 1


@pytest.mark.parametrize("fault", [each for each in LASTING if each.name.startswith("counts ")],
                         ids=lambda fault: fault.name)  # fmt: skip
def test_what_is_no_count_of_tokens_is_unknown_and_costs_nothing_known(
    ran: Ran, fault: Fault
) -> None:
    first = ran.rows[fault.name][0]
    assert (first["input_tokens"], first["cost_usd"]) == (None, None)


@pytest.mark.parametrize("prompt", PASSING, ids=lambda prompt: PASSING[prompt][:30])
def test_whatever_retry_after_says_the_call_is_asked_again_and_answered(
    ran: Ran, prompt: str, fault_ledger
) -> None:
    fault_ledger.injected("retry-after", "provider")
    assert ran.first[prompt].status == "answered"
    rows = ran.rows[prompt]
    assert [(row["status"], row["error_code"]) for row in rows] == [
        ("failed", "rate_limited"),
        ("answered", None),
    ]


@pytest.mark.parametrize("prompt", LIMITS, ids=lambda prompt: LIMITS[prompt][:60])
def test_whatever_the_headers_on_limits_say_the_run_goes_on(
    ran: Ran, prompt: str, fault_ledger
) -> None:
    fault_ledger.injected("limit headers", "provider")
    assert ran.first[prompt].status == "answered"
    assert ran.asked_second[prompt] == 1


def test_no_redirect_is_followed(ran: Ran) -> None:
    assert ran.elsewhere == []


def test_names_that_a_provider_sends_fit_the_journal(ran: Ran) -> None:
    (row,) = ran.rows["has a model of a megabyte"]
    assert row["served_model"] == "m" * 160
    assert row["recorded_at"] <= dt.datetime.now(row["recorded_at"].tzinfo)
