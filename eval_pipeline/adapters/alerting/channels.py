"""Sends a message by a channel of the settings, and looks whether a channel could."""

import datetime as dt
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpcore

from eval_pipeline.adapters.alerting.mail import attempt_of, opened, send_mail
from eval_pipeline.adapters.alerting.outcome import Delivered, failed
from eval_pipeline.adapters.alerting.pacing import Pace
from eval_pipeline.adapters.alerting.posting import post
from eval_pipeline.adapters.alerting.slack import slack_body
from eval_pipeline.adapters.alerting.webhook import signed_headers, webhook_body
from eval_pipeline.adapters.network.destinations import (
    RefusedAddressError,
    checked_url,
    resolved,
)
from eval_pipeline.errors import MissingEnvironmentError, RefusedDestinationError
from eval_pipeline.monitoring.alerting.messages import AlertMessage
from eval_pipeline.settings import (
    USUAL_NETWORK,
    Channel,
    EmailChannel,
    NetworkSettings,
    SlackChannel,
    WebhookChannel,
)

log = logging.getLogger(__name__)

NOT_SET: Final = "variable_not_set"
LOOK_SECONDS: Final = 5.0
_PORTS: Final = {"http": 80, "https": 443}

Secret = Callable[[str], str]
"""The value of an environment variable; raises `MissingEnvironmentError`."""


@dataclass(frozen=True)
class Sender:
    """Sends to channels; `locate` finds files of the project, `sleep` waits between attempts."""

    secret: Secret
    clock: Callable[[], dt.datetime]
    locate: Callable[[str], str] = str
    sleep: Callable[[float], None] = time.sleep
    network: NetworkSettings = USUAL_NETWORK

    def send(self, name: str, channel: Channel, message: AlertMessage) -> Delivered:
        """What became of it; never raises, and logs no more than names and a code."""
        pace = Pace(channel.timeout_seconds, channel.attempts, sleep=self.sleep)
        try:
            delivered = self._send(channel, message, pace=pace)
        except MissingEnvironmentError:
            delivered = failed(NOT_SET)
        except Exception as error:  # noqa: BLE001 - an alert about a failure must not be the next one
            delivered = failed(type(error).__name__)
        if not delivered.ok:
            log.error(
                "Channel '%s' did not take '%s' (%s).", name, message.title, delivered.error_code
            )
        return delivered

    def _send(self, channel: Channel, message: AlertMessage, *, pace: Pace) -> Delivered:
        now = self.clock()
        match channel:
            case SlackChannel():
                url = self.secret(channel.webhook_variable)
                return post(
                    url,
                    slack_body(message),
                    pace=pace,
                    headers={},
                    network=self.network,
                    secret_url=True,
                )
            case WebhookChannel():
                url, body = self.secret(channel.url_variable), webhook_body(message, sent_at=now)
                signing = channel.secret_variable
                secret = None if signing is None else self.secret(signing)
                headers = signed_headers(body, secret=secret, sent_at=now)
                return post(url, body, pace=pace, headers=headers, network=self.network)
            case EmailChannel():
                word = channel.password_variable
                password = None if word is None else self.secret(word)
                return send_mail(
                    channel,
                    message,
                    password=password,
                    ca_file=None if channel.ca_file is None else self.locate(channel.ca_file),
                    pace=pace,
                    sent_at=now,
                )

    def problem_with(self, channel: Channel) -> str | None:
        """Why the channel could not be used, in words without secrets; null where nothing says so.

        Connects, and sends nothing. Raises `MissingEnvironmentError` where a variable is not set.
        """
        match channel:
            case SlackChannel():
                return self._unreachable(channel.webhook_variable, secret_url=True)
            case WebhookChannel():
                if channel.secret_variable is not None:
                    self.secret(channel.secret_variable)
                return self._unreachable(channel.url_variable)
            case EmailChannel():
                if channel.password_variable is not None:
                    self.secret(channel.password_variable)
                authorities = None if channel.ca_file is None else self.locate(channel.ca_file)
                return _mail_problem(channel, ca_file=authorities)

    def _unreachable(self, variable: str, *, secret_url: bool = False) -> str | None:
        url = self.secret(variable)
        found = unreachable_host(url, network=self.network, carries_secret=secret_url)
        return None if found is None else f"what {variable} holds {found}"


def unreachable_host(
    url: str, *, network: NetworkSettings, carries_secret: bool = False
) -> str | None:
    """Why nobody listens at the URL's host, by the class of the failure; null if one does."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        if not parts.hostname:
            return "is no URL"
        checked_url("url", url, network=network, carries_secret=carries_secret)
        address = resolved(parts.hostname, port, network=network)[0][4][0]
        socket.create_connection((str(address), port), timeout=LOOK_SECONDS).close()
    except (RefusedDestinationError, RefusedAddressError):
        return "is no place that may be connected to (see `network`)"
    except (KeyError, ValueError):
        return "is no URL"
    except (OSError, httpcore.ConnectError) as error:
        cause = error.__cause__ or error
        return f"cannot be reached ({type(cause).__name__})"
    return None


def _mail_problem(channel: EmailChannel, *, ca_file: str | None) -> str | None:
    try:
        opened(channel, ca_file=ca_file, timeout_seconds=LOOK_SECONDS).quit()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told as a code
        return f"{channel.host}:{channel.port} cannot be used ({attempt_of(error).error_code})"
    return None
