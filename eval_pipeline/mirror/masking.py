"""Masks pairs in a process of its own, so that no request waits for the interpreter meanwhile."""

import asyncio
import contextlib
import logging
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any, Final

from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.anonymisation.finding import Passage
from eval_pipeline.flows.masked_batches import MaskingPlan
from eval_pipeline.flows.worker_pool import bare_main, begin_worker
from eval_pipeline.settings import AnonymisationSettings

_log = logging.getLogger(__name__)
_worker: list[Anonymiser] = []
_START_SECONDS: Final = 60
_POLITENESS: Final = 10
"""Customers' answers go first wherever processors are short."""


@dataclass(frozen=True)
class RawTexts:
    """A conversation's texts before masking, in memory only; `identity` makes its stand-ins."""

    texts: tuple[str, ...] = field(repr=False)
    route: str
    identity: str = field(repr=False)


@dataclass(frozen=True)
class MaskedTexts:
    """The texts masked, in their order; `residual`: a second scan still found something."""

    texts: tuple[str, ...]
    residual: bool
    fingerprint: str


class MaskingProcess:
    """One worker process with the anonymiser; started anew where it died."""

    def __init__(self, settings: AnonymisationSettings, *, key: bytes) -> None:
        """`settings`: paths of its models are absolute."""
        self._plan = MaskingPlan(settings=settings, key=key, file_format="text")
        self._pool: ProcessPoolExecutor | None = None

    async def mask(self, raw: RawTexts) -> MaskedTexts | None:
        """The texts masked; None where that failed, whose words are not told: they may quote."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._started(), _mask, raw)
        except BrokenProcessPool:
            _log.warning("The masking process ended; another is started.")
            self._pool = None
            return None
        except Exception as error:  # noqa: BLE001 - its words may quote the text
            _log.warning("A pair could not be masked (%s).", type(error).__name__)
            return None

    async def start(self) -> None:
        """Starts the process and waits for its models, a minute at most."""
        with contextlib.suppress(BrokenProcessPool, TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                await asyncio.get_running_loop().run_in_executor(self._started(), _nothing)

    def close(self) -> None:
        """Ends the process; what it is at is given up."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):  # noqa: SLF001
                process.terminate()
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(self._plan,),
            )
            with bare_main():
                self._pool.submit(_nothing)
        return self._pool


def _begin(plan: MaskingPlan) -> None:
    begin_worker()
    os.nice(_POLITENESS)
    _worker[:] = [plan.anonymiser()]


def _nothing() -> None:
    """A task that only starts the worker."""


def _mask(raw: RawTexts) -> MaskedTexts:
    anonymiser = _worker[0]
    passages: Sequence[Passage] = [Passage(text, raw.route) for text in raw.texts]
    masked = anonymiser.mask_conversations([passages], identities=[raw.identity])[0]
    return MaskedTexts(
        texts=masked.texts,
        residual=any(masked.residual),
        fingerprint=anonymiser.fingerprint,
    )


def located(settings: AnonymisationSettings, locate: Any) -> AnonymisationSettings:
    """The settings with absolute paths of the models, for a process that stands elsewhere."""
    models = {language: locate(path) for language, path in settings.name_models.items()}
    return settings.model_copy(update={"name_models": models})
