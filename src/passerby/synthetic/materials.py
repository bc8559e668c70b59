"""Procedural surfaces of the built world: paving, tiles, asphalt, grass, brick, plaster, glass fronts, hedges."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

from passerby.synthetic.colours import Colour, rgb
from passerby.synthetic.textures import smooth_noise
from passerby.types import FloatArray

MaterialKind: TypeAlias = Literal[
    "slabs", "tiles", "asphalt", "gravel", "grass", "vinyl", "brick", "plaster", "panels", "windows", "shopfront",
    "hedge", "wood", "metal",
]  # fmt: skip

_SIZE = 256
_LEVELS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A repeating surface.

    Attributes:
        levels: The same texture, each half as large as the one before: (256, 256, 3), (128, 128, 3), …;
            float32 display values 0 to 1; row 0 is the upper edge.
        extent: Metres that one repeat covers, across and up.
    """

    levels: tuple[FloatArray, ...]
    extent: tuple[float, float]

    def sample(self, across: FloatArray, up: FloatArray, footprint: float) -> FloatArray:
        """Look the surface up.

        Args:
            across: (N,) metres along the surface.
            up: (N,) metres up (or away) along it.
            footprint: Metres of surface that one sample stands for; larger ones read smoother levels.

        Returns:
            (N, 3) display values.
        """
        wanted = np.log2(max(footprint * _SIZE / max(self.extent), 1.0))
        texture = self.levels[min(int(wanted + 0.3), _LEVELS - 1)]
        rows, columns = texture.shape[:2]
        # Sides are powers of two, so the remainder is what the lower bits hold.
        column = np.floor(across * (columns / self.extent[0])).astype(np.int64) & (columns - 1)
        row = np.floor(-up * (rows / self.extent[1])).astype(np.int64) & (rows - 1)
        return np.asarray(texture.reshape(-1, 3).take(row * columns + column, axis=0), np.float32)


