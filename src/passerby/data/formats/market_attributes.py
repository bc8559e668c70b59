"""Market-1501's attributes: 27 of each person, as `market_attribute.mat` holds them (Lin et al., 2019).

The file holds a struct with `train` and `test`, each a struct with one row per attribute and the people's numbers in
`image_index`.
"""

from typing import Any

import numpy as np

from passerby.data.formats.matlab import read_mat, whole_numbers
from passerby.data.tree import FileTree
from passerby.errors import DataError

FILE = "market_attribute.mat"

_WORDS = {
    "gender": ("male", "female"),
    "hair": ("short", "long"),
    "up": ("long sleeves", "short sleeves"),
    "down": ("long", "short"),
    "clothes": ("dress", "trousers"),
    "age": ("child", "teenager", "adult", "old"),
}
"""What the numbers from 1 on mean; in the other attributes 1 is no and 2 yes."""

_COLOURS = {"up": "upper_colour", "down": "lower_colour"}
"""One of `upblack`, `upwhite`, … is yes; all are no where a colour is none of these."""

_NAMES = {"up": "sleeves", "down": "lower_length", "clothes": "lower"}
"""Attributes that the file names too shortly to be understood."""


def find_attributes(tree: FileTree) -> str | None:
    """Where the attributes lie, beside the pictures' folders or in a folder there."""
    places = [FILE, *(f"{folder}/{FILE}" for folder in tree.folders() if "attribute" in folder.lower())]
    return next((place for place in places if tree.finds(place)), None)


def read_attributes(tree: FileTree, name: str) -> dict[int, dict[str, str]]:
    """Each person's attributes by their number.

    Raises:
        DataError: The file is damaged, or holds something else.
    """
    content = read_mat(tree, name, "market_attribute")["market_attribute"]
    attributes: dict[int, dict[str, str]] = {}
    try:
        for split in ("train", "test"):
            _read_split(content[0, 0][split][0, 0], f"{tree.path(name)}: {split}", attributes)
    except (IndexError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{tree.path(name)}: expected Market-1501's structs train and test, got something else ({error})"
        ) from error
    return attributes


def _read_split(table: Any, what: str, attributes: dict[int, dict[str, str]]) -> None:  # noqa: ANN401 - of scipy
    people = [int(np.asarray(cell).ravel()[0]) for cell in table["image_index"].ravel()]
    for field in table.dtype.names:
        if field == "image_index":
            continue
        values = whole_numbers(table[field], f"{what}.{field}", 1, len(_WORDS.get(field, ("no", "yes"))))
        if len(values) != len(people):
            raise DataError(f"{what}.{field}: expected a value for each of {len(people)} people, got {len(values)}")
        part = next((part for part in _COLOURS if field.startswith(part) and field != part), None)
        for person, value in zip(people, values.tolist(), strict=True):
            known = attributes.setdefault(person, {})
            if part is None:
                known[_NAMES.get(field, field)] = _WORDS.get(field, ("no", "yes"))[value - 1]
            elif value == 2:
                known[_COLOURS[part]] = field.removeprefix(part)
