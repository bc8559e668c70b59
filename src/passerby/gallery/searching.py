"""From a question to an answer: what is asked with, where it is looked for, and how sure one can be."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from passerby.errors import DataError, GalleryError
from passerby.gallery.answers import Answer, Hit
from passerby.gallery.batching import Batcher
from passerby.gallery.filter import Filter
from passerby.gallery.guard import Guard
from passerby.gallery.mirror import Mirror
from passerby.gallery.model import GalleryModel
from passerby.gallery.record import Record
from passerby.gallery.rows import Model
from passerby.privacy.roles import Action
from passerby.probability import search_odds
from passerby.retrieval.distance import normalise
from passerby.types import FloatArray, Sighting

if TYPE_CHECKING:
    from passerby.data.images import ImageSource
    from passerby.retrieval.methods import Reranker

_RERANKED = 200  # How many of the nearest are put in another order.


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a search asks with: one of these.

    Attributes:
        image: A picture of the person.
        embedding: (D,) of the gallery's model.
        sighting: The id of a sighting of the gallery.
    """

    image: "ImageSource | None" = None
    embedding: FloatArray | None = None
    sighting: str | None = None


class Searcher:
    """Answers searches of one gallery; see `Gallery.search`."""

    def __init__(self, record: Record, guard: Guard, model: GalleryModel, in_memory: bool) -> None:
        self._record = record
        self._guard = guard
        self._model = model
        # What is sealed, no database can compare.
        self._mirrored = in_memory or guard.encrypted or not record.database.finds
        self._starting = threading.Lock()
        self._batcher: Batcher | None = None
        self.mirror: Mirror | None = None

    def close(self) -> None:
        """Let go of the index."""
        if self.mirror is not None:
            self.mirror.close()

    def search(
        self,
        asked: Asked,
        wanted: Filter,
        top: int,
        min_probability: float | None,
        prior: float,
        rerank: "Reranker | None",
    ) -> Answer:
        """Find the nearest sightings; see `Gallery.search`."""
        if top < 1:
            raise GalleryError(f"expected to look for at least 1 sighting, got {top}")
        allowed = self._guard.check(Action.SEARCH, self._record.known_cameras(wanted.cameras))
        model = self._record.model()
        if model is None:
            raise GalleryError(f"{self._record.database.place}: the gallery is empty; add sightings first")
        query, itself = self._query(asked, model)
        # One more, in place of the sighting that is asked with.
        nearest = top if rerank is None else max(top, _RERANKED)
        distances, numbers, compared = self._finder().find(
            query, replace(wanted, cameras=allowed), nearest + (itself is not None)
        )
        found = [(n, d) for n, d in zip(numbers.tolist(), distances.tolist(), strict=True) if n != itself][:nearest]
        answer = self._answer(found, compared - (len(found) < len(numbers) and itself in numbers), model, prior)
        if rerank is not None:
            answer = replace(answer, hits=self._reranked(answer.hits, query, model, rerank)[:top])
        if min_probability is not None:
            if answer.uncalibrated:
                raise GalleryError(f"expected a calibrated model to tell probabilities; {answer.uncalibrated}")
            answer = replace(answer, hits=tuple(h for h in answer.hits if (h.probability or 0) >= min_probability))
        named = [hit.sighting.sequence for hit in answer.hits]
        concerned = named if itself is None else [itself, *named]
        self._record.database.write(
            lambda cursor: self._guard.note(cursor, Action.SEARCH, {"found": len(named)}, concerned)
        )
        return answer

    def index(self) -> Mirror | None:
        """The index that follows the record; None where the database compares by itself."""
        self._finder()
        return self.mirror

    def _finder(self) -> Batcher:
        with self._starting:
            if self._batcher is None:
                if not self._mirrored:
                    self._batcher = Batcher(DatabaseFinder(self._record))
                else:
                    # Nothing that is sealed is saved in the clear.
                    folder = None if self._guard.encrypted else self._record.database.folder
                    self.mirror = Mirror(self._record, self._guard.open_embedding, folder)
                    self._batcher = Batcher(self.mirror)
            return self._batcher

    def _query(self, asked: Asked, model: Model) -> tuple[FloatArray, int | None]:
        """The vector to search with, concealed, and the number of the sighting that it is of."""
        given = [part for part in (asked.image, asked.embedding, asked.sighting) if part is not None]
        if len(given) != 1:
            raise GalleryError(f"expected one of image, embedding and sighting to search with, got {len(given)}")
        if asked.sighting is not None:
            found = self._record.sighting(asked.sighting)
            self._guard.check(Action.VIEW, {found.camera})
            stored = self._record.embeddings([found.sequence], model).get(found.sequence)
            if stored is None:
                raise GalleryError(f"sighting {found.id} has no embedding any more; search again")
            return self._guard.open_embedding(found.id, *stored), found.sequence
        if asked.embedding is not None:
            vector = np.asarray(asked.embedding)
            if vector.shape != (model.dimension,) or vector.dtype.kind not in "fiu":
                raise DataError(
                    f"expected an embedding of {model.dimension} real numbers, got {vector.dtype} {vector.shape}"
                )
            return self._guard.conceal(normalise(vector[None]))[0], None
        assert asked.image is not None
        return self._guard.conceal(self._model.embedder(model).embed(asked.image))[0], None

    def _answer(self, found: Sequence[tuple[int, float]], compared: int, model: Model, prior: float) -> Answer:
        calibration, why_not = self._model.calibration(model)
        by_number = self._record.by_number([number for number, _ in found])
        found = [(number, distance) for number, distance in found if number in by_number]
        odds = None
        if calibration is not None and compared:
            odds = search_odds(
                calibration, [distance for _, distance in found], max(compared, len(found)), prior=prior
            )
        hits = tuple(
            Hit(
                rank=place + 1,
                sighting=self._shown(by_number[number]),
                distance=distance,
                probability=odds.probabilities[place] if odds else None,
                expected_false_matches=odds.expected_false_matches[place] if odds else None,
            )
            for place, (number, distance) in enumerate(found)
        )
        return Answer(hits, compared, odds.no_match if odds else None, why_not)

    def _reranked(
        self, hits: tuple[Hit, ...], query: FloatArray, model: Model, rerank: "Reranker"
    ) -> tuple[Hit, ...]:
        """The nearest in the order that a method of re-ranking gives them among themselves."""
        stored = self._record.embeddings([hit.sighting.sequence for hit in hits], model)
        there = [hit for hit in hits if hit.sighting.sequence in stored]
        if not there:
            return ()
        vectors = [self._guard.open_embedding(hit.sighting.id, *stored[hit.sighting.sequence]) for hit in there]
        order = np.argsort(rerank(query[None], np.stack(vectors))[0], kind="stable").tolist()
        return tuple(replace(there[place], rank=rank) for rank, place in enumerate(order, start=1))

    def _shown(self, sighting: Sighting) -> Sighting:
        return self._guard.show(sighting)


class DatabaseFinder:
    """Lets the database compare, and puts the nearest in order as exactly as the index does."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def find(
        self, queries: FloatArray, wanted: Filter, top: int
    ) -> tuple[FloatArray, "np.typing.NDArray[np.int64]", int]:
        """See `Mirror.find`."""
        return self._record.nearest(queries, wanted, top)
