"""The shadows that people leave on the ground."""

from collections.abc import Sequence

import numpy as np

from passerby.synthetic.lighting import Light
from passerby.synthetic.pixels import blurred
from passerby.types import FloatArray


class GroundShadows:
    """The shadows that bodies leave on the ground, as two soft maps around them.

    Args:
        people: (N, 3) points of all bodies, metres.
        light: Gives the direction and softness of the cast shadow.
    """

    _CELL = 0.05

    def __init__(self, people: FloatArray, light: Light) -> None:
        along = light.direction[:2] / light.direction[2]
        # One coordinate after the other: numpy is slow along rows of two and three.
        x, y, z = (np.ascontiguousarray(column) for column in people.T)
        under, cast = np.stack([x, y]), np.stack([x - z * along[0], y - z * along[1]])
        self._low = np.minimum(under.min(axis=1), cast.min(axis=1)) - np.float32(0.6)
        upper = np.maximum(under.max(axis=1), cast.max(axis=1)) + np.float32(0.6)
        self._shape = tuple(int(n) for n in np.ceil((upper - self._low) / self._CELL)[::-1])
        # What is near the ground keeps the sky's light from it: feet, hems, hanging bags.
        self._contact = self._soft(under, np.exp(-z / 0.12), 0.07, 0.16)
        self._cast = self._soft(cast, np.ones(len(people), np.float32), light.softness, 0.5)

    def at(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Darkness at places on the ground, each (N,) 0 to 1: beneath the feet, and in the cast shadow."""
        column = (x - self._low[0]) / self._CELL - 0.5
        row = (y - self._low[1]) / self._CELL - 0.5
        contact, cast = _bilinear([self._contact, self._cast], row, column)
        return contact, cast

    def _soft(self, places: FloatArray, weights: FloatArray, softness: float, strength: float) -> FloatArray:
        """Blur the density of places (2, N)."""
        rows, columns = self._shape
        column, row = ((places - self._low[:, None]) / self._CELL).astype(np.int64)
        count = np.bincount(row * columns + column, weights=weights, minlength=rows * columns)
        dense = 1.0 - np.exp(-strength * count[: rows * columns].reshape(rows, columns))
        return blurred(dense.astype(np.float32), max(0.8, softness / self._CELL))


def _bilinear(maps: Sequence[FloatArray], row: FloatArray, column: FloatArray) -> list[FloatArray]:
    """Sample maps of one shape between their cells; outside they are 0."""
    rows, columns = maps[0].shape
    inside = np.flatnonzero((row >= 0) & (row < rows - 1) & (column >= 0) & (column < columns - 1))
    y, x = row[inside], column[inside]
    top, left = y.astype(np.int64), x.astype(np.int64)
    dy, dx = y - top, x - left
    upper_left = top * columns + left
    lower_left = upper_left + columns
    sampled = []
    for grid in maps:
        cells, values = np.ascontiguousarray(grid).reshape(-1), np.zeros(len(row), np.float32)
        upper = cells.take(upper_left) * (1 - dx) + cells.take(upper_left + 1) * dx
        lower = cells.take(lower_left) * (1 - dx) + cells.take(lower_left + 1) * dx
        values[inside] = upper * (1 - dy) + lower * dy
        sampled.append(values)
    return sampled
