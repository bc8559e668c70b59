"""Fewer frames than a source has, so that there is time to look at each."""

import math
from collections.abc import Iterator
from datetime import datetime

from passerby.video.frames import Frame, Source, SourceCounts


class Thinned:
    """At most so many frames a second of a source; they keep their numbers. See `passerby.video.frames.Source`.

    Args:
        source: Where they come from.
        rate: Frames a second, above 0.
    """

    def __init__(self, source: Source, rate: float) -> None:
        self._source = source
        self._rate = rate
        self.name, self.live, self.total = source.name, source.live, source.total
        self.counts: SourceCounts = source.counts

    @property
    def began(self) -> datetime | None:
        """As the source says."""
        return self._source.began

    def frames(self, first: int = 1) -> Iterator[Frame]:
        """The first frame of every interval: which these are depends on nothing but the times of neighbours."""
        before = -1
        for frame in self._source.frames(max(1, first - 1)):
            interval = math.floor(frame.time * self._rate + 1e-6)
            if interval > before and frame.number >= first:
                yield frame
            before = interval
