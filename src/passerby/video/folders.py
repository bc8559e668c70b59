"""A folder of frames, one picture each."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from passerby.data.images import SUFFIXES, read_image
from passerby.errors import ImageError, SourceError
from passerby.video.frames import Frame, Say, SourceCounts


class FrameFolder:
    """Pictures in the order of the numbers in their names. See `passerby.video.frames.Source`.

    Args:
        path: The folder; folders in it are passed over.
        fps: Frames a second, above 0.
        say: Told about pictures that are broken.

    Raises:
        SourceError: It cannot be read, or there are no pictures in it.
    """

    live = False

    def __init__(self, path: Path, fps: float = 10.0, say: Say = lambda line: None) -> None:
        self.path = path
        self.name = str(path)
        self.counts = SourceCounts()
        self._interval = 1 / fps
        self._say = say
        try:
            names = [entry.name for entry in os.scandir(path) if entry.is_file()]
        except PermissionError as error:
            raise SourceError(f"{path}: this user may not read the folder; change its permissions") from error
        except OSError as error:
            raise SourceError(f"{path}: the folder cannot be read ({(error.strerror or '').lower()})") from error
        pictures = [name for name in names if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")]
        if not pictures:
            raise SourceError(f"{path}: expected a folder of frames, one picture each, got none")
        self.pictures = [path / name for name in sorted(pictures, key=_natural)]
        self.total: int | None = len(self.pictures)
        self.began: datetime | None = datetime.fromtimestamp(self.pictures[0].stat().st_mtime, UTC)

    def frames(self, first: int = 1) -> Iterator[Frame]:
        """All frames from number `first` on; pictures that are broken are left out, counted, and the first told."""
        for number, path in enumerate(self.pictures, start=1):
            if number < first:
                continue
            try:
                picture = read_image(path)
            except ImageError as error:
                if not self.counts.damaged:
                    self._say(str(error))
                self.counts.damaged += 1
                continue
            self.counts.frames += 1
            yield Frame(number, (number - 1) * self._interval, picture)
        if first == 1 and not self.counts.frames:
            raise SourceError(f"{self.name}: expected frames, got {self.total:,} pictures that are all broken")


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Orders frame2 before frame10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name
