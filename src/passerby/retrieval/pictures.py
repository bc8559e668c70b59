"""Searching among pictures, and telling whether two show the same person."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from passerby.data.cameras import camera_numbers
from passerby.data.images import ImageSource, find_pictures
from passerby.data.loader import find_broken
from passerby.errors import CalibrationError, DataError
from passerby.models.embedder import Embedder, load_embedder
from passerby.probability import EVEN, require_prior, same_person_probability, search_odds
from passerby.retrieval.distance import cosine_distances
from passerby.retrieval.embedding_file import EmbeddingFile, load_embeddings
from passerby.retrieval.methods import Reranker
from passerby.retrieval.search import nearest, smallest
from passerby.types import Match, Progress


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether two pictures show the same person.

    Attributes:
        same_person: The answer: whether the distance is at most the threshold.
        distance: Cosine distance, 0 to 2.
        threshold: The largest distance that counts as the same person.
        source: Where the threshold comes from.
        probability: That they show the same person; None without a calibration that says so.
        prior: What was bet on that before looking, 0 to 1.
    """

    same_person: bool
    distance: float
    threshold: float
    source: str
    probability: float | None = None
    prior: float = EVEN


def embed_folder(
    embedder: Embedder,
    places: Sequence[Path],
    progress: Progress | None = None,
    *,
    drop_broken: bool = False,
    camera_pattern: str | None = None,
) -> EmbeddingFile:
    """Embed pictures, and all pictures below folders.

    Args:
        embedder: The model.
        places: Pictures and folders.
        progress: Told about the embedding.
        drop_broken: Whether to leave out pictures that cannot be decoded.
        camera_pattern: Regular expression, searched in the paths of pictures, whose first group is the number of the
            camera, for models with a camera embedding; None where cameras are not known.

    Raises:
        DataError: There is none, or one is broken and not to be left out, or the pattern finds no camera.
    """
    paths = [path for place in places for path in (find_pictures(place) if place.is_dir() else [place])]
    if drop_broken:
        broken = {path for path, _ in find_broken(paths)}
        paths = [path for path in paths if path not in broken]
    if not paths:
        raise DataError(f"{places[0] if places else 'nothing'}: expected pictures, got none")
    return EmbeddingFile(
        embedder.embed(paths, progress, camera_numbers(paths, camera_pattern)),
        tuple(Path(os.path.abspath(path)).as_posix() for path in paths),
        embedder.identity,
        os.path.abspath(embedder.bundle.path),
    )


