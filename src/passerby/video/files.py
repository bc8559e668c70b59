"""A video in a file."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from passerby.errors import SourceError
from passerby.video.decoding import claimed_time, decoded, explained, interval, picture_of, pyav, video_stream
from passerby.video.frames import Frame, FrameClock, Say, SourceCounts


class VideoFile:
    """The frames of a video file. See `passerby.video.frames.Source`.

    Args:
        path: Anything that FFmpeg reads.
        hardware: What decodes, as FFmpeg calls it, such as "cuda" or "vaapi"; where there is none, or None, the
            processor does.
        say: Told about damage.

    Raises:
        SourceError: There is no such file, or no video in it.
    """

    live = False

    def __init__(self, path: Path, hardware: str | None = None, say: Say = lambda line: None) -> None:
        self.path = path
        self.name = str(path)
        self.counts = SourceCounts()
        self._hardware = hardware
        self._say = say
        if path.exists() and not path.is_file():
            raise SourceError(
                f"{path}: expected a video file, a folder of frames or an address, got a device or pipe"
            )
        with ExitStack() as stack:
            container, stream = self._open(stack)
            self.interval = interval(stream)
            self._indexed = int(stream.frames)  # By the file's own index; 0: it has none.
            self.total: int | None = _count(container, stream, self.interval)
            self.began: datetime | None = _began(container, path, self.total, self.interval)

    def frames(self, first: int = 1) -> Iterator[Frame]:
        """All frames from number `first` on; what is damaged is left out, counted and told once.

        Raises:
            SourceError: It cannot be opened any more, or holds no frames.
        """
        clock, number, damage = FrameClock(self.interval, self.counts), 0, None
        with ExitStack() as stack:
            container, stream = self._open(stack)
            for frame in self._decoded(container, stream):
                if frame is None:
                    self.counts.damaged += 1
                    damage = number if damage is None else damage
                    continue
                number += 1
                time = clock.time(claimed_time(frame, stream))
                if number >= first:
                    with explained(self.name):
                        picture = picture_of(frame)
                    self.counts.frames += 1
                    yield Frame(number, time, picture)
        if damage is not None:
            self._say(f"{self.name}: damaged behind frame {damage:,}; {number:,} frames could be read")
        elif number < self._indexed:
            self._say(f"{self.name}: cut off behind frame {number:,} of {self._indexed:,}")
        if not number:
            raise SourceError(f"{self.name}: expected a video, got one without frames; copy or record it again")

    def _open(self, stack: ExitStack) -> tuple[Any, Any]:
        with explained(self.name):
            container = stack.enter_context(pyav().open(self.name, **_acceleration(self._hardware)))
            return container, video_stream(container, self.name)

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:  # noqa: ANN401
        """Decoded frames, and None wherever something is damaged, the end of the file too."""
        try:
            yield from decoded(container, stream)
        except pyav().error.FFmpegError:
            yield None


def _acceleration(hardware: str | None) -> dict[str, Any]:
    if hardware is None:
        return {}
    from av.codec.hwaccel import HWAccel, hwdevices_available

    if hardware not in hwdevices_available():
        return {}
    return {"hwaccel": HWAccel(device_type=hardware, allow_software_fallback=True)}


def _count(container: Any, stream: Any, step: float) -> int | None:  # noqa: ANN401
    """How many frames there are, about."""
    if stream.frames:
        return int(stream.frames)
    if stream.duration and stream.time_base:
        return round(float(stream.duration * stream.time_base) / step)
    return round(int(container.duration) / 1_000_000 / step) if container.duration else None


def _began(container: Any, path: Path, total: int | None, step: float) -> datetime:  # noqa: ANN401
    """When it was recorded: as the file says, else so long before the file was last changed as it lasts."""
    try:
        claimed = datetime.fromisoformat(str(container.metadata.get("creation_time")))
        return claimed if claimed.tzinfo else claimed.replace(tzinfo=UTC)
    except ValueError:
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return changed - timedelta(seconds=(total or 0) * step)
