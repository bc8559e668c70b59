"""What a camera's lens, sensor and codec do to a picture."""

from dataclasses import dataclass

import numpy as np

from passerby.synthetic.pixels import blurred, in_three, smeared, through_jpeg, to_bytes
from passerby.synthetic.randomness import stream
from passerby.types import FloatArray, ImageArray


@dataclass(frozen=True, slots=True)
class Look:
    """One camera's way with light and detail.

    Attributes:
        white_balance: (red, green, blue) factors.
        exposure: Brightness that its automatic exposure aims at, 0 to 1.
        adaptation: How far its automatic exposure goes, 0 for a fixed one to 1.
        exposure_jitter: Standard deviation of the log brightness from moment to moment.
        gamma: Exponent on display values; above 1 darkens the middle tones.
        contrast: Factor around the middle tones.
        black: Brightness of black: above 0 for flare and haze, below 0 when dark tones are cut off.
        saturation: Factor on colourfulness.
        blur: Standard deviation of the lens's blur in pixels of its own picture.
        sharpening: Strength of its edge enhancement.
        sharpening_reach: Standard deviation of the halos in pixels of its own picture.
        chroma_blur: Standard deviation of the colours' blur across the columns, in pixels of its own picture.
        noise: Standard deviation of the brightness noise, 0 to 1.
        quality: JPEG quality of its stream.
        shutter: Seconds that the shutter is open, smearing what moves.
        interlaced: Whether every other row is taken half a frame later.
    """

    white_balance: tuple[float, float, float]
    exposure: float
    adaptation: float
    exposure_jitter: float
    gamma: float
    contrast: float
    black: float
    saturation: float
    blur: float
    sharpening: float
    sharpening_reach: float
    chroma_blur: float
    noise: float
    quality: int
    shutter: float
    interlaced: bool


_TOE = 0.14
"""Brightness below which a camera's tone curve flattens out towards black."""

_FIELD = 1 / 50
"""Seconds between the two halves of an interlaced frame."""


def sample_look(seed: int, index: int) -> Look:
    """Draw the look of the camera number `index` of the world `seed`.

    Casts are those of real, badly balanced cameras: along the axes warm–cool and green–magenta.
    """
    generator = stream(seed, "look", index)
    warm = float(generator.normal(0.0, 0.06)) + (0.04, -0.04, 0.0, -0.02)[index % 4]
    green = float(generator.normal(0.0, 0.025))
    # Half of all cameras draw hard edges with bright and dark halos around them; the others are soft.
    sharp = bool(generator.random() < 0.7)
    return Look(
        white_balance=(float(np.exp(warm)), float(np.exp(green)), float(np.exp(-warm))),
        exposure=float(generator.uniform(0.34, 0.56)),
        adaptation=float(generator.uniform(0.35, 0.85)),
        exposure_jitter=float(generator.uniform(0.03, 0.14)),
        gamma=float(np.exp(generator.normal(0.08, 0.18))),
        contrast=float(generator.uniform(0.85, 1.55)),
        black=float(np.clip(generator.normal(0.025, 0.03), -0.03, 0.1)),
        saturation=float(generator.uniform(0.3, 1.05)),
        blur=float(generator.uniform(0.1, 0.45) if sharp else generator.uniform(0.4, 1.1)),
        sharpening=float(generator.uniform(0.6, 3.0)) if sharp else 0.0,
        sharpening_reach=float(generator.uniform(0.8, 1.6)),
        chroma_blur=float(generator.uniform(0.3, 2.0)),
        noise=float(np.exp(generator.uniform(np.log(0.003), np.log(0.018)))),
        quality=int(generator.integers(45, 93)),
        shutter=float(np.exp(generator.uniform(np.log(1 / 250), np.log(1 / 20)))),
        interlaced=bool(generator.random() < 0.15),
    )


