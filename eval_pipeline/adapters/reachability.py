"""Whether a provider answers at all, asked once and without paying for a call."""

from collections.abc import Callable
from http import HTTPStatus

import httpx

from eval_pipeline.settings import ProviderSettings

TIMEOUT_SECONDS = 5.0
UNAUTHORISED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def problem_reaching(provider: ProviderSettings, *, secret: Callable[[str], str]) -> str | None:
    """What is wrong with reaching the provider's list of models; null if it answers.

    A provider that has no such list answers with "not found", and that is an answer.
    """
    headers = dict(provider.headers)
    if provider.key_variable is not None:
        headers["Authorization"] = f"Bearer {secret(provider.key_variable)}"
    url = f"{provider.base_url.rstrip('/')}/models"
    try:
        response = httpx.get(url, headers=headers, timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        return f"{url} cannot be reached ({type(error).__name__})"
    if response.status_code in UNAUTHORISED:
        return f"{url} refuses the key ({response.status_code})"
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{url} answers with {response.status_code}"
    return None
