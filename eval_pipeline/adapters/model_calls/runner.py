"""Answers planned calls over HTTP: each paid at most once, recorded first, resumed after a kill."""

import datetime as dt
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Final

import httpx

from eval_pipeline.adapters.batches.batching import Batching
from eval_pipeline.adapters.model_calls.asking import Asking, Telling, ask_all
from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.call_figures import NOTHING, Spent, spent_on, usual_tokens
from eval_pipeline.adapters.model_calls.call_plans import Expectations, plan_of
from eval_pipeline.adapters.model_calls.claims import CallClaims
from eval_pipeline.adapters.model_calls.feed import CallFeed
from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.adapters.model_calls.lane import Lane
from eval_pipeline.adapters.model_calls.spending import Purse, SpendingGuard, Stop, spender_of
from eval_pipeline.adapters.model_calls.transports import run_to_end
from eval_pipeline.adapters.providers import ChatProvider, request_fingerprint
from eval_pipeline.errors import SettingsError, SpendingLimitError
from eval_pipeline.ports import CallOutcome, ModelCall, ProgressReport, Redact
from eval_pipeline.settings import (
    USUAL_NETWORK,
    NetworkSettings,
    ProviderSettings,
    Spender,
    SpendingLimit,
)

CALLS_LOGGER: Final = __name__
"""Says what each run of calls is expected to take, and afterwards what it took."""

_logger = logging.getLogger(CALLS_LOGGER)


def call_key(call: ModelCall) -> CallKey:
    """The identity under which a call is paid for and recorded."""
    return CallKey(
        scope=call.scope,
        system_id=call.system_id,
        item_id=call.item_id,
        trial=call.trial,
        request_fingerprint=request_fingerprint(call),
    )


