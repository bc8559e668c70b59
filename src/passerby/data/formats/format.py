"""What a reader tells of itself."""

from collections.abc import Callable
from dataclasses import dataclass

from passerby.data.dataset import Dataset
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree


@dataclass(frozen=True, slots=True)
class Format:
    """A reader: what it looks like, by what it is known, and how it is read.

    Attributes:
        name: What `--format` calls it.
        layout: What it looks like, in words.
        signs: Files and folders by which it is known: all of at least one of these groups must be there.
        read: Reads it; the options' variant and split are ones that it has.
        variants: The sets that it holds, the default first; empty: just one.
        splits: How many splits are published; 0: just one; None: any number, each the seed of a draw.
    """

    name: str
    layout: str
    signs: tuple[tuple[str, ...], ...]
    read: Callable[[FileTree, ReadOptions], Dataset]
    variants: tuple[str, ...] = ()
    splits: int | None = 0

    def recognises(self, tree: FileTree) -> bool:
        """Whether a folder or archive is of this format."""
        return any(all(tree.finds(sign) for sign in group) for group in self.signs)

    def resemblance(self, tree: FileTree) -> tuple[float, list[str], list[str]]:
        """How near a folder comes to this format: the share of the best group's signs, those found, those missing."""
        best: tuple[float, list[str], list[str]] = (0.0, [], [])
        for group in self.signs:
            found = [sign for sign in group if tree.finds(sign)]
            share = len(found) / len(group)
            if share > best[0]:
                best = (share, found, [sign for sign in group if sign not in found])
        return best
