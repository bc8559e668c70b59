"""How much memory this process may still take."""

from pathlib import Path

import psutil

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