def search_pictures(
    query: ImageSource,
    gallery: Path,
    model: str | None = None,
    top: int = 10,
    progress: Progress | None = None,
    *,
    device: str = "auto",
    drop_broken: bool = False,
    prior: float = EVEN,
    rerank: Reranker | None = None,
    camera_pattern: str | None = None,
) -> list[Match]:
    """Find the gallery pictures nearest to a query.

    Args:
        query: A picture of a person.
        gallery: A folder of pictures, or an `.npz` that `passerby embed` made.
        model: Name or folder of a model; by default the one that made the `.npz`.
        top: How many at most.
        progress: Told about the embedding of a folder.
        device: "auto", "cpu", "cuda", …
        drop_broken: Whether to leave out pictures of a folder that cannot be decoded.
        prior: How likely the person is in the gallery, before looking; above 0 and below 1.
        rerank: A method that puts the answers into another order; distances stay those of the embeddings.
        camera_pattern: Regular expression, searched in the paths of pictures, whose first group is the number of the
            camera, for models with a camera embedding; None where cameras are not known.

    Returns:
        Nearest first, or in the order of the re-ranking. What they say of same and different people is what the
        model's calibration says, if it has one and made the embeddings.

    Raises:
        DataError: The gallery is empty or no gallery, or was made by another model, or no model is named, or the
            method of re-ranking cannot do with so small a gallery, or the pattern finds no camera.
        CalibrationError: The prior is not as above.
    """
    if not gallery.exists():
        raise DataError(f"{gallery}: expected a folder of pictures or an .npz, got nothing there")
    content = None if gallery.is_dir() else load_embeddings(gallery)
    if model is None and (content is None or not content.model):
        raise DataError(f"{gallery}: it does not say which model to search with; name one with --model")
    embedder = load_embedder(model or (content.model if content else ""), device)
    asked = embedder.embed([query], cameras=camera_numbers([query], camera_pattern))[0]
    if content is None:
        content = embed_folder(embedder, [gallery], progress, drop_broken=drop_broken, camera_pattern=camera_pattern)
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
    # Re-ranking may bring anything to the top.
    listed = top if rerank is None else max(top, len(content.embeddings))
    indices, distances = nearest(asked, content.embeddings, listed)
    if not len(indices):
        raise DataError(f"{gallery}: expected embeddings of pictures, got none; make it anew with `passerby embed`")
    # Of embeddings that do not say who made them, no threshold is known to hold.
    calibration = embedder.bundle.calibration if content.identity == embedder.identity else None
    matches = [
        Match(
            rank=rank,
            path=content.paths[index],
            distance=float(distance),
            same_person=None if calibration is None else bool(distance <= calibration.threshold),
        )
        for rank, (index, distance) in enumerate(zip(indices.tolist(), distances.tolist(), strict=True), start=1)
    ]
    if calibration is not None and calibration.evidence is not None:
        odds = search_odds(calibration, distances.tolist(), len(content.embeddings), prior=prior)
        matches = [
            replace(match, probability=probability, expected_false_matches=false_matches, no_match=odds.no_match)
            for match, probability, false_matches in zip(
                matches, odds.probabilities, odds.expected_false_matches, strict=True
            )
        ]
    if rerank is None:
        return matches
    # In the order of the plain ranking, which then settles ties.
    order = smallest(rerank(asked[None], content.embeddings[indices])[0], top)
    return [replace(matches[place], rank=rank) for rank, place in enumerate(order.tolist(), start=1)]


def decide(
    embedder: Embedder,
    first: ImageSource,
    second: ImageSource,
    threshold: float | None = None,
    *,
    prior: float = EVEN,
    camera_pattern: str | None = None,
) -> Decision:
    """Tell whether two pictures show the same person.

    Args:
        embedder: The model.
        first: A picture of a person.
        second: Another.
        threshold: Cosine distance up to which they do; by default the model's calibration says.
        prior: How likely they do, before looking; above 0 and below 1.
        camera_pattern: Regular expression, searched in the paths of pictures, whose first group is the number of the
            camera, for models with a camera embedding; None where cameras are not known.

    Raises:
        DataError: The pattern finds no camera.
        CalibrationError: No threshold is given and the model has no calibration, or it is not from 0 to 2, or the
            prior is not as above.
    """
    calibration = embedder.bundle.calibration
    require_prior(prior)
    if threshold is not None:
        if not 0 <= threshold <= 2:
            raise CalibrationError(f"expected a threshold of 0 to 2, a cosine distance, got {threshold}")
        source = "given by the user"
    elif calibration is not None:
        threshold = calibration.threshold
        source = f"{calibration.criterion}, calibrated on {calibration.source}"
    else:
        raise CalibrationError(
            f"{embedder.bundle.path}: this model has no calibration, so no distance means the same person yet; run "
            "`passerby calibrate` on people it was not trained on, or give --threshold"
        )
    embeddings = embedder.embed([first, second], cameras=camera_numbers([first, second], camera_pattern))
    distance = float(cosine_distances(embeddings[:1], embeddings[1:])[0, 0])
    probability = None
    if calibration is not None and calibration.evidence is not None:
        probability = float(same_person_probability(calibration, distance, prior=prior))
    return Decision(distance <= threshold, distance, threshold, source, probability, prior)
