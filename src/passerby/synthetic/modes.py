"""What other sensors than a colour camera see: near infrared under the camera's own lamp, and depth."""

from dataclasses import replace
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from passerby.synthetic import atlas_layout as layout
from passerby.synthetic.body import Body, PosedBody
from passerby.synthetic.camera import Camera
from passerby.synthetic.effects import Look
from passerby.synthetic.lighting import GAMMA, Light
from passerby.synthetic.randomness import stream
from passerby.types import FloatArray, ImageArray

Mode: TypeAlias = Literal["colour", "infrared", "depth"]

MODES: tuple[Mode, ...] = ("colour", "infrared", "depth")

_CLOTHS = (
    layout.TORSO, layout.SLEEVE, layout.LEG, layout.SKIRT, layout.BAG, layout.SHOE, layout.SOCK, layout.HAT,
    layout.INNER, layout.STRAP, layout.LEGWEAR, layout.TRIM, layout.THING, layout.PHONE, layout.HAIR,
)  # fmt: skip


@lru_cache(maxsize=64)
def in_infrared(body: Body) -> Body:
    """A body as near infrared shows it: most dyes are clear there, so cloth is bright whatever its colour.

    How bright it is depends on the fibre: it is drawn for each part of the clothes, from the person alone.
    """
    generator = stream(body.person.texture_seed, "infrared")
    texture = body.texture.astype(np.float32).mean(axis=2) / 255.0
    result = 0.35 + 0.5 * texture  # skin: bright and smooth
    for patch in _CLOTHS:
        fibre, dye = float(generator.uniform(0.25, 0.75)), float(generator.uniform(0.1, 0.5))
        part = texture[patch.pixels]
        # What remains of the pattern is a part of its contrast.
        result[patch.pixels] = fibre + dye * (part - part.mean()) + 0.15 * (part.mean() - 0.4)
    grey = np.asarray(np.clip(result, 0.03, 0.97) * 255.0, np.uint8)
    return replace(body, texture=np.repeat(grey[..., None], 3, axis=2))


def lamp_of(camera: Camera, subject: PosedBody) -> Light:
    """The light of the infrared lamp beside a camera's lens, as it falls on a person."""
    towards = np.array([0.0, 0.0, camera.height], np.float32) - subject.middle
    towards[2] = max(towards[2], 0.25 * float(np.linalg.norm(towards)))  # keeps shadows on the ground finite
    direction = (towards / np.linalg.norm(towards)).astype(np.float32)
    white = np.ones(3, np.float32)
    return Light(sky=0.12 * white, ground=0.06 * white, sun=1.1 * white, direction=direction, softness=0.05)


def infrared_picture(display: FloatArray, depths: FloatArray, depth: float) -> FloatArray:
    """Turn what a colour camera would see under the lamp into near infrared.

    Args:
        display: (H, W, 3) display values; people drawn with the textures of `in_infrared`.
        depths: (H, W) metres to what is seen.
        depth: Metres to the person, for whom the lamp is bright enough.

    Returns:
        (H, W, 3) display values, grey.
    """
    red, green, blue = display[..., 0], display[..., 1], display[..., 2]
    # Leaves and grass are bright: green that is neither red nor blue tells them.
    leaves = np.clip((green - np.maximum(red, blue)) / np.maximum(green, 0.05) * 4.0, 0.0, 1.0)
    grey = 0.3 * red + 0.45 * green + 0.25 * blue
    grey = grey * (1.0 + 1.4 * leaves)
    falloff = np.clip((depth / np.maximum(depths, 0.5)) ** 2, 0.02, 2.5) ** (1.0 / GAMMA)
    return np.repeat((grey * falloff)[..., None], 3, axis=2).astype(np.float32)


def infrared_look(look: Look) -> Look:
    """A camera's look at night: no colours, more noise, longer exposure."""
    return replace(
        look, white_balance=(1.0, 1.0, 1.0), saturation=0.0, noise=1.6 * look.noise, shutter=max(look.shutter, 1 / 60)
    )


def depth_range(camera: Camera) -> tuple[float, float]:
    """The nearest and farthest metres along the line of sight that a depth camera measures."""
    return max(0.5, camera.distances[0] - 2.5), camera.distances[1] + 4.0


def depth_picture(camera: Camera, depths: FloatArray, generator: np.random.Generator) -> ImageArray:
    """Picture depths (H, W) in metres as a depth camera does: 255 nearest to 1 farthest, 0 where nothing is measured.

    The error grows with the square of the distance, and edges between near and far are not measured.

    Returns:
        (H, W, 3) uint8, grey.
    """
    near, far = depth_range(camera)
    measured = depths + 0.0012 * depths**2 * generator.standard_normal(depths.shape, dtype=np.float32)
    steps = np.maximum(
        np.abs(np.diff(depths, axis=0, append=depths[-1:])), np.abs(np.diff(depths, axis=1, append=depths[:, -1:]))
    )
    known = (measured > near) & (measured < far) & (steps < 0.5)
    shown = np.where(known, 1.0 + 254.0 * (far - measured) / (far - near), 0.0)
    return np.repeat(np.asarray(np.clip(shown + 0.5, 0, 255), np.uint8)[..., None], 3, axis=2)
