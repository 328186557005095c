"""OpenAI's batch API: a file of requests, a batch with our tag, files of answers and errors."""

import contextlib
import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval_pipeline.adapters.batches.api import (
    EXPIRED,
    BatchResult,
    NoNewsError,
    Standing,
    SubmissionUnsureError,
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
from eval_pipeline.errors import ProviderAccessError

PATHS = {"openai_chat": "/v1/chat/completions", "openai_responses": "/v1/responses"}
TAG = "eval_pipeline_batch"
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
MOST_CALLS = 50_000
MOST_BYTES = 200 * 10**6


class OpenAiBatches:
    """Implements `BatchApi`; a batch may hold requests to one model only."""

    most_calls = MOST_CALLS
    most_bytes = MOST_BYTES
    tagged = True

    def __init__(self, wire: BatchWire) -> None:
        self._wire = wire
        self._endpoint = PATHS[wire.provider.settings.api]

    def submit(self, lines: Sequence[BatchLine], *, tag: str) -> str:
        """Uploads the lines and starts the batch; a file without a batch costs nothing."""
        file_id = self._wire.upload(
            "/files",
            name=f"{tag}.jsonl",
            content=b"".join(request_line(line, url=self._endpoint) for line in lines),
            fields={"purpose": "batch"},
        )
        made = self._wire.submit(
            "/batches",
            {
                "input_file_id": file_id,
                "endpoint": self._endpoint,
                "completion_window": "24h",
                "metadata": {TAG: tag},
            },
        )
        batch_id = text_in(made, "id")
        if batch_id is None:
            raise SubmissionUnsureError("a reply without an id")
        return batch_id

    def standing(self, batch_id: str) -> Standing:
        """How the batch stands now."""
        return standing_of(self._wire.get(f"/batches/{batch_id}"))

    def recent(self, since: dt.datetime) -> Iterator[Standing]:
        """The account's batches made after `since`, newest first, page by page."""
        yield from self._wire.newest_first(
            "/batches", cursor="after", since=since, read=standing_of
        )

    def results(self, standing: Standing) -> Iterator[BatchResult]:
        """Both files line by line; a batch that ended early has what it did until then."""
        for name in ("output_file_id", "error_file_id"):
            file_id = text_in(standing.detail, name)
            if file_id is not None:
                for line in objects(self._wire.lines(f"/files/{file_id}/content")):
                    result = result_of(line)
                    if result is not None:
                        yield result

    def cancel(self, batch_id: str) -> None:
        """Asks the provider to end the batch; it may take ten minutes."""
        self._wire.post(f"/batches/{batch_id}/cancel")

    def tidy(self, standing: Standing) -> None:
        """Deletes the files: they hold prompts and answers, and no date ends them."""
        for name in ("input_file_id", "output_file_id", "error_file_id"):
            file_id = text_in(standing.detail, name)
            if file_id is not None:
                with contextlib.suppress(NoNewsError, ProviderAccessError):
                    self._wire.delete(f"/files/{file_id}")


def request_line(line: BatchLine, *, url: str) -> bytes:
    """One line of the file, ending in a line feed; a body in JSON has none itself."""
    head = {"custom_id": line.custom_id, "method": "POST", "url": url}
    return json.dumps(head)[:-1].encode("ascii") + b', "body": ' + line.body + b"}\n"


def standing_of(batch: Mapping[str, Any]) -> Standing:
    """A batch object as the API sends it; a state that is not known counts as running."""
    status = text_in(batch, "status")
    counts = inner(batch, "request_counts")
    return Standing(
        batch_id=text_in(batch, "id") or "",
        ended=status in ENDED,
        done=count_in(counts, "completed") + count_in(counts, "failed"),
        total=count_in(counts, "total"),
        created_at=_instant(count_in(batch, "created_at")),
        rejected=status == "failed",
        tag=text_in(inner(batch, "metadata"), TAG),
        detail=batch,
    )


def result_of(line: Mapping[str, Any]) -> BatchResult | None:
    """One line of either file; null where it names no request."""
    name = text_in(line, "custom_id")
    if name is None:
        return None
    response = inner(line, "response")
    status = count_in(response, "status_code")
    if status:
        body = json.dumps(inner(response, "body")).encode("ascii")
        return BatchResult(name, reply_of(status, body))
    # Without a response the request never ran: `batch_expired`, `batch_cancelled`.
    return BatchResult(name, None, EXPIRED)


def _instant(seconds: int) -> dt.datetime | None:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
