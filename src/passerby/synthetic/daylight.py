"""What light a place has, usually and at one moment, and where its ground lies in the shade."""

import numpy as np

from passerby.synthetic.colours import rgb
from passerby.synthetic.lighting import Light
from passerby.synthetic.textures import smooth_noise
from passerby.types import FloatArray


def momentary_light(light: Light, generator: np.random.Generator) -> Light:
    """Vary a site's usual light: clouds, the hour, another lamp near by."""
    turn, lift = generator.normal(0.0, 0.45), generator.normal(0.0, 0.12)
    x, y, z = (float(v) for v in light.direction)
    azimuth, elevation = np.arctan2(y, x) + turn, np.clip(np.arcsin(z) + lift, 0.45, 1.45)
    direction = np.array(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)], np.float32
    )
    sun = light.sun * np.float32(np.exp(generator.normal(0.0, 0.25)))
    sky = light.sky * np.float32(np.exp(generator.normal(0.0, 0.08)))
    return Light(sky=sky, ground=light.ground, sun=sun, direction=direction, softness=light.softness)


def usual_light(generator: np.random.Generator, indoors: bool) -> Light:
    """Draw the light that a place usually has: lamps indoors, sun or an overcast sky outdoors."""
    azimuth = generator.uniform(0.0, 2 * np.pi)
    elevation = generator.uniform(1.0, 1.35) if indoors else generator.uniform(0.6, 1.1)
    direction = np.array(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)], np.float32
    )
    if indoors:
        sun, sky = generator.uniform(0.25, 0.5), generator.uniform(0.38, 0.5)
        warm = generator.uniform(-0.04, 0.06)
    else:
        sunny = generator.random() < 0.6
        sun, sky = (generator.uniform(0.5, 0.75), 0.36) if sunny else (generator.uniform(0.05, 0.2), 0.62)
        warm = 0.05 if sunny else 0.0
    tint = rgb((1 + warm, 1.0, 1 - warm))
    cool = rgb((1.0, 1.0, 1.0) if indoors else (0.95, 1.0, 1.08))
    return Light(
        sky=cool * float(sky),
        ground=tint * float(sky * generator.uniform(0.4, 0.6)),
        sun=tint * float(sun),
        direction=direction,
        softness=0.16 if indoors else 0.05,
    )


def shade_map(generator: np.random.Generator, indoors: bool) -> FloatArray:
    """Draw where the sun reaches the ground: pools of lamp light indoors, shadows of buildings and trees outdoors.

    Returns:
        (192, 192) float32, 0 in the shade to 1.
    """
    cells = 192
    if indoors:
        pools = smooth_noise(generator, cells, cells, 14, 14)
        return np.asarray(np.clip(0.85 + 0.3 * pools, 0.35, 1.0), np.float32)
    cover = smooth_noise(generator, cells, cells, 6, 6) + 0.25 * smooth_noise(generator, cells, cells, 40, 40)
    return np.asarray(np.clip((cover + 0.45) * 5.0, 0.0, 1.0), np.float32)
