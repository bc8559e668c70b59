"""Files that are either whole or not there: written aside, flushed to disk, then renamed into place."""

import ctypes
import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from passerby.errors import MachineError, PasserbyError

_OLD = "replaced"


@contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Give a path beside `target` to write to; on success it takes the place of `target`.

    The body may write a file or, where it makes a folder of that name, a whole folder; everything is flushed
    to disk before the rename. When the body raises, `target` stays as it was and nothing is left behind.

    Args:
        target: Where the finished file or folder shall be. Missing parent folders are made.

    Raises:
        MachineError: The disk is full, read-only, or not ours to write to.
        PasserbyError: A parent of `target` is a file or cannot be made, or `target` has no name of its own, as `.`
            has none.
    """
    target = _place_of(Path(target))
    if target.name in ("", ".."):
        raise PasserbyError(f"expected the name of a file or folder to write, got {str(target)!r}; give it a name")
    with _machine_errors(target):
        _make_folder(target.parent)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    written = aside / target.name
    try:
        with _machine_errors(target):
            yield written
            _flush(written)
            _replace(written, target, aside)
            _flush_folder(target.parent)
    finally:
        if target.exists() or not (aside / _OLD).exists():
            shutil.rmtree(aside, ignore_errors=True)


def write_text(target: Path | str, text: str) -> None:
    """Write `text` as UTF-8 to `target`, whole or not at all."""
    with atomic_path(target) as path:
        path.write_text(text, encoding="utf-8")


def write_json(target: Path | str, content: Any, compact: bool = False) -> None:  # noqa: ANN401
    """Write `content` as JSON to `target`, indented or in one line, whole or not at all."""
    write_text(target, json_text(content, compact))


def json_text(content: Any, compact: bool = False) -> str:  # noqa: ANN401
    """What `write_json` writes: the same content always gives the same text."""
    if compact:
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n"
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # as in /proc, where nobody can make any
        raise PasserbyError(f"cannot write {folder}: no folder can be made there; choose another place") from error


def _place_of(target: Path) -> Path:
    """Where a target really lies: a link stays a link, and what it leads to is replaced.

    Raises:
        PasserbyError: A device or pipe stands there, which renaming would destroy.
    """
    place = Path(os.path.realpath(target)) if target.is_symlink() else target
    if place.exists() and not (place.is_file() or place.is_dir()):
        raise PasserbyError(f"cannot write {target}: expected a file or folder, got a device or pipe")
    return place


def _replace(written: Path, target: Path, aside: Path) -> None:
    """Rename `written` to `target`; a folder that stands there changes places with it, or goes aside first."""
    if not (target.is_dir() and written.is_dir()):
        os.replace(written, target)
        return
    if _exchange(written, target):
        return
    old = aside / _OLD
    try:
        os.replace(target, old)
        os.replace(written, target)
    except BaseException:
        if old.exists() and not target.exists():
            os.replace(old, target)
        raise


def _exchange(first: Path, second: Path) -> bool:
    """Let two folders change names in one step, where the system has such a call (Linux); else do nothing."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return rename is not None and rename(here, os.fsencode(first), here, os.fsencode(second), exchange) == 0


def _flush(path: Path) -> None:
    """Have the system put a file, or every file of a folder, on the disk."""
    if path.is_dir():
        for child in path.iterdir():
            _flush(child)
        _flush_folder(path)
    else:
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    """Have the system record a folder's new names; systems that cannot open a folder do so by themselves."""
    with suppress(PermissionError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_MACHINE_FAILURES = {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the command again",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.EACCES: "this user may not write there; choose another place or change the permissions",
    errno.EPERM: "this user may not write there; choose another place or change the permissions",
    errno.EIO: "the disk failed; check it before you go on",
}


@contextmanager
def _machine_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        reason = os.strerror(error.errno or 0).lower()
        raise PasserbyError(f"cannot write {target}: {reason} ({error.filename})") from error
    except OSError as error:
        if error.errno in _MACHINE_FAILURES:
            raise MachineError(f"cannot write {target}: {_MACHINE_FAILURES[error.errno]}") from error
        raise