class HttpModelRunner:
    """Implements `ports.ModelRunner` over HTTP, each provider spoken to in its own API."""

    def __init__(  # noqa: PLR0913 - everything that a run of calls rests on
        self,
        providers: Mapping[str, ProviderSettings],
        *,
        journal: CallJournal,
        redact: Redact,
        secret: Callable[[str], str],
        clock: Callable[[], dt.datetime],
        report: ProgressReport | None = None,
        spending: Mapping[Spender, SpendingLimit] = MappingProxyType({}),
        version_headers: Sequence[str] = (),
        network: NetworkSettings = USUAL_NETWORK,
    ) -> None:
        """`secret` gives an environment variable's value; an unset one fails here, not later.

        `version_headers` names the reply headers that are recorded.
        """
        self._providers = {
            name: ChatProvider(
                name, settings, secret=secret, version_headers=version_headers, network=network
            )
            for name, settings in providers.items()
        }
        self._journal = journal
        self._redact = redact
        self._clock = clock
        self._report = report
        self._spending = spending

    def run(self, calls: Sequence[ModelCall], *, purpose: str) -> list[CallOutcome]:
        """One outcome per call, in the calls' order, with the values the journal holds.

        A call that stays without an answer is an outcome of status failed and is asked again by
        the next run. Calls that another run is asking are waited for. Raises where going on is no
        use: a provider that is gone or refuses access, an unknown provider, a journal that cannot
        be written, a limit of `spending` that would be passed.
        """
        keys = [call_key(call) for call in calls]
        planned: dict[CallKey, ModelCall] = {}
        for key, call in zip(keys, calls, strict=True):
            planned.setdefault(key, call)
        self._refuse_unknown_providers(calls)
        settled = self._settled(planned)
        pending = {key: call for key, call in planned.items() if key not in settled}
        failed: dict[CallKey, Attempt] = {}
        if pending:
            ask = partial(self._ask, purpose=purpose, recorded=len(planned) - len(pending))
            failed = self._batching.answer(pending, purpose=purpose, ask=ask)
            # Read back, so that this run and a resumed one return the very same values.
            settled |= self._settled(pending)
        return [
            _outcome(call, settled[key] if key in settled else failed[key])
            for key, call in zip(keys, calls, strict=True)
        ]

    def _refuse_unknown_providers(self, calls: Sequence[ModelCall]) -> None:
        unknown = sorted({call.spec.provider for call in calls} - self._providers.keys())
        if unknown:
            raise SettingsError(
                f"Provider '{unknown[0]}' is asked for but not configured; configured: "
                f"{', '.join(sorted(self._providers)) or 'none'}. Nothing was asked. "
                "Add it under `providers` in the configuration."
            )

    def _settled(self, wanted: Collection[CallKey]) -> dict[CallKey, Attempt]:
        """Read by key: other calls of the scope, and their texts, stay where they are."""
        return self._journal.settled_calls(wanted)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()

    @cached_property
    def _batching(self) -> Batching:
        return Batching(
            self._providers,
            journal=self._journal,
            open_writer=self._writer,
            clock=self._clock,
            limits=self._spending,
            report=self._report,
        )

    def _writer(
        self, claims: CallClaims | None, told: Callable[[Attempt], None] | None = None
    ) -> AttemptWriter:
        return AttemptWriter(self._journal, redact=self._redact, claims=claims, told=told)

    def _ask(
        self,
        pending: Mapping[CallKey, ModelCall],
        reserved: Mapping[str, Spent],
        *,
        purpose: str,
        recorded: int,
    ) -> dict[CallKey, Attempt]:
        """Returns the last attempt at what stayed unanswered; `reserved` is set aside by scope."""
        expectations = Expectations(partial(usual_tokens, self._journal.engine))
        guard = self._guard({key.scope for key in pending}, reserved, expectations)
        self._announce(pending, guard, purpose=purpose, recorded=recorded, by=expectations)
        claims = CallClaims(self._journal.engine)
        told = Telling(self._report, purpose, recorded)
        try:
            with self._writer(claims, guard.pay) as writer:
                asking = Asking(writer, clock=self._clock)
                lanes = [
                    Lane(provider, self._feed(provider, pending, claims, writer, guard))
                    for provider in self._asked(pending)
                ]
                tell = replace(told, feeds=tuple(lane.feed for lane in lanes))
                run_to_end(lambda: ask_all(asking, lanes, tell=tell, tls=self._tls))
        finally:
            claims.release_all()
            _logger.info("%s: paid for %s.", purpose, guard.paid.told)
        if guard.stopped is not None:
            settled = self._settled(pending)
            missing = [call for key, call in pending.items() if key not in settled]
            raise _stopped(guard.stopped, purpose=purpose, missing=missing, by=expectations)
        elsewhere = set[CallKey]().union(*(lane.feed.gave_up_elsewhere for lane in lanes))
        return asking.failed | self._journal.last_attempts(elsewhere)

    def _asked(self, pending: Mapping[CallKey, ModelCall]) -> list[ChatProvider]:
        named = {call.spec.provider for call in pending.values()}
        return [self._providers[name] for name in sorted(named)]

    def _feed(
        self,
        provider: ChatProvider,
        pending: Mapping[CallKey, ModelCall],
        claims: CallClaims,
        writer: AttemptWriter,
        guard: SpendingGuard,
    ) -> CallFeed:
        own = {key: call for key, call in pending.items() if call.spec.provider == provider.name}
        at_once = provider.settings.concurrency
        return CallFeed(own, at_once=at_once, claims=claims, writer=writer, guard=guard)

    def _guard(
        self, scopes: Collection[str], reserved: Mapping[str, Spent], expectations: Expectations
    ) -> SpendingGuard:
        read = partial(spent_on, self._journal.engine)
        purses = {
            scope: Purse(scope, limit, elsewhere=read(scope) + reserved.get(scope, NOTHING))
            for scope in sorted(scopes)
            if (limit := self._limit(scope)) is not None
        }
        return SpendingGuard(purses, expectations=expectations, spent_on=read)

    def _limit(self, scope: str) -> SpendingLimit | None:
        spender = spender_of(scope)
        return None if spender is None else self._spending.get(spender)

    def _announce(
        self,
        pending: Mapping[CallKey, ModelCall],
        guard: SpendingGuard,
        *,
        purpose: str,
        recorded: int,
        by: Expectations,
    ) -> None:
        """Says what the run is expected to take; refuses what passes a limit for certain."""
        planned = recorded + len(pending)
        plan = plan_of(pending.values(), purpose=purpose, planned=planned, expectations=by)
        _logger.info("%s", plan.told)
        stop = guard.refuse(Counter(key.scope for key in pending))
        if stop is not None:
            raise _stopped(stop, purpose=purpose, missing=pending.values(), by=by)


def _stopped(
    stop: Stop, *, purpose: str, missing: Collection[ModelCall], by: Expectations
) -> SpendingLimitError:
    return SpendingLimitError(
        purpose,
        setting=stop.setting,
        limit=stop.limit,
        scope=stop.scope,
        spent=stop.spent.told,
        missing=len(missing),
        expected=sum((by.of(call) for call in missing), start=NOTHING).told,
    )


def _outcome(call: ModelCall, attempt: Attempt) -> CallOutcome:
    return CallOutcome(
        call=call,
        status=attempt.status,
        text=attempt.text,
        error_code=attempt.error_code,
        requested_model=attempt.requested_model,
        served_model=attempt.served_model,
        system_fingerprint=attempt.system_fingerprint,
        finish_reason=attempt.finish_reason,
        input_tokens=attempt.input_tokens,
        output_tokens=attempt.output_tokens,
        cost_usd=attempt.cost_usd,
        latency_seconds=None if attempt.status == "failed" else attempt.latency_seconds,
        attempts=attempt.attempt,
        first_byte_seconds=None if attempt.status == "failed" else attempt.first_byte_seconds,
        headers=attempt.headers,
    )
