"""Anthropic's batch API: requests in one body, answers as lines once all of them ended."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval_pipeline.adapters.batches.api import (
    CANCELLED,
    EXPIRED,
    BatchResult,
    Standing,
    SubmissionUnsureError,
    instant,
    reply_of,
)
from eval_pipeline.adapters.batches.lines import (
    BatchLine,
    count_in,
    inner,
    objects,
    text_in,
)
from eval_pipeline.adapters.batches.wire import BatchWire

PATH = "/messages/batches"
MOST_CALLS = 100_000
MOST_BYTES = 256 * 10**6
STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
UNTOUCHED = {"expired": EXPIRED, "canceled": CANCELLED}


class AnthropicBatches:
    """Implements `BatchApi`; a batch carries no tag, only its results name our requests."""

    most_calls = MOST_CALLS
    most_bytes = MOST_BYTES
    tagged = False

    def __init__(self, wire: BatchWire) -> None:
        self._wire = wire

    def submit(self, lines: Sequence[BatchLine], *, tag: str) -> str:
        """Starts the batch; the tag goes along in the custom ids."""
        made = self._wire.submit(PATH, submission(lines))
        batch_id = text_in(made, "id")
        if batch_id is None:
            raise SubmissionUnsureError(f"a reply without an id to {tag}")
        return batch_id

    def standing(self, batch_id: str) -> Standing:
        """How the batch stands now."""
        return standing_of(self._wire.get(f"{PATH}/{batch_id}"))

    def recent(self, since: dt.datetime) -> Iterator[Standing]:
        """The workspace's batches made after `since`, newest first, page by page."""
        yield from self._wire.newest_first(PATH, cursor="after_id", since=since, read=standing_of)

    def results(self, standing: Standing) -> Iterator[BatchResult]:
        """Line by line, from our own address: the key never follows an address in a reply."""
        for line in objects(self._wire.lines(f"{PATH}/{standing.batch_id}/results")):
            result = result_of(line)
            if result is not None:
                yield result

    def cancel(self, batch_id: str) -> None:
        """Asks the provider to end the batch; requests under way may still be answered."""
        self._wire.post(f"{PATH}/{batch_id}/cancel")

    def tidy(self, standing: Standing) -> None:
        """Does nothing: the provider deletes results by itself after some weeks."""


def submission(lines: Sequence[BatchLine]) -> bytes:
    """The body of a submission."""
    requests = [
        b'{"custom_id": ' + json.dumps(line.custom_id).encode("ascii") + b', "params": '
        + line.body + b"}"
        for line in lines
    ]  # fmt: skip
    return b'{"requests": [' + b", ".join(requests) + b"]}"


def standing_of(batch: Mapping[str, Any]) -> Standing:
    """A batch object as the API sends it; a state that is not known counts as running."""
    counts = inner(batch, "request_counts")
    done = sum(count_in(counts, name) for name in ("succeeded", "errored", "canceled", "expired"))
    return Standing(
        batch_id=text_in(batch, "id") or "",
        ended=batch.get("processing_status") == "ended",
        done=done,
        total=done + count_in(counts, "processing"),
        created_at=instant(text_in(batch, "created_at")),
        detail=batch,
    )


def result_of(line: Mapping[str, Any]) -> BatchResult | None:
    """One line of the results; null where it names no request."""
    name = text_in(line, "custom_id")
    if name is None:
        return None
    result = inner(line, "result")
    kind = text_in(result, "type")
    if kind in UNTOUCHED:
        return BatchResult(name, None, UNTOUCHED[kind])
    if kind == "errored":
        error = inner(result, "error")
        named = text_in(inner(error, "error"), "type") or text_in(error, "type") or ""
        body = json.dumps(error).encode("ascii")
        return BatchResult(name, reply_of(STATUSES.get(named, 500), body))
    body = json.dumps(inner(result, "message")).encode("ascii")
    return BatchResult(name, reply_of(200, body))
