"""HTTP to a batch API: small requests with patience, submissions without repeats, long results."""

import datetime as dt
import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from eval_pipeline.adapters.batches.api import (
    NoNewsError,
    Standing,
    SubmissionRefusedError,
    SubmissionUnsureError,
)
from eval_pipeline.adapters.batches.lines import json_object, whole_lines
from eval_pipeline.adapters.model_calls.transports import (
    CONNECT_SECONDS,
    HttpReply,
)
from eval_pipeline.adapters.network.bodies import BodyDecoder, TooLongError
from eval_pipeline.adapters.network.clients import TOTAL_SECONDS, CheckedTransport
from eval_pipeline.adapters.providers import ChatProvider, Failed
from eval_pipeline.errors import ProviderAccessError

OK = range(200, 300)
FIRST_WAIT_SECONDS = 0.5
UPLOAD_SECONDS = 600.0
LARGEST_RESULTS_BYTES = 2 * 2**30
PAGE = 100


class BatchWire:
    """One provider's address for batches, over one connection pool; close it after use."""

    def __init__(
        self,
        provider: ChatProvider,
        *,
        clock: Callable[[], dt.datetime],
        sleep: Callable[[float], None] = time.sleep,
        largest_object_bytes: int | None = None,
    ) -> None:
        """`largest_object_bytes` bounds a reply that is one JSON object; null: as any reply."""
        settings = provider.settings
        self.provider = provider
        self._clock = clock
        self._sleep = sleep
        self._largest = largest_object_bytes or settings.largest_reply_bytes
        self._base = httpx.URL(settings.base_url.rstrip("/"))
        timeout = httpx.Timeout(
            settings.attempt_timeout_seconds, connect=CONNECT_SECONDS, write=UPLOAD_SECONDS
        )
        self._client = httpx.Client(
            timeout=timeout,
            transport=CheckedTransport(
                self._base, network=provider.network, seconds=settings.attempt_timeout_seconds
            ),
        )
        self._headers = {"accept-encoding": "gzip"} | {
            name: value
            for name, value in provider.headers.items()
            if name.lower() != "content-type"
        }

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """A JSON object, asked for once; raises `NoNewsError` where none comes."""
        return self._object(self._once("GET", path, query=query))

    def newest_first(
        self,
        path: str,
        *,
        cursor: str,
        since: dt.datetime,
        read: Callable[[Mapping[str, Any]], Standing],
    ) -> Iterator[Standing]:
        """What is listed under a path and was made after `since`, page by page, newest first.

        `cursor` names the parameter that carries the last id of a page to the next.
        """
        after: dict[str, str] = {}
        while True:
            page = self.get(path, limit=PAGE, **after)
            found = [read(each) for each in page.get("data") or () if isinstance(each, dict)]
            for standing in found:
                if standing.created_at is not None and standing.created_at < since:
                    return
                yield standing
            if page.get("has_more") is not True or not found:
                return
            after = {cursor: found[-1].batch_id}

    def post(self, path: str) -> dict[str, Any]:
        """A request without a body that may be repeated, made once."""
        return self._object(self._once("POST", path, json_body={}))

    def delete(self, path: str) -> None:
        """Deletes once; raises `NoNewsError` only where nobody answers."""
        self._once("DELETE", path)

    def upload(self, path: str, *, name: str, content: bytes, fields: Mapping[str, str]) -> str:
        """Uploads a file, again if need be, since a file costs nothing; its id."""
        for turn in range(1, self.provider.settings.maximum_attempts + 1):
            try:
                reply = self._once("POST", path, upload=(name, content, fields))
            except NoNewsError:
                if turn == self.provider.settings.maximum_attempts:
                    raise
                self._wait(turn, None)
                continue
            file_id = json_object(reply.body).get("id") if reply.status in OK else None
            if isinstance(file_id, str) and file_id:
                return file_id
            self._refused_unless_later(reply, turn)
        raise SubmissionRefusedError(reply.status)

    def submit(self, path: str, body: Mapping[str, Any] | bytes) -> dict[str, Any]:
        """A request that is paid for: repeated only after a plain no, never after silence."""
        for turn in range(1, self.provider.settings.maximum_attempts + 1):
            try:
                reply = self._once("POST", path, json_body=body)
            except NoNewsError as error:
                raise SubmissionUnsureError(str(error)) from None
            if reply.status in OK:
                return json_object(reply.body)
            if reply.status >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise SubmissionUnsureError(f"HTTP {reply.status}")
            self._refused_unless_later(reply, turn)
        raise SubmissionRefusedError(reply.status)

    def lines(self, path: str) -> Iterator[bytes]:
        """The lines of a long answer as they come; raises `NoNewsError` where it breaks off.

        A download may take as long as a call with all its attempts, and be two gigabytes long.
        """
        settings = self.provider.settings
        longest = settings.largest_reply_bytes
        try:
            with self._client.stream(
                "GET",
                self._url(path),
                headers=self._headers,
                params=self._query({}),
                extensions={TOTAL_SECONDS: settings.total_timeout_seconds},
            ) as reply:
                if reply.status_code not in OK:
                    self._stop_without_access(reply.status_code)
                    raise NoNewsError(f"HTTP {reply.status_code}", status=reply.status_code)
                parts = _decoded(reply, largest=LARGEST_RESULTS_BYTES)
                yield from whole_lines(parts, longest=longest)
        except httpx.HTTPError as error:
            raise NoNewsError(type(error).__name__) from None

    def _once(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        json_body: Mapping[str, Any] | bytes | None = None,
        upload: tuple[str, bytes, Mapping[str, str]] | None = None,
    ) -> HttpReply:
        sent: dict[str, Any] = {}
        headers = dict(self._headers)
        if json_body is not None:
            sent["content"] = json_body if isinstance(json_body, bytes) else json.dumps(json_body)
            headers["content-type"] = "application/json"
        if upload is not None:
            name, content, fields = upload
            sent["files"] = {"file": (name, content, "application/jsonl")}
            sent["data"] = dict(fields)
        params = self._query(query or {})
        seconds = self.provider.settings.attempt_timeout_seconds
        if json_body is not None or upload is not None:
            seconds = max(seconds, UPLOAD_SECONDS)
        sent["extensions"] = {TOTAL_SECONDS: seconds}
        try:
            with self._client.stream(
                method, self._url(path), headers=headers, params=params, **sent
            ) as reply:
                content = b"".join(_decoded(reply, largest=self._largest))
        except httpx.HTTPError as error:
            raise NoNewsError(type(error).__name__) from None
        self._stop_without_access(reply.status_code)
        named = {name.lower(): value for name, value in reply.headers.items()}
        return HttpReply(reply.status_code, content, named, 0.0, 0.0)

    def _object(self, reply: HttpReply) -> dict[str, Any]:
        found = json_object(reply.body)
        if reply.status not in OK or not found:
            raise NoNewsError(f"HTTP {reply.status}", status=reply.status)
        return found

    def _refused_unless_later(self, reply: HttpReply, turn: int) -> None:
        read = self.provider.read(reply, now=self._clock())
        if not isinstance(read, Failed):
            raise SubmissionRefusedError(reply.status)
        if read.error_code == "authentication":
            self._no_access(reply.status)
        if not read.retryable or turn == self.provider.settings.maximum_attempts:
            raise SubmissionRefusedError(reply.status)
        self._wait(turn, read.retry_after_seconds)

    def _stop_without_access(self, status: int) -> None:
        if status in {401, 402, 403}:
            self._no_access(status)

    def _no_access(self, status: int) -> None:
        raise ProviderAccessError(self.provider.name, status, self.provider.settings.key_variable)

    def _wait(self, turn: int, asked_seconds: float | None) -> None:
        cap = self.provider.settings.maximum_wait_seconds
        own = FIRST_WAIT_SECONDS * 2.0 ** min(turn - 1, 30)
        self._sleep(min(cap, own if asked_seconds is None else asked_seconds))

    def _url(self, path: str) -> httpx.URL:
        return self._base.copy_with(path=self._base.path.rstrip("/") + quote(path, safe="/:"))

    def _query(self, more: Mapping[str, str | int]) -> dict[str, str | int]:
        return {**self.provider.settings.query, **more}


def _decoded(reply: httpx.Response, *, largest: int) -> Iterator[bytes]:
    """The body in pieces; raises `NoNewsError` beyond `largest` bytes or where it is garbled."""
    try:
        decoder = BodyDecoder(reply.headers.get("content-encoding", ""), largest=largest)
        for chunk in reply.iter_raw():
            yield from decoder.pieces(chunk)
        decoder.finish()
    except TooLongError:
        raise NoNewsError(f"more than {largest} bytes") from None
    except zlib.error:
        raise NoNewsError("undecodable content") from None
