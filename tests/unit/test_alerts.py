"""Alerts: what is sent, and that nothing ever breaks because of them."""

import json
import logging

import httpx
import pytest

from eval_pipeline.adapters.alerts import Alert, send_alert

URL = "https://hooks.example.org/services/T0/B0/very-secret"
ALERT = Alert("Job 'refresh' failed for 2026-11-16", ("step verdicts", "12 of 40 calls failed"))


class Webhook:
    """Remembers what it was sent and answers with one status."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.bodies: list[dict] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        return httpx.Response(self.status)


def sent(alert: Alert, *, status: int = 200) -> tuple[bool, list[dict]]:
    webhook = Webhook(status)
    return send_alert(URL, alert, transport=httpx.MockTransport(webhook)), webhook.bodies


def test_an_alert_is_posted_once_with_its_title_and_lines():
    delivered, bodies = sent(ALERT)
    assert delivered
    assert len(bodies) == 1
    assert bodies[0]["text"].startswith("Job 'refresh' failed")
    assert [block["type"] for block in bodies[0]["blocks"]] == ["header", "section"]
    assert "• step verdicts\n• 12 of 40 calls failed" in json.dumps(
        bodies[0], ensure_ascii=False
    ).replace("\\n", "\n")


def test_a_link_is_a_block_of_its_own():
    _, bodies = sent(Alert("Blocked", link="http://127.0.0.1:3000/runs/1"))
    assert bodies[0]["blocks"][-1]["text"]["text"] == "<http://127.0.0.1:3000/runs/1|Open>"


def test_a_name_cannot_mention_a_channel_or_forge_a_link():
    _, bodies = sent(Alert("<!channel>", ("<http://evil|click> & more",)))
    assert bodies[0]["text"].startswith("&lt;!channel&gt;")
    section = bodies[0]["blocks"][1]["text"]["text"]
    assert section == "• &lt;http://evil|click&gt; &amp; more"


def test_an_endless_alert_is_cut_to_what_the_webhook_accepts():
    _, bodies = sent(Alert("t" * 500, tuple("x" * 100 for _ in range(100))))
    assert len(bodies[0]["blocks"][0]["text"]["text"]) <= 150
    assert len(bodies[0]["blocks"][1]["text"]["text"]) <= 3000


def test_without_a_webhook_the_alert_is_logged_and_not_sent(caplog):
    assert send_alert(None, ALERT) is False
    assert "no webhook is configured" in caplog.text


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_refused_alert_is_logged_with_its_status(caplog, status):
    delivered, _ = sent(ALERT, status=status)
    assert delivered is False
    assert f"refused with status {status}" in caplog.text


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectTimeout(f"{URL} slow"), httpx.ConnectError(URL), OSError(URL), ValueError(URL)],
)
def test_no_failure_of_the_webhook_reaches_the_caller_or_shows_its_url(caplog, failure):
    def broken(request: httpx.Request) -> httpx.Response:
        raise failure

    with caplog.at_level(logging.DEBUG):
        assert send_alert(URL, ALERT, transport=httpx.MockTransport(broken)) is False
    assert type(failure).__name__ in caplog.text
    assert "very-secret" not in caplog.text


def test_a_url_that_is_none_is_a_failed_alert_and_nothing_worse(caplog):
    assert send_alert("not a url", ALERT) is False
    assert "not delivered" in caplog.text


def test_a_delivered_alert_leaves_no_trace_of_its_url_in_the_logs(caplog):
    with caplog.at_level(logging.DEBUG):
        delivered, _ = sent(ALERT)
    assert delivered
    assert "very-secret" not in caplog.text


def test_other_requests_are_logged_again_afterwards(caplog):
    sent(ALERT)
    with (
        caplog.at_level(logging.INFO, logger="httpx"),
        httpx.Client(transport=httpx.MockTransport(Webhook())) as client,
    ):
        client.post("http://127.0.0.1/other", json={})
    assert "http://127.0.0.1/other" in caplog.text
