"""What a camera makes of the light of a whole recording: steady colours, and noise that is new in every frame."""

from collections.abc import Sequence

import numpy as np

from passerby.synthetic.camera import Box
from passerby.synthetic.effects import coloured, exposed, exposure_factors, noise, sample_look
from passerby.synthetic.pixels import blurred, to_bytes
from passerby.synthetic.randomness import stream
from passerby.types import FloatArray, ImageArray

_MARGIN = 64
"""Pixels by which the field of noise is larger than a frame; each frame takes another part of it."""

_DARKENED = 0.85
"""Brightness of a place with people in it, who are mostly dark, as a share of that of the empty one."""

_REACH = 5
"""Pixels around what changed in which blur and sharpening show it."""


class Development:
    """Takes clean frames of one recording through one camera's lens and sensor.

    Automatic exposure and white balance settle on the place where people walk, and stay.

    Args:
        seed: The world's seed.
        camera: The camera's number, from 0.
        empty: (rows, columns, 3) display values when nobody is there.
        box: The part of the camera's whole picture that a frame shows.
        walked: Rows of `empty` in which people walk: a bright sky above them counts for nothing.
    """

    def __init__(self, seed: int, camera: int, empty: FloatArray, box: Box, walked: slice) -> None:
        generator = stream(seed, "development", camera)
        rows, columns, _ = empty.shape
        self._seed, self._camera = seed, camera
        self._look = look = sample_look(seed, camera)
        self._factors = exposure_factors(look, _DARKENED * float(empty[walked].mean()), generator)
        self._finer = max(1.0, box.height / rows)  # a frame with fewer rows than the camera's has lost finer detail
        grey = np.full((rows + _MARGIN, columns + _MARGIN, 3), 0.45, np.float32)
        self._noise = np.round(
            noise(look.noise / self._finer / (1.0 + 0.6 * look.sharpening), grey, generator) * np.float32(255.0)
        ).astype(np.int16)
        self._empty = self._clean(empty)

    def develop(self, display: FloatArray, changed: Sequence[tuple[slice, slice]], frame: int) -> ImageArray:
        """Turn a frame into what the camera delivers.

        Args:
            display: (rows, columns, 3) display values.
            changed: The rows and columns in which they differ from those of the empty picture.
            frame: The number of the frame; decides the noise.

        Returns:
            (rows, columns, 3) uint8 sRGB.
        """
        rows, columns, _ = display.shape
        clean = self._empty.copy()
        for window in changed:
            (top, bottom), (left, right) = ((part.start, part.stop) for part in window)
            outer = max(0, top - 2 * _REACH), max(0, left - 2 * _REACH)
            around = display[outer[0] : bottom + 2 * _REACH, outer[1] : right + 2 * _REACH]
            top, left = max(0, top - _REACH), max(0, left - _REACH)
            bottom, right = min(rows, bottom + _REACH), min(columns, right + _REACH)
            part = self._clean(around)
            clean[top:bottom, left:right] = part[
                top - outer[0] : bottom - outer[0], left - outer[1] : right - outer[1]
            ]
        row, column = stream(self._seed, "noise", self._camera, frame).integers(0, _MARGIN, 2)
        clean += self._noise[row : row + rows, column : column + columns]
        return np.clip(clean, 0, 255, out=clean).astype(np.uint8)

    def _clean(self, display: FloatArray) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
        """The camera's picture but for the noise."""
        look, finer = self._look, self._finer
        picture = exposed(look, blurred(display, look.blur / finer), self._factors)
        picture = coloured(look, picture, look.chroma_blur / finer)
        if look.sharpening:
            picture = picture + look.sharpening / finer * (picture - blurred(picture, look.sharpening_reach))
        return to_bytes(picture).astype(np.int16)