def make_material(generator: np.random.Generator, kind: MaterialKind, colour: Colour) -> Material:
    """Make a surface of `kind` whose main colour is `colour`."""
    base = np.broadcast_to(rgb(colour), (_SIZE, _SIZE, 3)).copy()
    y, x = np.mgrid[0:_SIZE, 0:_SIZE]
    mottled = _tileable(generator, 9)
    fine = _tileable(generator, 64)
    extent = (2.0, 2.0)
    match kind:
        case "slabs" | "tiles":
            count = int(generator.choice([3, 4])) if kind == "slabs" else int(generator.choice([2, 4]))
            base *= (1 + (0.10 if kind == "slabs" else 0.03) * mottled + 0.05 * fine)[..., None]
            base = _masonry(generator, base, count, count, offset=0.5 if kind == "slabs" else 0.0, joint=0.78)
            extent = (2.4, 2.4)
        case "asphalt" | "gravel":
            base *= (1 + 0.08 * mottled + (0.14 if kind == "asphalt" else 0.22) * fine)[..., None]
            extent = (3.0, 3.0)
        case "grass":
            blades = _tileable(generator, 100)
            base *= (1 + 0.14 * mottled + 0.24 * blades)[..., None]
            base += rgb([0.05, 0.03, 0.0]) * np.clip(mottled, 0, 1)[..., None]
            extent = (2.5, 2.5)
        case "hedge":
            leaves = np.clip(_tileable(generator, 40) + 0.6 * _tileable(generator, 80), -1.0, 1.0)
            base *= (1 + 0.45 * leaves + 0.2 * mottled)[..., None]
            extent = (2.0, 2.0)
        case "vinyl" | "plaster" | "metal":
            base *= (1 + 0.04 * mottled + 0.02 * fine)[..., None]
            extent = (4.0, 4.0)
        case "wood":
            grain = _tileable(generator, 50)[y // 8 * 8, x]
            base *= (1 + 0.10 * grain)[..., None]
            base = _masonry(generator, base, 1, 12, offset=0.0, joint=0.6)
            extent = (1.8, 1.8)
        case "brick":
            base *= (1 + 0.07 * mottled + 0.08 * fine)[..., None]
            base = _masonry(generator, base, 8, 24, offset=0.5, joint=1.25, spread=0.12)
            extent = (1.9, 1.9)
        case "panels":
            base *= (1 + 0.05 * mottled)[..., None]
            base = _masonry(generator, base, 2, 2, offset=0.0, joint=0.72)
            extent = (3.0, 2.4)
        case "windows":
            base *= (1 + 0.05 * mottled + 0.03 * fine)[..., None]
            _glaze(generator, base, columns=2, low=0.28, high=0.72, frame=0.12)
            extent = (4.0, 3.4)
        case "shopfront":
            base *= (1 + 0.03 * mottled)[..., None]
            _glaze(generator, base, columns=2, low=0.06, high=0.78, frame=0.03)
            extent = (5.0, 3.6)
    levels: list[FloatArray] = [np.clip(base, 0.02, 0.97).astype(np.float32)]
    for _ in range(_LEVELS - 1):
        last = levels[-1]
        levels.append(np.asarray(last.reshape(len(last) // 2, 2, -1, 2, 3).mean(axis=(1, 3)), np.float32))
    return Material(levels=tuple(levels), extent=extent)


def _tileable(generator: np.random.Generator, cells: int) -> FloatArray:
    """Noise in about ±1 that repeats without a seam."""
    coarse = generator.standard_normal((cells, cells), dtype=np.float32) * 0.5
    wrapped = np.pad(coarse, 2, mode="wrap")
    size = round(_SIZE * (cells + 4) / cells)
    edge = round(_SIZE * 2 / cells)
    image = Image.fromarray(wrapped).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32)[edge : edge + _SIZE, edge : edge + _SIZE]


def _masonry(
    generator: np.random.Generator,
    base: FloatArray,
    columns: int,
    rows: int,
    offset: float,
    joint: float,
    spread: float = 0.05,
) -> FloatArray:
    """Divide a surface into stones of slightly different brightness, with joints `joint` times as bright."""
    y, x = np.mgrid[0:_SIZE, 0:_SIZE].astype(np.float32)
    course = np.floor(y * rows / _SIZE)
    place = x * columns / _SIZE + offset * (course % 2)
    stone = np.floor(place).astype(int) % columns
    tones = 1 + spread * generator.standard_normal((rows, columns), dtype=np.float32)
    base = base * tones[course.astype(int), stone][..., None]
    thickness = 1.6 if rows > 8 else 1.2
    in_joint = ((y % (_SIZE / rows)) < thickness) | ((place % 1.0) * _SIZE / columns < thickness)
    return np.asarray(np.where(in_joint[..., None], base * joint, base), np.float32)


def _glaze(
    generator: np.random.Generator, base: FloatArray, columns: int, low: float, high: float, frame: float
) -> None:
    """Put dark, faintly reflecting windows into a wall in place; heights are shares from the bottom."""
    width = _SIZE // columns
    top, bottom = int((1 - high) * _SIZE), int((1 - low) * _SIZE)
    for column in range(columns):
        left, right = int(column * width + frame * _SIZE), int((column + 1) * width - frame * _SIZE)
        pane = base[top:bottom, left:right]
        height, breadth = pane.shape[:2]
        glass = 0.16 + 0.10 * smooth_noise(generator, height, breadth, 6, 5)
        glass = glass + np.linspace(0.16, 0.0, height, dtype=np.float32)[:, None]
        pane[:] = np.clip(glass, 0.05, 0.6)[..., None] * rgb([0.92, 1.0, 1.08])
        for _ in range(int(generator.integers(2, 6))):
            # Things behind the glass, or reflected in it.
            y0, x0 = int(generator.integers(0, height)), int(generator.integers(0, breadth))
            tint = generator.uniform(0.1, 0.6, 3).astype(np.float32)
            thing = pane[y0 : y0 + height // 4, x0 : x0 + breadth // 6]
            thing[:] = 0.65 * thing + 0.35 * tint
        pane[:2] = pane[-2:] = 0.25
        pane[:, :2] = pane[:, -2:] = 0.25
