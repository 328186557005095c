"""Answers calls in this process: what answering took is journalled, what was answered is not.

An answer of rules or of the golden set is free and is made again from the same inputs, so nothing
is saved by keeping it, and an erasure has one place less to search. Latencies are not the same
twice: the first one measured stands in the journal, so that a run made again gives the same bytes.
"""

import datetime as dt
import time
from collections.abc import Callable, Sequence

from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.adapters.model_calls.runner import call_key
from eval_pipeline.ports import CallOutcome, ModelCall, OwnAnswer, ProgressReport, Redact

RECORDED_AT_ONCE = 500


class InProcessRunner:
    """Asks a function, one call after the other, and times each."""

    def __init__(
        self,
        *,
        journal: CallJournal,
        redact: Redact,
        clock: Callable[[], dt.datetime],
        report: ProgressReport | None = None,
    ) -> None:
        self._journal = journal
        self._redact = redact
        self._clock = clock
        self._report = report

    def run(
        self,
        calls: Sequence[ModelCall],
        answer: Callable[[ModelCall], OwnAnswer],
        *,
        purpose: str,
    ) -> list[CallOutcome]:
        """One outcome per call, in the calls' order, texts masked as a model's would be.

        What answers nothing is `refused`: an output like any other, that costs nothing to score.
        Latency is of the answer alone; learning comes before.
        """
        keys = [call_key(call) for call in calls]
        distinct = dict(zip(keys, calls, strict=True))
        answers: dict[CallKey, OwnAnswer] = {}
        taken: dict[CallKey, float] = {}
        for done, (key, call) in enumerate(distinct.items()):
            if self._report is not None and done % RECORDED_AT_ONCE == 0:
                self._report(done, len(distinct), purpose)
            started = time.perf_counter()
            answers[key] = answer(call)
            taken[key] = time.perf_counter() - started
        settled = self._journal.settled_calls(distinct)
        new = [
            self._attempt(key, call, answers[key], taken[key])
            for key, call in distinct.items()
            if key not in settled
        ]
        for start in range(0, len(new), RECORDED_AT_ONCE):
            self._journal.record(new[start : start + RECORDED_AT_ONCE])
        # Read back, so that this run and a later one return the very same values.
        settled |= self._journal.settled_calls([attempt.key for attempt in new])
        texts = self._masked(distinct, answers)
        return [
            _outcome(call, answers[key], settled[key], texts.get(key))
            for key, call in zip(keys, calls, strict=True)
        ]

    def _masked(
        self, calls: dict[CallKey, ModelCall], answers: dict[CallKey, OwnAnswer]
    ) -> dict[CallKey, str]:
        told = [(key, one.text) for key, one in answers.items() if one.text is not None]
        masked = self._redact([(text, calls[key].route) for key, text in told])
        return dict(zip((key for key, _ in told), masked, strict=True))

    def _attempt(self, key: CallKey, call: ModelCall, answer: OwnAnswer, taken: float) -> Attempt:
        return Attempt(
            key=key,
            attempt=1,
            status="refused" if answer.text is None else "answered",
            error_code=None,
            text=None,
            requested_model=call.spec.model,
            served_model=call.spec.model,
            system_fingerprint=dict(call.spec.parameters).get("learnt_from"),  # type: ignore[arg-type]
            finish_reason=answer.reason,
            input_tokens=None,
            output_tokens=None,
            cost_usd=0.0 if answer.local else None,
            latency_seconds=taken if answer.local else None,
            recorded_at=self._clock(),
        )


def _outcome(call: ModelCall, answer: OwnAnswer, held: Attempt, text: str | None) -> CallOutcome:
    return CallOutcome(
        call=call,
        status="refused" if answer.text is None else "answered",
        text=text,
        error_code=None,
        requested_model=held.requested_model,
        served_model=held.served_model,
        system_fingerprint=held.system_fingerprint,
        finish_reason=answer.reason,
        input_tokens=None,
        output_tokens=None,
        cost_usd=held.cost_usd,
        latency_seconds=held.latency_seconds,
        attempts=held.attempt,
        confidence=answer.confidence,
        answered_from=answer.answered_from,
    )
