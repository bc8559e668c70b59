"""The tracks of one video, as numbers or as a video to look at."""

from contextlib import ExitStack
from pathlib import Path

from passerby.atomic import atomic_path
from passerby.data.mot import TrackedBoxes
from passerby.types import Progress
from passerby.video.annotating import VideoWriter, annotated
from passerby.video.frames import Source
from passerby.video.recorder import TrackRecorder
from passerby.video.watching import Watch


def follow(
    source: Source, watch: Watch, drawing: Path | None = None, progress: Progress | None = None
) -> TrackedBoxes:
    """Follow everybody in a video.

    Args:
        source: The video.
        watch: New; it must not have seen anything.
        drawing: An .mp4 to write: the frames with everybody's box and number in them. It is there when it is whole.
        progress: Told how many frames are done, and of how many.

    Raises:
        SourceError: The video cannot be read.
    """
    recorder = TrackRecorder()
    with ExitStack() as stack:
        video = (
            None if drawing is None else stack.enter_context(VideoWriter(stack.enter_context(atomic_path(drawing))))
        )
        for frame in source.frames():
            seen = watch.see(frame)
            recorder.add(seen)
            if video is not None:
                video.add(frame.time, annotated(frame.picture, seen.followed))
            if progress is not None:
                progress(frame.number, max(frame.number, source.total or 0))
    return recorder.tracks()
