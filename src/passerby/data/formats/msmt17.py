"""MSMT17: 4,101 people, 15 cameras (Wei et al., CVPR 2018), version 1 and version 2 (faces blurred).

`list_train.txt`, `list_val.txt`, `list_query.txt` and `list_gallery.txt` name pictures below `train` and `test` (in
version 2 `mask_train_v2` and `mask_test_v2`), each with the person's number, which counts from 0 and anew in the
test. The variant `all` trains on the lists train and val together, as the paper counts (32,621 pictures); `train` on
the first alone.
"""

from passerby.data.dataset import Dataset
from passerby.data.formats.format import Format
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree, require_pictures
from passerby.errors import DataError
from passerby.types import Sample

LAYOUT = "list_train.txt, list_val.txt, list_query.txt and list_gallery.txt, and folders train and test"

_FOLDERS = {"train": ("train", "mask_train_v2"), "test": ("test", "mask_test_v2")}
_LISTS = {"train": "list_train.txt", "val": "list_val.txt", "query": "list_query.txt", "gallery": "list_gallery.txt"}
_TEST_PEOPLE_FROM = 10_001


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read the four lists.

    Raises:
        DataError: A list is missing or damaged, or names pictures that are not there.
    """
    lists = ["train", "val"] if options.variant == "all" else ["train"]
    train = [sample for name in lists for sample in _read_list(tree, name, "train", 1)]
    query, gallery = (_read_list(tree, name, "test", _TEST_PEOPLE_FROM) for name in ("query", "gallery"))
    tested = sorted({sample.person_id for sample in (*query, *gallery)})
    return Dataset(
        name=tree.name,
        root=tree.root,
        format="msmt17",
        train=tuple(train),
        query=tuple(query),
        gallery=tuple(gallery),
        person_names={
            **{person: f"train {person - 1:04d}" for person in sorted({sample.person_id for sample in train})},
            **{person: f"test {person - _TEST_PEOPLE_FROM:04d}" for person in tested},
        },
    )


def _read_list(tree: FileTree, which: str, part: str, first: int) -> list[Sample]:
    """The pictures of a list; person 0 gets the number `first`."""
    folder = next((folder for folder in _FOLDERS[part] if tree.finds(folder)), None)
    if folder is None:
        raise DataError(f"{tree.root}: expected a folder {' or '.join(_FOLDERS[part])}, got none; {LAYOUT}")
    samples = []
    names = []
    for number, line in enumerate(tree.read_text(_LISTS[which]).splitlines(), start=1):
        if not line.strip():
            continue
        picture, _, person = line.strip().rpartition(" ")
        parts = picture.rpartition("/")[2].split("_")
        if not person.isdecimal() or len(parts) < 3 or not parts[2].isdecimal():
            raise DataError(
                f"{tree.path(_LISTS[which])}: line {number}: expected 0000/0000_000_01_0303morning_0015_0.jpg and a "
                f"person's number, got {line[:60]!r}"
            )
        names.append(f"{folder}/{picture}")
        samples.append(Sample(tree.path(names[-1]), first + int(person), camera_id=int(parts[2])))
    require_pictures(tree, names, _LISTS[which])
    return samples


FORMAT = Format(
    name="msmt17",
    layout=LAYOUT,
    signs=((_LISTS["train"], _LISTS["query"], _LISTS["gallery"]),),
    read=read,
    variants=("all", "train"),
)
