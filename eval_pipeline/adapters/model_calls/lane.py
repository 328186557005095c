"""One provider's share of a run: its calls, its pace, when to wait and when to give it up."""

import datetime as dt
import math
from http import HTTPStatus

from eval_pipeline.adapters.model_calls.feed import CallFeed
from eval_pipeline.adapters.model_calls.limits import seconds_until_room
from eval_pipeline.adapters.model_calls.line import Asked, Line
from eval_pipeline.adapters.model_calls.pacing import Pace, Silence, backoff_seconds
from eval_pipeline.adapters.model_calls.pools import require_http2
from eval_pipeline.adapters.model_calls.transports import HttpReply, NoReply
from eval_pipeline.adapters.providers import ChatProvider, Failed, Reply
from eval_pipeline.errors import ProviderAccessError, ProviderUnreachableError
from eval_pipeline.settings import ProviderSettings

PATIENCE_CALLS = 3
WAITING_PER_WORKER = 4
CALM_WAIT_SECONDS = 2.0
LEAST_FIRST = 8


class Lane:
    """One provider's share of a run: its calls, its pace, its silence."""

    def __init__(self, provider: ChatProvider, feed: CallFeed) -> None:
        settings = provider.settings
        if settings.http2:
            require_http2(provider.name)
        self.provider = provider
        self.feed = feed
        self.workers = min(settings.concurrency, len(feed.calls))
        self.line = Line(feed, most_waiting=WAITING_PER_WORKER * self.workers)
        self.pace = Pace(settings.concurrency, first=_first_level(settings))
        self.served_at = -math.inf
        self.silence = Silence(
            # More than a few calls that hang every time, each on its own, can use up.
            patience_attempts=2 * settings.concurrency + PATIENCE_CALLS * settings.maximum_attempts,
            patience_seconds=max(
                settings.maximum_wait_seconds,
                PATIENCE_CALLS * settings.attempt_timeout_seconds,
            ),
        )

    def is_last_attempt(self, asked: Asked) -> bool:
        """Whether the call's attempts are used up.

        What met a rate limit is no attempt of its own as long as the provider serves others: it
        was not served, and only waits its turn.
        """
        counted = asked.turn
        if self.served_at > asked.began:
            counted -= asked.turned_away
        return counted >= self.provider.settings.maximum_attempts

    def stop_if_pointless(
        self, received: HttpReply | NoReply, reply: Reply, *, last_attempt: bool
    ) -> None:
        """Raises for a provider that is gone, or that refuses the key."""
        provider = self.provider
        if isinstance(received, HttpReply):
            self.silence.heard()
            if isinstance(reply, Failed) and reply.error_code == "authentication":
                raise ProviderAccessError(
                    provider.name, received.status, provider.settings.key_variable
                )
            return
        if received.error_code == "bad_response":
            self.silence.heard()
            return
        self.silence.unheard(received)
        if received.refused or self.silence.is_final(last_attempt=last_attempt):
            raise ProviderUnreachableError(provider.name, provider.address, received.problem)

    def tell_pace(
        self,
        received: HttpReply | NoReply,
        reply: Reply,
        *,
        sent_at: float,
        now: dt.datetime,
    ) -> None:
        """A limit on the account holds everyone, before it turns requests away where it is told."""
        cap = self.provider.settings.maximum_wait_seconds
        asked_for = reply.retry_after_seconds if isinstance(reply, Failed) else None
        wait = None if asked_for is None else min(cap, asked_for)
        if isinstance(reply, Failed) and reply.error_code == "rate_limited":
            self.pace.refused(sent_at=sent_at, wait_seconds=wait)
        else:
            # What the provider made of a request says nothing of its load, unless it failed.
            told = self.pace.failed if _is_trouble(received) else self.pace.answered
            told(sent_at=sent_at)
            if wait is not None:
                self.pace.hold(wait)
        if isinstance(received, HttpReply):
            tokens = (reply.facts.input_tokens or 0) + (reply.facts.output_tokens or 0)
            until_room = seconds_until_room(received.headers, now=now, tokens=tokens)
            if until_room > 0:
                self.pace.hold(min(cap, until_room))

    def seconds_to_wait(self, reply: Failed, asked: Asked) -> float | None:
        """Seconds until the next attempt, as the provider asked or a backoff; None: there is none.

        While the provider answers others, a call need not wait long: the pace sees to the load.
        """
        if not reply.retryable or asked.last is None or self.is_last_attempt(asked):
            return None
        cap = self.provider.settings.maximum_wait_seconds
        if reply.retry_after_seconds is not None:
            return min(cap, reply.retry_after_seconds)
        if self.pace.level.mostly_answers:
            cap = min(cap, CALM_WAIT_SECONDS)
        return backoff_seconds(asked.key, asked.last.attempt, turn=asked.turn, cap=cap)


def _first_level(settings: ProviderSettings) -> int:
    """A quarter of the ceiling costs a long run about one call's time, and asks few for a limit."""
    return settings.first_concurrency or max(LEAST_FIRST, settings.concurrency // 4)


def _is_trouble(received: HttpReply | NoReply) -> bool:
    if isinstance(received, NoReply):
        return received.error_code != "bad_response"
    return received.status >= HTTPStatus.INTERNAL_SERVER_ERROR
