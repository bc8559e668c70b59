"""What a camera's sensor, lens and codec do to a picture."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from passerby.synthetic.randomness import stream
from passerby.types import FloatArray, ImageArray


@dataclass(frozen=True, slots=True)
class Look:
    """One camera's way with light and detail.

    Attributes:
        white_balance: (red, green, blue) factors.
        exposure: Brightness that its automatic exposure aims at, 0 to 1.
        contrast: Factor around middle grey.
        saturation: Factor on colourfulness.
        haze: Light added to black, 0 to 1.
        blur: Standard deviation in pixels of a 128-row picture.
        sharpening: Strength of its edge enhancement.
        noise: Standard deviation of the brightness noise, 0 to 1.
        quality: JPEG quality of its stream.
        exposure_jitter: Standard deviation of the log brightness from moment to moment.
    """

    white_balance: tuple[float, float, float]
    exposure: float
    contrast: float
    saturation: float
    haze: float
    blur: float
    sharpening: float
    noise: float
    quality: int
    exposure_jitter: float


def sample_look(seed: int, index: int) -> Look:
    """Draw the look of the camera number `index` of the world `seed`.

    Casts are those of real, badly balanced cameras: along the axes warm–cool and green–magenta.
    """
    generator = stream(seed, "look", index)
    warm = float(generator.normal(0.0, 0.045)) + (0.05, -0.05, 0.0, -0.02)[index % 4]
    green = float(generator.normal(0.0, 0.022))
    sharp = bool(generator.random() < 0.5)
    return Look(
        white_balance=(float(np.exp(warm)), float(np.exp(green)), float(np.exp(-warm))),
        exposure=float(generator.uniform(0.36, 0.52)),
        contrast=float(generator.uniform(0.85, 1.25)),
        saturation=float(generator.uniform(0.65, 1.2)),
        haze=float(max(0.0, generator.normal(0.015, 0.03))),
        blur=0.15 if sharp else float(generator.uniform(0.3, 0.8)),
        sharpening=float(generator.uniform(0.2, 0.7)) if sharp else 0.0,
        noise=float(generator.uniform(0.004, 0.018)),
        quality=int(generator.integers(55, 92)),
        exposure_jitter=float(generator.uniform(0.04, 0.12)),
    )


def through(look: Look, picture: FloatArray, rows: int, generator: np.random.Generator) -> FloatArray:
    """Take a clean picture through a camera.

    Args:
        look: The camera's look.
        picture: (H, W, 3) display values, about 0 to 1.
        rows: Rows that the box had in the camera's own picture; fewer than H loses detail.
        generator: Draws noise and fluctuations.

    Returns:
        (H, W, 3) display values, 0 to 1.
    """
    height, width = picture.shape[:2]
    rows = min(max(rows, 24), height)
    native = _resized(picture, rows, max(12, round(width * rows / height)), Image.Resampling.BOX)
    blur = look.blur * float(generator.uniform(0.6, 1.3)) * rows / 128.0
    if blur > 0.2:
        native = _blurred(native, blur)
    native = _exposed(look, native, generator)
    if look.sharpening:
        native = native + look.sharpening * (native - _blurred(native, 0.9))
    native = native + _noise(look.noise, native, generator)
    quality = int(np.clip(look.quality + generator.integers(-8, 9), 30, 95))
    decoded = np.asarray(_through_jpeg(to_bytes(native), quality), np.float32) / 255.0
    return _resized(decoded, height, width, Image.Resampling.BICUBIC) if rows < height else decoded


def to_bytes(picture: FloatArray) -> ImageArray:
    """Turn display values 0 to 1 into uint8."""
    return np.asarray(np.clip(picture, 0.0, 1.0) * 255.0 + 0.5, np.uint8)


def _exposed(look: Look, picture: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Exposure, white balance, saturation, contrast and haze."""
    # Automatic exposure goes part of the way from the scene's brightness to its aim.
    mean = max(0.05, float(picture.mean()))
    gain = (look.exposure / mean) ** 0.6 * float(np.exp(generator.normal(0.0, look.exposure_jitter)))
    drift = np.exp(generator.normal(0.0, 0.012, 3))
    factors = np.asarray(np.array(look.white_balance) * drift * gain, np.float32)
    # One colour after the other: numpy is slow along rows of three.
    balanced = [picture[..., channel] * factor for channel, factor in enumerate(factors)]
    grey = _grey(balanced)
    coloured = np.empty(picture.shape, np.float32)
    for channel, values in enumerate(balanced):
        coloured[..., channel] = grey + (values - grey) * look.saturation
    curved = (coloured - 0.42) * look.contrast + 0.42
    # Highlights roll off instead of being cut.
    bright = np.flatnonzero(curved > 0.8)
    curved.reshape(-1)[bright] = 0.8 + 0.2 * np.tanh((curved.reshape(-1)[bright] - 0.8) / 0.2)
    return np.asarray(look.haze + curved * (1.0 - look.haze), np.float32)


def _noise(strength: float, picture: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Brightness noise and half as much colour noise, stronger in the dark."""
    height, width = picture.shape[:2]
    brightness = generator.standard_normal((height, width), dtype=np.float32)
    noise = generator.standard_normal((height, width, 3), dtype=np.float32)
    darkness = 1.3 - 0.6 * np.clip(_grey([picture[..., channel] for channel in range(3)]), 0.0, 1.0)
    for channel in range(3):
        noise[..., channel] = (brightness + 0.5 * noise[..., channel]) * strength * darkness
    return noise


def _grey(channels: list[FloatArray]) -> FloatArray:
    """Mean of three channels."""
    return np.asarray((channels[0] + channels[1] + channels[2]) / np.float32(3), np.float32)


def _through_jpeg(picture: ImageArray, quality: int) -> ImageArray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    buffer.seek(0)
    return np.asarray(Image.open(buffer))


def _resized(picture: FloatArray, height: int, width: int, method: Image.Resampling) -> FloatArray:
    if picture.shape[:2] == (height, width):
        return picture
    image = Image.fromarray(to_bytes(picture)).resize((width, height), method)
    return np.asarray(image, np.float32) / 255.0


def _blurred(picture: FloatArray, deviation: float) -> FloatArray:
    image = Image.fromarray(to_bytes(picture)).filter(ImageFilter.GaussianBlur(deviation))
    return np.asarray(image, np.float32) / 255.0
