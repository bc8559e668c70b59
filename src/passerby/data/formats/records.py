"""A data set as columns, one row a picture: what packed shards and Parquet tables hold beside the pictures.

`split` is `train`, `query`, `gallery`, or `query+gallery` for a picture that both asks and answers; `sequence_id`,
`track_id` and `clothes_id` may be null; `sentences` is there where any picture has some.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from passerby.data.dataset import Dataset
from passerby.data.formats.folder import choose_test_people
from passerby.data.formats.options import ReadOptions
from passerby.data.splits import query_and_gallery
from passerby.errors import DataError
from passerby.types import JUNK, UNKNOWN_CAMERA, Sample

Columns = Mapping[str, Sequence[Any]]

_SPLITS = ("train", "query", "gallery")
_OPTIONAL = ("sequence_id", "track_id", "clothes_id")


def columns_of(dataset: Dataset, names: Mapping[Path, str]) -> dict[str, list[Any]]:
    """The labels of a data set's pictures, in the order of `dataset.samples`.

    Args:
        dataset: The data set.
        names: What each picture is called in the column `file`.
    """
    lists = {split: frozenset(getattr(dataset, split)) for split in _SPLITS}
    samples = dataset.samples
    columns: dict[str, list[Any]] = {
        "file": [names[sample.path] for sample in samples],
        "split": ["+".join(split for split in _SPLITS if sample in lists[split]) for sample in samples],
        "person_id": [sample.person_id for sample in samples],
        "camera_id": [sample.camera_id for sample in samples],
        **{key: [getattr(sample, key) for sample in samples] for key in _OPTIONAL},
    }
    if dataset.sentences:
        columns["sentences"] = [list(dataset.sentences.get(sample.path, ())) for sample in samples]
    return columns


def about(dataset: Dataset) -> dict[str, Any]:
    """What is true of the whole data set, as JSON can hold it."""
    return {
        "name": dataset.name,
        "format": dataset.format,
        "person_names": {str(person): name for person, name in dataset.person_names.items()},
        "attributes": {str(person): known for person, known in dataset.attributes.items()},
    }


def dataset_of(
    columns: Columns,
    content: Mapping[str, Any],
    place: Callable[[int], Path],
    root: Path,
    format: str,
    options: ReadOptions,
) -> Dataset:
    """A data set from its columns.

    Args:
        columns: As `columns_of` makes them; only `person_id` must be there. Without `split` the people are split as
            in a folder per person.
        content: As `about` makes it, or empty.
        place: Gives the path of a row's picture.
        root: Where the data set lies.
        format: The reader's name.
        options: Share and seed of the people to test on where there is no split.

    Raises:
        DataError: A column is missing or holds something else.
    """
    people = _integers(columns, "person_id", root)
    rows = range(len(people))
    cameras = _integers(columns, "camera_id", root) if "camera_id" in columns else [UNKNOWN_CAMERA] * len(people)
    more = {key: _integers(columns, key, root, null=True) for key in _OPTIONAL if key in columns}
    samples = [
        Sample(place(row), people[row], cameras[row], **{key: values[row] for key, values in more.items()})
        for row in rows
    ]
    lists = _split(columns["split"], samples, root) if "split" in columns else _drawn(samples, options)
    sentences = columns.get("sentences") or []
    try:
        return Dataset(
            name=str(content.get("name") or root.name.partition(".")[0]),
            root=root,
            format=format,
            train=lists["train"],
            query=lists["query"],
            gallery=lists["gallery"],
            person_names={int(person): str(name) for person, name in content.get("person_names", {}).items()},
            attributes={int(person): dict(known) for person, known in content.get("attributes", {}).items()},
            sentences={samples[row].path: tuple(said) for row, said in enumerate(sentences) if said},
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{root}: expected names and attributes by a person's number, got something else") from error


def _integers(columns: Columns, name: str, root: Path, null: bool = False) -> list[Any]:
    values = list(columns.get(name, ()))
    if not values:
        raise DataError(f"{root}: expected a column {name} with a row for each picture, got {', '.join(columns)}")
    wrong = next((v for v in values if not (isinstance(v, int) or (null and v is None)) or isinstance(v, bool)), None)
    if wrong is not None or (not null and None in values):
        raise DataError(f"{root}: expected whole numbers in {name}, got {wrong!r}")
    if name == "person_id" and min(values) < JUNK:
        raise DataError(f"{root}: expected people numbered from 1 (-1 junk, 0 nobody), got {min(values)}")
    return values


def _split(values: Sequence[Any], samples: Sequence[Sample], root: Path) -> dict[str, tuple[Sample, ...]]:
    lists: dict[str, list[Sample]] = {split: [] for split in _SPLITS}
    if len(values) != len(samples):
        raise DataError(f"{root}: expected a split for each of {len(samples)} pictures, got {len(values)}")
    for value, sample in zip(values, samples, strict=True):
        for split in str(value).split("+"):
            if split not in lists:
                raise DataError(f"{root}: expected split as train, query, gallery or query+gallery, got {value!r}")
            lists[split].append(sample)
    return {split: tuple(chosen) for split, chosen in lists.items()}


def _drawn(samples: Sequence[Sample], options: ReadOptions) -> dict[str, tuple[Sample, ...]]:
    names = {person: str(person) for person in sorted({s.person_id for s in samples}) if person > 0}
    tested = choose_test_people(names, options.test_share, options.seed)
    query, gallery = query_and_gallery([s for s in samples if s.person_id in tested], options.seed)
    train = tuple(s for s in samples if s.person_id in names and s.person_id not in tested)
    return {"train": train, "query": query, "gallery": gallery}
