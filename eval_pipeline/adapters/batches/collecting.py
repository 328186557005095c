"""Waits for batches: polls them, cancels what takes too long, hands what ended to the reader."""

import datetime as dt
import time
from collections.abc import Callable, Sequence

from eval_pipeline.adapters.batches.api import EXPIRED, NoNewsError
from eval_pipeline.adapters.batches.reading import Left, Reading, Waited
from eval_pipeline.ports import ProgressReport

CANCELLING = dt.timedelta(minutes=15)
"""How long a cancelled batch is given to end; one that does not is left to the next run."""


class Collecting:
    """Polls batches until all have ended or were given up."""

    def __init__(
        self,
        reading: Reading,
        *,
        clock: Callable[[], dt.datetime],
        report: ProgressReport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reading = reading
        self._clock = clock
        self._report = report
        self._sleep = sleep

    def collect(self, batches: Sequence[Waited], *, purpose: str) -> Left:
        """Comes back when nothing more is to be waited for; every answer is committed by then.

        Raises `ProviderUnreachableError` or `ProviderAccessError`; the batches stay recorded.
        """
        waiting = list(batches)
        while True:
            waiting = [batch for batch in waiting if not self._is_settled(batch, purpose)]
            if not waiting:
                return self._reading.left
            self._sleep(min(batch.desk.settings.poll_seconds for batch in waiting))

    def _is_settled(self, batch: Waited, purpose: str) -> bool:
        if batch.record.state == "sending":
            self._reading.leave(batch, error_code=EXPIRED)
            return True
        try:
            standing = batch.desk.api.standing(batch.record.batch_id)
        except NoNewsError as error:
            return self._is_lost(batch, error)
        batch.silent = 0
        if self._report is not None:
            total = standing.total or len(batch.record.calls)
            self._report(standing.done, total, f"{purpose}, batch {batch.record.batch_id}")
        if standing.ended:
            self._reading.read(batch, standing)
            return True
        return self._is_given_up(batch)

    def _is_lost(self, batch: Waited, error: NoNewsError) -> bool:
        batch.silent += 1
        if batch.silent < batch.desk.provider.settings.maximum_attempts:
            return False
        if not error.gone:
            raise batch.desk.unreachable(error)
        self._reading.read(batch, None)
        return True

    def _is_given_up(self, batch: Waited) -> bool:
        now = self._clock()
        allowed = dt.timedelta(hours=batch.desk.settings.maximum_wait_hours)
        if now - batch.record.submitted_at < allowed:
            return False
        if batch.cancelled_at is None:
            batch.cancelled_at = now
        if now - batch.cancelled_at >= CANCELLING:
            self._reading.leave(batch, error_code=EXPIRED)
            return True
        try:
            batch.desk.api.cancel(batch.record.batch_id)
        except NoNewsError:
            # It may be ending already; the next poll tells.
            return False
        return False
