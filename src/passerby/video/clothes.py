"""What colour somebody wears above and below, by the eleven basic names of colours (Berlin and Kay, 1969)."""

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from passerby.types import ImageArray

ColourName: TypeAlias = Literal[
    "black", "grey", "white", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"
]
NAMES: tuple[ColourName, ...] = (
    "black", "grey", "white", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown",
)  # fmt: skip

_UPPER, _LOWER = (0.20, 0.45), (0.55, 0.80)  # Shares of a person's height.
_MIDDLE = (0.28, 0.72)  # Share of the width in which there is little background.
_HUES: tuple[tuple[float, ColourName], ...] = (
    (15, "red"), (40, "orange"), (70, "yellow"), (165, "green"), (260, "blue"), (305, "purple"), (345, "pink"),
)  # fmt: skip
"""Degrees at which each hue ends; what is above is red."""


def upper_and_lower(crop: ImageArray) -> tuple[ColourName, ColourName]:
    """The commonest colours of the upper and the lower body of somebody upright: H×W×3 RGB uint8."""
    return _commonest(_part(crop, _UPPER)), _commonest(_part(crop, _LOWER))


def colour_names(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Places in `NAMES` of (N, 3) RGB pixels: by lightness where they are dull, else by hue."""
    rgb = pixels.astype(np.float64) / 255
    value, least = rgb.max(axis=1), rgb.min(axis=1)
    chroma = value - least
    saturation = np.divide(chroma, value, out=np.zeros_like(value), where=value > 0)
    hue = _hue(rgb, value, chroma)
    ends = np.array([end for end, _ in _HUES])
    by_hue = np.array([NAMES.index(name) for _, name in _HUES] + [NAMES.index("red")])
    found = by_hue[np.searchsorted(ends, hue, side="right")]
    warm = (hue < 50) | (hue >= 345)
    found[warm & (value < 0.5) & (saturation < 0.75) & (hue >= 10) & (hue < 50)] = NAMES.index("brown")
    found[warm & (value > 0.6) & (saturation < 0.45) & ((hue < 10) | (hue >= 345))] = NAMES.index("pink")
    dull = (saturation < 0.18) | (chroma < 0.08) | (warm & (saturation < 0.28) & (value > 0.6))
    found[dull & (value >= 0.3)] = NAMES.index("grey")
    found[dull & (value > 0.72)] = NAMES.index("white")
    found[(value < 0.2) | (dull & (value < 0.3))] = NAMES.index("black")
    return found


def _hue(
    rgb: npt.NDArray[np.float64], value: npt.NDArray[np.float64], chroma: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Degrees, 0 to 360, as HSV has it."""
    red, green, blue = rgb.T
    safe = np.where(chroma > 0, chroma, 1)
    sector = np.where(
        value == red,
        (green - blue) / safe % 6,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    return np.asarray(60 * sector, np.float64)


def _part(crop: ImageArray, share: tuple[float, float]) -> npt.NDArray[np.uint8]:
    rows, columns = crop.shape[:2]
    top, left = int(share[0] * rows), int(_MIDDLE[0] * columns)
    bottom, right = max(top + 1, round(share[1] * rows)), max(left + 1, round(_MIDDLE[1] * columns))
    return crop[top:bottom, left:right].reshape(-1, 3)


def _commonest(pixels: npt.NDArray[np.uint8]) -> ColourName:
    return NAMES[int(np.bincount(colour_names(pixels), minlength=len(NAMES)).argmax())]
