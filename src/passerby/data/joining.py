"""Several data sets as one, people and cameras kept apart."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from passerby.data.dataset import Dataset
from passerby.errors import DataError
from passerby.types import DISTRACTOR, JUNK, UNKNOWN_CAMERA, Sample


def join(datasets: Sequence[Dataset]) -> Dataset:
    """Join data sets: all are trained on together, and the queries of all ask in the galleries of all.

    People and cameras of each set are numbered on after those of the set before, so that nobody and no camera of two
    sets is taken for the same; junk, distractors and unknown cameras stay what they are.

    Args:
        datasets: At least one; one alone is given back as it is.

    Raises:
        DataError: A picture is in two of them.
    """
    if len(datasets) == 1:
        return datasets[0]
    seen: dict[Path, str] = {}
    for dataset in datasets:
        for path in {_absolute(sample.path) for sample in dataset.samples}:
            if path in seen:
                raise DataError(
                    f"{path}: expected each picture in one data set, got it in {seen[path]} and {dataset.name}"
                )
        seen.update((_absolute(sample.path), dataset.name) for sample in dataset.samples)
    moved = []
    person = camera = 0
    for dataset in datasets:
        moved.append(_renumbered(dataset, person, camera))
        person = max([person, *(sample.person_id for sample in moved[-1].samples)])
        camera = max([camera, *(sample.camera_id for sample in moved[-1].samples)])
    return Dataset(
        name=" + ".join(dataset.name for dataset in moved),
        root=Path(os.path.commonpath([dataset.root for dataset in moved])),
        format=" + ".join(dict.fromkeys(dataset.format for dataset in moved)),
        train=tuple(sample for dataset in moved for sample in dataset.train),
        query=tuple(sample for dataset in moved for sample in dataset.query),
        gallery=tuple(sample for dataset in moved for sample in dataset.gallery),
        person_names={
            person: f"{dataset.name}/{name}" for dataset in moved for person, name in dataset.person_names.items()
        },
        ignored=tuple(left for dataset in moved for left in dataset.ignored),
        attributes={person: known for dataset in moved for person, known in dataset.attributes.items()},
        sentences={path: said for dataset in moved for path, said in dataset.sentences.items()},
        parts=tuple(part for dataset in moved for part in dataset.roots),
    )


def _renumbered(dataset: Dataset, people: int, cameras: int) -> Dataset:
    """The data set with absolute paths, and with people and cameras after those that others have."""
    # Numbers from 0 are cameras too; only -1 is none.
    first = cameras + 1 - min((s.camera_id for s in dataset.samples if s.camera_id != UNKNOWN_CAMERA), default=1)

    def moved(samples: Sequence[Sample]) -> tuple[Sample, ...]:
        return tuple(
            replace(
                sample,
                path=_absolute(sample.path),
                person_id=person(sample.person_id),
                camera_id=sample.camera_id if sample.camera_id == UNKNOWN_CAMERA else sample.camera_id + first,
            )
            for sample in samples
        )

    def person(number: int) -> int:
        return number if number in (JUNK, DISTRACTOR) else number + people

    names = {number: dataset.person_names.get(number, str(number)) for number in _people(dataset)}
    return replace(
        dataset,
        root=_absolute(dataset.root),
        train=moved(dataset.train),
        query=moved(dataset.query),
        gallery=moved(dataset.gallery),
        person_names={person(number): name for number, name in names.items()},
        attributes={person(number): known for number, known in dataset.attributes.items()},
        sentences={_absolute(path): said for path, said in dataset.sentences.items()},
        parts=tuple(map(_absolute, dataset.roots)),
    )


def _people(dataset: Dataset) -> list[int]:
    return sorted({sample.person_id for sample in dataset.samples} - {JUNK, DISTRACTOR})


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
