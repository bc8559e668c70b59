"""A map of some people's pictures: those that the model takes for alike lie together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.evaluation.protocols import RankingTask
from passerby.evaluation.tsne import tsne
from passerby.types import FloatArray, Sample

PEOPLE, PICTURES = 40, 400
"""More than this nobody can tell apart in one picture."""


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingMap:
    """Where pictures lie on a map.

    Attributes:
        samples: The pictures shown, person by person.
        points: (N, 2) float64 in the unit square, from the left and from the top.
        neighbours_right: Of all pictures shown that have another of the same person among them, the share whose
            nearest by cosine distance, among those shown, is such a one, 0 to 1.
        people_left_out: People whose pictures are not shown, as there are too many.
    """

    samples: tuple[Sample, ...]
    points: npt.NDArray[np.float64]
    neighbours_right: float
    people_left_out: int


def embedding_map(task: RankingTask, *, people: int = PEOPLE, pictures: int = PICTURES) -> EmbeddingMap | None:
    """Lay out pictures of people, evenly chosen from the list of those with two pictures or more.

    Args:
        task: Its queries and its gallery; a picture that is in both is shown once, junk and distractors never.
        people: How many people to show at most.
        pictures: How many pictures to show at most; each person's are thinned out alike.

    Returns:
        The map, or None where nobody has two pictures.
    """
    samples = task.queries.samples + task.gallery.samples
    embeddings = np.concatenate([task.queries.embeddings, task.gallery.embeddings])
    rows_of: dict[int, list[int]] = {}
    for row in {sample.path: row for row, sample in reversed([*enumerate(samples)])}.values():
        rows_of.setdefault(samples[row].person_id, []).append(row)
    candidates = sorted(person for person, rows in rows_of.items() if person > 0 and len(rows) > 1)
    if not candidates:
        return None
    chosen = [candidates[place] for place in _evenly(len(candidates), people)]
    each = max(2, pictures // len(chosen))
    shown = [sorted(rows_of[person])[place] for person in chosen for place in _evenly(len(rows_of[person]), each)]
    vectors = embeddings[shown]
    points = tsne(vectors)
    low, span = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-9)
    return EmbeddingMap(
        samples=tuple(samples[row] for row in shown),
        points=(points - low) / span,
        neighbours_right=_neighbours_right(vectors, np.array([samples[row].person_id for row in shown])),
        people_left_out=len(candidates) - len(chosen),
    )


def _evenly(count: int, wanted: int) -> list[int]:
    return [round(place) for place in np.linspace(0, count - 1, min(count, wanted)).tolist()]


def _neighbours_right(vectors: FloatArray, person_ids: npt.NDArray[np.int64]) -> float:
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -np.inf)
    return float((person_ids[similarities.argmax(1)] == person_ids).mean())
