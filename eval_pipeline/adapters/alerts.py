"""Tells people of failures through a Slack-compatible webhook, and never fails for it itself."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx

log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 10.0
MAXIMUM_TITLE: Final = 150
MAXIMUM_TEXT: Final = 2900


@dataclass(frozen=True)
class Alert:
    """What is told: names, counts and verdicts only, never a text from the logs."""

    title: str
    lines: tuple[str, ...] = ()
    link: str | None = None


def send_alert(
    webhook_url: str | None, alert: Alert, *, transport: httpx.BaseTransport | None = None
) -> bool:
    """Whether the webhook took the alert; without a URL it is only logged. Never raises.

    The URL is a secret, so no log line carries it, nor the exception that would quote it.
    """
    if not webhook_url:
        log.warning("Alert (no webhook is configured): %s", _one_line(alert))
        return False
    try:
        with (
            _requests_unlogged(),
            httpx.Client(transport=transport, timeout=TIMEOUT_SECONDS) as client,
        ):
            answer = client.post(webhook_url, json=_payload(alert))
    except Exception as error:  # noqa: BLE001 - an alert about a failure must not be the next one
        log.error("Alert not delivered (%s): %s", type(error).__name__, _one_line(alert))  # noqa: TRY400 - a traceback would quote the URL
        return False
    if not answer.is_success:
        log.error("Alert refused with status %d: %s", answer.status_code, _one_line(alert))
        return False
    return True


@contextmanager
def _requests_unlogged() -> Iterator[None]:
    """Drops this thread's request lines, with which httpx would log the URL."""
    here = threading.get_ident()
    client_log = logging.getLogger("httpx")

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != here

    client_log.addFilter(elsewhere)
    try:
        yield
    finally:
        client_log.removeFilter(elsewhere)


def _payload(alert: Alert) -> dict[str, object]:
    title = alert.title[:MAXIMUM_TITLE]
    body = "\n".join(f"• {_escaped(line)}" for line in alert.lines)[:MAXIMUM_TEXT]
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title}}
    ]
    if body:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": body}})
    if alert.link:
        link = f"<{_escaped(alert.link)}|Open>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    # Receivers that know no blocks show `text`; Slack shows it in notifications.
    return {"text": _escaped(_one_line(alert)), "blocks": blocks}


def _one_line(alert: Alert) -> str:
    return " · ".join([alert.title, *alert.lines])[:MAXIMUM_TEXT]


def _escaped(text: str) -> str:
    """Slack's three control characters, so that no name can mention a channel or forge a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
