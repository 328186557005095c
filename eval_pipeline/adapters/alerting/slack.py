"""A message in the format of Slack's incoming webhooks."""

import json
from collections.abc import Iterator
from typing import Any, Final

from eval_pipeline.monitoring.alerting.messages import AlertMessage, MessageSection

MAXIMUM_HEADER: Final = 150
MAXIMUM_SECTION: Final = 2900
MAXIMUM_BLOCKS: Final = 45
_NOTHING: Final = "\u200b"  # zero width: what follows an @ is then no name


def slack_body(message: AlertMessage) -> bytes:
    """The JSON of the webhook; no name in it can mention anybody or forge a link."""
    blocks = list(_blocks(message))[:MAXIMUM_BLOCKS]
    # Receivers that know no blocks show `text`; Slack shows it in notifications.
    return json.dumps({"text": _summary(message), "blocks": blocks}).encode()


def _blocks(message: AlertMessage) -> Iterator[dict[str, Any]]:
    title = _unmentioned(message.title)[:MAXIMUM_HEADER]
    yield {"type": "header", "text": {"type": "plain_text", "text": title}}
    for section in message.sections:
        yield _section(_section_text(section))
    if message.next_step:
        yield _section(f"*Next:* {escaped(message.next_step)}")
    places = [
        _place(place, name)
        for place, name in ((message.link, "Open"), (message.runbook, "What to do"))
        if place
    ]
    if places:
        yield _section(" · ".join(places))


def _section_text(section: MessageSection) -> str:
    heading = f"*{escaped(section.heading)}*\n" if section.heading else ""
    return heading + "\n".join(f"• {escaped(line)}" for line in section.lines)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MAXIMUM_SECTION]}}


def _place(place: str, name: str) -> str:
    """A link where it is a URL, else the path as it is."""
    if place.startswith(("http://", "https://")):
        return f"<{escaped(place).replace('|', '%7C')}|{name}>"
    return f"{name}: {escaped(place)}"


def _summary(message: AlertMessage) -> str:
    return escaped(" · ".join([message.title, *message.lines]))[:MAXIMUM_SECTION]


def escaped(text: str) -> str:
    """Without Slack's three control characters, and with no @ before a name."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _unmentioned(plain)


def _unmentioned(text: str) -> str:
    return text.replace("@", f"@{_NOTHING}")
