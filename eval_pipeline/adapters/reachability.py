"""Whether a provider answers at all, asked once and without paying for a call."""

import datetime as dt
import zlib
from collections.abc import Callable
from http import HTTPStatus

import httpx

from eval_pipeline.adapters.model_calls.transports import HttpReply
from eval_pipeline.adapters.network.bodies import BodyDecoder, TooLongError
from eval_pipeline.adapters.network.clients import open_client
from eval_pipeline.adapters.network.destinations import RefusedAddressError
from eval_pipeline.adapters.providers import ChatProvider, Failed
from eval_pipeline.settings import USUAL_NETWORK, NetworkSettings, ProviderSettings

TIMEOUT_SECONDS = 5.0
LARGEST_BYTES = 8 * 2**20


def problem_reaching(
    name: str,
    settings: ProviderSettings,
    *,
    secret: Callable[[str], str],
    network: NetworkSettings = USUAL_NETWORK,
) -> str | None:
    """What is wrong with reaching the provider's list of models; null if it answers.

    A provider that has no such list answers with "not found", and that is an answer. Raises
    `SettingsError` or `MissingEnvironmentError` where there is nothing to ask with.
    """
    provider = ChatProvider(name, settings, secret=secret, network=network)
    url = provider.models_url
    shown = f"{provider.address}{url.path}"
    try:
        with (
            open_client(url, network=network, seconds=TIMEOUT_SECONDS) as client,
            client.stream("GET", url, headers=provider.headers) as response,
        ):
            content = _content(response)
    except httpx.HTTPError as error:
        refused = isinstance(error.__cause__, RefusedAddressError)
        problem = str(error) if refused else type(error).__name__
        return f"{shown} cannot be reached ({problem})"
    status = response.status_code
    reply = HttpReply(status, content, {}, latency_seconds=0.0, first_byte_seconds=0.0)
    read = provider.read(reply, now=dt.datetime.min.replace(tzinfo=dt.UTC))
    if isinstance(read, Failed) and read.error_code == "authentication":
        return f"{shown} refuses the key ({status})"
    if response.is_redirect:
        return f"{shown} redirects elsewhere ({status}), and that is not followed"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{shown} answers with {status}"
    return None


def _content(response: httpx.Response) -> bytes:
    """The body, of which only what refuses a key is read; empty where it is too long or garbled."""
    content = bytearray()
    try:
        decoder = BodyDecoder(response.headers.get("content-encoding", ""), largest=LARGEST_BYTES)
        for chunk in response.iter_raw():
            for piece in decoder.pieces(chunk):
                content += piece
    except (TooLongError, zlib.error):
        return b""
    return bytes(content)
