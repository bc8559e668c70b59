"""Where the time goes: processor seconds by stage."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stages:
    """Seconds of this thread's processor time, by stage; a stage within another counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = 0.0

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Count what is done in the body to a stage."""
        before, outer, self._within = time.thread_time(), self._within, 0.0
        try:
            yield
        finally:
            spent = time.thread_time() - before
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent - self._within
            self._within = outer + spent
