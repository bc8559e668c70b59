"""From what a user calls a camera to a source of frames."""

import os
from pathlib import Path

from passerby.errors import SourceError
from passerby.video.files import VideoFile
from passerby.video.folders import FrameFolder
from passerby.video.frames import Say, Source
from passerby.video.live import LiveStream, Patience, is_live


def open_source(
    address: str | os.PathLike[str],
    *,
    fps: float = 10.0,
    hardware: str | None = None,
    patience: Patience | None = None,
    say: Say = lambda line: None,
) -> Source:
    """Open a video file, a folder of frames, a stream or a webcam.

    Args:
        address: A path; or rtsp://…, http://…, webcam:0.
        fps: Frames a second of a folder of frames, above 0.
        hardware: What decodes files, as FFmpeg calls it; None: the processor.
        patience: How a stream is looked for again when it dies.
        say: Told what a user should know.

    Raises:
        SourceError: There is none, or it is none.
    """
    text = os.fspath(address)
    if is_live(text):
        return LiveStream(text, patience, say)
    path = Path(text)
    if text and path.is_dir():
        return FrameFolder(path, fps, say)
    if not text or not path.exists():
        raise SourceError(f"{text or 'a source without a name'}: there is no such file or folder; check the path")
    return VideoFile(path, hardware, say)
