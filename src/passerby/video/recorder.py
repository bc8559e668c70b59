"""All tracks of a video, put right behind its end: names of those who came back, and first boxes of every track."""

import numpy as np

from passerby.data.mot import TrackedBoxes
from passerby.video.watching import Seen


class TrackRecorder:
    """Collects what a `Watch` sees, frame by frame."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, tuple[float, float, float, float], float]] = []
        self._confirmed: set[int] = set()
        self._renamed: dict[int, int] = {}

    def add(self, seen: Seen) -> None:
        """Take the next frame."""
        self._renamed.update(seen.renamed)
        for one in seen.followed:
            self._rows.append((seen.frame.number, one.number, one.box, one.score))
            if one.confirmed:
                self._confirmed.add(one.number)

    def tracks(self) -> TrackedBoxes:
        """The boxes of all tracks that are no mistakes, under their last names."""
        rows = [
            (frame, name, box, score)
            for frame, number, box, score in self._rows
            if (name := self._renamed.get(number, number)) in self._confirmed
        ]
        return TrackedBoxes(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.int64),
            np.array([row[2] for row in rows], np.float64).reshape(-1, 4),
            np.array([row[3] for row in rows], np.float64),
        )
