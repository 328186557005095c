"""The webhook's JSON, its signature, and e-mail."""

import hashlib
import hmac
import json
from email import message_from_bytes
from email.policy import default
from typing import get_args

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eval_pipeline.adapters.alerting.mail import mail_of
from eval_pipeline.adapters.alerting.webhook import (
    alert_schema,
    signed_headers,
    webhook_body,
)
from eval_pipeline.monitoring.alerting.messages import (
    AlertMessage,
    MessageType,
    alert_message,
    resolved_message,
    trial_message,
)
from eval_pipeline.settings import AlertKind, AlertsSettings, EmailChannel
from tests.alert_world import MESSAGE, NOON, event

MAIL = EmailChannel(
    **{"kind": "email", "host": "mail.example.org", "from": "evals@example.org",
       "to": ("team@example.org", "lead@example.org")}
)  # fmt: skip


def validator() -> jsonschema.Draft202012Validator:
    schema = alert_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def kinds_of_messages() -> list[AlertMessage]:
    alerts = AlertsSettings()
    return [
        MESSAGE,
        alert_message(event(), message_id="a", link=None, settings=alerts),
        resolved_message(event(), message_id="b", link="http://dagster/"),
        trial_message(channel="team", message_id="c"),
        AlertMessage("digest.2026-11-16", "digest", "info", "the week"),
    ]


@pytest.mark.parametrize("message", kinds_of_messages(), ids=lambda message: message.message_id)
def test_every_message_holds_to_the_published_schema(message):
    validator().validate(json.loads(webhook_body(message, sent_at=NOON)))


def test_the_schema_names_every_kind_and_type_and_no_other():
    properties = alert_schema()["properties"]
    assert set(properties["kind"]["enum"]) == {*get_args(AlertKind), None}
    assert set(properties["type"]["enum"]) == set(get_args(MessageType))


def test_the_schema_refuses_what_is_no_message():
    sent = json.loads(webhook_body(MESSAGE, sent_at=NOON))
    for change in ({"kind": "gossip"}, {"severity": "panic"}, {"title": "t" * 151}):
        with pytest.raises(jsonschema.ValidationError):
            validator().validate(sent | change)


def test_an_alert_names_its_heading_in_the_runbook():
    message = alert_message(event(), message_id="a", link=None, settings=AlertsSettings())
    assert message.runbook == "docs/runbook.md#drift-alarm"


def test_a_receiver_can_check_who_sent_it_and_when():
    body = webhook_body(MESSAGE, sent_at=NOON)
    headers = signed_headers(body, secret="s3cret", sent_at=NOON)
    timestamp = headers["x-eval-pipeline-timestamp"]
    assert timestamp == str(int(NOON.timestamp()))
    expected = hmac.new(b"s3cret", f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["x-eval-pipeline-signature"] == f"sha256={expected}"
    assert signed_headers(body, secret=None, sent_at=NOON) == {}
    other = signed_headers(body + b" ", secret="s3cret", sent_at=NOON)
    assert other["x-eval-pipeline-signature"] != headers["x-eval-pipeline-signature"]


def test_a_mail_has_a_text_and_an_html_part_that_say_the_same():
    mail = message_from_bytes(mail_of(MAIL, MESSAGE, sent_at=NOON).as_bytes(), policy=default)
    assert mail["Subject"] == MESSAGE.title
    assert mail["To"] == "team@example.org, lead@example.org"
    assert mail["Message-ID"] == "<abc.1.team@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, rich = (part.get_content() for part in mail.iter_parts())
    for told in ("step verdicts", "12 of 40 calls failed", "Run it again."):
        assert told in plain
        assert told in rich
    assert '<a href="http://127.0.0.1:3000/runs/1">' in rich


@given(st.text(max_size=300))
def test_no_name_begins_a_header_or_a_tag_of_its_own(name):
    message = AlertMessage("id", "alert", "warn", f"about {name}\r\nBcc: evil@example.org")
    written = mail_of(MAIL, message, sent_at=NOON).as_bytes()
    mail = message_from_bytes(written, policy=default)
    assert mail["Bcc"] is None
    assert {header.lower() for header, _ in mail.items()} == {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "x-priority",
        "mime-version", "content-type",
    }  # fmt: skip


def test_a_name_in_a_mail_is_no_markup():
    message = AlertMessage("id", "alert", "warn", "<script>alert(1)</script>")
    mail = mail_of(MAIL, message, sent_at=NOON)
    rich = list(mail.iter_parts())[1].get_content()
    assert "<script>" not in rich
    assert "&lt;script&gt;" in rich


def channel(**changes):
    return MAIL.model_dump(by_alias=True) | changes


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": "evals@example.org\r\nBcc: x@example.org"},
        {"to": ("team@example.org, other@example.org",)},
        {"host": "mail.example.org\n"},
        {"security": "none", "username": "u", "password_variable": "P"},
        {"username": "u"},
        {"to": ()},
    ],
)
def test_a_mail_channel_that_could_not_be_safe_is_refused(wrong):
    with pytest.raises(ValidationError):
        EmailChannel(**channel(**wrong))


def test_a_password_may_go_plain_to_this_very_machine():
    plain = {"security": "none", "username": "u", "password_variable": "P", "host": "127.0.0.1"}
    assert EmailChannel(**channel(**plain)).security == "none"


def test_the_shorthand_is_a_slack_channel_and_cannot_hide_another():
    settings = AlertsSettings(webhook_variable="HOOK")
    (short,) = settings.all_channels.values()
    assert (short.kind, short.webhook_variable, short.least_severity) == ("slack", "HOOK", "warn")
    named = {"slack": {"kind": "slack", "webhook_variable": "OTHER"}}
    with pytest.raises(ValidationError, match="keep one of them"):
        AlertsSettings(webhook_variable="HOOK", channels=named)


def test_a_channel_takes_what_is_severe_enough_and_of_its_kinds():
    raw = {"kind": "slack", "webhook_variable": "HOOK", "kinds": ["drift_alarm"]}
    (one,) = AlertsSettings(channels={"a": raw}).channels.values()
    assert one.takes("drift_alarm", "warn")
    assert one.takes("drift_alarm", "page")
    assert not one.takes("drift_alarm", "info")
    assert not one.takes("gate_block", "page")
