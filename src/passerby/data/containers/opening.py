"""Finding the container that a path leads into: `people.zip/ann/1.jpg` is `ann/1.jpg` in `people.zip`."""

import tempfile
from pathlib import Path
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

_opened: dict[Path, tuple[tuple[int, int], Container]] = {}
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
    status = path.stat()
    stamp = (status.st_mtime_ns, status.st_size)
    with _lock:
        known = _opened.get(path)
        if known is None or known[0] != stamp:
            known = (stamp, _open(path, path.open("rb")))
            _opened[path] = known
        return known[1]


def within(path: Path) -> tuple[Container, str] | None:
    """The container that a path leads into and the name there, or None where no part of the path is a file."""
    parents = list(path.parents)
    outer = next((parent for parent in parents if parent in _opened), None)
    if outer is not None:
        container = _opened[outer][1]
    else:
        outer = next((parent for parent in parents if parent.is_file()), None)
        if outer is None:
            return None
        container = open_container(outer)
    name = path.relative_to(outer).as_posix()
    if isinstance(container, ZipArchive | TarArchive) and name not in container:
        for parent in parents[: parents.index(outer)]:
            inner = parent.relative_to(outer).as_posix()
            if inner in container:
                return open_nested(container, inner), path.relative_to(parent).as_posix()
    return container, name


def open_nested(outer: Container, name: str) -> Container:
    """Open a container that lies in an archive, from a copy without a name."""
    path = outer.path / name
    with _lock:
        if path not in _opened:
            copy = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the container
            outer.copy(name, cast("BinaryIO", copy))
            copy.seek(0)
            _opened[path] = ((0, 0), _open(path, cast("BinaryIO", copy)))
        return _opened[path][1]


def read_bytes(path: Path, limit: int = LARGEST_FILE) -> bytes:
    """Read a file, whether it lies in a folder or in a container.

    Raises:
        ImageError: There is no such file, or it is larger than `limit`.
        DataError: The container is cut off or damaged.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except NotADirectoryError as error:
        found = within(path)
        if found is None:
            raise ImageError(f"{path}: there is no such file; check the path") from error
        container, name = found
        return container.read(name, limit)
    except FileNotFoundError as error:
        raise ImageError(f"{path}: there is no such file; check the path") from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(content) > limit:
        raise ImageError(f"{path}: expected at most {limit:,} bytes, got more; leave it out")
    return content


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
