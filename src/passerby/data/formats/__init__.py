"""Readers, one file per public format, and the choice among them."""

from dataclasses import dataclass, replace
from pathlib import Path

from passerby.data.containers import is_container, open_container
from passerby.data.containers.cuhk03_cells import Cuhk03Cells
from passerby.data.containers.table import Table
from passerby.data.dataset import Dataset
from passerby.data.formats import (
    cuhk01,
    cuhk02,
    cuhk03,
    cuhk_pedes,
    folder,
    grid,
    ltcc,
    market1501,
    mars,
    msmt17,
    parquet,
    prcc,
    prid,
    shards,
    sysu_mm01,
    viper,
)
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree, Folder, open_tree
from passerby.errors import DataError

__all__ = ["FORMATS", "Format", "ReadOptions", "read_dataset"]

FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        shards.FORMAT,
        market1501.FORMAT,
        cuhk01.FORMAT,
        cuhk02.FORMAT,
        cuhk03.FORMAT,
        viper.FORMAT,
        grid.FORMAT,
        prid.FORMAT,
        msmt17.FORMAT,
        mars.FORMAT,
        sysu_mm01.FORMAT,
        cuhk_pedes.FORMAT,
        prcc.FORMAT,
        ltcc.FORMAT,
        parquet.FORMAT,
        folder.FORMAT,
    )
}
"""Every reader by name, in the order in which they are tried; a folder per person is what is left."""

_CHILDREN = 50
"""So many folders of a folder are looked into."""


def read_dataset(path: Path | str, format: str | None = None, options: ReadOptions | None = None) -> Dataset:
    """Read a data set from its folder or archive, as its authors publish it.

    Archives (zip, tar) are read in place; compressed tar archives are unpacked into a temporary file first.

    Args:
        path: The folder or archive; where the data set lies in a folder of it, as in archives, that one is found.
        format: A name in `FORMATS`; by default the one that recognises the folder.
        options: What the data set itself does not say.

    Raises:
        DataError: There is nothing there, no reader recognises it, or what it holds does not fit.
        MissingExtraError: An optional dependency is needed to read it.
    """
    root = Path(path)
    options = options or ReadOptions()
    if format is not None and format not in FORMATS:
        raise DataError(f"expected one of the formats {', '.join(FORMATS)}, got {format!r}")
    if not root.exists():
        raise DataError(f"{root}: there is no such folder; check the path")
    tree, reader = _choose(root, format)
    dataset = reader.read(tree, _checked(reader, options))
    return replace(dataset, ignored=tree.left_out() + dataset.ignored)


def _choose(root: Path, format: str | None) -> tuple[FileTree, Format]:
    """The tree in which a data set lies, and its reader."""
    if not root.is_dir():
        if not is_container(root):
            raise DataError(
                f"{root}: expected a folder with pictures, an archive (zip, tar), CUHK03's .mat or a Parquet table, "
                "got another file"
            )
        container = open_container(root)
        if isinstance(container, Cuhk03Cells):
            return Folder(root.parent), replace(cuhk03.FORMAT, read=cuhk03.reader_of(root.name))
        if isinstance(container, Table):
            return open_tree(root), parquet.FORMAT
    tree = open_tree(root)
    readers = [FORMATS[format]] if format else list(FORMATS.values())
    chain = _chain(tree)
    for place in chain:
        for reader in readers:
            if reader.recognises(place):
                return place, reader
    inside = [
        (place, next(reader for reader in readers if reader.recognises(place)))
        for place in _children(chain[-1])
        if any(reader.recognises(place) for reader in readers)
    ]
    if len(inside) > 1:
        names = ", ".join(f"{place.name} ({reader.name})" for place, reader in inside)
        raise DataError(f"{root}: expected one data set, got several: {names}; name the folder of one")
    if inside:
        return inside[0]
    if format:
        return tree, FORMATS[format]
    near = _nearest(chain)
    if near is not None and near.clear:
        raise DataError(f"{near}; where its folders are people, say --format folder")
    for place in chain:
        if folder.has_people(place):
            return place, folder.FORMAT
    if near is not None:
        raise DataError(str(near))
    sets = ", ".join(name for name in FORMATS if name != folder.FORMAT.name)
    held = [*tree.folders(), *tree.files()]
    shown = ", ".join(held[:3]) + (f" and {len(held) - 3} more" if len(held) > 3 else "")
    raise DataError(
        f"{tree.root}: expected {folder.LAYOUT}, or a data set ({sets}); got {shown or 'an empty folder'}"
    )


def _chain(tree: FileTree) -> list[FileTree]:
    """A folder, the only folder in it, the only one in that, and so on, as archives are often packed."""
    chain = [tree]
    while len(chain) < 8 and (only := _only_folder(chain[-1])) is not None:
        chain.append(only)
    return chain


def _only_folder(tree: FileTree) -> FileTree | None:
    """The folder that is the only thing in a folder, besides hidden files and a text about it."""
    files = [name for name in tree.files() if not name.startswith(".") and "readme" not in name.lower()]
    children = _children(tree)
    return children[0] if len(children) == 1 and not files else None


def _children(tree: FileTree) -> list[FileTree]:
    """The first folders of a folder; among very many there is none with a data set, but people."""
    return [tree.below(name) for name in tree.folders() if not name.startswith(".")][:_CHILDREN]


def _checked(reader: Format, options: ReadOptions) -> ReadOptions:
    """The options with a variant and a split that the format has."""
    if options.seed < 0:
        raise DataError(f"expected a seed of 0 or more, got seed={options.seed}")
    variant = options.variant
    if variant is not None and variant not in reader.variants:
        have = f"one of {', '.join(reader.variants)}" if reader.variants else "no variant"
        raise DataError(f"{reader.name}: expected {have}, got variant={variant}")
    split = options.split
    if split is not None:
        if reader.splits == 0:
            raise DataError(f"{reader.name} has one split only; leave split={split} away")
        if split < 1 or split > (reader.splits or split):
            have = f"1 to {reader.splits}" if reader.splits else "1 or more"
            raise DataError(f"{reader.name}: expected a split of {have}, got split={split}")
    if variant is None and reader.variants:
        variant = reader.variants[0]
    return replace(options, variant=variant)


@dataclass(frozen=True, slots=True)
class _Likeness:
    """A folder that looks like a format, and is not it."""

    place: FileTree
    reader: Format
    share: float
    found: list[str]
    missing: list[str]

    @property
    def clear(self) -> bool:
        """Whether it can hardly be anything else."""
        return self.share >= 0.5 and len(self.found) >= 2

    def __str__(self) -> str:
        return (
            f"{self.place.root}: this looks like {self.reader.name} because of {', '.join(self.found)}, but "
            f"{', '.join(self.missing)} is missing; expected {self.reader.layout}"
        )


def _nearest(chain: list[FileTree]) -> _Likeness | None:
    """The format that a folder, or one in it, comes nearest to."""
    likenesses = [
        _Likeness(place, reader, *reader.resemblance(place))
        for place in (*chain, *_children(chain[-1]))
        for reader in FORMATS.values()
    ]
    best = max(likenesses, key=lambda likeness: likeness.share)
    return best if best.found else None
