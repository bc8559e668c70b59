"""Zip archives, read in place."""

import shutil
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from passerby.data.containers.container import LARGEST_FILE, MOST_FILES, Container, cut_off, read_at, unsafe
from passerby.errors import DataError, ImageError

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_ENCRYPTED = 0x1


class ZipArchive(Container):
    """A zip archive: its directory is read once, each file where it lies."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Read the directory of the archive.

        Raises:
            DataError: The archive is cut off, damaged, or holds too many files.
        """
        self.path = path
        self._file = file
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError) as error:
            raise cut_off(path, "zip archive") from error
        entries = self._archive.infolist()
        if len(entries) > MOST_FILES:
            raise DataError(f"{path}: expected at most {MOST_FILES:,} files, got {len(entries):,}")
        left_out = []
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            reason = unsafe(entry.filename)
            if entry.is_dir() or entry.filename.startswith("__MACOSX/"):
                continue
            if reason is None and entry.flag_bits & _ENCRYPTED:
                reason = "it is encrypted; unpack the archive with its password"
            if reason is None and entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                reason = "it is packed in a way that few programs know; unpack the archive"
            if reason is None:
                self._entries[entry.filename] = entry
            else:
                left_out.append((entry.filename, reason))
        self.left_out = tuple(left_out)
        self._names = tuple(sorted(self._entries))

    @property
    def names(self) -> Sequence[str]:
        """The files that it holds."""
        return self._names

    def __contains__(self, name: object) -> bool:
        """Whether it holds a file of that name."""
        return name in self._entries

    def copy(self, name: str, target: BinaryIO) -> None:
        """Write the content of a file to an open file; raises as `Container.copy` does."""
        if name not in self._entries:
            raise self.missing(name)
        try:
            with self._archive.open(name) as content:
                shutil.copyfileobj(content, target, 2**20)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise self.damaged(name, str(error)) from error

    def read(self, name: str, limit: int = LARGEST_FILE) -> bytes:
        """The content of a file; raises as `Container.read` does."""
        entry = self._entries.get(name)
        if entry is None:
            raise self.missing(name)
        if entry.file_size > limit or entry.compress_size > limit:
            raise self.too_large(name, limit)
        try:
            packed = self._packed(entry)
            content = packed
            if entry.compress_type == zipfile.ZIP_DEFLATED:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.file_size + 1)
        except (zlib.error, struct.error) as error:
            raise self.damaged(name, str(error)) from error
        if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
            raise self.damaged(name, "its checksum is another")
        return content

    def _packed(self, entry: zipfile.ZipInfo) -> bytes:
        """The bytes as they lie in the archive; positioned reads need no lock."""
        header = _LOCAL_HEADER.unpack(read_at(self._file, _LOCAL_HEADER.size, entry.header_offset))
        if header[0] != b"PK\x03\x04":
            raise ImageError(f"{self.path / entry.filename}: expected the start of a file there, got other bytes")
        start = entry.header_offset + _LOCAL_HEADER.size + header[-2] + header[-1]
        return read_at(self._file, entry.compress_size, start)
