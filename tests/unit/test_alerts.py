"""Alerts: what is sent, and that nothing ever breaks because of them."""

import json
import logging

import httpx
import pytest

from eval_pipeline.adapters.alerting.channels import Sender
from eval_pipeline.adapters.alerting.pacing import Attempted, Pace
from eval_pipeline.adapters.alerting.posting import post
from eval_pipeline.adapters.alerting.slack import slack_body
from eval_pipeline.errors import MissingEnvironmentError
from eval_pipeline.monitoring.alerting.messages import AlertMessage, MessageSection
from eval_pipeline.settings import EmailChannel, SlackChannel, WebhookChannel
from tests.alert_world import MESSAGE, NOON, SECRET

URL = f"https://hooks.example.org/services/T0/B0/{SECRET}"
ONCE = Pace(5.0, 1)


def of(title: str, *lines: str, link: str | None = None) -> AlertMessage:
    sections = (MessageSection("", lines),) if lines else ()
    return AlertMessage("id", "alert", "warn", title, sections=sections, link=link)


def body(message: AlertMessage) -> dict:
    return json.loads(slack_body(message))


def answering(status: int, headers: dict[str, str] | None = None) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, headers=headers))


def test_an_alert_has_its_title_its_lines_and_where_to_go_on():
    sent = body(MESSAGE)
    assert sent["text"].startswith("eval-pipeline: Job 'refresh' failed")
    assert [block["type"] for block in sent["blocks"]] == ["header", *["section"] * 3]
    texts = [block["text"]["text"] for block in sent["blocks"]]
    assert texts[1] == "• step verdicts\n• 12 of 40 calls failed"
    assert texts[2] == "*Next:* Run it again."
    assert texts[3] == (
        "<http://127.0.0.1:3000/runs/1|Open> · What to do: docs/runbook.md#run-failed"
    )


def test_a_name_cannot_mention_anybody_or_forge_a_link():
    sent = body(of("<!channel> @here", "<http://evil|click> & @all"))
    assert sent["text"].startswith("&lt;!channel&gt; @\u200bhere")
    assert sent["blocks"][0]["text"]["text"] == "<!channel> @\u200bhere"  # plain text: no markup
    section = sent["blocks"][1]["text"]["text"]
    assert section == "• &lt;http://evil|click&gt; &amp; @\u200ball"


def test_a_link_cannot_end_early_and_show_another_name():
    sent = body(of("Blocked", link="http://dagster/runs/1|evil>"))
    assert sent["blocks"][-1]["text"]["text"] == "<http://dagster/runs/1%7Cevil&gt;|Open>"


def test_an_endless_alert_is_cut_to_what_the_webhook_accepts():
    sent = body(of("t" * 500, *("x" * 100 for _ in range(100))))
    assert len(sent["blocks"][0]["text"]["text"]) <= 150
    assert len(sent["blocks"][1]["text"]["text"]) <= 3000
    many = AlertMessage(
        "id", "digest", "info", "t", sections=tuple(MessageSection("h", ("l",)) for _ in range(99))
    )
    assert len(body(many)["blocks"]) <= 50


@pytest.mark.parametrize("status", [302, 404])
def test_a_refusal_is_final_and_told_by_its_status(status):
    waits: list[float] = []
    delivered = post(
        URL, b"{}", pace=Pace(5.0, 3, sleep=waits.append), headers={}, transport=answering(status)
    )
    assert (delivered.error_code, delivered.attempts, waits) == (f"http_{status}", 1, [])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again_with_waits_that_double(status):
    waits: list[float] = []
    delivered = post(
        URL, b"{}", pace=Pace(60.0, 3, sleep=waits.append), headers={}, transport=answering(status)
    )
    assert (delivered.error_code, delivered.attempts) == (f"http_{status}", 3)
    assert waits == [0.5, 1.0]


def test_a_receiver_that_asks_for_longer_than_there_is_time_is_left_alone():
    waits: list[float] = []
    delivered = post(
        URL,
        b"{}",
        pace=Pace(5.0, 3, sleep=waits.append),
        headers={},
        transport=answering(429, {"Retry-After": "120"}),
    )
    assert (delivered.attempts, waits) == (1, [])


def test_no_attempt_takes_more_than_half_of_the_time():
    given: list[float] = []

    def attempt(seconds: float) -> Attempted:
        given.append(seconds)
        return Attempted("timeout", passing=True)

    # The clock: 0 at the start; 5 s of the first attempt, then its wait of half a second, ...
    moments = iter([0.0, 0.0, 5.0, 5.5, 10.0])
    pace = Pace(10.0, 3, sleep=lambda _: None, clock=lambda: next(moments))
    assert pace.deliver(attempt).attempts == 2
    assert given == [5.0, 4.5]


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectTimeout(f"{URL} slow"), httpx.ConnectError(URL), OSError(URL), ValueError(URL)],
)
def test_no_failure_reaches_the_caller_or_shows_the_url(caplog, failure):
    def broken(request: httpx.Request) -> httpx.Response:
        raise failure

    with caplog.at_level(logging.DEBUG):
        delivered = post(URL, b"{}", pace=ONCE, headers={}, transport=httpx.MockTransport(broken))
    assert not delivered.ok
    assert SECRET not in f"{delivered} {caplog.text}"


def test_a_delivered_alert_leaves_no_trace_of_its_url_in_the_logs(caplog):
    with caplog.at_level(logging.DEBUG):
        assert post(URL, b"{}", pace=ONCE, headers={}, transport=answering(200)).ok
    assert SECRET not in caplog.text


def test_other_requests_are_logged_again_afterwards(caplog):
    post(URL, b"{}", pace=ONCE, headers={}, transport=answering(200))
    with (
        caplog.at_level(logging.INFO, logger="httpx"),
        httpx.Client(transport=answering(200)) as client,
    ):
        client.post("http://127.0.0.1/other", json={})
    assert "http://127.0.0.1/other" in caplog.text


CHANNELS = {
    "slack": SlackChannel(kind="slack", webhook_variable="HOOK", attempts=1),
    "webhook": WebhookChannel(kind="webhook", url_variable="HOOK", attempts=1),
    "email": EmailChannel(
        **{
            "kind": "email",
            "host": "127.0.0.1",
            "port": 9,
            "security": "none",
            "username": "us",
            "password_variable": "HOOK",
            "from": "a@b.example",
            "to": ("c@d.example",),
            "attempts": 1,
        }
    ),
}


@pytest.mark.parametrize("name", CHANNELS)
def test_a_variable_that_is_not_set_is_a_failed_delivery_and_nothing_worse(caplog, name):
    def secret(variable: str) -> str:
        raise MissingEnvironmentError(variable, "a channel's secret")

    delivered = Sender(secret, clock=lambda: NOON).send(name, CHANNELS[name], MESSAGE)
    assert delivered.error_code == "variable_not_set"
    assert f"Channel '{name}' did not take" in caplog.text


@pytest.mark.parametrize("value", [SECRET, f"ftp://{SECRET}/", f"http://[{SECRET}"])
@pytest.mark.parametrize("name", ["slack", "webhook"])
def test_a_secret_that_is_no_url_is_a_failed_delivery_that_does_not_show_it(caplog, name, value):
    with caplog.at_level(logging.DEBUG):
        delivered = Sender(lambda _: value, clock=lambda: NOON).send(name, CHANNELS[name], MESSAGE)
    assert not delivered.ok
    assert SECRET not in f"{delivered} {caplog.text}"
