"""Channels against real receivers on loopback: HTTP and SMTP, with every way to fail."""

import json
import logging
import time
from email import message_from_bytes
from email.policy import default

import jsonschema
import pytest

from eval_pipeline.adapters.alerting.channels import Sender
from eval_pipeline.adapters.alerting.webhook import alert_schema, signature
from eval_pipeline.settings import EmailChannel, SlackChannel, WebhookChannel
from tests.alert_world import (
    MESSAGE,
    NOON,
    SECRET,
    Mailbox,
    Receiver,
    certificate,
    mail_server,
    receiving,
)

SECRETS = {"SIGNING": SECRET, "PASSWORD": SECRET}


def sender(url: str = "", *, sleep=lambda _: None) -> Sender:
    known = SECRETS | {"HOOK": url}
    return Sender(known.__getitem__, clock=lambda: NOON, sleep=sleep)


def slack(**options) -> SlackChannel:
    return SlackChannel(kind="slack", webhook_variable="HOOK", **options)


def hub(**options) -> WebhookChannel:
    return WebhookChannel(kind="webhook", url_variable="HOOK", secret_variable="SIGNING", **options)


def mail(port: int, **options) -> EmailChannel:
    given = {
        "kind": "email", "host": "127.0.0.1", "port": port, "security": "none",
        "from": "evals@example.org", "to": ("team@example.org", "lead@example.org"),
    }  # fmt: skip
    return EmailChannel(**(given | options))


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("certificate"))


def test_a_webhook_gets_a_signed_body_that_holds_to_the_schema():
    with receiving(Receiver()) as receiver:
        assert sender(receiver.url).send("hub", hub(), MESSAGE).ok
    ((path, headers, body),) = receiver.requests
    assert path == f"/{SECRET}"
    jsonschema.validate(json.loads(body), alert_schema())
    headers = {name.lower(): value for name, value in headers.items()}
    expected = signature(body, secret=SECRET, timestamp=headers["x-eval-pipeline-timestamp"])
    assert headers["x-eval-pipeline-signature"] == f"sha256={expected}"
    assert headers["content-type"] == "application/json"


def test_an_outage_that_passes_costs_no_alert():
    waits: list[float] = []
    with receiving(Receiver(treat=lambda nth: 503 if nth < 3 else 200)) as receiver:
        delivered = sender(receiver.url, sleep=waits.append).send("team", slack(), MESSAGE)
    assert (delivered.ok, delivered.attempts, waits) == (True, 3, [0.5, 1.0])
    assert receiver.bodies[0] == receiver.bodies[2]


def test_a_receiver_that_stays_down_is_given_up_and_named_by_its_status(caplog):
    with receiving(Receiver(treat=lambda nth: 500)) as receiver:
        delivered = sender(receiver.url).send("team", slack(), MESSAGE)
    assert (delivered.error_code, delivered.attempts) == ("http_500", 3)
    assert "Channel 'team' did not take" in caplog.text
    assert SECRET not in caplog.text


def test_a_receiver_that_says_when_is_waited_for():
    waits: list[float] = []
    treat = Receiver(treat=lambda nth: 429 if nth < 2 else 200, headers={"Retry-After": "3"})
    with receiving(treat) as receiver:
        assert sender(receiver.url, sleep=waits.append).send("team", slack(), MESSAGE).ok
    assert waits == [3.0]


def test_a_silent_receiver_takes_no_longer_than_the_channel_allows():
    with receiving(Receiver(delay=30)) as receiver:
        started = time.monotonic()
        channel = slack(timeout_seconds=0.6, attempts=2)
        delivered = sender(receiver.url, sleep=time.sleep).send("team", channel, MESSAGE)
        took = time.monotonic() - started
    assert delivered.error_code == "timeout"
    assert took < 3


def test_a_redirect_is_not_followed():
    with receiving(Receiver()) as elsewhere:
        moved = Receiver(treat=lambda nth: 307, headers={"Location": elsewhere.url})
        with receiving(moved) as receiver:
            delivered = sender(receiver.url).send("hub", hub(), MESSAGE)
    assert delivered.error_code == "http_307"
    assert elsewhere.requests == []


