"""What a call costs, measured so that neighbours on a shared machine disturb it little."""

import ctypes
import gc
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import psutil

MIB = 2**20


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Processor seconds of all threads together: what others do on the machine counts least in these."""

    least: float
    median: float
    repeats: int

    def scaled(self, factor: float) -> "CpuTime":
        """The same for `factor` times the work."""
        return CpuTime(self.least * factor, self.median * factor, self.repeats)

    def to_dict(self) -> dict[str, float]:
        """The same as JSON takes it."""
        return {key: round(value, 4) for key, value in asdict(self).items()}


def cpu_times(calls: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, CpuTime]:
    """Time some calls in turns, so that a slow moment of the machine falls on all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            seconds[name].append(time.process_time() - start)
    return {name: CpuTime(min(all_), statistics.median(all_), repeats) for name, all_ in seconds.items()}


def give_back_memory() -> None:
    """Have the process give back what it does not use any more, so that what it takes from now on is seen."""
    gc.collect()
    with suppress(OSError, AttributeError):  # Where it is glibc's, the heap gives back what is free.
        ctypes.CDLL(None).malloc_trim(0)


def peak_mib(call: Callable[[], Any]) -> float:
    """Give how far the process's memory rises above where it stood before the call, in MiB.

    Measure this before any other call of the same kind: memory that was used and freed may stay with the
    process and would hide the rise. It is sampled every millisecond, which costs processor time, so never
    measure both in one run.
    """
    process = psutil.Process()
    give_back_memory()
    before = peak = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.001):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        call()
    finally:
        done.set()
        watcher.join()
    return (peak - before) / MIB
