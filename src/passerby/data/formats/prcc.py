"""PRCC: 221 people, who changed clothes before the third of three cameras (Yang et al., TPAMI 2021).

`rgb/train` holds a folder per person with names such as `A_cropped_rgb001.jpg`, whose letter is the camera;
`rgb/test` holds the folders A, B and C with a folder per person. A and B show the same clothes, C others. A answers;
the variant `changed` asks with C, `same` with B. `rgb/val` shows people of `rgb/train` and is not used.
"""

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree
from passerby.errors import DataError
from passerby.types import Sample

LAYOUT = "folders rgb/train with 001/A_cropped_rgb001.jpg, and rgb/test with A, B and C, each a folder per person"

_CAMERAS = {"A": 1, "B": 2, "C": 3}
_CLOTHES = {"A": 1, "B": 1, "C": 2}
_ASKING = {"changed": "C", "same": "B"}


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read the people to train on, and those to test on by one variant.

    Raises:
        DataError: A folder is not named by a person's number, or a picture to train on by its camera.
    """
    train = [
        _sample(tree, folder, name, name.rpartition("/")[2].split("_")[0])
        for folder in tree.folders("rgb/train")
        for name in tree.pictures(folder)
    ]
    test = {
        letter: tuple(
            _sample(tree, folder, name, letter)
            for folder in tree.folders(f"rgb/test/{letter}")
            for name in tree.pictures(folder)
        )
        for letter in _CAMERAS
    }
    asking = _ASKING[options.variant or "changed"]
    unused = [(tree.path(name), "not used: people of rgb/train") for name in ("rgb/val",) if tree.finds(name)]
    unused += [(tree.path(name), "not used: sketches") for name in ("sketch",) if tree.finds(name)]
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="prcc",
        train=tuple(train),
        query=test[asking],
        gallery=test["A"],
        ignored=tuple(unused),
    )


def _sample(tree: FileTree, folder: str, name: str, letter: str) -> Sample:
    person = folder.rpartition("/")[2]
    if not person.isdecimal() or not int(person) or letter not in _CAMERAS:
        raise DataError(f"{tree.path(name)}: expected {LAYOUT}; got another name")
    return Sample(tree.path(name), int(person), _CAMERAS[letter], clothes_id=_CLOTHES[letter])


FORMAT = Format(
    name="prcc",
    layout=LAYOUT,
    signs=(("rgb/train", "rgb/test/A", "rgb/test/B", "rgb/test/C"),),
    read=read,
    variants=tuple(_ASKING),
)
