"""Readers, one file per public format, and the choice among them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from passerby.data.dataset import Dataset
from passerby.data.formats import folder, market1501
from passerby.data.formats.options import ReadOptions
from passerby.errors import DataError

__all__ = ["FORMATS", "Format", "ReadOptions", "read_dataset"]


@dataclass(frozen=True, slots=True)
class Format:
    """A reader: what it looks like on the disk, whether a folder is of its kind, and how it is read."""

    name: str
    layout: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions], Dataset]


FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        Format("market1501", market1501.LAYOUT, market1501.recognises, market1501.read),
        Format("folder", folder.LAYOUT, folder.recognises, folder.read),
    )
}
"""Every reader by name, in the order in which they are tried."""


def read_dataset(path: Path | str, format: str | None = None, options: ReadOptions | None = None) -> Dataset:
    """Read a data set from its folder.

    Args:
        path: The folder; where it holds nothing but one folder, as unpacked archives do, that one is tried too.
        format: A name in `FORMATS`; by default the first that recognises the folder.
        options: What the folder itself does not say.

    Raises:
        DataError: There is no such folder, no reader recognises it, or what it holds does not fit.
    """
    root = Path(path)
    options = options or ReadOptions()
    if not root.exists():
        raise DataError(f"{root}: there is no such folder; check the path")
    if not root.is_dir():
        raise DataError(f"{root}: expected a folder with pictures, got a file; unpack archives first")
    if format is not None:
        if format not in FORMATS:
            raise DataError(f"expected one of the formats {', '.join(FORMATS)}, got {format!r}")
        return FORMATS[format].read(root, options)
    for candidate in (root, *_only_folder(root)):
        for reader in FORMATS.values():
            if reader.recognises(candidate):
                return reader.read(candidate, options)
    layouts = "; ".join(f"{reader.name} ({reader.layout})" for reader in FORMATS.values())
    raise DataError(f"{root}: expected one of these layouts: {layouts}; got {_contents(root)}")


def _only_folder(root: Path) -> list[Path]:
    visible = [child for child in root.iterdir() if not child.name.startswith(".")]
    return visible if len(visible) == 1 and visible[0].is_dir() else []


def _contents(root: Path) -> str:
    names = sorted(child.name for child in root.iterdir())
    if not names:
        return "an empty folder"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
