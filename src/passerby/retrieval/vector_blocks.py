"""Rows of vectors in blocks of fixed size: they grow without being copied, and are read block by block."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from passerby.types import FloatArray, IntArray

BLOCK_BYTES = 8 * 2**20
"""Large enough for fast products, small enough that a block that is copied together stays in the cache."""


class VectorBlocks:
    """A growing (N, D) float32 array that never holds its rows twice.

    Attributes:
        rows_in_block: How many rows each block has room for.
    """

    def __init__(self, dimension: int) -> None:
        self.rows_in_block = max(1, BLOCK_BYTES // (4 * dimension))
        self._dimension = dimension
        self._blocks: list[FloatArray] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[tuple[int, FloatArray]]:
        """Give each block's first row and its used part, which is the memory itself and no copy."""
        for number, block in enumerate(self._blocks):
            first = number * self.rows_in_block
            yield first, block[: self._length - first]

    @property
    def nbytes(self) -> int:
        """The memory that the blocks take, their unused ends included."""
        return sum(block.nbytes for block in self._blocks)

    def extend(self, count: int) -> Iterator[FloatArray]:
        """Make room for `count` more rows and give it piece by piece, to be filled."""
        end = self._length + count
        while len(self._blocks) * self.rows_in_block < end:
            self._blocks.append(np.empty((self.rows_in_block, self._dimension), np.float32))
        start, self._length = self._length, end
        while start < end:
            number, offset = divmod(start, self.rows_in_block)
            piece = self._blocks[number][offset : offset + end - start]
            start += len(piece)
            yield piece

    def append(self, vectors: FloatArray) -> None:
        """Add rows at the end."""
        start = 0
        for piece in self.extend(len(vectors)):
            piece[:] = vectors[start : start + len(piece)]
            start += len(piece)

    def take(self, rows: IntArray) -> FloatArray:
        """Copy some rows, in the order given."""
        taken = np.empty((len(rows), self._dimension), np.float32)
        numbers, offsets = np.divmod(rows, self.rows_in_block)
        # Rows of one block that follow each other are copied in one go: all of them, where rows ascend.
        bounds = np.flatnonzero(np.diff(numbers, prepend=-1, append=-1)).tolist()
        for start, stop in pairwise(bounds):
            np.take(self._blocks[numbers[start]], offsets[start:stop], axis=0, out=taken[start:stop], mode="clip")
        return taken

    def move(self, sources: IntArray, targets: IntArray) -> None:
        """Copy rows over others, a block's worth at a time."""
        for start in range(0, len(sources), self.rows_in_block):
            piece = slice(start, start + self.rows_in_block)
            vectors = self.take(sources[piece])
            numbers, offsets = np.divmod(targets[piece], self.rows_in_block)
            for number in np.unique(numbers):
                places = np.flatnonzero(numbers == number)
                self._blocks[number][offsets[places]] = vectors[places]

    def truncate(self, length: int) -> None:
        """Forget the rows from `length` on: they are overwritten, and empty blocks are given back."""
        for first, block in self:
            block[max(0, length - first) :] = 0
        self._length = length
        del self._blocks[-(-length // self.rows_in_block) :]