def test_nobody_listening_is_a_code_and_no_url(caplog):
    with receiving(Receiver()) as receiver:
        url = receiver.url
    with caplog.at_level(logging.DEBUG):
        delivered = sender(url).send("team", slack(), MESSAGE)
    assert (delivered.error_code, delivered.attempts) == ("no_connection", 3)
    assert SECRET not in f"{delivered} {caplog.text}"


def test_a_mail_reaches_everybody_it_is_for():
    box = Mailbox()
    with mail_server(box) as port:
        assert sender().send("mail", mail(port), MESSAGE).ok
    assert box.said == [(False, "evals@example.org", ["team@example.org", "lead@example.org"])]
    written = message_from_bytes(box.mails[0], policy=default)
    assert written["Subject"] == MESSAGE.title
    assert [part.get_content_type() for part in written.iter_parts()] == [
        "text/plain",
        "text/html",
    ]


def test_with_starttls_nothing_is_said_before_it_is_encrypted(tls):
    box = Mailbox()
    with mail_server(box, tls=tls, password=SECRET) as port:
        channel = mail(
            port, security="starttls", username="us", password_variable="PASSWORD",
            ca_file=str(tls[0]),
        )  # fmt: skip
        assert sender().send("mail", channel, MESSAGE).ok
    assert box.said[0][0] is True


def test_a_server_without_starttls_gets_nothing():
    box = Mailbox()
    with mail_server(box) as port:
        delivered = sender().send("mail", mail(port, security="starttls"), MESSAGE)
    assert (delivered.error_code, delivered.attempts) == ("starttls_not_offered", 1)
    assert box.mails == []


def test_a_certificate_that_nobody_vouches_for_gets_nothing(tls):
    box = Mailbox()
    with mail_server(box, tls=tls) as port:
        delivered = sender().send("mail", mail(port, security="starttls"), MESSAGE)
    assert delivered.error_code == "certificate_refused"
    assert box.mails == []


def test_a_wrong_password_is_not_tried_again_and_not_told(tls, caplog):
    with mail_server(Mailbox(), tls=tls, password="another") as port:
        channel = mail(
            port, security="starttls", username="us", password_variable="PASSWORD",
            ca_file=str(tls[0]),
        )  # fmt: skip
        with caplog.at_level(logging.DEBUG):
            delivered = sender().send("mail", channel, MESSAGE)
    assert (delivered.error_code, delivered.attempts) == ("sign_in_refused", 1)
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("answer", "code", "attempts"),
    [("451 try later", "smtp_451", 3), (f"554 no {SECRET}", "smtp_554", 1)],
)
def test_a_mail_server_that_refuses_is_named_by_its_code(caplog, answer, code, attempts):
    with mail_server(Mailbox(answer=lambda nth: answer)) as port:
        delivered = sender().send("mail", mail(port), MESSAGE)
    assert (delivered.error_code, delivered.attempts) == (code, attempts)
    assert SECRET not in caplog.text


def test_a_mail_server_that_is_gone_is_a_code():
    with mail_server(Mailbox()) as port:
        pass
    assert sender().send("mail", mail(port), MESSAGE).error_code == "no_connection"


def test_a_look_at_a_channel_sends_nothing_and_says_what_is_wrong(tls):
    box = Mailbox()
    with receiving(Receiver()) as receiver, mail_server(box, tls=tls) as port:
        assert sender(receiver.url).problem_with(slack()) is None
        assert sender(receiver.url).problem_with(hub()) is None
        good = mail(port, security="starttls", ca_file=str(tls[0]))
        assert sender().problem_with(good) is None
        assert "certificate_refused" in (
            sender().problem_with(mail(port, security="starttls")) or ""
        )
        gone = receiver.url
    assert receiver.requests == []
    assert box.mails == []
    problem = sender(gone).problem_with(slack())
    assert problem == "what HOOK holds cannot be reached (ConnectionRefusedError)"
    assert sender(SECRET).problem_with(slack()) == "what HOOK holds is no URL"
