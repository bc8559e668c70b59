"""The colours that people wear, with about the frequencies seen in public places.

Uniformly random colours teach a model that every outfit is unique; on real people, most of whom wear black,
grey, white and blue, such a model fails. The statistics below come before any other realism.
"""

import colorsys
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from passerby.synthetic.randomness import weighted
from passerby.types import FloatArray

Colour: TypeAlias = tuple[float, float, float]
"""sRGB, each channel 0 to 1."""

HUES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "black": ((0.0, 1.0), (0.0, 0.20), (0.05, 0.16)),
    "charcoal": ((0.55, 0.75), (0.0, 0.2), (0.18, 0.30)),
    "grey": ((0.0, 1.0), (0.0, 0.08), (0.32, 0.66)),
    "white": ((0.08, 0.65), (0.0, 0.06), (0.80, 0.95)),
    "cream": ((0.09, 0.14), (0.10, 0.24), (0.72, 0.90)),
    "beige": ((0.07, 0.11), (0.20, 0.40), (0.52, 0.76)),
    "navy": ((0.58, 0.66), (0.30, 0.65), (0.13, 0.30)),
    "blue": ((0.55, 0.64), (0.40, 0.80), (0.38, 0.72)),
    "pale blue": ((0.55, 0.62), (0.14, 0.34), (0.68, 0.88)),
    "denim": ((0.57, 0.62), (0.24, 0.52), (0.22, 0.52)),
    "red": ((-0.03, 0.02), (0.65, 0.90), (0.42, 0.76)),
    "burgundy": ((-0.05, 0.0), (0.50, 0.75), (0.24, 0.40)),
    "brown": ((0.04, 0.08), (0.35, 0.60), (0.20, 0.44)),
    "olive": ((0.15, 0.24), (0.25, 0.50), (0.24, 0.44)),
    "green": ((0.30, 0.45), (0.35, 0.70), (0.24, 0.58)),
    "pink": ((0.90, 0.98), (0.18, 0.50), (0.66, 0.90)),
    "yellow": ((0.11, 0.15), (0.55, 0.85), (0.66, 0.88)),
    "orange": ((0.04, 0.08), (0.65, 0.90), (0.66, 0.86)),
    "purple": ((0.72, 0.82), (0.25, 0.55), (0.30, 0.58)),
    "teal": ((0.47, 0.53), (0.40, 0.70), (0.30, 0.56)),
}
"""Every colour's name with its ranges of hue (in turns), saturation and value."""

_FREQUENCIES: dict[str, list[tuple[float, str]]] = {
    "top": [
        (28, "black"), (10, "charcoal"), (13, "grey"), (17, "white"), (8, "navy"), (4, "blue"), (5, "pale blue"),
        (4, "red"), (2, "burgundy"), (3, "beige"), (2, "cream"), (1.5, "brown"), (1.5, "olive"), (2, "green"),
        (2, "pink"), (1, "yellow"), (1, "orange"), (1.2, "purple"), (1, "teal"),
    ],
    "bottom": [
        (38, "black"), (13, "charcoal"), (7, "grey"), (9, "navy"), (18, "denim"), (7, "beige"), (2, "white"),
        (2, "brown"), (2, "olive"), (0.5, "cream"), (0.3, "burgundy"), (0.3, "red"), (0.3, "green"),
    ],
    "bag": [
        (46, "black"), (9, "charcoal"), (8, "grey"), (7, "brown"), (8, "navy"), (6, "red"), (4, "blue"),
        (3, "beige"), (3, "white"), (2, "olive"), (1.5, "pink"), (1, "yellow"), (0.7, "orange"), (0.7, "purple"),
    ],
    "shoe": [
        (42, "black"), (20, "white"), (13, "grey"), (8, "brown"), (4, "navy"), (4, "beige"), (3, "red"),
        (2, "blue"), (1, "pink"), (0.7, "orange"),
    ],
    "trim": [
        (32, "white"), (22, "black"), (14, "grey"), (7, "charcoal"), (8, "navy"), (5, "red"), (4, "blue"),
        (3, "pale blue"), (2, "cream"), (1, "yellow"), (1, "pink"), (1, "green"),
    ],
}  # fmt: skip

