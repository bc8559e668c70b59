"""What all files that hold files have in common."""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from passerby.errors import DataError, ImageError

LARGEST_FILE = 256 * 2**20
"""Bytes that a picture or list in a container may have; what is larger is no picture of a person."""

MOST_FILES = 10_000_000
"""Files that a container may hold."""


class Container(ABC):
    """A file that holds files; threads and forked processes may read it at once.

    Attributes:
        path: Where it lies.
        left_out: What it holds that cannot be read as a file, each with the reason.
    """

    path: Path
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """The files that it holds, as paths with slashes."""

    @abstractmethod
    def __contains__(self, name: object) -> bool:
        """Whether it holds a file of that name."""

    @abstractmethod
    def read(self, name: str, limit: int = LARGEST_FILE) -> bytes:
        """The content of one of them.

        Args:
            name: One of `names`.
            limit: Bytes that it may have.

        Raises:
            ImageError: It has no such file, the file is damaged or larger than `limit`.
        """

    def copy(self, name: str, target: BinaryIO) -> None:
        """Write the content of a file of any size, such as a container in this one, to an open file.

        Raises:
            ImageError: As `read` does.
        """
        raise self.missing(name)

    def missing(self, name: str) -> ImageError:
        """The error for a file that is not there."""
        return ImageError(f"{self.path / name}: there is no such file in {self.path.name}; check the name")

    def too_large(self, name: str, limit: int) -> ImageError:
        """The error for a file that is larger than it may be."""
        return ImageError(f"{self.path / name}: expected at most {limit:,} bytes, got more; leave it out")

    def damaged(self, name: str, reason: str) -> ImageError:
        """The error for a file that cannot be read."""
        return ImageError(f"{self.path / name}: expected a whole file, got a damaged one ({reason}); copy it again")


def read_at(file: BinaryIO, size: int, start: int) -> bytes:
    """Read bytes at a place without moving the file's position, so that nobody needs to wait for anybody."""
    parts = []
    while size > 0 and (part := os.pread(file.fileno(), min(size, 2**30), start)):
        parts.append(part)
        size -= len(part)
        start += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def cut_off(path: Path, kind: str) -> DataError:
    """The error for a container that ends too early."""
    return DataError(f"{path}: expected a whole {kind}, but it stops half-way or is damaged; fetch it again")


def unsafe(name: str) -> str | None:
    """Why a name in an archive is not used, or None where it stays below the archive."""
    if name.startswith("/") or (len(name) > 1 and name[1] == ":") or "\0" in name:
        return "its name is not below the archive"
    return "its name leads out of the archive" if ".." in name.split("/") else None
