"""Calls by batch, as the runner uses them: which go, what is under way, what is left over."""

import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from eval_pipeline.adapters.batches.budget import BatchBudget
from eval_pipeline.adapters.batches.claiming import claimed_for_batches
from eval_pipeline.adapters.batches.collecting import Collecting
from eval_pipeline.adapters.batches.desks import Desks
from eval_pipeline.adapters.batches.reading import Left, Reading, Waited
from eval_pipeline.adapters.batches.records import BatchRecord, BatchRecords
from eval_pipeline.adapters.batches.sending import BatchDesk, Sending
from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.call_figures import NOTHING, Spent
from eval_pipeline.adapters.model_calls.claims import CallClaims
from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.adapters.model_calls.spending import spender_of
from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.errors import SpendingLimitError
from eval_pipeline.ports import ModelCall, ProgressReport
from eval_pipeline.settings import Spender, SpendingLimit

_logger = logging.getLogger(__name__)

Calls = Mapping[CallKey, ModelCall]
AskOneByOne = Callable[[Calls, Mapping[str, Spent]], dict[CallKey, Attempt]]
"""Asks calls now and returns those without an answer; told what batches may yet cost by scope."""


class Batching:
    """Answers what may wait by batch and hands the rest to be asked one by one."""

    def __init__(
        self,
        providers: Mapping[str, ChatProvider],
        *,
        journal: CallJournal,
        open_writer: Callable[[CallClaims | None], AttemptWriter],
        clock: Callable[[], dt.datetime],
        limits: Mapping[Spender, SpendingLimit],
        report: ProgressReport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`open_writer` gives the writer that redacts and that renews the claims it is given."""
        self._providers = providers
        self._journal = journal
        self._records = BatchRecords(journal.engine)
        self._open_writer = open_writer
        self._clock = clock
        self._limits = limits
        self._report = report
        self._sleep = sleep
        self._sending = Sending(self._records, clock=clock, sleep=sleep)

    def answer(self, pending: Calls, *, purpose: str, ask: AskOneByOne) -> dict[CallKey, Attempt]:
        """The calls that stayed without an answer; the others stand in the journal.

        What goes by no batch is asked while the batches are under way; what they could not answer
        and asking may, after they have ended. A limit that stops the asking is raised once what
        the batches brought is recorded.
        """
        budget = BatchBudget(self._journal.engine, self._limits)
        stopped: SpendingLimitError | None = None
        failed: dict[CallKey, Attempt] = {}
        with closing(Desks(self._providers, clock=self._clock, sleep=self._sleep)) as desks:
            batches = self._start(pending, desks=desks, budget=budget, purpose=purpose)
            taken = {key for batch in batches for key in batch.calls}
            rest = {key: call for key, call in pending.items() if key not in taken}
            try:
                failed = ask(rest, budget.reserved) if rest else {}
            except SpendingLimitError as stop:
                stopped = stop
            left = self._collect(batches, purpose=purpose) if batches else Left()
        if stopped is not None:
            raise stopped
        failed |= left.failed
        return failed | ask(left.again, {}) if left.again else failed

    def _start(
        self, pending: Calls, *, desks: Desks, budget: BatchBudget, purpose: str
    ) -> list[Waited]:
        """What earlier runs sent for some of these calls, and what is sent now."""
        may_wait = {key: call for key, call in pending.items() if self._may_wait(key, call)}
        if not may_wait and not self._records.open_in({key.scope for key in pending}):
            return []
        claims = CallClaims(self._journal.engine)
        try:
            # The writer's thread renews the claims: sending can take longer than a lease.
            with self._open_writer(claims):
                records, fresh = self._claim(pending, may_wait, claims=claims, desks=desks)
                batches = [
                    _waited(desks.of(record.provider), record, pending) for record in records
                ]
                for batch in batches:
                    budget.reserve(batch.calls, price_share=batch.desk.settings.price_share)
                return batches + self._send(fresh, desks=desks, budget=budget, purpose=purpose)
        finally:
            claims.release_all()

    def _claim(
        self, pending: Calls, may_wait: Calls, *, claims: CallClaims, desks: Desks
    ) -> tuple[list[BatchRecord], dict[CallKey, ModelCall]]:
        """The batches that were accepted or may have been, and the calls to send.

        What was lost on its way is among those to send: the look at the provider is over by then.
        """
        undecided: set[str] = set()
        while True:
            records, fresh = claimed_for_batches(
                pending,
                may_wait,
                records=self._records,
                claims=claims,
                enough=self._enough,
                sleep=self._sleep,
            )
            doubtful = [
                record
                for record in records
                if record.state == "sending" and record.batch_id not in undecided
            ]
            if not doubtful:
                return records, fresh
            for record in doubtful:
                found = self._sending.recover(desks.of(record.provider), record)
                if found is not None and found.state == "sending":
                    undecided.add(found.batch_id)
            claims.release_all()

    def _send(
        self, fresh: Calls, *, desks: Desks, budget: BatchBudget, purpose: str
    ) -> list[Waited]:
        batches = []
        for (provider, _, _), group in sorted(self._groups(fresh).items()):
            desk = desks.of(provider)
            share = desk.settings.price_share
            chosen = budget.affordable(group, price_share=share)
            if not chosen:
                continue
            expected = budget.reserve(chosen, price_share=share)
            _logger.info(
                "%s: %s calls go to %s by batch; expected %s.",
                purpose, f"{len(chosen):,}", provider, expected.told,
            )  # fmt: skip
            sent = self._sending.send(desk, chosen, purpose=purpose)
            batches += [_waited(desk, record, chosen) for record in sent]
        return batches

    def _enough(self, calls: Calls) -> dict[CallKey, ModelCall]:
        """Of calls that may wait, those that make a batch: per scope and model, enough of them."""
        enough: dict[CallKey, ModelCall] = {}
        for (provider, _, _), group in self._groups(calls).items():
            batch = self._providers[provider].settings.batch
            if batch is not None and len(group) >= batch.minimum_calls:
                enough |= group
        return enough

    def _groups(self, calls: Calls) -> dict[tuple[str, str, str], dict[CallKey, ModelCall]]:
        groups: dict[tuple[str, str, str], dict[CallKey, ModelCall]] = defaultdict(dict)
        for key, call in calls.items():
            groups[call.spec.provider, key.scope, call.spec.model][key] = call
        return groups

    def _may_wait(self, key: CallKey, call: ModelCall) -> bool:
        """Whether so configured, and nobody set this kind of work a time in minutes."""
        batch = self._providers[call.spec.provider].settings.batch
        spender = spender_of(key.scope)
        if batch is None or spender not in batch.spenders:
            return False
        limit = self._limits.get(spender)
        return limit is None or limit.minutes is None

    def _collect(self, batches: Sequence[Waited], *, purpose: str) -> Left:
        last = self._journal.last_attempts([key for batch in batches for key in batch.calls])
        reading = Reading(
            self._records,
            open_writer=lambda: self._open_writer(None),
            made={key: attempt.attempt for key, attempt in last.items()},
            clock=self._clock,
            sleep=self._sleep,
        )
        collecting = Collecting(reading, clock=self._clock, report=self._report, sleep=self._sleep)
        left = collecting.collect(batches, purpose=purpose)
        if reading.paid != NOTHING:
            _logger.info("%s: paid for %s by batch.", purpose, reading.paid.told)
        return left


def _waited(desk: BatchDesk, record: BatchRecord, calls: Calls) -> Waited:
    own = {key: calls[key] for key in record.calls.values() if key in calls}
    return Waited(desk, record, own)
