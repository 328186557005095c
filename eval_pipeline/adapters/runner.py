"""Answers planned calls over HTTP: each paid at most once, recorded first, resumed after a kill."""

import datetime as dt
import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import chain

import httpx

from eval_pipeline.adapters.asking import Asking, Lane, Telling, ask_all
from eval_pipeline.adapters.journal import Attempt, AttemptWriter, CallJournal, CallKey
from eval_pipeline.adapters.providers import ChatProvider, request_fingerprint
from eval_pipeline.adapters.transports import run_to_end
from eval_pipeline.errors import SettingsError
from eval_pipeline.ports import CallOutcome, ModelCall, ProgressReport, Redact
from eval_pipeline.settings import ProviderSettings


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

    def __init__(
        self,
        providers: Mapping[str, ProviderSettings],
        *,
        journal: CallJournal,
        redact: Redact,
        secret: Callable[[str], str],
        clock: Callable[[], dt.datetime],
        report: ProgressReport | None = None,
        version_headers: Sequence[str] = (),
    ) -> None:
        """`secret` gives an environment variable's value; an unset one fails here, not later.

        `version_headers` names the reply headers that are recorded.
        """
        self._providers = {
            name: ChatProvider(name, settings, secret=secret, version_headers=version_headers)
            for name, settings in providers.items()
        }
        self._journal = journal
        self._redact = redact
        self._clock = clock
        self._report = report

    def run(self, calls: Sequence[ModelCall], *, purpose: str) -> list[CallOutcome]:
        """One outcome per call, in the calls' order, with the values the journal holds.

        A call that stays without an answer is an outcome of status failed and is asked again by
        the next run. Raises only when going on is no use: a provider that is gone or refuses
        access, an unknown provider, a journal that cannot be written.
        """
        keys = [call_key(call) for call in calls]
        planned: dict[CallKey, ModelCall] = {}
        for key, call in zip(keys, calls, strict=True):
            planned.setdefault(key, call)
        self._refuse_unknown_providers(calls)
        settled = self._settled(calls)
        pending = {key: call for key, call in planned.items() if key not in settled}
        failed: dict[CallKey, Attempt] = {}
        if pending:
            failed = self._ask(pending, purpose=purpose, already=len(planned) - len(pending))
            # Read back, so that this run and a resumed one return the very same values.
            settled = self._settled(calls)
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

    def _settled(self, calls: Sequence[ModelCall]) -> dict[CallKey, Attempt]:
        systems: dict[str, set[str]] = {}
        for call in calls:
            systems.setdefault(call.scope, set()).add(call.system_id)
        return dict(
            chain.from_iterable(
                self._journal.settled(scope, systems=named).items()
                for scope, named in sorted(systems.items())
            )
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()

    def _ask(
        self, pending: Mapping[CallKey, ModelCall], *, purpose: str, already: int
    ) -> dict[CallKey, Attempt]:
        """Asks what is pending and returns the calls that stayed without an answer."""
        made: dict[CallKey, int] = {}
        for scope in sorted({key.scope for key in pending}):
            made |= self._journal.attempts_made(scope)
        with AttemptWriter(self._journal, redact=self._redact) as writer:
            asking = Asking(writer, clock=self._clock, made=made)
            lanes = [
                Lane(
                    self._providers[name],
                    {key: call for key, call in pending.items() if call.spec.provider == name},
                )
                for name in sorted({call.spec.provider for call in pending.values()})
            ]
            run_to_end(
                lambda: ask_all(
                    asking,
                    lanes,
                    tell=Telling(self._report, purpose, already),
                    tls=self._tls,
                )
            )
        return asking.failed


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
    )
