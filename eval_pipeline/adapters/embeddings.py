"""A provider's embeddings endpoint: anonymised texts in, one vector of length one each out.

Retries, pace and connections are those of model calls. Nothing of a text goes into an error, and
nothing is journaled: a second run asks again.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import httpcore
import httpx
import numpy as np
from numpy.typing import NDArray

from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.adapters.model_calls.pacing import Pace, backoff_seconds
from eval_pipeline.adapters.model_calls.pools import open_shards
from eval_pipeline.adapters.model_calls.transports import (
    HttpReply,
    NoReply,
    first_failure,
    post,
    run_to_end,
)
from eval_pipeline.adapters.providers import ChatProvider, Failed
from eval_pipeline.errors import EvalPipelineError, ProviderAccessError, ProviderUnreachableError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import (
    USUAL_NETWORK,
    EmbeddingsSettings,
    NetworkSettings,
    ProviderSettings,
)

Floats = NDArray[np.float64]
DECIMALS = 6
OK = range(200, 300)
REFUSED_ACCESS = "authentication"


class EmbeddingsError(EvalPipelineError):
    """An embeddings endpoint answers, and not with vectors; nothing was written."""

    def __init__(self, provider: str, model: str, problem: str) -> None:
        super().__init__(
            f"Provider '{provider}' gave no vectors for model '{model}': {problem}. Nothing was "
            "written. Check `clusters.embeddings`, or remove it to group texts without a provider."
        )


class HttpEmbeddings:
    """Vectors of texts by one provider, in the dialect of its API."""

    def __init__(
        self,
        settings: EmbeddingsSettings,
        provider: ProviderSettings,
        *,
        secret: Callable[[str], str],
        clock: Callable[[], dt.datetime],
        network: NetworkSettings = USUAL_NETWORK,
    ) -> None:
        self._settings = settings
        self._provider = ChatProvider(settings.provider, provider, secret=secret, network=network)
        self._url = self._provider.embeddings_url(settings.model)
        self._clock = clock

    def vectors(self, texts: Sequence[str]) -> Floats:
        """One row per text, of length one; zeros for an empty text, which is not sent.

        Raises `ProviderUnreachableError`, `ProviderAccessError` or `EmbeddingsError`; there is no
        partial result, because topics of a part of the texts would be other topics.
        """
        wanted = sorted({text for text in texts if text.strip()})
        if not wanted:
            return np.zeros((len(texts), 1))
        batches = [
            wanted[start : start + self._settings.batch]
            for start in range(0, len(wanted), self._settings.batch)
        ]
        answers: dict[int, list[list[float]]] = {}
        run_to_end(lambda: self._ask_all(batches, answers))
        rows = [row for number in range(len(batches)) for row in answers[number]]
        lengths = {len(row) for row in rows}
        if len(lengths) != 1 or 0 in lengths:
            raise self._error("its vectors are of several lengths")
        return self._placed(texts, dict(zip(wanted, rows, strict=True)), width=lengths.pop())

    @staticmethod
    def _placed(texts: Sequence[str], known: dict[str, list[float]], *, width: int) -> Floats:
        vectors = np.array([known.get(text, [0.0] * width) for text in texts], dtype=np.float64)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        scaled = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
        return np.asarray(np.round(scaled, DECIMALS), dtype=np.float64)

    async def _ask_all(
        self, batches: Sequence[list[str]], answers: dict[int, list[list[float]]]
    ) -> None:
        workers = min(self._provider.settings.concurrency, len(batches))
        pace = Pace(workers)
        queue = iter(enumerate(batches))
        try:
            async with (
                open_shards(
                    self._url,
                    concurrency=workers,
                    context=httpx.create_ssl_context(),
                    network=self._provider.network,
                ) as shards,
                asyncio.TaskGroup() as group,
            ):
                for client in shards:
                    group.create_task(self._work(queue, answers, client=client, pace=pace))
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None

    async def _work(
        self,
        queue: Iterator[tuple[int, list[str]]],
        answers: dict[int, list[list[float]]],
        *,
        client: httpcore.AsyncConnectionPool,
        pace: Pace,
    ) -> None:
        for number, batch in queue:
            answers[number] = await self._embed(batch, number, client=client, pace=pace)

    async def _embed(
        self, batch: list[str], number: int, *, client: httpcore.AsyncConnectionPool, pace: Pace
    ) -> list[list[float]]:
        provider = self._provider.settings
        body = self._provider.embeddings_body(self._settings.model, batch)
        reply: HttpReply | NoReply | None = None
        for attempt in range(1, provider.maximum_attempts + 1):
            async with pace.slot():
                sent_at = asyncio.get_running_loop().time()
                reply = await post(
                    client,
                    self._url,
                    body=body,
                    headers=self._provider.headers,
                    timeout_seconds=provider.attempt_timeout_seconds,
                    largest_reply_bytes=provider.largest_reply_bytes,
                )
            rows = self._rows(reply, count=len(batch))
            if rows is not None:
                pace.answered(sent_at=sent_at)
                return rows
            wait = self._wait(reply, attempt, number=number)
            if wait is None:
                break
            if isinstance(reply, HttpReply) and reply.retry_after is not None:
                pace.refused(sent_at=sent_at, wait_seconds=wait)
            await asyncio.sleep(wait)
        raise self._failure(reply)

    def _rows(self, reply: HttpReply | NoReply, *, count: int) -> list[list[float]] | None:
        """One vector per text, or None where the reply has none, others or not as many."""
        rows = None if isinstance(reply, NoReply) else self._provider.read_vectors(reply)
        if rows is None or len(rows) != count or not all(rows):
            return None
        return rows if all(np.isfinite(row).all() for row in rows) else None

    def _wait(self, reply: HttpReply | NoReply, attempt: int, *, number: int) -> float | None:
        """Seconds until the next attempt; None where there is to be none."""
        provider = self._provider.settings
        read = self._provider.read(reply, now=self._clock())
        succeeded = isinstance(reply, HttpReply) and reply.status in OK
        retryable = succeeded or (isinstance(read, Failed) and read.retryable)
        if not retryable or attempt == provider.maximum_attempts:
            return None
        if isinstance(read, Failed) and read.retry_after_seconds is not None:
            return min(read.retry_after_seconds, provider.maximum_wait_seconds)
        key = CallKey("embeddings", self._settings.model, str(number), 1, fingerprint(number))
        return backoff_seconds(key, attempt, turn=attempt, cap=provider.maximum_wait_seconds)

    def _failure(self, reply: HttpReply | NoReply | None) -> EvalPipelineError:
        if isinstance(reply, HttpReply):
            read = self._provider.read(reply, now=self._clock())
            if isinstance(read, Failed) and read.error_code == REFUSED_ACCESS:
                variable = self._provider.settings.key_variable
                return ProviderAccessError(self._settings.provider, reply.status, variable)
            if reply.status in OK:
                return self._error("its reply is no list of as many vectors as texts")
            return self._error(f"HTTP {reply.status}")
        problem = reply.problem if reply is not None else "no attempt was allowed"
        return ProviderUnreachableError(self._settings.provider, self._provider.address, problem)

    def _error(self, problem: str) -> EmbeddingsError:
        return EmbeddingsError(self._settings.provider, self._settings.model, problem)
