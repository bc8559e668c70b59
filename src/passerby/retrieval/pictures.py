"""Searching among pictures, and telling whether two show the same person."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from passerby.data.images import ImageSource, find_pictures
from passerby.data.loader import Progress
from passerby.errors import CalibrationError, DataError
from passerby.models.embedder import TorchEmbedder, load_embedder
from passerby.retrieval.distance import cosine_distances
from passerby.retrieval.embedding_file import EmbeddingFile, load_embeddings
from passerby.retrieval.search import nearest
from passerby.types import Match


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether two pictures show the same person.

    Attributes:
        same_person: The answer: whether the distance is at most the threshold.
        distance: Cosine distance, 0 to 2.
        threshold: The largest distance that counts as the same person.
        source: Where the threshold comes from.
    """

    same_person: bool
    distance: float
    threshold: float
    source: str


def embed_folder(embedder: TorchEmbedder, places: Sequence[Path], progress: Progress | None = None) -> EmbeddingFile:
    """Embed pictures, and all pictures below folders.

    Raises:
        DataError: There is none, or one is broken.
    """
    paths = [path for place in places for path in (find_pictures(place) if place.is_dir() else [place])]
    if not paths:
        raise DataError(f"{places[0] if places else 'nothing'}: expected pictures, got none")
    return EmbeddingFile(
        embedder.embed(paths, progress),
        tuple(path.resolve().as_posix() for path in paths),
        embedder.identity,
        str(embedder.bundle.path.resolve()),
    )


def search_pictures(
    query: ImageSource, gallery: Path, model: str | None = None, top: int = 10, progress: Progress | None = None
) -> list[Match]:
    """Find the gallery pictures nearest to a query.

    Args:
        query: A picture of a person.
        gallery: A folder of pictures, or an `.npz` that `passerby embed` made.
        model: Name or folder of a model; by default the one that made the `.npz`.
        top: How many at most.
        progress: Told about the embedding of a folder.

    Returns:
        Nearest first; `same_person` is what the model's calibration says, if it has one.

    Raises:
        DataError: The gallery is empty or no gallery, or was made by another model, or no model is named.
    """
    if not gallery.exists():
        raise DataError(f"{gallery}: expected a folder of pictures or an .npz, got nothing there")
    content = None if gallery.is_dir() else load_embeddings(gallery)
    if model is None and (content is None or not content.model):
        raise DataError(f"{gallery}: it does not say which model to search with; name one with --model")
    embedder = load_embedder(model or (content.model if content else ""))
    if content is None:
        content = embed_folder(embedder, [gallery], progress)
    elif content.identity != embedder.identity and content.identity:
        raise DataError(
            f"{gallery}: expected embeddings of model {embedder.identity[:12]}…, got those of "
            f"{content.identity[:12]}…; embed the pictures again with this model"
        )
    elif content.embeddings.shape[1] != embedder.dimension:
        raise DataError(
            f"{gallery}: expected embeddings of dimension {embedder.dimension}, got {content.embeddings.shape[1]}; "
            "embed the pictures again with this model"
        )
    indices, distances = nearest(embedder.embed(query)[0], content.embeddings, top)
    calibration = embedder.bundle.calibration
    return [
        Match(
            rank=rank,
            path=content.paths[index],
            distance=float(distance),
            same_person=None if calibration is None else bool(distance <= calibration.threshold),
        )
        for rank, (index, distance) in enumerate(zip(indices.tolist(), distances.tolist(), strict=True), start=1)
    ]


def decide(
    embedder: TorchEmbedder, first: ImageSource, second: ImageSource, threshold: float | None = None
) -> Decision:
    """Tell whether two pictures show the same person.

    Args:
        embedder: The model.
        first: A picture of a person.
        second: Another.
        threshold: Cosine distance up to which they do; by default the model's calibration says.

    Raises:
        CalibrationError: No threshold is given and the model has no calibration.
    """
    calibration = embedder.bundle.calibration
    if threshold is not None:
        source = "given by the user"
    elif calibration is not None:
        threshold = calibration.threshold
        source = f"{calibration.criterion}, calibrated on {calibration.source}"
    else:
        raise CalibrationError(
            f"{embedder.bundle.path}: this model has no calibration, so no distance means the same person yet; run "
            "`passerby calibrate` on people it was not trained on, or give --threshold"
        )
    embeddings = embedder.embed([first, second])
    distance = float(cosine_distances(embeddings[:1], embeddings[1:])[0, 0])
    return Decision(distance <= threshold, distance, threshold, source)
