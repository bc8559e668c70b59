"""The files of a data set by their paths below it, whether it is a folder or lies in an archive."""

import fnmatch
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path

from passerby.data.containers import LARGEST_FILE, Container, open_container, read_bytes
from passerby.data.images import SUFFIXES
from passerby.errors import DataError, ImageError


class FileTree(ABC):
    """What a reader sees of a data set: folders and files, named by paths with slashes below its root.

    Attributes:
        root: The folder, the archive, or the folder in the archive. With a name it is a path that `read_image` takes.
    """

    root: Path

    @abstractmethod
    def files(self, folder: str = "") -> list[str]:
        """The files of one folder, sorted; none where there is no such folder."""

    @abstractmethod
    def folders(self, folder: str = "") -> list[str]:
        """The folders of one folder, sorted; none where there is no such folder."""

    @abstractmethod
    def below(self, folder: str) -> "FileTree":
        """One of its folders as a tree of its own."""

    def left_out(self) -> tuple[tuple[Path, str], ...]:
        """What an archive holds that cannot be read, each with the reason."""
        return ()

    def walk(self, folder: str = "") -> list[str]:
        """All files in and below a folder, sorted in each."""
        found = self.files(folder)
        for child in self.folders(folder):
            found += self.walk(child)
        return found

    def finds(self, sign: str) -> bool:
        """Whether there is a file or folder of that path, whose last part may be a file's pattern such as `*.png`."""
        folder, _, last = sign.rpartition("/")
        if "*" in last:
            return any(fnmatch.fnmatchcase(name.rpartition("/")[2], last) for name in self.files(folder))
        return sign in self.files(folder) or sign in self.folders(folder)

    def pictures(self, folder: str = "") -> list[str]:
        """The files of one folder that are pictures by their endings and not hidden."""
        return [name for name in self.files(folder) if is_picture(name)]

    def path(self, name: str) -> Path:
        """Where a file lies, as `read_image` takes it."""
        return self.root / name if name else self.root

    def read(self, name: str, limit: int = LARGEST_FILE) -> bytes:
        """The content of a file.

        Raises:
            DataError: There is none of that name, or it is damaged or larger than `limit`.
        """
        return read_bytes(self.path(name), limit)

    def read_text(self, name: str) -> str:
        """The content of a text file in UTF-8 (a mark at its beginning is dropped).

        Raises:
            DataError: There is none of that name, or it is no such text.
        """
        try:
            return self.read(name).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path(name)}: expected text in UTF-8, got other bytes; fetch it again") from error
        except ImageError as error:
            raise DataError(str(error)) from error

    @property
    def name(self) -> str:
        """What reports call the data set."""
        return Path(os.path.abspath(self.root)).name


class Folder(FileTree):
    """A data set in a folder; folders are listed when they are asked for. Links are followed."""

    def __init__(self, root: Path) -> None:
        """Look at nothing yet."""
        self.root = root
        self._listed: dict[str, tuple[list[str], list[str]]] = {}

    def files(self, folder: str = "") -> list[str]:
        """The files of one folder."""
        return list(self._listing(folder)[0])

    def folders(self, folder: str = "") -> list[str]:
        """The folders of one folder."""
        return list(self._listing(folder)[1])

    def below(self, folder: str) -> FileTree:
        """One of its folders."""
        return Folder(self.root / folder)

    def walk(self, folder: str = "") -> list[str]:
        """All files in and below a folder; a link that leads back up is not followed again."""
        return self._walk(folder, frozenset())

    def _walk(self, folder: str, above: frozenset[str]) -> list[str]:
        place = os.path.realpath(self.path(folder))
        if place in above:
            return []
        found = self.files(folder)
        for child in self.folders(folder):
            found += self._walk(child, above | {place})
        return found

    def _listing(self, folder: str) -> tuple[list[str], list[str]]:
        if folder not in self._listed:
            files: list[str] = []
            folders: list[str] = []
            try:
                with os.scandir(self.path(folder)) as entries:
                    for entry in entries:
                        name = f"{folder}/{entry.name}" if folder else entry.name
                        (folders if entry.is_dir() else files).append(name)
            except (FileNotFoundError, NotADirectoryError):
                pass
            except PermissionError as error:
                raise DataError(f"{self.path(folder)}: this user may not read it; change its permissions") from error
            self._listed[folder] = (sorted(files), sorted(folders))
        return self._listed[folder]


class Archive(FileTree):
    """A data set in a container, or in a folder there."""

    def __init__(self, container: Container, folder: str = "", listed: "_Listed | None" = None) -> None:
        """Sort the container's files into their folders, unless that has been done."""
        self.root = container.path / folder if folder else container.path
        self._container, self._folder = container, folder
        self._listed = listed or _Listed(container.names)

    def files(self, folder: str = "") -> list[str]:
        """The files of one folder."""
        return self._below(self._listed.files.get(self._full(folder), []))

    def folders(self, folder: str = "") -> list[str]:
        """The folders of one folder."""
        return self._below(self._listed.folders.get(self._full(folder), ()))

    def below(self, folder: str) -> FileTree:
        """One of its folders."""
        return Archive(self._container, self._full(folder), self._listed)

    def _full(self, folder: str) -> str:
        return f"{self._folder}/{folder}".strip("/")

    def _below(self, names: Iterable[str]) -> list[str]:
        start = len(self._folder) + 1 if self._folder else 0
        return sorted(name[start:] for name in names)

    def left_out(self) -> tuple[tuple[Path, str], ...]:
        """What the archive holds that cannot be read."""
        return tuple((self._container.path / name, reason) for name, reason in self._container.left_out)

    @property
    def name(self) -> str:
        """The folder's name, or the archive's without its endings."""
        if self._folder:
            return self._folder.rpartition("/")[2]
        return self._container.path.name.split(".")[0] or self._container.path.name


class _Listed:
    """The files and folders of each folder of a container, by their paths there."""

    def __init__(self, names: Iterable[str]) -> None:
        self.files: dict[str, list[str]] = {}
        self.folders: dict[str, set[str]] = {}
        for name in names:
            parent = name.rpartition("/")[0]
            self.files.setdefault(parent, []).append(name)
            while parent:
                parent, child = parent.rpartition("/")[0], parent
                known = self.folders.setdefault(parent, set())
                if child in known:
                    break
                known.add(child)


def open_tree(path: Path) -> FileTree:
    """A folder or an archive as a tree.

    Raises:
        DataError: It is neither, or the archive is damaged.
    """
    return Folder(path) if path.is_dir() else Archive(open_container(path))


def is_picture(name: str) -> bool:
    """Whether a path is a picture's by its ending and not hidden."""
    last = name.rpartition("/")[2]
    return not last.startswith(".") and os.path.splitext(last)[1].lower() in SUFFIXES


def require_pictures(tree: FileTree, names: Sequence[str], source: str) -> None:
    """Check that a split names no picture that is not there.

    Args:
        tree: Where the pictures must be.
        names: Their paths.
        source: What names them, for the error.

    Raises:
        DataError: Some are missing; how many and the first are named.
    """
    held = {folder: frozenset(tree.files(folder)) for folder in {name.rpartition("/")[0] for name in names}}
    missing = [name for name in names if name not in held[name.rpartition("/")[0]]]
    if missing:
        raise DataError(
            f"{tree.path(source)}: expected {len(names):,} pictures that it names, got {len(missing):,} that are "
            f"missing, first {missing[0]}; unpack the whole data set"
        )
