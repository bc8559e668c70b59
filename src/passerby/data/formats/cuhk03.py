"""CUHK03: 1,467 people before five pairs of cameras (Li et al., CVPR 2014), by either protocol.

`cuhk-03.mat` holds the pictures: the variant `detected` in boxes of a detector, `labelled` in boxes drawn by hand.
Without a split the new protocol is read (767 people to train on, 700 to test on; Zhong et al., CVPR 2017), which is
published as `cuhk03_new_protocol_config_detected.mat` and `…_labeled.mat`. `split=1` to `split=20` are the classic
ones in `cuhk-03.mat`: 100 people to test on, all others to train on; they go with `--protocol cuhk03`. The new
protocol as folders, `detected` and `labeled` in Market-1501's layout, is read too.

A camera is the view in its pair, 1 or 2, as both protocols count; the sequence is the pair.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from passerby.data.containers import within
from passerby.data.containers.cuhk03_cells import Cuhk03Cells
from passerby.data.dataset import Dataset
from passerby.data.formats import market1501
from passerby.data.formats.format import Format
from passerby.data.formats.matlab import read_mat, whole_numbers
from passerby.data.formats.options import ReadOptions
from passerby.data.tree import FileTree, Folder
from passerby.errors import DataError
from passerby.types import Sample

LAYOUT = "cuhk-03.mat, and cuhk03_new_protocol_config_detected.mat beside it; or folders detected and labeled"

_MAT = "cuhk-03.mat"
_RELEASE = "cuhk03_release"
_KINDS = {"detected": "detected", "labelled": "labeled", "labeled": "labeled"}
_PER_PAIR = 10_000


def read(tree: FileTree, options: ReadOptions) -> Dataset:
    """Read one variant by the new protocol, or by a classic split.

    Raises:
        DataError: A file is of another data set or damaged, or a split names pictures that are not there.
        MissingExtraError: h5py is not installed.
    """
    kind = _KINDS[options.variant or "detected"]
    if tree.finds(f"{kind}/{market1501.SPLITS['train']}"):
        if options.split is not None:
            raise DataError(f"{tree.root}: expected {_MAT} for classic splits, got folders of the new protocol")
        return replace(market1501.read(tree.below(kind), options), name=f"{tree.name} {kind}", format="cuhk03")
    mat = next((name for name in (_MAT, f"{_RELEASE}/{_MAT}") if tree.finds(name)), None)
    if mat is None:
        raise DataError(f"{tree.root}: expected {LAYOUT}; got no {_MAT}")
    return _read(tree, mat, kind, options)


def reader_of(mat: str) -> Callable[[FileTree, ReadOptions], Dataset]:
    """A reader for `cuhk-03.mat` itself, under whatever name."""
    return lambda tree, options: _read(tree, mat, _KINDS[options.variant or "detected"], options)


def _read(tree: FileTree, mat: str, kind: str, options: ReadOptions) -> Dataset:
    root = tree.path(mat)
    opened = within(root / kind)
    if opened is None or not isinstance(opened[0], Cuhk03Cells):
        raise DataError(f"{root}: expected CUHK03's MATLAB 7.3 file, got another file")
    cells = opened[0]
    samples = {name.rpartition("/")[2]: _sample(root / name) for name in cells.names_of(kind)}
    if options.split is None:
        train, query, gallery = _new_protocol(tree, mat, kind, samples)
    else:
        train, test = _classic(cells, options.split, list(samples.values()), root)
        query = gallery = test
    return Dataset(
        name=f"{tree.name} {kind}",
        root=tree.root,
        format="cuhk03",
        train=tuple(train),
        query=tuple(query),
        gallery=tuple(gallery),
    )


def _sample(path: Path) -> Sample:
    """A picture by its name: pair, person, view and column."""
    pair, person, view, _ = (int(part) for part in path.stem.split("_"))
    return Sample(path, _PER_PAIR * pair + person, camera_id=view, sequence_id=pair)


def _classic(
    cells: Cuhk03Cells, split: int, samples: Sequence[Sample], root: Path
) -> tuple[list[Sample], list[Sample]]:
    splits = cells.splits()
    if split > len(splits):
        raise DataError(f"{root}: expected a split of 1 to {len(splits)}, got split={split}")
    tested = {_PER_PAIR * pair + person for pair, person in splits[split - 1]}
    missing = tested - {sample.person_id for sample in samples}
    if missing:
        pair, person = divmod(min(missing), _PER_PAIR)
        raise DataError(
            f"{root}: split {split} names {len(missing)} people without a picture, first row {person} of pair "
            f"{pair}; the file is damaged or of another data set"
        )
    train = [sample for sample in samples if sample.person_id not in tested]
    return train, [sample for sample in samples if sample.person_id in tested]


def _new_protocol(
    tree: FileTree, mat: str, kind: str, samples: dict[str, Sample]
) -> tuple[list[Sample], list[Sample], list[Sample]]:
    config, place = _config(tree, mat, kind)
    content = read_mat(place, config, "filelist", "labels", "train_idx", "query_idx", "gallery_idx")
    path = place.path(config)
    try:
        names = [str(cell[0]) for cell in content["filelist"].ravel()]
    except (IndexError, TypeError) as error:
        raise DataError(f"{path}: expected a list of names in filelist, got something else") from error
    missing = [name for name in names if name not in samples]
    if missing:
        raise DataError(
            f"{path}: expected {len(names):,} pictures that it names, got {len(missing):,} that {tree.path(mat)} "
            f"does not have, first {missing[0]}; take the file for {kind} boxes"
        )
    people = whole_numbers(content["labels"], f"{path}: labels", 1, len(names))
    if len(people) != len(names):
        raise DataError(f"{path}: expected a label for each of {len(names)} names, got {len(people)}")

    def chosen(variable: str) -> list[Sample]:
        places = whole_numbers(content[variable], f"{path}: {variable}", 1, len(names)) - 1
        return [replace(samples[names[place]], person_id=int(people[place])) for place in places.tolist()]

    train, query, gallery = (chosen(variable) for variable in ("train_idx", "query_idx", "gallery_idx"))
    return train, query, gallery


def _config(tree: FileTree, mat: str, kind: str) -> tuple[str, FileTree]:
    """The file of the new protocol: beside `cuhk-03.mat`, or beside its archive."""
    name = f"cuhk03_new_protocol_config_{kind}.mat"
    here = [f"{mat.rpartition('/')[0]}/{name}".lstrip("/"), name]
    for place in here:
        if tree.finds(place):
            return place, tree
    outside = next((parent for parent in tree.root.parents if parent.is_dir()), None)
    if outside is not None and not tree.root.is_dir() and (outside / name).is_file():
        return name, Folder(outside)
    raise DataError(
        f"{tree.root}: expected {name} of the new protocol beside {_MAT}, got none; put "
        "it there, or choose one of the 20 classic splits with split=1"
    )


FORMAT = Format(
    name="cuhk03",
    layout=LAYOUT,
    signs=(
        (_MAT,),
        (f"{_RELEASE}/{_MAT}",),
        tuple(f"{kind}/{market1501.SPLITS['train']}" for kind in ("detected", "labeled")),
    ),
    read=read,
    variants=tuple(_KINDS),
    splits=20,
)
