"""Posts a body to a secret URL; nothing that it logs, returns or raises holds the URL."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import httpx

from eval_pipeline.adapters.alerting.outcome import Delivered
from eval_pipeline.adapters.alerting.pacing import Attempted, Pace
from eval_pipeline.adapters.network.clients import open_client
from eval_pipeline.adapters.network.destinations import RefusedAddressError, checked_url
from eval_pipeline.errors import RefusedDestinationError
from eval_pipeline.settings import USUAL_NETWORK, NetworkSettings

USER_AGENT: Final = "eval-pipeline"
REFUSED_DESTINATION: Final = "destination_refused"
_LOGGERS: Final = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy")
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def post(
    url: str,
    body: bytes,
    *,
    pace: Pace,
    headers: Mapping[str, str],
    network: NetworkSettings = USUAL_NETWORK,
    secret_url: bool = False,
    transport: httpx.BaseTransport | None = None,
) -> Delivered:
    """Whether the receiver took the body, with retries where a failure may pass. Never raises.

    Redirects are not followed: whoever answers with one would get the message. Nothing of the
    reply is read but its head. A `secret_url` may not go over plain http.
    """
    sent = {"content-type": "application/json", "user-agent": USER_AGENT, **headers}

    def attempt(seconds: float) -> Attempted:
        try:
            address = checked_url("url", url, network=network, carries_secret=secret_url)
            with (
                requests_unlogged(),
                open_client(address, network=network, seconds=seconds)
                if transport is None
                else httpx.Client(transport=transport, timeout=seconds) as client,
                client.stream("POST", address, content=body, headers=sent) as answer,
            ):
                return _read(answer)
        except RefusedDestinationError:
            return Attempted(REFUSED_DESTINATION)
        except (httpx.TransportError, OSError) as error:
            return Attempted(
                _code_of(error), passing=not isinstance(error, httpx.UnsupportedProtocol)
            )
        except Exception as error:  # noqa: BLE001 - an alert about a failure must not be the next one
            return Attempted(type(error).__name__)

    return pace.deliver(attempt)


def _read(answer: httpx.Response) -> Attempted:
    if answer.is_success:
        return Attempted(None)
    status = answer.status_code
    passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING
    asked = answer.headers.get("retry-after", "")
    wait = float(asked) if asked.isascii() and asked.isdigit() else None
    return Attempted(f"http_{status}", passing=passing, wait_seconds=wait)


def _code_of(error: Exception) -> str:
    if isinstance(error.__cause__, RefusedAddressError):
        return REFUSED_DESTINATION
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ConnectError):
        return "no_connection"
    return type(error).__name__


@contextmanager
def requests_unlogged() -> Iterator[None]:
    """Drops this thread's request lines, with which the HTTP client would log the URL."""
    here = threading.get_ident()

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != here

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(elsewhere)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(elsewhere)
