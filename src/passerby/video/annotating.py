"""Videos with the boxes and numbers of those who are followed in them."""

import colorsys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from passerby.data.images import resize_image
from passerby.types import ImageArray
from passerby.video.decoding import pyav
from passerby.video.tracking import Followed

_GOLDEN = 0.618034  # Hues at this distance from one another differ for as long as possible.
_QUALITY = "23"
_TICKS = 1000  # A second: frames keep their times, whatever the rate.


def annotated(picture: ImageArray, followed: Sequence[Followed]) -> ImageArray:
    """A frame with the box and the number of everybody in it who is no mistake: H×W×3 RGB uint8."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    size = max(10, picture.shape[0] // 30)
    font = ImageFont.load_default(size)
    for one in followed:
        if not one.confirmed:
            continue
        colour = _colour(one.number)
        left, top, right, bottom = one.box
        draw.rectangle((left, top, right, bottom), outline=colour, width=max(1, size // 6))
        text = str(one.number)
        width = draw.textlength(text, font=font) + 4
        above = top - size - 2 if top >= size + 2 else top
        draw.rectangle((left, above, left + width, above + size + 2), fill=colour)
        draw.text((left + 2, above), text, fill="black", font=font)
    return np.asarray(image)


class VideoWriter:
    """An .mp4 (H.264) in the making. Use it in a `with` statement.

    Args:
        path: The file to write.
    """

    def __init__(self, path: Path) -> None:
        self._container = pyav().open(str(path), "w", format="mp4")
        self._stream: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None and error is None:
            self._container.mux(self._stream.encode())
        self._container.close()

    def add(self, time: float, picture: ImageArray) -> None:
        """Append a frame; an odd last row or column is left out, and later frames get the size of the first.

        Args:
            time: In seconds, later than that of the last.
            picture: H×W×3 RGB uint8.
        """
        rows, columns = picture.shape[:2]
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=_TICKS, options={"crf": _QUALITY})
            self._stream.height, self._stream.width = rows - rows % 2, columns - columns % 2
            self._stream.pix_fmt = "yuv420p"
        if (rows - rows % 2, columns - columns % 2) == (self._stream.height, self._stream.width):
            picture = picture[: self._stream.height, : self._stream.width]
        else:
            picture = resize_image(picture, self._stream.height, self._stream.width)
        frame = pyav().VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts, frame.time_base = round(time * _TICKS), Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(frame))


def _colour(number: int) -> tuple[int, int, int]:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(number * _GOLDEN % 1, 0.65, 1.0))
    return red, green, blue
