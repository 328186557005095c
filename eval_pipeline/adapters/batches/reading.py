"""Reads an ended batch into the journal: each result once, what is missing as a failed attempt."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from eval_pipeline.adapters.batches.api import (
    MISSING,
    REJECTED,
    BatchResult,
    NoNewsError,
    Standing,
)
from eval_pipeline.adapters.batches.records import BatchRecord, BatchRecords
from eval_pipeline.adapters.batches.sending import BatchDesk
from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.call_figures import NOTHING, spent_by
from eval_pipeline.adapters.model_calls.journal import Attempt, CallKey
from eval_pipeline.adapters.providers import (
    Answered,
    Failed,
    Refused,
    Reply,
    ReplyFacts,
    cost_usd,
)
from eval_pipeline.ports import CallStatus, ModelCall

STATUSES: Mapping[type[Reply], CallStatus] = {Answered: "answered", Refused: "refused"}


@dataclass
class Waited:
    """A batch under way: the calls of this run that it answers, and how it was last seen."""

    desk: BatchDesk
    record: BatchRecord
    calls: Mapping[CallKey, ModelCall]
    silent: int = 0
    cancelled_at: dt.datetime | None = None


@dataclass
class Left:
    """What batches left unanswered: `again` may be asked one by one, `failed` not in this run."""

    failed: dict[CallKey, Attempt] = field(default_factory=dict)
    again: dict[CallKey, ModelCall] = field(default_factory=dict)


class Reading:
    """Writes results of batches as attempts; `left` grows by what they did not answer."""

    def __init__(
        self,
        records: BatchRecords,
        *,
        open_writer: Callable[[], AttemptWriter],
        made: Mapping[CallKey, int],
        clock: Callable[[], dt.datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`made` counts the attempts at each call before the batches were read."""
        self._records = records
        self._open_writer = open_writer
        self._made = made
        self._clock = clock
        self._sleep = sleep
        self.left = Left()
        self.paid = NOTHING

    def read(self, batch: Waited, standing: Standing | None) -> None:
        """Records what came of an ended batch; a null standing is one the provider has lost.

        Whoever reads it again, after a kill or at the same time, adds nothing: results carry the
        instant at which the batch was first seen ended.
        """
        record = batch.record
        ended_at = self._records.ended(record.batch_id, at=self._clock())
        recorded = self._records.recorded_from(record)
        open_calls = {key: call for key, call in batch.calls.items() if key not in recorded}
        with self._open_writer() as writer:
            for key, result in self._results(batch, standing, wanted=open_calls):
                attempt = self._record(batch, key, result, at=ended_at)
                writer.submit(attempt, route=batch.calls[key].route)
        # Only now is every result committed, so only now may the batch be forgotten.
        if recorded.union(batch.calls).issuperset(record.calls.values()):
            error = REJECTED if standing is not None and standing.rejected else None
            self._records.close(record.batch_id, "read", error=error)
            if standing is not None:
                batch.desk.api.tidy(standing)

    def leave(self, batch: Waited, *, error_code: str) -> None:
        """Gives up waiting without recording anything: the batch may still be paid for."""
        now = self._clock()
        for key in batch.calls:
            result = BatchResult("", None, error_code)
            self.left.failed[key] = self._attempt(batch, key, result, at=now)[0]

    def _results(
        self, batch: Waited, standing: Standing | None, *, wanted: Mapping[CallKey, ModelCall]
    ) -> Iterator[tuple[CallKey, BatchResult]]:
        missing = dict.fromkeys(wanted)
        if not missing:
            return
        lost = MISSING
        if standing is not None and standing.rejected:
            lost = REJECTED
        elif standing is not None:
            for result in self._told(batch, standing):
                key = batch.record.calls.get(result.custom_id)
                if key in missing:
                    del missing[key]
                    yield key, result
        for key in missing:
            yield key, BatchResult("", None, lost)

    def _told(self, batch: Waited, standing: Standing) -> Iterator[BatchResult]:
        """The results, from the start again where a download breaks off."""
        for turn in range(1, batch.desk.provider.settings.maximum_attempts + 1):
            try:
                yield from batch.desk.api.results(standing)
            except NoNewsError as error:
                if error.gone:
                    return
                if turn == batch.desk.provider.settings.maximum_attempts:
                    raise batch.desk.unreachable(error) from None
                self._sleep(min(batch.desk.settings.poll_seconds, 2.0**turn))
            else:
                return

    def _record(
        self, batch: Waited, key: CallKey, result: BatchResult, *, at: dt.datetime
    ) -> Attempt:
        attempt, retryable = self._attempt(batch, key, result, at=at)
        self.paid += spent_by(attempt)
        if attempt.status == "failed":
            if retryable and batch.cancelled_at is None:
                self.left.again[key] = batch.calls[key]
            else:
                self.left.failed[key] = attempt
        return attempt

    def _attempt(
        self, batch: Waited, key: CallKey, result: BatchResult, *, at: dt.datetime
    ) -> tuple[Attempt, bool]:
        """The attempt to record, and whether the same request may do better."""
        spec = batch.calls[key].spec
        reply = None
        if result.reply is not None:
            reply = batch.desk.provider.read(result.reply, now=at)
        facts = ReplyFacts() if reply is None else reply.facts
        full_price = cost_usd(spec, facts)
        attempt = Attempt(
            key=key,
            attempt=self._made.get(key, 0) + 1,
            status="failed" if reply is None else STATUSES.get(type(reply), "failed"),
            error_code=reply.error_code if isinstance(reply, Failed) else result.error_code,
            text=reply.text if isinstance(reply, Answered) else None,
            requested_model=spec.model,
            served_model=facts.served_model,
            system_fingerprint=facts.system_fingerprint,
            finish_reason=facts.finish_reason,
            input_tokens=facts.input_tokens,
            output_tokens=facts.output_tokens,
            cost_usd=None if full_price is None else full_price * batch.desk.settings.price_share,
            # A batch tells when it ended, not how long a request took.
            latency_seconds=None,
            recorded_at=at,
            batch_id=batch.record.batch_id,
        )
        return attempt, reply is None or (isinstance(reply, Failed) and reply.retryable)
