"""An index on the disk: a header, the ids, the vectors, and a SHA-256 of all of it. Nothing of it is ever code."""

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from itertools import chain
from pathlib import Path

import numpy as np

from passerby.atomic import atomic_path
from passerby.errors import DataError
from passerby.machine import available_memory
from passerby.types import FloatArray, IntArray

_MAGIC, _VERSION = b"PASSERBY-INDEX\r\n", 1
_HEADER = struct.Struct("<16sIIQ")  # magic, version, dimension, count; then ids as <i8, vectors as <f4, SHA-256.
_DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class IndexHeader:
    """What stands at the beginning of a file: how many vectors of how many numbers."""

    dimension: int
    count: int

    @property
    def file_size(self) -> int:
        """Bytes of the whole file."""
        return _HEADER.size + self.count * (8 + 4 * self.dimension) + _DIGEST


def write_index(target: Path | str, dimension: int, ids: IntArray, blocks: Iterable[FloatArray]) -> None:
    """Write ids (N,) and blocks that make up (N, `dimension`) vectors, whole or not at all."""
    with atomic_path(target) as path, path.open("wb") as file:
        digest = hashlib.sha256()
        header = _HEADER.pack(_MAGIC, _VERSION, dimension, len(ids))
        digest.update(header)
        file.write(header)
        for content in map(_bytes, chain[FloatArray | IntArray]([ids], blocks)):
            digest.update(content)
            file.write(content)
        file.write(digest.digest())


class IndexReader:
    """Reads a file in the order in which it was written, and at the end knows whether it is whole."""

    def __init__(self, file: BufferedReader, source: Path) -> None:
        self._file, self._source, self._digest = file, source, hashlib.sha256()
        size = os.fstat(file.fileno()).st_size
        beginning = file.read(_HEADER.size)
        self._digest.update(beginning)
        if beginning[: len(_MAGIC)] != _MAGIC:
            raise DataError(f"{source}: expected an index that Passerby saved, got another kind of file")
        if size < _HEADER.size:
            raise self.damaged("it ends too early")
        _, version, dimension, count = _HEADER.unpack(beginning)
        if version != _VERSION:
            raise DataError(f"{source}: expected an index of version {_VERSION}, got {version}; update Passerby")
        self.header = IndexHeader(dimension, count)
        expected = self.header.file_size
        if size != expected or not dimension:
            raise self.damaged(f"{expected:,} bytes expected, {size:,} found")
        if expected > available_memory():
            raise DataError(f"{source}: expected an index that fits into memory, got {expected / 2**30:.1f} GiB")

    def fill(self, array: FloatArray | IntArray) -> None:
        """Read as many bytes as a contiguous array holds."""
        content = _bytes(array)
        if self._file.readinto(content) != len(content):
            raise self.damaged("it ends too early")
        self._digest.update(content)

    def finish(self) -> None:
        """Compare the checksum.

        Raises:
            DataError: A byte is not as it was written.
        """
        if self._file.read(_DIGEST) != self._digest.digest():
            raise self.damaged("its checksum does not fit")

    def damaged(self, why: str) -> DataError:
        """The error that says that the file is no longer what was saved."""
        return DataError(f"{self._source}: the index is damaged ({why}); build it again from its embeddings")


def _bytes(array: FloatArray | IntArray) -> memoryview:
    """The memory of a contiguous array."""
    return array.view(np.uint8).reshape(-1).data


@contextmanager
def open_index(source: Path) -> Iterator[IndexReader]:
    """Open a file that `write_index` wrote.

    Raises:
        DataError: There is none, or it is damaged, of a newer version, or larger than the memory.
    """
    try:
        with source.open("rb") as file:
            yield IndexReader(file, source)
    except FileNotFoundError as error:
        raise DataError(f"{source}: there is no such file; save an index there first") from error
    except OSError as error:
        raise DataError(f"{source}: expected an index, but it cannot be read: {error.strerror}") from error
