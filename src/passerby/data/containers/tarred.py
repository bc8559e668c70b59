"""Tar archives: read in place, or unpacked once into a file without a name where they are compressed."""

import bz2
import errno
import gzip
import lzma
import os
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from passerby.data.containers.container import LARGEST_FILE, MOST_FILES, Container, cut_off, read_at, unsafe
from passerby.errors import DataError, MachineError

_BLOCK = 512
_STEP = 2**20
_LARGEST = 256 * 2**30
_BOMB_FROM, _BOMB_RATIO = 2**30, 200

_DECOMPRESSORS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
"""How compressed files begin, and what opens them."""


class TarArchive(Container):
    """A tar archive: its headers are read once, each file where it lies."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Read the headers of the archive.

        Raises:
            DataError: It is no tar archive, is cut off, or holds too many files.
        """
        self.path = path
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        left_out = []
        size = os.fstat(file.fileno()).st_size
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                for entry in archive:
                    name = entry.name.removeprefix("./")
                    reason = unsafe(name)
                    if entry.isdir() or name.startswith("__MACOSX/"):
                        continue
                    if entry.islnk() and unsafe(entry.linkname) is None:
                        linked = self._places.get(entry.linkname.removeprefix("./"))
                        if linked is not None:
                            self._places[name] = linked
                            continue
                    if reason is None and (not entry.isreg() or entry.issparse()):
                        reason = "it is no plain file"
                    if reason is not None:
                        left_out.append((name, reason))
                        continue
                    if entry.offset_data + entry.size > size:
                        raise cut_off(path, "tar archive")
                    self._places[name] = (entry.offset_data, entry.size)
                    if len(self._places) > MOST_FILES:
                        raise DataError(f"{path}: expected at most {MOST_FILES:,} files, got more")
                end = archive.offset
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            raise cut_off(path, "tar archive") from error
        # Tar itself is silent about an archive that stops between two files; two blocks of zeros end a whole one.
        if read_at(file, _BLOCK, end) != bytes(_BLOCK):
            raise cut_off(path, "tar archive")
        self.left_out = tuple(left_out)
        self._names = tuple(sorted(self._places))

    @classmethod
    def indexed(cls, path: Path, file: BinaryIO, places: Mapping[str, tuple[int, int]]) -> "TarArchive":
        """An archive of which an index says where its files lie: its headers are not read."""
        archive = cls.__new__(cls)
        archive.path, archive._file, archive._places = path, file, dict(places)
        archive._names = tuple(sorted(archive._places))
        return archive

    @property
    def names(self) -> Sequence[str]:
        """The files that it holds."""
        return self._names

    def __contains__(self, name: object) -> bool:
        """Whether it holds a file of that name."""
        return name in self._places

    def copy(self, name: str, target: BinaryIO) -> None:
        """Write the content of a file to an open file; raises as `Container.copy` does."""
        if name not in self._places:
            raise self.missing(name)
        start, size = self._places[name]
        for place in range(start, start + size, _STEP):
            target.write(read_at(self._file, min(_STEP, start + size - place), place))

    def read(self, name: str, limit: int = LARGEST_FILE) -> bytes:
        """The content of a file; raises as `Container.read` does."""
        if name not in self._places:
            raise self.missing(name)
        start, size = self._places[name]
        if size > limit:
            raise self.too_large(name, limit)
        content = read_at(self._file, size, start)
        if len(content) != size:
            raise self.damaged(name, "the archive has become shorter")
        return content


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins so is compressed as tar archives are."""
    return any(head.startswith(magic) for magic in _DECOMPRESSORS)


def decompressed(path: Path, file: BinaryIO, head: bytes) -> BinaryIO:
    """Unpack a compressed tar archive into a file without a name, which is gone when the process ends.

    Raises:
        DataError: It is cut off, or becomes larger than any data set.
        MachineError: There is no room in the folder for temporary files.
    """
    unpack = next(unpack for magic, unpack in _DECOMPRESSORS.items() if head.startswith(magic))
    packed = os.fstat(file.fileno()).st_size
    file.seek(0)
    try:
        room = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the archive is read from it
        with unpack(file) as content:
            while block := content.read(_STEP):
                room.write(block)
                written = room.tell()
                if written > _LARGEST or written > max(_BOMB_FROM, _BOMB_RATIO * packed):
                    raise DataError(f"{path}: expected pictures, got more than {written >> 30} GiB out of few bytes")
        room.flush()
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, ValueError) as error:
        raise cut_off(path, "archive") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise MachineError(
                f"cannot unpack {path} into {tempfile.gettempdir()}: the disk is full; unpack it yourself, or let "
                "TMPDIR name another folder"
            ) from error
        raise cut_off(path, "archive") from error
    return cast("BinaryIO", room)
