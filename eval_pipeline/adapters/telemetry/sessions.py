"""What the exporters of OpenTelemetry post with: checked addresses, one deadline, no redirects."""

from http import HTTPStatus
from typing import Any, Final

import httpx

from eval_pipeline.adapters.network.clients import open_client
from eval_pipeline.settings import NetworkSettings

_OURS: Final = frozenset({"host", "connection", "accept-encoding", "content-length"})


def checked_session(
    requests: Any, url: httpx.URL, *, network: NetworkSettings, seconds: float
) -> Any:
    """A session of the library `requests`, which the exporters speak, for one address.

    A redirect is an answer and not followed: whoever sends one would get the headers' secrets. Of
    a reply only its head is read.
    """
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    adapter = _Adapter(requests, url, network=network, seconds=seconds)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    session.get_redirect_target = lambda _: None
    return session


class _Adapter:
    """Sends a prepared request of `requests` through our own client."""

    def __init__(
        self, requests: Any, url: httpx.URL, *, network: NetworkSettings, seconds: float
    ) -> None:
        self._requests = requests
        self._client = open_client(url, network=network, seconds=seconds)

    def send(self, request: Any, **_: Any) -> Any:
        """The reply's head; raises the library's own errors."""
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in _OURS
        }
        try:
            with self._client.stream(
                "POST", request.url, headers=headers, content=request.body or b""
            ) as answer:
                return self._reply(request, answer)
        except httpx.TimeoutException:
            raise self._requests.exceptions.Timeout("no answer in time") from None
        except httpx.HTTPError as error:
            raise self._requests.exceptions.ConnectionError(type(error).__name__) from None

    def _reply(self, request: Any, answer: httpx.Response) -> Any:
        reply = self._requests.Response()
        taken = answer.is_success or answer.is_error
        # The exporters take every status below 400 for a success, a redirect too.
        reply.status_code = answer.status_code if taken else HTTPStatus.MISDIRECTED_REQUEST
        reply.headers.update(answer.headers)
        reply.url, reply.request, reply.reason = request.url, request, answer.reason_phrase
        reply._content = b""  # noqa: SLF001 - there is no other way to say that it was read
        return reply

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()
