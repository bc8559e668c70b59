"""Night, rain and snow: what they do to the light, to the ground, and in the air before a camera."""

from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from passerby.synthetic.colours import rgb
from passerby.synthetic.effects import Look
from passerby.synthetic.lighting import Light
from passerby.synthetic.pixels import blurred
from passerby.types import FloatArray

Weather: TypeAlias = Literal["clear", "night", "rain", "snow"]

WEATHERS: tuple[Weather, ...] = ("clear", "night", "rain", "snow")


def weather_at(wanted: str, indoors: bool, generator: np.random.Generator) -> Weather:
    """The weather of a picture: the one wanted, or any of them for "mixed"; never rain or snow under a roof."""
    weather: Weather = "clear"
    for known in WEATHERS:
        if wanted == known:
            weather = known
    if wanted == "mixed":
        weather = WEATHERS[int(generator.integers(len(WEATHERS)))]
    return "clear" if indoors and weather in ("rain", "snow") else weather


def light_in(weather: Weather, light: Light, indoors: bool, generator: np.random.Generator) -> Light:
    """What a weather leaves of the light of a clear day; at night, lamps take the place of the sun."""
    if weather == "clear":
        return light
    if weather in ("rain", "snow"):
        cloudy = 0.45 if weather == "rain" else 0.6
        grey = np.full(3, float(light.sky.mean()), np.float32)
        return replace(
            light, sky=grey * rgb((0.96, 1.0, 1.05)), sun=light.sun * np.float32(0.1), ground=grey * cloudy
        )
    if indoors:
        return light
    # A lamp on a pole near by: high up, and of sodium or of cold LEDs.
    around, height = float(generator.uniform(0, 2 * np.pi)), float(generator.uniform(0.8, 1.35))
    direction = np.array(
        [np.cos(around) * np.cos(height), np.sin(around) * np.cos(height), np.sin(height)], np.float32
    )
    colour = rgb((1.15, 0.95, 0.62) if generator.random() < 0.5 else (0.94, 1.0, 1.06))
    return Light(
        sky=rgb((0.055, 0.06, 0.08)),
        ground=rgb((0.03, 0.03, 0.03)),
        sun=colour * np.float32(generator.uniform(0.25, 0.5)),
        direction=direction,
        softness=0.08,
    )


def look_in(weather: Weather, look: Look) -> Look:
    """What a weather changes in a camera: gain and slow shutters at night, pale pictures in rain and snow."""
    match weather:
        case "clear":
            return look
        case "night":
            return replace(
                look,
                noise=min(0.06, 2.5 * look.noise),
                exposure=0.6 * look.exposure,
                saturation=0.7 * look.saturation,
                shutter=max(look.shutter, 1 / 30),
            )
        case "rain" | "snow":
            return replace(look, saturation=0.75 * look.saturation, black=look.black + 0.05)


def on_ground(weather: Weather, albedo: FloatArray, level: npt.NDArray[np.bool_]) -> FloatArray:
    """Wet or white ground.

    Args:
        weather: Which weather.
        albedo: (3, H, W) display values of the surfaces.
        level: (H, W) where they are level.
    """
    if weather == "rain":
        return np.asarray(albedo * (1.0 - 0.3 * level), np.float32)
    if weather == "snow":
        white = 0.75 * level
        return np.asarray(albedo * (1.0 - white) + white * rgb((0.92, 0.94, 0.97))[:, None, None], np.float32)
    return albedo


def falling(weather: Weather, display: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Let rain or snow fall before display values (H, W, 3)."""
    if weather not in ("rain", "snow"):
        return display
    height, width = display.shape[:2]
    drops = np.zeros((height, width), np.float32)
    count = int(generator.uniform(0.001, 0.004) * height * width) + 1
    places = generator.random((count, 2)) * (height, width)
    if weather == "rain":
        length, slant = float(generator.uniform(0.03, 0.1)) * height, float(generator.normal(0.0, 0.25))
        steps = np.arange(max(2, round(length)))
        rows = places[:, :1] + steps
        columns = places[:, 1:] + slant * steps
        strength = np.broadcast_to(generator.uniform(0.1, 0.35, (count, 1)), rows.shape)
    else:
        rows, columns = places[:, :1], places[:, 1:]
        strength = generator.uniform(0.5, 1.0, rows.shape)
    inside = (rows < height) & (columns >= 0) & (columns < width)
    np.maximum.at(drops, (rows[inside].astype(int), columns[inside].astype(int)), strength[inside].astype(np.float32))
    drops = blurred(drops, 0.5 if weather == "rain" else float(generator.uniform(0.6, 1.1)))
    if weather == "snow":
        drops = np.minimum(drops * 2.5, 0.9).astype(np.float32)
    return np.asarray(display * (1.0 - drops[..., None]) + 0.85 * drops[..., None], np.float32)
