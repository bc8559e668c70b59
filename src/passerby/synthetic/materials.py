"""Procedural surfaces of the built world: paving, tiles, asphalt, grass, brick, plaster, glass fronts, posters."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

from passerby.synthetic.colours import Colour, rgb
from passerby.synthetic.pixels import looked_up, shrunk
from passerby.synthetic.textures import smooth_noise
from passerby.types import FloatArray, ImageArray

MaterialKind: TypeAlias = Literal[
    "slabs", "tiles", "asphalt", "gravel", "grass", "vinyl", "brick", "plaster", "panels", "windows", "shopfront",
    "hedge", "wood", "metal", "cobbles", "terrazzo", "planks", "carpet", "louvre", "poster", "shelves",
]  # fmt: skip

_SIZE = 256
_LEVELS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A repeating surface.

    Attributes:
        levels: The same texture, each half as large as the one before: (256, 256, 3), (128, 128, 3), …;
            uint8 sRGB; row 0 is the upper edge.
        extent: Metres that one repeat covers, across and up.
    """

    levels: tuple[ImageArray, ...]
    extent: tuple[float, float]

    def sample(self, across: FloatArray, up: FloatArray, footprint: FloatArray) -> ImageArray:
        """Look the surface up.

        Args:
            across: (H, W) metres along the surface.
            up: (H, W) metres up (or away) along it.
            footprint: (H, W) metres of surface that one sample stands for; larger ones read smoother levels.

        Returns:
            (H, W, 3) uint8 sRGB.
        """
        finest = np.float32(_SIZE / max(self.extent))
        level = np.clip(np.log2(np.maximum(footprint * finest, 1.0)) + 0.3, 0, _LEVELS - 1).astype(np.int8)
        result = np.empty((*across.shape, 3), np.uint8)
        for number in range(int(level.min()), int(level.max()) + 1):
            shown = level == number
            rows = np.flatnonzero(shown.any(axis=1))
            if len(rows):
                part = slice(int(rows[0]), int(rows[-1]) + 1)
                side = np.float32(_SIZE >> number)
                x, y = across[part] * (side / self.extent[0]), -up[part] * (side / self.extent[1])
                found = looked_up(self.levels[number], np.mod(x, side), np.mod(y, side))
                np.copyto(result[part], found, where=shown[part][..., None])
        return result


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
            joint = float(generator.uniform(0.5, 0.85) if generator.random() < 0.8 else generator.uniform(1.15, 1.4))
            offset = 0.5 if kind == "slabs" and generator.random() < 0.6 else 0.0
            base = _masonry(generator, base, count, count, offset, joint, spread=float(generator.uniform(0.02, 0.09)))
            side = count * float(generator.uniform(0.28, 0.8))
            extent = (side, side * float(generator.choice([1.0, 1.0, 0.6])))
        case "cobbles" | "planks":
            base *= (1 + 0.08 * mottled + 0.08 * fine)[..., None]
            columns, rows = (8, 16) if kind == "cobbles" else (2, 16)
            spread = 0.10 if kind == "cobbles" else 0.07
            base = _masonry(generator, base, columns, rows, 0.5, float(generator.uniform(0.5, 0.8)), spread)
            extent = (1.6, 1.6) if kind == "cobbles" else (4.0, 2.2)
        case "terrazzo" | "carpet":
            speckles = generator.standard_normal((_SIZE, _SIZE, 1), dtype=np.float32)
            base *= 1 + 0.05 * mottled[..., None] + (0.10 if kind == "terrazzo" else 0.05) * speckles
            if kind == "terrazzo":
                base = _masonry(generator, base, 2, 2, 0.0, joint=0.75, spread=0.02)
        case "louvre":
            base *= (1 + 0.05 * mottled + 0.35 * np.sin(y * (2 * np.pi * 16 / _SIZE)))[..., None]
            extent = (2.0, 2.0)
        case "poster":
            _print_poster(generator, base)
            extent = (float(generator.uniform(0.8, 2.4)), float(generator.uniform(0.8, 2.0)))
        case "shelves":
            _stock(generator, base)
            extent = (2.4, 1.8)
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
    if kind not in ("poster", "shelves", "metal", "windows", "shopfront"):
        base *= (1 + 0.10 * _tileable(generator, 5))[..., None]  # stains
    level = np.clip(base, 0.02, 0.97).astype(np.float32)
    levels = [np.asarray(level * 255, np.uint8)]
    for _ in range(_LEVELS - 1):
        level = shrunk(level, len(level) // 2, len(level) // 2)
        levels.append(np.asarray(level * 255, np.uint8))
    return Material(levels=tuple(levels), extent=extent)


def _print_poster(generator: np.random.Generator, base: FloatArray) -> None:
    """Print blocks of colour and lines of writing on a surface in place."""
    for _ in range(int(generator.integers(2, 6))):
        top, left = (int(v) for v in generator.integers(0, 200, 2))
        height, width = (int(v) for v in generator.integers(30, 160, 2))
        base[top : top + height, left : left + width] = generator.uniform(0.05, 0.95, 3).astype(np.float32)
    ink = float(generator.choice([0.05, 0.95]))
    for line in range(int(generator.integers(1, 6))):
        top, size = 20 + 40 * line, int(generator.integers(8, 26))
        place = int(generator.integers(5, 60))
        while place < 240:
            stroke = int(generator.integers(3, 10))
            base[top : top + size, place : place + stroke] = ink
            place += stroke + int(generator.integers(2, 12))


def _stock(generator: np.random.Generator, base: FloatArray) -> None:
    """Fill a surface in place with shelves of goods."""
    base *= 0.35
    for shelf in range(4):
        floor, place = 64 * (shelf + 1) - 6, 0
        while place < _SIZE:
            width, height = int(generator.integers(6, 26)), int(generator.integers(20, 52))
            colour = generator.uniform(0.1, 0.9, 3).astype(np.float32)
            for _ in range(int(generator.integers(1, 5))):
                base[floor - height : floor, place : place + width - 2] = colour
                base[floor - height // 2 : floor - height // 3, place : place + width - 2] = 1.0 - colour
                place += width
        base[floor : floor + 6] = 0.6


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
