"""Procedural pictures of cloth: smooth noise, folds, weaves and prints, as arrays with values about 0 to 1."""

import numpy as np
from PIL import Image

from passerby.synthetic.atlas_layout import Patch
from passerby.synthetic.colours import Colour, rgb
from passerby.synthetic.person import Pattern
from passerby.types import FloatArray


def smooth_noise(generator: np.random.Generator, height: int, width: int, rows: int, columns: int) -> FloatArray:
    """Draw noise whose bumps are about `height / rows` × `width / columns` pixels large.

    Returns:
        (height, width) float32, mean about 0, mostly within ±1.
    """
    coarse = generator.standard_normal((max(2, rows), max(2, columns)), dtype=np.float32) * 0.6
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.float32)


def trunk_folds(generator: np.random.Generator, size: int = 64) -> FloatArray:
    """Draw the folds of cloth on a trunk, from hem (row 0) to neck: slanting creases, most at the waist.

    Returns:
        (size, size) float32 in about ±1, rows from bottom to top, columns once around.
    """
    y, x = _grid(size)
    folds = 0.5 * smooth_noise(generator, size, size, 5, 7)
    for _ in range(9):
        centre, height = generator.uniform(0.0, 1.0), float(np.clip(generator.normal(0.45, 0.25), 0.02, 0.9))
        slope = generator.uniform(-0.5, 0.5)
        folds += _crease(generator, _wrapped(x - centre), y - height, slope, length=0.16, width=0.022)
    return np.asarray(np.clip(folds, -1.2, 1.2), np.float32)


def limb_folds(generator: np.random.Generator, joint: float, slack: float, size: int = 64) -> FloatArray:
    """Draw the folds of a sleeve or trouser leg: crosswise at the joint, bunched at the lower end.

    Args:
        generator: What to draw from.
        joint: Where elbow or knee is, 0 (lower end) to 1 (upper end).
        slack: How loose the cloth is, 0 to 1.
        size: Rows and columns.

    Returns:
        (size, size) float32 in about ±1, rows from the lower end upwards, columns once around.
    """
    y, x = _grid(size)
    folds = 0.4 * smooth_noise(generator, size, size, 8, 5)
    for _ in range(int(5 + 9 * slack)):
        at_joint = generator.random() < 0.6
        height = generator.normal(joint, 0.09) if at_joint else abs(generator.normal(0.0, 0.10))
        slope = generator.uniform(-0.35, 0.35)
        folds += _crease(generator, _wrapped(x - generator.random()), y - height, slope, length=0.22, width=0.02)
    return np.asarray(np.clip(folds, -1.2, 1.2), np.float32)


def hanging_folds(generator: np.random.Generator, size: int = 64) -> FloatArray:
    """Draw the folds of a skirt or coat: upright, deeper towards the hem (row 0).

    Returns:
        (size, size) float32 in about ±1.
    """
    y, _ = _grid(size)
    waves = smooth_noise(generator, size, size, 2, int(generator.integers(8, 15)))
    return np.asarray(np.clip(waves * (1.1 - 0.9 * y) * 1.3, -1.2, 1.2), np.float32)


