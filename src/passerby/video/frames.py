"""What comes from a camera, whatever it is: frames with a number and a time, and a count of the others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from passerby.types import ImageArray

Say: TypeAlias = Callable[[str], None]
"""Told, in one line, what a user should know and nothing can be done about now."""

LONGEST_GAP = 86_400.0
"""Seconds. A recording may pause for so long; a time that is farther ahead is wrong."""

_AGREE = 3  # Frames in a row that agree that a clock has been set anew.


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a camera.

    Attributes:
        number: From 1, as decoded; the same for the same frame of a file every time.
        time: Seconds since the source's first frame; later for every frame than for the one before.
        picture: H×W×3 RGB uint8, upright.
    """

    number: int
    time: float
    picture: ImageArray


@dataclass(slots=True)
class SourceCounts:
    """What has become of a source's frames so far.

    Attributes:
        frames: Given out.
        damaged: Could not be decoded, in whole or in part, and were left out.
        retimed: Had no time, or a wrong one, and were put at the usual interval behind the one before.
        dropped: Came faster than they were taken, from a live source.
        connections: How often a live source was lost and found again.
    """

    frames: int = 0
    damaged: int = 0
    retimed: int = 0
    dropped: int = 0
    connections: int = 0


class Source(Protocol):
    """A camera, or what one has recorded.

    Attributes:
        name: What messages call it; without a password.
        live: Whether frames are lost that nobody takes in time.
        total: How many frames there are, about; None: nobody knows.
        counts: What has become of its frames.
    """

    name: str
    live: bool
    total: int | None
    counts: SourceCounts

    @property
    def began(self) -> datetime | None:
        """When the first frame was taken, by what the source says; None: it says nothing, or not yet."""
        ...

    def frames(self, first: int = 1) -> Iterator[Frame]:
        """All frames from number `first` on, in order of time.

        Raises:
            SourceError: It cannot be read, or not any more.
        """
        ...


class FrameClock:
    """Makes times that always go on of times that cameras and files claim.

    A time that is missing, not later than the last, or a day ahead is taken for wrong, and the usual interval for the
    right one. Where several frames in a row agree on another time, the camera has set its clock anew.

    Args:
        step: The usual interval between frames in seconds, above 0.
        counts: Where wrong times are counted.
    """

    def __init__(self, step: float, counts: SourceCounts) -> None:
        self._step = step
        self._counts = counts
        self._offset: float | None = None
        self._wrong = 0
        self._last = -step
        self._claimed = 0.0

    def time(self, claimed: float | None) -> float:
        """The time of the next frame in seconds, given what its source claims."""
        usual = self._last + self._step
        if self._offset is None and claimed is not None:
            self._offset = usual - claimed
        candidate = usual if claimed is None or self._offset is None else claimed + self._offset
        if claimed is not None and self._last < candidate <= self._last + LONGEST_GAP:
            self._wrong = 0
        else:
            self._counts.retimed += 1
            follows = claimed is not None and 0 < claimed - self._claimed <= LONGEST_GAP
            self._wrong = self._wrong + 1 if follows else 1
            if claimed is not None and self._wrong >= _AGREE:
                self._offset, self._wrong = usual - claimed, 0
            candidate = usual
        self._claimed = self._claimed if claimed is None else claimed
        self._last = candidate
        return candidate

    def set(self, now: float) -> None:
        """Say how many seconds after the first frame the next one comes: its source begins to count anew."""
        self._last = max(self._last, now - self._step)
        self._offset, self._wrong = None, 0
