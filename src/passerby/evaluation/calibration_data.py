"""Labelled pictures for exports: what INT8 is calibrated on, and mAP before and after."""

from collections.abc import Sequence
from pathlib import Path

from passerby.data.dataset import Dataset
from passerby.data.images import find_pictures
from passerby.data.splits import query_and_gallery
from passerby.evaluation.evaluate import evaluate
from passerby.models.embedder import Embedder
from passerby.models.exporting.calibration_pictures import CalibrationPictures
from passerby.types import Sample

_MOST = 2_000
"""Pictures that mAP is measured on."""


def labelled_pictures(dataset: Dataset) -> CalibrationPictures:
    """A data set's training people, or all of its people where it has no training people.

    Raises:
        DataError: It has no pictures.
    """
    samples = dataset.train or tuple(dict.fromkeys(dataset.query + dataset.gallery))
    samples = _whole_people(samples)
    whom = "training people" if dataset.train else "people"
    return CalibrationPictures(
        [sample.path for sample in samples], f"{whom} of {dataset.name}", lambda embedder: _mean_ap(embedder, samples)
    )


def unlabelled_pictures(folder: Path) -> CalibrationPictures:
    """All pictures below a folder.

    Raises:
        DataError: There are none.
    """
    return CalibrationPictures(find_pictures(folder), str(folder.name))


def _whole_people(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """All pictures of so many people that there are not too many pictures."""
    taken: list[Sample] = []
    for sample in sorted(samples, key=lambda sample: sample.person_id):
        if len(taken) >= _MOST and sample.person_id != taken[-1].person_id:
            break
        taken.append(sample)
    return tuple(taken)


def _mean_ap(embedder: Embedder, samples: Sequence[Sample]) -> float:
    query, gallery = query_and_gallery(samples, seed=0)
    vectors = embedder.embed([s.path for s in gallery], cameras=[s.camera_id for s in gallery])
    places = {sample: place for place, sample in enumerate(gallery)}
    return float(evaluate(vectors[[places[s] for s in query]], query, vectors, gallery).metrics.mean_ap)
