"""Gemini's batch API: requests inline, an operation with our tag as its name, answers inside."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from eval_pipeline.adapters.batches.api import (
    CANCELLED,
    BatchResult,
    Standing,
    SubmissionUnsureError,
    instant,
    reply_of,
)
from eval_pipeline.adapters.batches.lines import BatchLine, count_in, inner, text_in
from eval_pipeline.adapters.batches.wire import PAGE, BatchWire

MOST_CALLS = 10_000
MOST_BYTES = 19 * 10**6
"""The API takes 20 MB inline; a file of requests is not used."""

LARGEST_OPERATION_BYTES = 256 * 2**20
ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"})
STATUSES = {3: 400, 5: 404, 7: 403, 8: 429, 9: 400, 11: 400, 16: 401}
"""The codes of google.rpc.Status that are not the server's own fault, as HTTP statuses."""

CANCELLED_CODE = 1


class GeminiBatches:
    """Implements `BatchApi`; a batch asks one model, which stands in its address."""

    most_calls = MOST_CALLS
    most_bytes = MOST_BYTES
    tagged = True

    def __init__(self, wire: BatchWire) -> None:
        self._wire = wire

    def submit(self, lines: Sequence[BatchLine], *, tag: str) -> str:
        """Starts the batch; all lines must ask the same model."""
        model = quote(lines[0].model.removeprefix("models/"), safe="")
        made = self._wire.submit(
            f"/models/{model}:batchGenerateContent", submission(lines, tag=tag)
        )
        batch_id = text_in(made, "name")
        if batch_id is None:
            raise SubmissionUnsureError("a reply without a name")
        return batch_id

    def standing(self, batch_id: str) -> Standing:
        """How the batch stands now."""
        return standing_of(self._wire.get(f"/{batch_id}"))

    def recent(self, since: dt.datetime) -> Iterator[Standing]:
        """The project's batches made after `since`, in the provider's order, page by page."""
        token: dict[str, str] = {}
        while True:
            page = self._wire.get("/batches", pageSize=PAGE, **token)
            listed = page.get("operations")
            for each in listed or ():
                if isinstance(each, dict):
                    standing = standing_of(each)
                    if standing.created_at is None or standing.created_at >= since:
                        yield standing
            following = text_in(page, "nextPageToken")
            if following is None:
                return
            token = {"pageToken": following}

    def results(self, standing: Standing) -> Iterator[BatchResult]:
        """What the ended operation holds."""
        for holder in (inner(standing.detail, "metadata", "output"), standing.detail):
            name = "response" if holder is standing.detail else "inlinedResponses"
            responses = inner(holder, name).get("inlinedResponses")
            if isinstance(responses, dict):
                responses = responses.get("inlinedResponses")
            found = [each for each in responses or () if isinstance(each, dict)]
            if found:
                yield from filter(None, map(result_of, found))
                return

    def cancel(self, batch_id: str) -> None:
        """Asks the provider to end the batch."""
        self._wire.post(f"/{batch_id}:cancel")

    def tidy(self, standing: Standing) -> None:
        """Does nothing: the provider deletes results by itself after some weeks."""


def submission(lines: Sequence[BatchLine], *, tag: str) -> bytes:
    """The body of a submission; the tag is the batch's display name."""
    requests = [
        b'{"request": ' + line.body + b', "metadata": '
        + json.dumps({"key": line.custom_id}).encode("ascii") + b"}"
        for line in lines
    ]  # fmt: skip
    named = json.dumps(tag).encode("ascii")
    head = b'{"batch": {"displayName": ' + named + b', "inputConfig": {"requests": {"requests": ['
    return head + b", ".join(requests) + b"]}}}}"


def standing_of(operation: Mapping[str, Any]) -> Standing:
    """An operation as the API sends it; a state that is not known counts as running."""
    batch = inner(operation, "metadata")
    counts = inner(batch, "batchStats")
    state = (text_in(batch, "state") or "").rpartition("_")[2]
    return Standing(
        batch_id=text_in(operation, "name") or "",
        ended=state in ENDED or operation.get("done") is True,
        done=count_in(counts, "successfulRequestCount") + count_in(counts, "failedRequestCount"),
        total=count_in(counts, "requestCount"),
        created_at=instant(text_in(batch, "createTime")),
        rejected=state == "FAILED",
        tag=text_in(batch, "displayName"),
        detail=operation,
    )


def result_of(response: Mapping[str, Any]) -> BatchResult | None:
    """One inlined response; null where it names no request."""
    name = text_in(inner(response, "metadata"), "key")
    if name is None:
        return None
    error = inner(response, "error")
    if not error:
        body = json.dumps(inner(response, "response")).encode("ascii")
        return BatchResult(name, reply_of(200, body))
    code = count_in(error, "code")
    if code == CANCELLED_CODE:
        return BatchResult(name, None, CANCELLED)
    body = json.dumps({"error": error}).encode("ascii")
    return BatchResult(name, reply_of(STATUSES.get(code, 500), body))
