"""Several sources at once, each decoded on a thread of its own, ahead of whoever takes the frames by a few."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self, TypeAlias

from passerby.errors import PasserbyError
from passerby.video.frames import Frame, Source

AHEAD = 4
"""Frames of a source that wait at most: memory stays flat, however long it runs."""

Ended: TypeAlias = PasserbyError | BaseException | None
"""Why a source has ended: what was raised, or None where it simply has no more frames."""


class Feeds:
    """Frames of several sources, in turn. Use it in a `with` statement.

    A file that is faster than whoever takes its frames waits. A camera does not wait: of its frames the oldest that
    nobody has taken is dropped, and counted in `Source.counts`.

    Args:
        sources: By the name of what takes them.
        first: The number of each source's first frame that is wanted; 1 where it is not named.
    """

    def __init__(self, sources: Mapping[str, Source], first: Mapping[str, int] | None = None) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[Frame]] = {name: deque() for name in sources}
        self._ended: dict[str, Ended] = {}
        self._stopped = False
        self._threads = [
            threading.Thread(
                target=self._read, args=(name, source, (first or {}).get(name, 1)), daemon=True, name=f"read {name}"
            )
            for name, source in sources.items()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=2)  # One that waits for a camera that is silent ends with the process.

    def __iter__(self) -> Iterator[tuple[str, Frame | Ended]]:
        """Names of sources with their next frames, the sources in turn; at a source's end, why it has ended."""
        return (item for item in self.items(None) if item[0])

    def items(self, every: float | None) -> Iterator[tuple[str, Frame | Ended]]:
        """The same, and an empty name with None whenever nothing has come for so many seconds."""
        open_names = deque(self._waiting)
        while open_names:
            with self._changed:
                ready = self._changed.wait_for(lambda: any(map(self._ready, open_names)), every)
            if not ready:
                yield "", None
                continue
            with self._changed:
                name = next(name for name in open_names if self._ready(name))
                queue = self._waiting[name]
                item = queue.popleft() if queue else self._ended[name]
                self._changed.notify_all()
            open_names.remove(name)
            if isinstance(item, Frame):
                open_names.append(name)
            yield name, item

    def _ready(self, name: str) -> bool:
        return bool(self._waiting[name]) or name in self._ended

    def _read(self, name: str, source: Source, first: int) -> None:
        ended: Ended = None
        try:
            for frame in source.frames(first):
                if not self._put(name, source, frame):
                    return
        except BaseException as error:  # Whatever it is: the other sources go on.
            ended = error
        finally:
            with self._changed:
                self._ended[name] = ended
                self._changed.notify_all()

    def _put(self, name: str, source: Source, frame: Frame) -> bool:
        """Hand over a frame; False where nobody wants any more."""
        queue = self._waiting[name]
        with self._changed:
            if source.live and len(queue) >= AHEAD:
                queue.popleft()
                source.counts.dropped += 1
            self._changed.wait_for(lambda: self._stopped or len(queue) < AHEAD)
            if not self._stopped:
                queue.append(frame)
            self._changed.notify_all()
            return not self._stopped
