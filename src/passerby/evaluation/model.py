"""Evaluating and calibrating a model, or anybody's embeddings, on a data set."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from passerby.data.dataset import Dataset, people, people_among
from passerby.data.provenance import is_synthetic
from passerby.data.tracks import TrackPicture, read_tracks
from passerby.errors import CalibrationError, ImageError
from passerby.evaluation.evaluate import Evaluation, evaluate_task
from passerby.evaluation.groups import GroupReport, group_error_rates
from passerby.evaluation.protocols import ProtocolOptions, RankingTask, ranking_task
from passerby.evaluation.track_calibration import TrackCalibration, calibrate_tracks, evenly_spaced
from passerby.evaluation.truth_labels import truth_labels
from passerby.evaluation.verification import Criterion, calibrate
from passerby.models.embedder import Embedder
from passerby.retrieval.embedding_file import EmbeddingFile
from passerby.types import Calibration, FloatArray, ImageArray, Progress, Sample


class Embeddings(Protocol):
    """Whatever gives an embedding for each picture of a data set."""

    def __call__(self, samples: Sequence[Sample], dataset: Dataset, progress: Progress | None) -> FloatArray:
        """(N, D) float32 unit vectors, in the order of the samples."""
        ...


def from_model(embedder: Embedder) -> Embeddings:
    """Embeddings that a model makes of the pictures."""

    def embed(samples: Sequence[Sample], dataset: Dataset, progress: Progress | None) -> FloatArray:
        return embedder.embed([s.path for s in samples], progress, [s.camera_id for s in samples])

    return embed


def from_file(content: EmbeddingFile) -> Embeddings:
    """Embeddings that a file holds, found by the pictures' names."""
    return lambda samples, dataset, progress: content.embeddings[content.rows_of(samples, dataset.root)]


def evaluate_on(embeddings: Embeddings, dataset: Dataset, progress: Progress | None = None) -> Evaluation:
    """Rank a data set's gallery for its queries, as Market-1501 does; a picture that is in both is embedded once.

    Raises:
        DataError: There is no query or no gallery picture, or a picture is broken or has no embedding.
    """
    return evaluate_task(task_on(embeddings, dataset, progress=progress))


def task_on(
    embeddings: Embeddings,
    dataset: Dataset,
    protocol: str = "market1501",
    options: ProtocolOptions | None = None,
    progress: Progress | None = None,
) -> RankingTask:
    """Embed a data set's query and gallery pictures, and prepare them as a protocol wants them.

    Raises:
        DataError: There is no query or no gallery picture, a picture is broken or has no embedding, or the pictures
            are not those that the protocol needs.
    """
    dataset.require("query", "gallery")
    samples = list(dict.fromkeys(dataset.query + dataset.gallery))
    places = {sample: place for place, sample in enumerate(samples)}
    vectors = embeddings(samples, dataset, progress)
    return ranking_task(
        vectors[[places[sample] for sample in dataset.query]],
        dataset.query,
        vectors[[places[sample] for sample in dataset.gallery]],
        dataset.gallery,
        protocol,
        options,
    )


CalibrationPeople = Literal["train", "test", "all"]


