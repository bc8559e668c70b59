"""The shadows that people leave on the ground."""

import numpy as np

from passerby.synthetic.lighting import Light
from passerby.synthetic.mesh import bounds
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
        cast = people[:, :2] - people[:, 2:] * along
        (low, high), (cast_low, cast_high) = bounds(people[:, :2]), bounds(cast)
        self._low = np.asarray(np.minimum(low, cast_low) - 0.6, np.float32)
        upper = np.maximum(high, cast_high) + 0.6
        self._shape = tuple(int(n) for n in np.ceil((upper - self._low) / self._CELL)[::-1])
        # What is near the ground keeps the sky's light from it: feet, hems, hanging bags.
        self._contact = self._soft(people[:, :2], np.exp(-people[:, 2] / 0.12), 0.07, 0.16)
        self._cast = self._soft(cast, np.ones(len(people), np.float32), light.softness, 0.5)

    def at(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Darkness at places on the ground, each (N,) 0 to 1: beneath the feet, and in the cast shadow."""
        column = (x - self._low[0]) / self._CELL - 0.5
        row = (y - self._low[1]) / self._CELL - 0.5
        return _bilinear(self._contact, row, column), _bilinear(self._cast, row, column)

    def _soft(self, places: FloatArray, weights: FloatArray, softness: float, strength: float) -> FloatArray:
        rows, columns = self._shape
        cells = ((places - self._low) / self._CELL).astype(np.int64)
        count = np.bincount(cells[:, 1] * columns + cells[:, 0], weights=weights, minlength=rows * columns)
        dense = 1.0 - np.exp(-strength * count[: rows * columns].reshape(rows, columns))
        return blurred(dense.astype(np.float32), max(0.8, softness / self._CELL))


def _bilinear(grid: FloatArray, row: FloatArray, column: FloatArray) -> FloatArray:
    """Sample a map between its cells; outside it is 0."""
    rows, columns = grid.shape
    inside = (row >= 0) & (row < rows - 1) & (column >= 0) & (column < columns - 1)
    values = np.zeros(len(row), np.float32)
    y, x = row[inside], column[inside]
    top, left = y.astype(np.int64), x.astype(np.int64)
    dy, dx = y - top, x - left
    cells, corner = np.ascontiguousarray(grid).reshape(-1), top * columns + left
    upper = cells.take(corner) * (1 - dx) + cells.take(corner + 1) * dx
    corner += columns
    lower = cells.take(corner) * (1 - dx) + cells.take(corner + 1) * dx
    values[inside] = upper * (1 - dy) + lower * dy
    return values
