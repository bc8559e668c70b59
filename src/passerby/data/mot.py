"""Boxes by frame as text, as MOTChallenge has them: ground truth, detections and what trackers make of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from passerby.atomic import write_text
from passerby.boxes import BoxArray, Numbers, with_corners, with_sizes
from passerby.errors import DataError
from passerby.types import IntArray

PEDESTRIAN = 1
"""MOT16's class of people who walk; tracker output has -1 or no class at all."""

_LARGEST = 512 * 2**20  # Bytes of a file.


@dataclass(frozen=True, slots=True)
class TrackedBoxes:
    """Boxes in the frames of one video.

    Attributes:
        frames: (N,) int64, from 1, ascending.
        tracks: (N,) int64, whose box it is; -1 in detections, of which nobody knows.
        boxes: (N, 4) float64: left, top, right and bottom in pixels.
        scores: (N,) float64, a detector's confidence; 1 in ground truth.
    """

    frames: IntArray
    tracks: IntArray
    boxes: BoxArray
    scores: Numbers

    def __len__(self) -> int:
        return len(self.frames)

    def by_frame(self) -> Iterator[tuple[int, "TrackedBoxes"]]:
        """The number and the boxes of every frame that has any, in order."""
        numbers, starts, counts = np.unique(self.frames, return_index=True, return_counts=True)
        for number, start, count in zip(numbers, starts, counts, strict=True):
            part = slice(start, start + count)
            yield int(number), TrackedBoxes(self.frames[part], self.tracks[part], self.boxes[part], self.scores[part])

    def scaled(self, factor: float) -> "TrackedBoxes":
        """The boxes in frames that are `factor` times as large."""
        return replace(self, boxes=self.boxes * factor)


def read_mot(path: Path) -> TrackedBoxes:
    """Read a file of frame, track, left, top, width, height and, where there are more numbers, confidence.

    Rows of confidence 0 are MOTChallenge's way to say that a box does not count, and rows of another class than
    pedestrians (MOT16 to MOT20, nine columns) are no people: both are left out.

    Args:
        path: The file; frames in any order.

    Raises:
        DataError: There is no such file, it is too large, or a line is not as described.
    """
    rows = sorted(
        (row for number, line in enumerate(_lines(path), start=1) if (row := _row(path, number, line)) is not None),
        key=lambda row: row[:2],
    )
    table = np.array(rows, np.float64).reshape(-1, 7)
    return TrackedBoxes(
        table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), with_corners(table[:, 2:6]), table[:, 6]
    )


def write_mot(path: Path | str, tracked: TrackedBoxes) -> None:
    """Write boxes as MOTChallenge wants results: frame, track, left, top, width, height, confidence, -1s."""
    lines = [
        f"{frame},{track},{','.join(f'{value:.2f}' for value in box)},{score:.4f},-1,-1,-1\n"
        for frame, track, box, score in zip(
            tracked.frames, tracked.tracks, with_sizes(tracked.boxes), tracked.scores, strict=True
        )
    ]
    write_text(path, "".join(lines))


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path}: expected a MOT file of at most {_LARGEST >> 20} MiB, got a larger one")
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a text file of boxes as MOTChallenge has them, got another") from error


def _row(path: Path, number: int, line: str) -> tuple[float, ...] | None:
    """Frame, track, left, top, width, height and score; None where a line counts for nothing."""
    if not line.strip():
        return None
    try:
        fields = [float(field) for field in line.split(",")]
        frame, track, left, top, width, height, *rest = fields
        if not np.isfinite(fields).all() or frame != int(frame) or track != int(track) or frame < 0:
            raise ValueError
    except ValueError as error:
        raise DataError(
            f"{path}: line {number}: expected frame,id,left,top,width,height and more numbers, got {line[:60]!r}"
        ) from error
    # Nine fields are MOT16's: confidence, class, visibility. Ten are MOT15's: confidence, a place in the world.
    if (rest and rest[0] == 0) or (len(rest) == 3 and rest[1] not in (PEDESTRIAN, -1)):
        return None
    return frame, track, left, top, width, height, rest[0] if rest else 1.0