def calibrate_on(
    embedder: Embedder,
    dataset: Dataset,
    chosen: CalibrationPeople = "train",
    *,
    max_far: float = 0.01,
    criterion: Literal["max_far", "equal_error"] = "max_far",
    gallery_size: int | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Choose the threshold that means the same person, on pairs of a data set's people.

    People whom the model was trained on are always left out: their pictures are too near to each other. On the data
    set that a model was trained on, the training people who remain are those who were held out for validation.

    Args:
        embedder: The model.
        dataset: Labelled pictures.
        chosen: Whose pairs. Figures must not be reported on test people once a threshold was chosen on them.
        max_far: The highest false accept rate, for the criterion of that name.
        criterion: How the threshold is chosen.
        gallery_size: As in `calibrate`.
        progress: Told about the embedding.

    Raises:
        CalibrationError: Nobody is left, or there are no such pairs.
    """
    test = tuple(dict.fromkeys(dataset.query + dataset.gallery))
    candidates = {"train": dataset.train, "test": test, "all": dataset.train + test}[chosen]
    known = people_among(candidates, embedder.bundle.card.training_keys())
    samples = [sample for sample in candidates if sample.person_id not in known]
    if not people(samples):
        why = f"the model was trained on all {len(known)} of them" if known else "there are none"
        raise CalibrationError(
            f"expected {chosen} people of {dataset.name} whom the model has not seen, but {why}; calibrate on other "
            "labelled pictures"
        )
    cameras = [sample.camera_id for sample in samples]
    vectors = embedder.embed([sample.path for sample in samples], progress, cameras)
    synthetic = all(map(is_synthetic, dataset.roots))
    whom = {"train": "training people", "test": "test people", "all": "people"}[chosen]
    whom = f"synthetic {whom}" if synthetic else whom
    return calibrate(
        vectors,
        [sample.person_id for sample in samples],
        cameras,
        max_far=max_far,
        criterion=criterion,
        gallery_size=gallery_size,
        synthetic=synthetic,
        source=f"{len(people(samples))} {whom} of {dataset.name}, whom the model was not trained on",
    )


def calibrate_on_tracks(
    embedder: Embedder,
    folder: Path,
    *,
    max_far: float = 0.01,
    criterion: Literal["max_far", "equal_error"] = "max_far",
    gallery_size: int | None = None,
    progress: Progress | None = None,
    drop_broken: bool = False,
) -> TrackCalibration:
    """Calibrate on tracks of one's own cameras, whose people nobody has labelled.

    Args:
        embedder: The model.
        folder: Of tracks, as `passerby.data.tracks.read_tracks` takes it.
        max_far: As in `calibrate`.
        criterion: As in `calibrate`.
        gallery_size: As in `calibrate`.
        progress: Told about the embedding.
        drop_broken: Whether to leave out pictures that cannot be decoded.

    Raises:
        CalibrationError: The tracks make too few pairs.
        DataError: The folder holds no tracks, or a picture is broken and not to be left out.
    """
    chosen = Criterion(max_far, criterion, gallery_size)
    tracks = read_tracks(folder)
    crops: list[ImageArray] = []
    lengths = []
    for track in tracks:
        read = [crop for picture in evenly_spaced(track) if (crop := _crop(picture, drop_broken)) is not None]
        crops += read
        lengths.append(len(read))
    vectors = np.split(embedder.embed(crops, progress), np.cumsum(lengths)[:-1])
    synthetic = is_synthetic(folder)
    kind = "synthetic tracks" if synthetic else "tracks"
    return calibrate_tracks(
        vectors,
        tracks,
        chosen,
        source=f"{len(tracks):,} {kind} of {folder.resolve().name}, without labels",
        synthetic=synthetic,
        former=embedder.bundle.calibration,
    )


def _crop(picture: TrackPicture, drop_broken: bool) -> ImageArray | None:
    try:
        return picture.read()
    except ImageError:
        if drop_broken:
            return None
        raise


def group_errors_of(
    task: RankingTask,
    dataset: Dataset,
    attributes: Sequence[str],
    calibration: Calibration | None,
    evaluation: Evaluation | None = None,
) -> GroupReport:
    """Measure error rates by kind of person on a synthetic data set, at the calibrated threshold.

    Args:
        task: Made from this data set.
        dataset: With its truth.
        attributes: Names in `passerby.evaluation.truth_labels.ATTRIBUTES`.
        calibration: Gives the threshold.
        evaluation: Of the task: gives the threshold of equal error where there is no calibration.

    Raises:
        CalibrationError: There is neither a calibration nor an evaluation with pairs of both kinds.
        DataError: The data set has no truth, or it lacks a picture.
    """
    if calibration is not None:
        threshold = calibration.threshold
    elif evaluation is not None and evaluation.pairs is not None:
        curve = evaluation.pairs.curve
        threshold = float(curve.thresholds[curve.place_of_equal_error()])
    else:
        raise CalibrationError("expected a calibration, whose threshold tells errors from right answers, got none")
    labels = [truth_labels(dataset.root, side.samples, attributes) for side in (task.queries, task.gallery)]
    asking = len(np.unique(task.queries.column("person_id")))
    source = f"{asking} synthetic test people of {dataset.name}"
    return replace(group_error_rates(task, labels[0], labels[1], threshold), source=source)


def cautions(embedder: Embedder, dataset: Dataset) -> list[str]:
    """What makes figures of a model on a data set's test people worth less than they look, a sentence each."""
    test = dataset.query + dataset.gallery
    known = people_among(test, embedder.bundle.card.training_keys())
    if not known:
        return []
    return [f"The model was trained on {len(known):,} of these {len(people(test)):,} test people: far too good."]
