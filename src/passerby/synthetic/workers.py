"""Runs jobs in several processes that can be interrupted, and tells how far they have come."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from passerby.errors import MachineError

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")

_LOOKS_EVERY = 0.5
"""Seconds between two looks at how far the processes have come."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far all processes together have come.

    Attributes:
        jobs: How many jobs are finished.
        ticks: How often jobs have called `tick`.
    """

    jobs: int
    ticks: int


def in_processes(
    function: Callable[..., None], jobs: Sequence[tuple[Any, ...]], processes: int
) -> Generator[Progress, None, None]:
    """Call a function of a module for all `jobs`, tuples of arguments, in several processes; yields as they go on.

    New processes import the main module. When the iterator is left early, jobs that have not begun never do, and
    those at work are waited for: they may look at `is_stopped` to end sooner.

    Raises:
        MachineError: A process was ended from outside.
    """
    if not jobs:
        return
    context = multiprocessing.get_context("spawn")
    ticks, stop = context.Value("Q", 0), context.Event()
    pool = ProcessPoolExecutor(
        min(processes, len(jobs)), mp_context=context, initializer=_begin_process, initargs=(ticks, stop)
    )
    done, told = 0, 0
    try:
        with _for_children():
            waiting = {pool.submit(function, *job) for job in jobs}
        while waiting:
            finished, waiting = wait(waiting, _LOOKS_EVERY, FIRST_COMPLETED)
            for job in finished:
                job.result()
                done += 1
                yield Progress(done, told := ticks.value)
            if told != ticks.value:
                yield Progress(done, told := ticks.value)
    except BrokenProcessPool as error:
        raise MachineError(
            "a process that draws was ended, perhaps for want of memory; give the same command again to go on"
        ) from error
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


_ticks: Any = None
_stop: Any = None


def tick() -> None:
    """Called by a job: it has come a step further."""
    if _ticks is not None:
        with _ticks.get_lock():
            _ticks.value += 1


def is_stopped() -> bool:
    """Asked by a job: nobody waits for its result any more."""
    return _stop is not None and bool(_stop.is_set())


def _begin_process(ticks: Any, stop: Any) -> None:  # noqa: ANN401
    """Leave Ctrl-C to the parent, and end when the parent is killed."""
    global _ticks, _stop
    _ticks, _stop = ticks, stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _for_children() -> Iterator[None]:
    """Let processes that start now compute in one thread each, and not hear Ctrl-C.

    They inherit that it is held back; here it comes through afterwards, so that none is lost meanwhile.
    """
    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    holds_back = hasattr(signal, "pthread_sigmask")
    if holds_back:
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        if holds_back:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
