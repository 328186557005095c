"""Sends batches so that none is paid twice: recorded before it goes, looked for when in doubt."""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from eval_pipeline.adapters.batches.api import (
    BatchApi,
    NoNewsError,
    Standing,
    SubmissionRefusedError,
    SubmissionUnsureError,
)
from eval_pipeline.adapters.batches.lines import (
    BatchLine,
    batch_tag,
    chunks,
    custom_id,
    tag_of,
)
from eval_pipeline.adapters.batches.records import BatchRecord, BatchRecords
from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.errors import ProviderAccessError, ProviderUnreachableError
from eval_pipeline.ports import ModelCall
from eval_pipeline.settings import BatchSettings

LOOKS = 3
"""How often a batch is looked for before it counts as never accepted: lists may lag."""

CLOCKS_APART = dt.timedelta(minutes=15)
"""How far our clock and the provider's may differ."""


@dataclass(frozen=True)
class BatchDesk:
    """A provider with its batch API and how patiently it is used."""

    provider: ChatProvider
    api: BatchApi
    settings: BatchSettings

    def unreachable(self, error: Exception) -> ProviderUnreachableError:
        """What is raised when the provider cannot be asked any more."""
        return ProviderUnreachableError(self.provider.name, self.provider.address, str(error))


class _UndecidedError(Exception):
    """Whether a batch was accepted cannot be told yet."""


class Sending:
    """Sends calls as batches, and finds batches that were sent by a run that was killed."""

    def __init__(
        self,
        records: BatchRecords,
        *,
        clock: Callable[[], dt.datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._records = records
        self._clock = clock
        self._sleep = sleep

    def send(
        self, desk: BatchDesk, calls: Mapping[CallKey, ModelCall], *, purpose: str
    ) -> list[BatchRecord]:
        """Sends calls of one scope to one model; what is too large or refused is in no batch.

        Raises `ProviderAccessError` or `ProviderUnreachableError`; batches sent until then stay
        recorded and are taken up by the next run.
        """
        accepted: list[BatchRecord] = []
        drafts = [
            BatchLine("", call.spec.model, desk.provider.body(call)) for call in calls.values()
        ]
        named = {id(line): key for line, key in zip(drafts, calls, strict=True)}
        limit = min(desk.settings.maximum_calls, desk.api.most_calls)
        for chunk in chunks(drafts, most_calls=limit, most_bytes=desk.api.most_bytes):
            keys = [named[id(line)] for line in chunk]
            record = self._intend(desk, keys, purpose=purpose)
            lines = [
                replace(line, custom_id=name)
                for line, name in zip(chunk, record.calls, strict=True)
            ]
            batch_id = self._submit(desk, record, lines)
            if batch_id is not None:
                accepted.append(replace(record, batch_id=batch_id, state="sent"))
        return accepted

    def recover(self, desk: BatchDesk, record: BatchRecord) -> BatchRecord | None:
        """What became of a batch whose sending was cut off; null where it was never accepted.

        Comes back with state sending where only its results could tell and it has none yet.
        """
        try:
            batch_id = self._find(desk, record)
        except _UndecidedError:
            return record
        if batch_id is None:
            self._records.close(record.batch_id, "lost", error="not_accepted")
            return None
        self._records.accepted(record.batch_id, batch_id)
        return replace(record, batch_id=batch_id, state="sent")

    def _intend(self, desk: BatchDesk, keys: Sequence[CallKey], *, purpose: str) -> BatchRecord:
        now = self._clock()
        tag = batch_tag(keys[0].scope, keys, submitted_at=now.isoformat())
        record = BatchRecord(
            batch_id=tag,
            provider=desk.provider.name,
            scope=keys[0].scope,
            purpose=purpose,
            state="sending",
            submitted_at=now,
            calls={custom_id(tag, key): key for key in keys},
        )
        self._records.add(record)
        return record

    def _submit(
        self, desk: BatchDesk, record: BatchRecord, lines: Sequence[BatchLine]
    ) -> str | None:
        tag = record.batch_id
        doubt: Exception = SubmissionUnsureError("no attempt was allowed")
        for _ in range(desk.provider.settings.maximum_attempts):
            # A run that was held up for longer than its claims last may have been given up.
            if not self._records.is_sending(tag):
                return None
            try:
                batch_id: str | None = desk.api.submit(lines, tag=tag)
            except SubmissionRefusedError as refusal:
                self._records.close(tag, "lost", error=f"refused_{refusal.status}")
                return None
            except (ProviderAccessError, NoNewsError) as error:
                self._records.close(tag, "lost", error="not_sent")
                raise desk.unreachable(error) if isinstance(error, NoNewsError) else error from None
            except SubmissionUnsureError as error:
                doubt = error
                batch_id = self._found_or_unreachable(desk, record)
            if batch_id is not None:
                self._records.accepted(tag, batch_id)
                return batch_id
        self._records.close(tag, "lost", error="not_accepted")
        raise desk.unreachable(doubt)

    def _found_or_unreachable(self, desk: BatchDesk, record: BatchRecord) -> str | None:
        try:
            return self._find(desk, record)
        except _UndecidedError as error:
            raise desk.unreachable(error) from None

    def _find(self, desk: BatchDesk, record: BatchRecord) -> str | None:
        known = self._records.known(record.provider)
        silent = looks = 0
        until = self._clock() + dt.timedelta(hours=desk.settings.maximum_wait_hours)
        while True:
            try:
                found, doubtful = self._look(desk.api, record, known=known)
            except NoNewsError as error:
                if error.unknown_here:
                    return None
                silent += 1
                if silent >= desk.provider.settings.maximum_attempts:
                    raise desk.unreachable(error) from None
            else:
                looks += 1
                silent = 0
                if found is not None:
                    return found
                if not doubtful and looks >= LOOKS:
                    return None
                if self._clock() >= until:
                    raise _UndecidedError("another batch that may be this one has not ended")
            self._sleep(desk.settings.poll_seconds)

    def _look(
        self, api: BatchApi, record: BatchRecord, *, known: set[str]
    ) -> tuple[str | None, bool]:
        doubtful = False
        for standing in api.recent(record.submitted_at - CLOCKS_APART):
            if standing.batch_id in known or not standing.batch_id:
                continue
            if api.tagged:
                if standing.tag == record.batch_id:
                    return standing.batch_id, False
            elif standing.total in {0, len(record.calls)}:
                if not standing.ended:
                    doubtful = True
                elif _holds_results_of(api, standing, tag=record.batch_id):
                    return standing.batch_id, False
        return None, doubtful


def _holds_results_of(api: BatchApi, standing: Standing, *, tag: str) -> bool:
    first = next(iter(api.results(standing)), None)
    return first is not None and tag_of(first.custom_id) == tag
