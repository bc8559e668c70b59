"""Writes frames as an H.264 video and reads them again. The only module here that imports PyAV, when first used."""

from collections.abc import Iterator, Set
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from passerby.errors import MissingExtraError
from passerby.types import ImageArray

_QUALITY = "20"
"""x264's constant rate factor: lower is better; 18 is nearly as good as the source."""


class Encoder:
    """An .mp4 in the making; the same frames give the same bytes. Use it in a `with` statement.

    Args:
        path: The file to write.
        height: Rows of the frames, even.
        width: Columns of the frames, even.
        fps: Frames a second.

    Raises:
        MissingExtraError: PyAV is not installed.
    """

    def __init__(self, path: Path, height: int, width: int, fps: float) -> None:
        self._av = _pyav()
        self._container = self._av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        rate = Fraction(fps).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        # Bytes depend on the number of x264's threads; one process a camera keeps the cores busy anyway. With its
        # macroblock tree and B-frames x264 decides by memory that nobody has written to.
        stream.thread_count = 1
        stream.options = {"crf": _QUALITY, "preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}
        self._stream = stream

    def __enter__(self) -> "Encoder":
        return self

    def __exit__(self, *_: object) -> None:
        self._container.mux(self._stream.encode())
        self._container.close()

    def add(self, pixels: ImageArray) -> None:
        """Append a frame, (height, width, 3) uint8 sRGB."""
        frame = self._av.VideoFrame.from_ndarray(pixels, format="rgb24")
        self._container.mux(self._stream.encode(frame))


def decoded_frames(path: Path, numbers: Set[int] | None = None) -> Iterator[ImageArray]:
    """Decode a video that an `Encoder` wrote, frame by frame: each (height, width, 3) uint8 sRGB.

    Args:
        path: The video.
        numbers: Which frames to give, counted from 1; None for all. Nothing behind the last of them is decoded.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    with _pyav().open(str(path)) as container:
        last = None if numbers is None else max(numbers, default=0)
        for number, frame in enumerate(islice(container.decode(video=0), last), start=1):
            if numbers is None or number in numbers:
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def pyav_version() -> str:
    """Version of the installed PyAV.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    return str(_pyav().__version__)


def _pyav() -> Any:  # noqa: ANN401
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("writing videos of synthetic people", "synthetic") from error
    return av
