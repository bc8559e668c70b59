"""One independent stream of random numbers for every person, camera and picture.

Each stream is seeded by its own place in the world (such as person 12, camera 3, picture 5), never by what was
drawn before, so any picture can be made alone and comes out as it would among thousands.
"""

import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")


def stream(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    """Give the generator of `purpose` at `indices`.

    Args:
        seed: The world's seed, 0 or more.
        purpose: What is drawn, such as "person"; different purposes are independent.
        indices: Which one, such as person and camera; each 0 or more.

    Example:
        >>> bool(stream(0, "person", 3).random() == stream(0, "person", 3).random())
        True
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *indices])


def weighted(generator: np.random.Generator, choices: Sequence[tuple[float, Choice]]) -> Choice:
    """Draw one of `choices`, pairs of (weight, value); the weights need not add up to 1."""
    bounds = np.cumsum([weight for weight, _ in choices])
    place = int(np.searchsorted(bounds, generator.random() * bounds[-1], side="right"))
    return choices[min(place, len(choices) - 1)][1]
