"""What the batch APIs have in common: how a batch stands, what came of a request, what can fail."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from eval_pipeline.adapters.batches.lines import BatchLine
from eval_pipeline.adapters.model_calls.transports import HttpReply

EXPIRED = "batch_expired"
CANCELLED = "batch_cancelled"
MISSING = "batch_missing"
REJECTED = "batch_rejected"


@dataclass(frozen=True)
class Standing:
    """How a batch stands. `rejected`: it ended before any of its requests was taken up.

    `tag` is ours as the provider repeats it, null where its API has no place for one; `total` is
    0 where the provider has not counted yet. `detail` is the provider's own object.
    """

    batch_id: str
    ended: bool
    done: int
    total: int
    created_at: dt.datetime | None
    rejected: bool = False
    tag: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BatchResult:
    """What came of one request: the reply that asking for it alone would have brought, or a code.

    A code means that the provider never took the request up, so that nothing was paid for it.
    """

    custom_id: str
    reply: HttpReply | None = field(repr=False)
    error_code: str | None = None


class SubmissionRefusedError(Exception):
    """The provider did not take a batch; nothing was paid. `status` is its HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class SubmissionUnsureError(Exception):
    """No answer to a submission: the provider may have taken the batch, or not."""


class NoNewsError(Exception):
    """The provider gave no usable answer this time; `status` is its HTTP status, if it sent one."""

    def __init__(self, problem: str, *, status: int | None = None) -> None:
        super().__init__(problem)
        self.status = status

    @property
    def gone(self) -> bool:
        """The provider answers, and does not know what is asked for."""
        return self.status in {404, 410}

    @property
    def unknown_here(self) -> bool:
        """The provider has no such request at all, as some that only resemble an API."""
        return self.status in {404, 405, 501}


class BatchApi(Protocol):
    """One provider's batch API; every method may raise `NoNewsError` or `ProviderAccessError`."""

    most_calls: int
    most_bytes: int
    tagged: bool
    """A batch repeats our tag while it runs, so a lost one is found at once."""

    def submit(self, lines: Sequence[BatchLine], *, tag: str) -> str:
        """The new batch's id; raises `SubmissionRefusedError` or `SubmissionUnsureError`."""
        ...

    def standing(self, batch_id: str) -> Standing:
        """How the batch stands now."""
        ...

    def recent(self, since: dt.datetime) -> Iterator[Standing]:
        """The account's batches that were made after `since`, newest first."""
        ...

    def results(self, standing: Standing) -> Iterator[BatchResult]:
        """What came of the requests of an ended batch, in any order; some may be missing."""
        ...

    def cancel(self, batch_id: str) -> None:
        """Asks the provider to end the batch; what it has answered by then stays."""
        ...

    def tidy(self, standing: Standing) -> None:
        """Deletes at the provider what it would keep for ever of a batch that has been read."""
        ...


def reply_of(status: int, body: bytes) -> HttpReply:
    """What the request would have got if asked alone; batches tell no headers and no latency."""
    return HttpReply(status, body, {}, 0.0, 0.0)


def instant(text: str | None) -> dt.datetime | None:
    """An RFC 3339 instant with its zone, or null."""
    try:
        read = dt.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return read if read.tzinfo is not None else None
