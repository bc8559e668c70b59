"""The watch list: whom a gallery looks for whose policy keeps nothing of anybody else.

What is kept of them is a picture, so that they are looked for with whatever model the gallery has.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from passerby.errors import CalibrationError, GalleryError
from passerby.gallery import crops
from passerby.gallery.database import Cursor
from passerby.gallery.guard import Guard
from passerby.gallery.model import GalleryModel
from passerby.gallery.record import Record
from passerby.gallery.rows import Model
from passerby.privacy.crypto import FieldCipher
from passerby.privacy.roles import Action
from passerby.retrieval.distance import cosine_distances
from passerby.types import FloatArray, Sighting

_FIELD = "watch list "
"""Before a name where an id is asked for: sealed pictures are bound to whom they show."""


def reseal(cursor: Cursor, cipher: FieldCipher) -> None:
    """Seal the pictures of a watch list with the newest key."""
    for name, content in cursor.execute("SELECT name, content FROM wanted"):
        anew = cipher.reseal(bytes(content), _FIELD + name, "crop")
        cursor.execute("UPDATE wanted SET content = ? WHERE name = ?", (anew, name))


class WatchList:
    """The people whom one gallery looks for."""

    def __init__(self, record: Record, guard: Guard, model: GalleryModel) -> None:
        self._record = record
        self._guard = guard
        self._model = model
        self._embedded: dict[str, FloatArray] = {}  # By hash of model and picture.

    def names(self) -> list[str]:
        """Whom the gallery looks for, in order of name."""
        self._guard.check(Action.CONFIGURE)
        self._record.database.write(
            lambda cursor: self._guard.note(cursor, Action.CONFIGURE, {"watch_list": "listed"})
        )
        return self._names()

    def add(self, name: str, picture: bytes) -> None:
        """Look for somebody from now on; a picture that is there under that name is replaced.

        Raises:
            ImageError: It is no picture.
        """
        self._guard.check(Action.CONFIGURE)
        crops.decode(picture, name)
        sealed = self._guard.seal_crop(_FIELD + name, picture)

        def write(cursor: Cursor) -> None:
            cursor.execute(
                "INSERT INTO wanted (name, content) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET content = excluded.content",
                (name, sealed),
            )
            self._guard.note(cursor, Action.CONFIGURE, {"watch_list": "added"})

        self._record.database.write(write)

    def remove(self, name: str) -> None:
        """Look for somebody no longer.

        Raises:
            GalleryError: Nobody of that name is on the list.
        """
        self._guard.check(Action.CONFIGURE)
        if name not in self._names():
            raise GalleryError(f"{self._record.database.place}: nobody called {name!r} is on the watch list")

        def write(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM wanted WHERE name = ?", (name,))
            self._guard.note(cursor, Action.CONFIGURE, {"watch_list": "removed"})

        self._record.database.write(write)
        self._record.database.scrub()

    def kept(self, sightings: Sequence[Sighting], stored: Model | None) -> list[Sighting]:
        """Those of some new sightings of which the policy keeps anything.

        Raises:
            CalibrationError: The policy keeps matches only, and no distance means a match yet.
        """
        if all(self._guard.kept(sighting.camera) is not None for sighting in sightings):
            return list(sightings)
        calibration = self._model.embedder(stored).bundle.calibration
        if calibration is None:
            raise CalibrationError(
                "the policy keeps matches of the watch list only, and the gallery's model has no calibration that "
                "says what a match is; run `passerby calibrate`"
            )
        wanted = self._wanted(stored)
        vectors = np.stack([sighting.embedding for sighting in sightings if sighting.embedding is not None])
        nearest = cosine_distances(vectors, wanted).min(axis=1) if len(wanted) else np.full(len(vectors), np.inf)
        matched = (nearest <= calibration.threshold).tolist()
        return [
            sighting
            for sighting, match in zip(sightings, matched, strict=True)
            if self._guard.kept(sighting.camera, matched=match) is not None
        ]

    def _names(self) -> list[str]:
        rows = self._record.database.read(lambda cursor: cursor.execute("SELECT name FROM wanted ORDER BY name"))
        return [row[0] for row in rows]

    def _wanted(self, stored: Model | None) -> FloatArray:
        """(N, D): the embeddings of whom the gallery looks for."""
        embedder = self._model.embedder(stored)
        rows = self._record.database.read(lambda cursor: cursor.execute("SELECT name, content FROM wanted"))
        embedded = {}
        for name, content in rows:
            picture = self._guard.open_crop(_FIELD + name, bytes(content))
            key = hashlib.sha256(embedder.identity.encode() + picture).hexdigest()
            known = self._embedded.get(key)
            embedded[key] = embedder.embed(crops.decode(picture, name))[0] if known is None else known
        self._embedded = embedded
        return np.stack(list(embedded.values())) if embedded else np.empty((0, embedder.dimension), np.float32)