SKIN_TONES: dict[str, tuple[Colour, Colour]] = {
    "light": ((0.90, 0.74, 0.64), (0.80, 0.62, 0.50)),
    "medium light": ((0.84, 0.66, 0.52), (0.70, 0.51, 0.38)),
    "medium dark": ((0.70, 0.51, 0.37), (0.54, 0.37, 0.26)),
    "dark": ((0.48, 0.32, 0.23), (0.25, 0.16, 0.12)),
}
"""Every tone of skin with its two ends, between which it is drawn."""

HAIR_TONES: dict[str, tuple[Colour, Colour]] = {
    "black": ((0.035, 0.03, 0.03), (0.10, 0.085, 0.08)),
    "brown": ((0.16, 0.11, 0.08), (0.30, 0.20, 0.13)),
    "blond": ((0.45, 0.33, 0.19), (0.72, 0.57, 0.36)),
    "red": ((0.40, 0.18, 0.08), (0.52, 0.25, 0.12)),
    "grey": ((0.42, 0.42, 0.42), (0.80, 0.80, 0.80)),
}
"""Every tone of hair with its two ends, between which it is drawn."""

_SKIN: list[tuple[float, tuple[Colour, Colour]]] = list(zip((34, 34, 18, 14), SKIN_TONES.values(), strict=True))
_HAIR: list[tuple[float, tuple[Colour, Colour]]] = list(zip((74, 15, 4, 2, 5), HAIR_TONES.values(), strict=True))


def draw_colour(generator: np.random.Generator, worn_as: str) -> Colour:
    """Draw the colour of something worn as "top", "bottom", "bag", "shoe" or "trim"."""
    hue, saturation, value = HUES[weighted(generator, _FREQUENCIES[worn_as])]
    return named_colour(float(generator.uniform(*hue)), generator.uniform(*saturation), generator.uniform(*value))


def named_colour(hue: float, saturation: float, value: float) -> Colour:
    """Turn hue (turns), saturation and value (0 to 1) into sRGB."""
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def draw_skin(generator: np.random.Generator) -> Colour:
    """Draw a skin colour; every tone from light to dark occurs."""
    return _between(generator, weighted(generator, _SKIN))


def draw_hair(generator: np.random.Generator, skin: Colour) -> Colour:
    """Draw a natural hair colour; on dark skin nearly always dark or grey."""
    dark_skin = sum(skin) < 1.45
    tones = [_HAIR[0], _HAIR[4]] if dark_skin and generator.random() < 0.9 else _HAIR
    return _between(generator, weighted(generator, tones))


def contrasting(generator: np.random.Generator, colour: Colour, worn_as: str = "trim") -> Colour:
    """Draw a second colour that can be told from `colour`: a few tries, then white or black."""
    for _ in range(4):
        other = draw_colour(generator, worn_as)
        if max(abs(a - b) for a, b in zip(colour, other, strict=True)) > 0.22:
            return other
    return (0.90, 0.90, 0.88) if sum(colour) < 1.5 else (0.10, 0.10, 0.11)


def rgb(colour: Sequence[float]) -> FloatArray:
    """Give a colour, or a factor on one, as a (3,) array."""
    return np.array(colour, np.float32)


def scaled(colour: Colour, factor: float) -> Colour:
    """Make `colour` lighter or darker by `factor`, within 0 to 1."""
    red, green, blue = (min(1.0, channel * factor) for channel in colour)
    return red, green, blue


def _between(generator: np.random.Generator, ends: tuple[Colour, Colour]) -> Colour:
    share = float(generator.random())
    red, green, blue = (a + (b - a) * share for a, b in zip(*ends, strict=True))
    return red, green, blue
