"""Batches through worker processes: in order, a bounded number at a time, gone with the parent."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType
from typing import Final

from eval_pipeline.adapters.text_files.failures import WorkerLostError
from eval_pipeline.adapters.text_files.records import Batch
from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.flows.masked_batches import (
    FailedBatch,
    MaskedBatch,
    Masker,
    MaskingPlan,
    mask_batch,
    nothing,
    start_worker,
)

_IN_FLIGHT_PER_WORKER: Final = 3

Result = MaskedBatch | FailedBatch


def masked_batches(
    batches: Iterable[Batch], plan: MaskingPlan, *, processes: int, anonymiser: Anonymiser
) -> Generator[Result]:
    """The batches masked, in their order, whatever the number of processes.

    `anonymiser` is this process's own, used where it works alone.
    """
    if processes == 1:
        masker = Masker(plan, anonymiser)
        for batch in batches:
            yield masker.mask(batch)
        return
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(plan,),
    )
    try:
        with bare_main():
            started = [pool.submit(nothing) for _ in range(processes)]
        yield from _in_order(batches, pool, in_flight=_IN_FLIGHT_PER_WORKER * processes)
        for future in started:
            future.result()
    except BrokenProcessPool:
        raise WorkerLostError from None
    except BaseException:
        # What is being masked will not be written: nobody waits for it.
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_order(
    batches: Iterable[Batch], pool: ProcessPoolExecutor, *, in_flight: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    for batch in batches:
        if len(waiting) >= in_flight:
            yield waiting.popleft().result()
        waiting.append(pool.submit(mask_batch, batch))
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def bare_main() -> Iterator[None]:
    """Workers need the anonymiser and not the command line, whose import takes seconds.

    A spawned process imports the parent's main module, unless that has neither name nor file.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _begin(plan: MaskingPlan) -> None:
    begin_worker()
    start_worker(plan)


def begin_worker() -> None:
    """Makes this process one that leaves signals to its parent and ends with it."""
    # The parent alone answers to Ctrl-C, and a worker whose parent is gone has nobody to work for.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
