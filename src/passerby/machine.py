"""What this machine can give to this process: processors and memory."""

import os
from pathlib import Path

import psutil

from passerby.errors import DataError

# Version 2 of Linux's control groups, then version 1: the limit and what is used of it.
_CONTROL_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available_memory() -> int:
    """Bytes that are available on the machine, or in the container where that is less."""
    available = psutil.virtual_memory().available
    for limit, used in _CONTROL_GROUPS:
        try:
            available = min(available, int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):
            continue  # Another system, or "max": no limit.
    return max(0, available)


def require_memory(needed: int, work: str, instead: str) -> None:
    """Refuse work that the machine has not enough memory for, before it starts.

    Args:
        needed: Bytes.
        work: What needs them, such as "re-ranking 10 pictures for 2 queries".
        instead: What to do instead.

    Raises:
        DataError: Less is available.
    """
    available = available_memory()
    if needed > available:
        raise DataError(
            f"{work} needs about {needed / 2**30:,.1f} GiB of memory, got {available / 2**30:,.1f} GiB; {instead}"
        )


def processors() -> int:
    """How many processors this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def idle_processors(seconds: float = 1.0) -> int:
    """How many processors other programs leave idle, at least 1; watches for so long, so be idle meanwhile.

    Torch's threads wait for each other several hundred times in a step. Where another program takes one of their
    processors, they wait for its turns too: two threads on two processors, one of them taken, were seen to run at a
    ninth of the speed of one thread.
    """
    busy = psutil.cpu_percent(interval=seconds) / 100 * (psutil.cpu_count() or 1)
    return max(1, min(processors(), round((psutil.cpu_count() or 1) - busy)))
