"""Whether a provider answers at all, asked once and without paying for a call."""

import datetime as dt
from collections.abc import Callable
from http import HTTPStatus

import httpx

from eval_pipeline.adapters.model_calls.transports import HttpReply
from eval_pipeline.adapters.providers import ChatProvider, Failed
from eval_pipeline.settings import ProviderSettings

TIMEOUT_SECONDS = 5.0


def problem_reaching(
    name: str, settings: ProviderSettings, *, secret: Callable[[str], str]
) -> str | None:
    """What is wrong with reaching the provider's list of models; null if it answers.

    A provider that has no such list answers with "not found", and that is an answer. Raises
    `SettingsError` or `MissingEnvironmentError` where there is nothing to ask with.
    """
    provider = ChatProvider(name, settings, secret=secret)
    url = provider.models_url
    shown = f"{provider.address}{url.path}"
    try:
        response = httpx.get(url, headers=provider.headers, timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        return f"{shown} cannot be reached ({type(error).__name__})"
    status = response.status_code
    reply = HttpReply(status, response.content, {}, latency_seconds=0.0, first_byte_seconds=0.0)
    read = provider.read(reply, now=dt.datetime.min.replace(tzinfo=dt.UTC))
    if isinstance(read, Failed) and read.error_code == "authentication":
        return f"{shown} refuses the key ({status})"
    if response.is_redirect:
        return f"{shown} redirects elsewhere ({status}), and that is not followed"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{shown} answers with {status}"
    return None
