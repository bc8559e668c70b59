"""CUHK03's `cuhk-03.mat`: pictures as arrays in cells of cells, in MATLAB 7.3's HDF5 (Li et al., CVPR 2014).

`labeled` and `detected` hold a cell for each of five camera pairs, each with a row for every person and ten columns:
five pictures of the first view, five of the second; an empty cell where there is none. `testsets` holds twenty
splits, each with camera pair and row of 100 people. MATLAB stores arrays transposed and cells as references.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from passerby.data.containers.container import LARGEST_FILE, Container, cut_off
from passerby.errors import DataError, MissingExtraError

KINDS = ("detected", "labeled")
"""Boxes of a detector, and boxes drawn by hand, as the file names them."""

_PER_VIEW = 5
_COLUMNS = 2 * _PER_VIEW
_NAME = re.compile(r"(detected|labeled)/(\d+)_(\d+)_([12])_(\d+)\.png")


class Cuhk03Cells(Container):
    """The pictures under the field's names for them: `labeled/1_001_2_06.png` is pair, person, view, column."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Open the file; pictures are read when they are asked for.

        Raises:
            DataError: It is cut off, or the `.mat` of another data set.
            MissingExtraError: h5py is not installed.
        """
        try:
            import h5py
        except ImportError as error:
            raise MissingExtraError("reading CUHK03's .mat", "data") from error
        self.path = path
        self._references: dict[str, list[Any]] = {}
        try:
            self._mat = h5py.File(file, "r")
            found = sorted(self._mat)
            if not {*KINDS, "testsets"} <= set(found):
                shown = ", ".join(name for name in found if not name.startswith("#")) or "nothing"
                raise DataError(f"{path}: expected CUHK03's labeled, detected and testsets, got {shown}")
            for kind in KINDS:
                self._references[kind] = [self._cells(reference) for reference in self._mat[kind][()].ravel()]
        except (OSError, RuntimeError) as error:
            raise cut_off(path, "MATLAB 7.3 file") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise self._of_another_set(str(error)) from error

    def splits(self) -> list[set[tuple[int, int]]]:
        """The test people of each published split, as camera pair and row, both from 1.

        Raises:
            DataError: They are not as in CUHK03.
        """
        try:
            tables = [self._mat[reference][()] for reference in self._mat["testsets"][()].ravel()]
            return [{(int(pair), int(person)) for pair, person in table.T} for table in tables]
        except (OSError, RuntimeError) as error:
            raise cut_off(self.path, "MATLAB 7.3 file") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise self._of_another_set(f"testsets: {error}") from error

    def names_of(self, kind: str) -> list[str]:
        """The pictures of `detected` or `labeled`, without the empty cells."""
        return [
            f"{kind}/{pair}_{person + 1:03d}_{1 + column // _PER_VIEW}_{column + 1:02d}.png"
            for pair, cells in enumerate(self._references[kind], start=1)
            for person in range(cells.shape[1])
            for column in range(_COLUMNS)
            if self._mat[cells[column, person]].ndim == 3
        ]

    @property
    def names(self) -> Sequence[str]:
        """The pictures of both kinds."""
        return [name for kind in KINDS for name in self.names_of(kind)]

    def __contains__(self, name: object) -> bool:
        """Whether it holds a picture of that name."""
        return isinstance(name, str) and self._cell(name) is not None

    def read(self, name: str, limit: int = LARGEST_FILE) -> bytes:
        """A picture as PPM, whatever its name ends in; raises as `Container.read` does."""
        cell = self._cell(name)
        if cell is None:
            raise self.missing(name)
        if cell.size > limit:
            raise self.too_large(name, limit)
        try:
            pixels = np.ascontiguousarray(cell[()].T)
        except (OSError, RuntimeError) as error:
            raise self.damaged(name, "the file stops half-way") from error
        if pixels.dtype != np.uint8 or pixels.shape[2] != 3:
            raise self.damaged(name, f"{pixels.dtype} of shape {pixels.shape}")
        return b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()

    def _cells(self, reference: Any) -> Any:  # noqa: ANN401 - h5py has no types
        cells = self._mat[reference][()]
        if cells.ndim != 2 or cells.shape[0] != _COLUMNS or cells.dtype.kind != "O":
            raise ValueError(f"a camera pair of {cells.dtype} of shape {cells.shape}")
        return cells

    def _cell(self, name: str) -> Any:  # noqa: ANN401 - h5py has no types
        """The array of a picture, or None where there is none."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        kind, (pair, person, view, column) = match[1], (int(match[group]) for group in (2, 3, 4, 5))
        pairs = self._references[kind]
        if not 1 <= pair <= len(pairs) or not 1 <= column <= _COLUMNS or view != 1 + (column - 1) // _PER_VIEW:
            return None
        cells = pairs[pair - 1]
        if not 1 <= person <= cells.shape[1]:
            return None
        cell = self._mat[cells[column - 1, person - 1]]
        return cell if cell.ndim == 3 else None

    def _of_another_set(self, got: str) -> DataError:
        return DataError(f"{self.path}: expected CUHK03's cells of ten pictures a person, got {got}")