def in_motion(look: Look, people: FloatArray, speed: float) -> FloatArray:
    """Smear walking people by what they move while the shutter is open, and tear them where rows are interlaced.

    Args:
        look: The camera's look.
        people: (H, W, 4) display values and coverage, 0 to 1; black where nothing is covered.
        speed: Pixels that they cross in a second, to the right.
    """
    people = smeared(people, abs(speed) * look.shutter)
    torn = round(speed * _FIELD) if look.interlaced else 0
    if torn:
        people = people.copy()
        people[1::2] = np.roll(people[1::2], torn, axis=1)
    return people


def through(look: Look, picture: FloatArray, finer: float, generator: np.random.Generator) -> ImageArray:
    """Take a clean picture through a camera.

    Args:
        look: The camera's look.
        picture: (H, W, 3) display values, about 0 to 1.
        finer: How many times finer the camera's own pixels are, 1 or more; its blur and noise show less then.
        generator: Draws noise and fluctuations.

    Returns:
        (H, W, 3) uint8 sRGB.
    """
    seen = blurred(picture, look.blur * float(generator.uniform(0.7, 1.3)) / finer)
    seen = exposed(look, seen, exposure_factors(look, float(seen.mean()), generator))
    seen = coloured(look, seen, look.chroma_blur / finer)
    # Cameras smooth their noise before they sharpen.
    seen += noise(look.noise / finer / (1.0 + 0.6 * look.sharpening), seen, generator)
    if look.sharpening:
        strength = look.sharpening * float(generator.uniform(0.75, 1.25)) / finer
        seen += strength * (seen - blurred(seen, look.sharpening_reach))
    quality = int(np.clip(look.quality + generator.integers(-8, 9), 30, 95))
    return through_jpeg(to_bytes(seen), quality)


def exposure_factors(look: Look, mean: float, generator: np.random.Generator) -> FloatArray:
    """(3,) factors of exposure and white balance at some moment, for a scene of this mean display value."""
    # Automatic exposure goes part of the way from the scene's brightness to its aim.
    mean = max(0.05, mean)
    gain = (look.exposure / mean) ** look.adaptation * float(np.exp(generator.normal(0.0, look.exposure_jitter)))
    factors = np.array(look.white_balance) * np.exp(generator.normal(0.0, 0.012, 3)) * gain
    return np.asarray(factors, np.float32)


def exposed(look: Look, picture: FloatArray, factors: FloatArray) -> FloatArray:
    """Put exposure and white balance (3,) and the camera's tone curve on display values (H, W, 3)."""
    rows, columns, _ = picture.shape
    # Whole rows of factors: numpy is slow along rows of three.
    balanced = np.maximum(picture.reshape(rows, -1) * np.tile(factors, columns), np.float32(0.0))
    curved = (balanced ** np.float32(look.gamma) - np.float32(0.40)) * np.float32(look.contrast) + np.float32(0.40)
    # Highlights roll off a little before they are cut; shadows do too, so that dark cloth keeps its folds.
    curved = np.where(curved > 0.85, 0.85 + 0.15 * np.tanh((curved - 0.85) / 0.15), curved)
    curved = np.where(curved < _TOE, _TOE * np.exp(np.minimum(curved / _TOE - 1.0, 0.0)), curved)
    return np.asarray(look.black + curved * (1.0 - max(look.black, 0.0)), np.float32).reshape(picture.shape)


def coloured(look: Look, picture: FloatArray, chroma_blur: float) -> FloatArray:
    """Put the camera's saturation on display values (H, W, 3), and make colours less sharp than brightness is."""
    grey = in_three((picture[..., 0] + picture[..., 1] + picture[..., 2]) / np.float32(3.0))
    return np.asarray(grey + blurred(picture - grey, chroma_blur, 0.4 * chroma_blur) * look.saturation, np.float32)


def noise(strength: float, picture: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Brightness noise and half as much colour noise, stronger in the dark."""
    height, width = picture.shape[:2]
    brightness = generator.standard_normal((height, width), dtype=np.float32)
    drawn = 0.5 * generator.standard_normal((height, width, 3), dtype=np.float32)
    drawn += in_three(brightness)
    drawn *= in_three(strength * (1.3 - 0.6 * np.clip(picture[..., 1], 0.0, 1.0)))
    return np.asarray(drawn, np.float32)
