"""Paints faces and hair: as much of them as a picture a few pixels wide can show."""

import numpy as np

from passerby.synthetic import atlas_layout as layout
from passerby.synthetic.colours import rgb
from passerby.synthetic.person import Person
from passerby.synthetic.textures import plain_cloth, smooth_noise
from passerby.types import FloatArray


def face_skin(person: Person, generator: np.random.Generator) -> FloatArray:
    """Face in the middle, hair painted above the hairline and behind the ears; row 0 is the crown."""
    patch, skin, hair = layout.HEAD, rgb(person.shape.skin), rgb(person.head.hair)
    face = plain_cloth(generator, person.shape.skin, patch)
    y, x = np.mgrid[0 : patch.height, 0 : patch.width].astype(np.float32)
    aside = np.abs(x - 31.5)
    # Blood under the skin: cheeks and nose are redder, the eye sockets darker.
    cheeks = np.exp(-(((aside - 8) / 4) ** 2) - ((y - 39) / 5) ** 2)
    face *= 1 - cheeks[..., None] * rgb([0.0, 0.07, 0.07])
    face *= 1 - 0.22 * np.exp(-(((aside - 5.5) / 3.2) ** 2) - ((y - 31) / 3.0) ** 2)[..., None]
    if person.head.style != "bald":
        # From a high hairline to a fringe over the brows, straight or parted.
        fringe = float(generator.uniform(12.0, 24.0 if person.head.style != "crop" else 15.0))
        parting = float(generator.uniform(-0.25, 0.25))
        scalp = (
            (y < fringe + 0.012 * aside**2 + parting * (x - 31.5))
            | ((aside > 15) & (y < 46))
            | ((aside > 13) & (y < 34))
        )
        face[scalp] = hair
    brow = (np.abs(aside - 5.5) < 3) & (np.abs(y - 27.5) < 1)
    face[brow] = 0.6 * hair + 0.25 * skin
    white = (np.abs(aside - 5.5) < 2) & (np.abs(y - 31) < 1)
    face[white] = 0.5 * face[white] + 0.28
    face[(np.abs(aside - 5.5) < 1) & (np.abs(y - 31) < 1.2)] = 0.12
    mouth = (aside < 4) & (np.abs(y - 47.5) < 1.2)
    face[mouth] = skin * rgb([0.82, 0.60, 0.58])
    face[(aside < 2.5) & (np.abs(y - 42.5) < 0.8)] *= 0.78
    if person.head.beard:
        bearded = (y > 41) & (aside < 16) & ~((aside < 3) & (np.abs(y - 47.5) < 1))
        bearded &= (y > 44) | (aside < 5) | (aside > 11)
        face[bearded] = 0.75 * hair + 0.2 * skin
    if person.head.glasses:
        rim = np.abs(np.hypot((aside - 5.5) * 0.9, (y - 31) * 1.2) - 3.8) < 0.7
        face[rim | ((aside > 9) & (aside < 17) & (np.abs(y - 30.5) < 0.8))] = 0.1
    return np.asarray(face, np.float32)


def hair_strands(person: Person, generator: np.random.Generator) -> FloatArray:
    """Strands run from crown to tip."""
    patch = layout.HAIR
    strands = smooth_noise(generator, patch.height, patch.width, 3, 30)[..., None]
    hair = rgb(person.head.hair)
    return np.asarray(hair * (1 + 0.25 * strands) + 0.025 * np.maximum(strands, 0), np.float32)