def weave(
    generator: np.random.Generator, pattern: Pattern, colour: Colour, second: Colour, height: int, width: int
) -> FloatArray:
    """Draw flat cloth, without light or folds.

    Args:
        generator: What to draw from.
        pattern: Which pattern.
        colour: Main colour.
        second: Colour of the pattern.
        height: Pixels from neck (row 0) to hem.
        width: Pixels around.

    Returns:
        (height, width, 3) float32, sRGB 0 to 1.
    """
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    period = float(generator.choice([4, 6, 8, 10, 14]))
    share = np.zeros((height, width), np.float32)
    match pattern:
        case "stripes":
            share = (y % period < period * generator.uniform(0.25, 0.55)).astype(np.float32)
        case "pinstripes":
            share = 0.6 * (x % 4 < 1).astype(np.float32)
        case "checks":
            period = max(period, 8.0)
            broad = period * generator.uniform(0.2, 0.55)
            share = 0.45 * (y % period < broad) + 0.45 * (x % period < broad)
            share = np.asarray(
                share + 0.2 * (y % period == period - 2) + 0.2 * (x % period == period - 2), np.float32
            )
        case "dots":
            shifted = x + period / 2 * (y // period % 2)
            share = (np.hypot(y % period - period / 2, shifted % period - period / 2) < period * 0.27).astype(
                np.float32
            )
        case "floral":
            share = (smooth_noise(generator, height, width, height // 4, width // 4) > 0.42).astype(np.float32)
        case "block":
            share = (y < height * generator.uniform(0.3, 0.6)).astype(np.float32)
        case "band":
            start = generator.uniform(0.25, 0.6)
            share = ((y > height * start) & (y < height * (start + generator.uniform(0.07, 0.2)))).astype(np.float32)
        case "knit":
            rib = float(generator.choice([3, 4, 6]))
            share = np.asarray(0.12 * (x % rib < 1) + 0.05 * (y % 3 < 1), np.float32)
            second = (0.0, 0.0, 0.0) if sum(colour) > 0.6 else (0.6, 0.6, 0.6)
        case "reflective":
            share = np.asarray((np.abs(y / height - 0.62) < 0.03) | (np.abs(y / height - 0.82) < 0.03), np.float32)
        case "denim":
            return _denim(generator, colour, height, width)
        case "plain":
            pass
    share = np.clip(share, 0.0, 1.0)[..., None]
    cloth = rgb(colour) * (1 - share) + rgb(second) * share
    grain = 1 + 0.025 * generator.standard_normal((height, width, 1), dtype=np.float32)
    return np.asarray(cloth * grain, np.float32)


def plain_cloth(generator: np.random.Generator, colour: Colour, patch: Patch) -> FloatArray:
    """Draw cloth of one colour with a little grain, of the size of `patch`."""
    grain = 1 + 0.02 * generator.standard_normal((patch.height, patch.width, 1), dtype=np.float32)
    return np.asarray(rgb(colour) * grain, np.float32)


def seam(region: FloatArray, strength: float) -> None:
    """Draw seams and edges in place: darker than light cloth, lighter than dark cloth, on which shade is lost."""
    dark = region.mean(axis=-1, keepdims=True) < 0.2
    region[:] = np.where(dark, region + 0.13 * strength, region * (1 - 0.45 * strength))


def print_on(
    generator: np.random.Generator, cloth: FloatArray, colour: Colour, size: float, row: int, column: int
) -> None:
    """Print a badge, lettering or picture on `cloth` in place.

    Args:
        generator: What to draw from.
        cloth: (H, W, 3) sRGB.
        colour: Colour of the print.
        size: 0 to 1.
        row: Row of its middle.
        column: Column of its middle.
    """
    height, width = int(6 + 26 * size), int(8 + 20 * size)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    kind = generator.integers(4)
    if kind == 0:
        share = (np.hypot(x, y) < 0.95).astype(np.float32)
        share *= smooth_noise(generator, height, width, height // 4, width // 4) > -0.2
    elif kind == 1:
        letters = generator.random((max(2, height // 7), max(3, width // 3))) > 0.35
        share = np.repeat(np.repeat(letters, 7, 0), 3, 1)[:height, :width].astype(np.float32)
        share *= (np.arange(height)[: len(share), None] % 7) < 5
    elif kind == 2:
        share = (smooth_noise(generator, height, width, height // 5, width // 5) > 0.0).astype(np.float32)
    else:
        share = np.full((height, width), 0.9, np.float32)
        share[height // 3 : height // 2, 2:-2] = 0.2
    top, left = row - len(share) // 2, column - share.shape[1] // 2
    region = cloth[top : top + len(share), left : left + share.shape[1]]
    share = share[: len(region), : region.shape[1], None]
    region[:] = region * (1 - share) + rgb(colour) * share


def _denim(generator: np.random.Generator, colour: Colour, height: int, width: int) -> FloatArray:
    """Twill, worn pale on the fronts of thigh and knee."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    worn = np.exp(-(((x - 0.5) / 0.16) ** 2) - ((y - 0.34) / 0.22) ** 2) * generator.uniform(0.0, 0.8)
    worn = worn + 0.12 * smooth_noise(generator, height, width, 10, 8)
    twill = 0.06 * generator.standard_normal((height, width), dtype=np.float32)
    return np.asarray(rgb(colour) * (1 + worn + twill)[..., None] + 0.04 * worn[..., None], np.float32)


def _crease(
    generator: np.random.Generator, x: FloatArray, y: FloatArray, slope: float, length: float, width: float
) -> FloatArray:
    """One fold: a ridge with a valley below it."""
    across = y - slope * x
    along = np.exp(-((x / (length * generator.uniform(0.6, 1.4))) ** 2))
    ridge = np.exp(-((across / width) ** 2)) - 0.9 * np.exp(-(((across + 1.8 * width) / width) ** 2))
    return np.asarray(ridge * along * generator.uniform(0.4, 1.0), np.float32)


def _grid(size: int) -> tuple[FloatArray, FloatArray]:
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j].astype(np.float32)
    return y, x


def _wrapped(distance: FloatArray) -> FloatArray:
    """Distances around the body, taken the short way round."""
    return np.asarray((distance + 0.5) % 1.0 - 0.5, np.float32)
