"""Evaluating and calibrating a model, or anybody's embeddings, on a data set."""

from collections.abc import Sequence
from typing import Literal, Protocol

from passerby.data.dataset import Dataset, people
from passerby.data.loader import Progress
from passerby.errors import CalibrationError
from passerby.evaluation.evaluate import Evaluation, evaluate
from passerby.evaluation.verification import calibrate
from passerby.models.embedder import TorchEmbedder
from passerby.retrieval.embedding_file import EmbeddingFile
from passerby.types import Calibration, FloatArray, Sample


class Embeddings(Protocol):
    """Whatever gives an embedding for each picture of a data set."""

    def __call__(self, samples: Sequence[Sample], dataset: Dataset, progress: Progress | None) -> FloatArray:
        """(N, D) float32 unit vectors, in the order of the samples."""
        ...


def from_model(embedder: TorchEmbedder) -> Embeddings:
    """Embeddings that a model makes of the pictures."""
    return lambda samples, dataset, progress: embedder.embed([sample.path for sample in samples], progress)


def from_file(content: EmbeddingFile) -> Embeddings:
    """Embeddings that a file holds, found by the pictures' names."""
    return lambda samples, dataset, progress: content.embeddings[content.rows_of(samples, dataset.root)]


def evaluate_on(embeddings: Embeddings, dataset: Dataset, progress: Progress | None = None) -> Evaluation:
    """Rank a data set's gallery for its queries; a picture that is in both is embedded once.

    Raises:
        DataError: There is no query or no gallery picture, or a picture is broken or has no embedding.
    """
    dataset.require("query", "gallery")
    samples = list(dict.fromkeys(dataset.query + dataset.gallery))
    places = {sample: place for place, sample in enumerate(samples)}
    vectors = embeddings(samples, dataset, progress)
    return evaluate(
        vectors[[places[sample] for sample in dataset.query]],
        dataset.query,
        vectors[[places[sample] for sample in dataset.gallery]],
        dataset.gallery,
    )


CalibrationPeople = Literal["auto", "validation", "train", "test", "all"]


def calibrate_on(
    embedder: TorchEmbedder,
    dataset: Dataset,
    chosen: CalibrationPeople = "auto",
    *,
    max_far: float = 0.01,
    criterion: Literal["max_far", "equal_error"] = "max_far",
    progress: Progress | None = None,
) -> Calibration:
    """Choose the threshold that means the same person, on pairs of a data set's people.

    Args:
        embedder: The model.
        dataset: Labelled pictures.
        chosen: Whose pairs. "auto" takes people that neither training nor a test has a claim on: those whom the
            model's training held out, where this is the data set that it was trained on, else the training people.
        max_far: The highest false accept rate, for the criterion of that name.
        criterion: How the threshold is chosen.
        progress: Told about the embedding.

    Raises:
        CalibrationError: The model was trained on the people asked for, or there are no such pairs.
    """
    samples, whom = _calibration_samples(embedder, dataset, chosen)
    vectors = embedder.embed([sample.path for sample in samples], progress)
    return calibrate(
        vectors,
        [sample.person_id for sample in samples],
        [sample.camera_id for sample in samples],
        max_far=max_far,
        criterion=criterion,
        source=f"{len(people(samples))} {whom}",
    )


def _calibration_samples(
    embedder: TorchEmbedder, dataset: Dataset, chosen: CalibrationPeople
) -> tuple[tuple[Sample, ...], str]:
    card = embedder.bundle.card
    trained_here = card.data_fingerprint is not None and card.data_fingerprint == dataset.fingerprint()
    held_out = tuple(sample for sample in dataset.train if sample.person_id in card.validation_people)
    if chosen == "auto":
        chosen = "validation" if trained_here else "train" if dataset.train else "test"
    if chosen == "validation":
        if not (trained_here and held_out):
            why = "held nobody out" if trained_here else "was not on this data set"
            raise CalibrationError(
                f"expected people whom the model's training held out, but it {why}; calibrate on other labelled "
                "pictures, or on test people with --people test and never report figures on them after that"
            )
        return held_out, f"people of {dataset.name} who were held out of training"
    if chosen in ("train", "all") and trained_here:
        raise CalibrationError(
            "expected people whom the model has not seen, got those it was trained on, whose distances are too "
            "small; leave --people out"
        )
    test = tuple(dict.fromkeys(dataset.query + dataset.gallery))
    everything = {"train": dataset.train, "test": test, "all": dataset.train + test}
    whom = {"train": "training people", "test": "test people", "all": "people"}[chosen]
    return everything[chosen], f"{whom} of {dataset.name}"
