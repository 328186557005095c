"""A message as e-mail, in text and HTML, sent by SMTP."""

import datetime as dt
import html
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from eval_pipeline.adapters.alerting.outcome import Delivered
from eval_pipeline.adapters.alerting.pacing import Attempted, Pace
from eval_pipeline.monitoring.alerting.events import one_line
from eval_pipeline.monitoring.alerting.messages import AlertMessage
from eval_pipeline.settings import EmailChannel

PASSING_FROM: Final = 400
REFUSED_FROM: Final = 500
MAXIMUM_SUBJECT: Final = 150

_KNOWN_FAILURES: Final[tuple[tuple[type[Exception], Attempted], ...]] = (
    (smtplib.SMTPAuthenticationError, Attempted("sign_in_refused")),
    (smtplib.SMTPNotSupportedError, Attempted("starttls_not_offered")),
    (smtplib.SMTPRecipientsRefused, Attempted("receivers_refused")),
    (ssl.SSLCertVerificationError, Attempted("certificate_refused")),
    (TimeoutError, Attempted("timeout", passing=True)),
    (ConnectionRefusedError, Attempted("no_connection", passing=True)),
)


def send_mail(
    channel: EmailChannel,
    message: AlertMessage,
    *,
    password: str | None,
    ca_file: str | None,
    pace: Pace,
    sent_at: dt.datetime,
) -> Delivered:
    """Whether the server took the message for every receiver. Never raises.

    `ca_file` is where the channel's own certificates lie.
    """
    written = mail_of(channel, message, sent_at=sent_at)

    def attempt(seconds: float) -> Attempted:
        try:
            with opened(channel, ca_file=ca_file, timeout_seconds=seconds) as server:
                if channel.username is not None:
                    server.login(channel.username, password or "")
                refused = server.send_message(written)
        except Exception as error:  # noqa: BLE001 - an alert about a failure must not be the next one
            return attempt_of(error)
        return Attempted("receivers_refused" if refused else None)

    return pace.deliver(attempt)


def opened(channel: EmailChannel, *, ca_file: str | None, timeout_seconds: float) -> smtplib.SMTP:
    """A connection that is encrypted as the channel asks, before anything is said."""
    context = None if channel.security == "none" else ssl.create_default_context(cafile=ca_file)
    if channel.security == "tls":
        return smtplib.SMTP_SSL(
            channel.host, channel.port, timeout=timeout_seconds, context=context
        )
    server = smtplib.SMTP(channel.host, channel.port, timeout=timeout_seconds)
    if context is not None:
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def attempt_of(error: Exception) -> Attempted:
    """The failure as a code; the server's own words can quote an address or more."""
    for classes, found in _KNOWN_FAILURES:
        if isinstance(error, classes):
            return found
    if isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
        return Attempted(f"smtp_{code}", passing=PASSING_FROM <= code < REFUSED_FROM)
    passing = isinstance(error, OSError | smtplib.SMTPException)
    return Attempted(type(error).__name__, passing=passing)


def mail_of(channel: EmailChannel, message: AlertMessage, *, sent_at: dt.datetime) -> EmailMessage:
    """The message with its headers; a name in the title can begin no header of its own."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.to)
    mail["Subject"] = one_line(message.title, at_most=MAXIMUM_SUBJECT)
    mail["Date"] = sent_at
    domain = channel.sender.rpartition("@")[2]
    mail["Message-ID"] = f"<{message.message_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Priority"] = "1" if message.severity == "page" else "3"
    mail.set_content("\n".join(_text(message)) + "\n")
    mail.add_alternative("".join(_html(message)), subtype="html")
    return mail


def _text(message: AlertMessage) -> Iterator[str]:
    yield message.title
    for section in message.sections:
        yield ""
        if section.heading:
            yield section.heading
        yield from (f"- {line}" for line in section.lines)
    for name, told in _closing(message):
        yield ""
        yield f"{name}: {told}"


def _html(message: AlertMessage) -> Iterator[str]:
    yield '<!DOCTYPE html><html lang="en"><body style="font-family: sans-serif">'
    yield f"<h2>{html.escape(message.title)}</h2>"
    for section in message.sections:
        if section.heading:
            yield f"<h3>{html.escape(section.heading)}</h3>"
        items = "".join(f"<li>{html.escape(line)}</li>" for line in section.lines)
        yield f"<ul>{items}</ul>"
    for name, told in _closing(message):
        shown = html.escape(told)
        if told.startswith(("http://", "https://")):
            shown = f'<a href="{shown}">{shown}</a>'
        yield f"<p>{name}: {shown}</p>"
    yield "</body></html>"


def _closing(message: AlertMessage) -> Iterator[tuple[str, str]]:
    for name, told in (
        ("Next", message.next_step),
        ("Open", message.link),
        ("What to do", message.runbook),
    ):
        if told:
            yield name, told
