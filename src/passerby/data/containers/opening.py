"""Finding the container that a path leads into: `people.zip/ann/1.jpg` is `ann/1.jpg` in `people.zip`."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from threading import RLock
from typing import BinaryIO, cast

from passerby.data.containers.container import LARGEST_FILE, Container
from passerby.data.containers.cuhk03_cells import Cuhk03Cells
from passerby.data.containers.table import Table
from passerby.data.containers.tarred import TarArchive, decompressed, is_compressed
from passerby.data.containers.zipped import ZipArchive
from passerby.errors import DataError, ImageError

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_PARQUET = b"PAR1"
_HEAD = 1024  # HDF5 in MATLAB's dress begins after 512 bytes of text
_TAR = slice(257, 262)

_opened: dict[str, tuple[tuple[int, int], Container]] = {}
"""Containers by their absolute paths, each with what tells whether the file has changed since."""

_lock = RLock()


def is_container(path: Path) -> bool:
    """Whether a file looks like an archive, a MATLAB 7.3 file or a Parquet table, by its first bytes."""
    try:
        with path.open("rb") as file:
            return _kind(file.read(_HEAD)) is not None
    except OSError:
        return False


def open_container(path: Path) -> Container:
    """Open a file that holds files; it stays open, and is opened anew only where it has changed.

    Raises:
        DataError: It is cut off, damaged, or holds something else.
        MissingExtraError: An optional dependency is needed to read it.
    """
    with _lock:
        known = _opened.get(_key(path))
        if known is None or known[0] != _stamp(path):
            known = (_stamp(path), _open(path, path.open("rb")))
            _opened[_key(path)] = known
        return known[1]


def open_indexed(path: Path, places: Mapping[str, tuple[int, int]]) -> Container:
    """Open a plain tar archive of which an index says where its files lie, without reading its headers.

    Args:
        path: The archive.
        places: Start and length of each file in it, in bytes.
    """
    with _lock:
        _opened[_key(path)] = (_stamp(path), TarArchive.indexed(path, path.open("rb"), places))
        return _opened[_key(path)][1]


def within(path: Path) -> tuple[Container, str] | None:
    """The container that a path leads into and the name there, or None where no part of the path is a file."""
    found = _known(path)
    if found is None:
        outer = next((parent for parent in path.parents if parent.is_file()), None)
        if outer is None:
            return None
        found = open_container(outer), path.relative_to(outer).as_posix()
    container, name = found
    if isinstance(container, ZipArchive | TarArchive) and name not in container:
        inner = next((above for above in map(str, PurePosixPath(name).parents) if above in container), None)
        if inner is not None:
            return _open_nested(container, inner), name.removeprefix(f"{inner}/")
    return found


def read_bytes(path: Path, limit: int = LARGEST_FILE) -> bytes:
    """Read a file, whether it lies in a folder or in a container.

    Raises:
        ImageError: There is no such file, or it is larger than `limit`.
        DataError: The container is cut off or damaged.
    """
    try:
        found = within(path) if _known(path) else None
        if found is None:
            with path.open("rb") as file:
                content = file.read(limit + 1)
    except NotADirectoryError as error:
        found = within(path)
        if found is None:
            raise ImageError(f"{path}: there is no such file; check the path") from error
    except FileNotFoundError as error:
        raise ImageError(f"{path}: there is no such file; check the path") from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error
    if found is not None:
        return found[0].read(found[1], limit)
    if len(content) > limit:
        raise ImageError(f"{path}: expected at most {limit:,} bytes, got more; leave it out")
    return content


def _known(path: Path) -> tuple[Container, str] | None:
    """The nearest open container that a path leads into, and the name there."""
    text = _key(path)
    stop = len(text)
    while (stop := text.rfind(os.sep, 0, stop)) > 0:
        known = _opened.get(text[:stop])
        if known is not None:
            return known[1], text[stop + 1 :].replace(os.sep, "/")
    return None


def _key(path: Path) -> str:
    return os.path.abspath(path)


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file does."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _open_nested(outer: Container, name: str) -> Container:
    """Open a container that lies in an archive, from a copy without a name."""
    path = outer.path / name
    with _lock:
        if _key(path) not in _opened:
            copy = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as the container
            outer.copy(name, copy)
            copy.seek(0)
            _opened[_key(path)] = ((0, 0), _open(path, copy))
        return _opened[_key(path)][1]


def _kind(head: bytes) -> str | None:
    if head.startswith(_ZIP):
        return "zip"
    if is_compressed(head):
        return "compressed"
    if head[_TAR] == b"ustar":
        return "tar"
    if head.startswith(_HDF5) or head[512:].startswith(_HDF5):
        return "hdf5"
    return "parquet" if head.startswith(_PARQUET) else None


def _open(path: Path, file: BinaryIO) -> Container:
    head = file.read(_HEAD)
    kind = _kind(head)
    if kind == "compressed":
        file = decompressed(path, file, head)
        kind = "tar"
    file.seek(0)
    match kind:
        case "zip":
            return ZipArchive(path, file)
        case "tar":
            return TarArchive(path, file)
        case "hdf5":
            return Cuhk03Cells(path, file)
        case "parquet":
            return Table(path, file)
    got = f"one that begins with {head[:12]!r}" if head else "an empty file"
    raise DataError(f"{path}: expected an archive (zip, tar), CUHK03's .mat or a Parquet table, got {got}")
