"""One provider: its addresses, its headers with the key, what is sent and what replies mean.

Knows no sockets. Nothing of a prompt or an answer ever goes into an error.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import httpx

from eval_pipeline.adapters.model_calls.transports import HttpReply, NoReply
from eval_pipeline.adapters.providers.addresses import address_of, base_address, headers_of
from eval_pipeline.adapters.providers.anthropic import ANTHROPIC
from eval_pipeline.adapters.providers.dialect import Body, Dialect
from eval_pipeline.adapters.providers.failures import SUCCESSES, read_failure
from eval_pipeline.adapters.providers.gemini import GEMINI
from eval_pipeline.adapters.providers.openai_chat import OPENAI_CHAT
from eval_pipeline.adapters.providers.openai_responses import OPENAI_RESPONSES
from eval_pipeline.adapters.providers.replies import Failed, Reply, json_object, name_of
from eval_pipeline.errors import SettingsError
from eval_pipeline.ports import ModelCall
from eval_pipeline.settings import USUAL_NETWORK, NetworkSettings, ProviderApi, ProviderSettings

DIALECTS: Final[Mapping[ProviderApi, Dialect]] = {
    "openai_chat": OPENAI_CHAT,
    "openai_responses": OPENAI_RESPONSES,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
}


class ChatProvider:
    """A provider as its settings describe it, spoken to in its dialect."""

    def __init__(
        self,
        name: str,
        settings: ProviderSettings,
        *,
        secret: Callable[[str], str],
        version_headers: Sequence[str] = (),
        network: NetworkSettings = USUAL_NETWORK,
    ) -> None:
        """`version_headers` names the reply headers that are kept as facts."""
        self.name = name
        self.settings = settings
        self.network = network
        self.url = base_address(name, settings, network=network)
        self._dialect = DIALECTS[settings.api]
        # A call takes about as long to address as to write: once per model is enough.
        self._addresses: dict[tuple[str, str], httpx.URL] = {}
        self._version_headers = sorted({header.lower() for header in version_headers})
        self.headers: Mapping[str, str] = headers_of(
            name,
            settings,
            defaults=self._dialect.headers,
            key_header=self._dialect.key_header,
            key_prefix=self._dialect.key_prefix,
            secret=secret,
        )

    def __repr__(self) -> str:
        """Name and address, never a header."""
        return f"ChatProvider({self.name!r}, {self.address!r})"

    @property
    def address(self) -> str:
        """Scheme, host and port: what an error may show of the address."""
        return f"{self.url.scheme}://{self.url.netloc.decode('ascii')}"

    @property
    def models_url(self) -> httpx.URL:
        """Where the provider lists its models, which costs nothing to ask."""
        return address_of(self.settings, "/models", model="")

    def url_of(self, call: ModelCall) -> httpx.URL:
        """Where a call is sent."""
        return self._address(self._dialect.path, call.spec.model)

    def _address(self, path: str, model: str) -> httpx.URL:
        known = self._addresses.get((path, model))
        if known is None:
            whole = path.format(resource=self._dialect.resource(model))
            known = address_of(self.settings, whole, model=model)
            self._addresses[path, model] = known
        return known

    def request(self, call: ModelCall) -> Body:
        """What is sent, as JSON values; a parameter replaces neither model nor messages."""
        return self._dialect.request(call, self.settings.structured_output)

    def body(self, call: ModelCall) -> bytes:
        """What is sent, as bytes."""
        return json.dumps(self.request(call)).encode("ascii")

    def read(self, reply: HttpReply | NoReply, *, now: dt.datetime) -> Reply:
        """What became of a request; `now` turns a Retry-After date into seconds."""
        if isinstance(reply, NoReply):
            return Failed(reply.error_code, retryable=True)
        read = self._read(json_object(reply.body), reply, now=now)
        kept = ((name, name_of(reply.headers.get(name))) for name in self._version_headers)
        headers = tuple((name, value) for name, value in kept if value is not None)
        return replace(read, facts=replace(read.facts, headers=headers))

    def _read(self, body: Mapping[str, Any], reply: HttpReply, *, now: dt.datetime) -> Reply:
        if reply.status in SUCCESSES and not body.get("error"):
            return self._dialect.read(body)
        return read_failure(
            body,
            status=reply.status,
            facts=self._dialect.facts(body),
            headers=reply.headers,
            now=now,
        )

    def embeddings_url(self, model: str) -> httpx.URL:
        """Where vectors are asked for; raises `SettingsError` where the API has none."""
        if self._dialect.embeddings is None:
            raise SettingsError(
                f"Provider '{self.name}' speaks the API '{self.settings.api}', which has no "
                "embeddings. Nothing was asked. Name another provider for them."
            )
        return self._address(self._dialect.embeddings.path, model)

    def embeddings_body(self, model: str, texts: Sequence[str]) -> bytes:
        """A request for one vector per text."""
        if self._dialect.embeddings is None:
            raise ValueError(f"'{self.settings.api}' has no embeddings")
        return json.dumps(self._dialect.embeddings.request(model, texts)).encode("ascii")

    def read_vectors(self, reply: HttpReply) -> list[list[float]] | None:
        """The vectors in the order of the texts; null where the reply holds none."""
        if self._dialect.embeddings is None or reply.status not in SUCCESSES:
            return None
        return self._dialect.embeddings.rows(json_object(reply.body))
