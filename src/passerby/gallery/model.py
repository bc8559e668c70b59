"""The model of a gallery: loaded when it is first needed, and never another than the one that made the embeddings."""

import os
from typing import TYPE_CHECKING

from passerby.errors import GalleryError
from passerby.gallery.rows import Model
from passerby.types import Calibration

if TYPE_CHECKING:
    from passerby.models.embedder import Embedder

DEFAULT_MODEL = "passerby-s"
"""What a new gallery embeds with, where no model is named."""


class GalleryModel:
    """Where a gallery finds its embedder and its calibration."""

    def __init__(self, model: "str | os.PathLike[str] | Embedder | None", device: str = "auto") -> None:
        """Remember what was named; nothing is loaded yet.

        Args:
            model: Name or folder of a bundle, or an embedder; None: the one that the gallery remembers, or
                `DEFAULT_MODEL` for a new one.
            device: Where the embedder runs.
        """
        self._named = os.fspath(model) if isinstance(model, str | os.PathLike) else None
        self._embedder = None if isinstance(model, str | os.PathLike) else model
        self._device = device

    def embedder(self, stored: Model | None) -> "Embedder":
        """The embedder, which is the gallery's.

        Args:
            stored: The model whose embeddings the gallery holds; None: it holds none yet.

        Raises:
            GalleryError: It is another than the gallery's, or the gallery does not know where its model is.
            BundleError: There is no such model.
        """
        if self._embedder is None:
            from passerby.models.embedder import load_embedder

            place = self._named or (stored.source if stored else DEFAULT_MODEL)
            if not place:
                raise GalleryError("the gallery does not know where its model is; name one with --model")
            self._embedder = load_embedder(place, self._device)
        if stored is not None and self._embedder.identity != stored.identity:
            raise other_model(stored.identity, self._embedder.identity)
        return self._embedder

    def replace_by(self, other: "GalleryModel") -> None:
        """Take another's embedder from now on."""
        self._named, self._embedder, self._device = other._named, other._embedder, other._device

    def source(self, embedder: "Embedder") -> str:
        """How the gallery finds this embedder again: its name, else its bundle's folder."""
        if self._named is not None and not os.path.exists(self._named):
            return self._named
        if self._named is None and embedder.bundle.path.name == DEFAULT_MODEL:
            return DEFAULT_MODEL
        return os.path.abspath(embedder.bundle.path)

    def source_of(self, identity: str) -> str:
        """How the gallery finds the embedder of that identity again, if it is the one that is loaded; else empty."""
        loaded = self._embedder
        return self.source(loaded) if loaded is not None and loaded.identity == identity else ""

    def calibration(self, stored: Model) -> tuple[Calibration | None, str]:
        """The calibration, or None and why there is none that says probabilities."""
        if self._embedder is None and not (self._named or stored.source):
            return None, "the gallery does not know where its model is; name one with --model"
        calibration = self.embedder(stored).bundle.calibration
        if calibration is None:
            return None, "its model has no calibration; run `passerby calibrate`"
        if calibration.evidence is None:
            return None, "its model's calibration is of an older version; run `passerby calibrate` again"
        return calibration, ""


def other_model(expected: str, got: str) -> GalleryError:
    """The error that says that embeddings of two models do not compare."""
    return GalleryError(
        f"expected embeddings of the gallery's model {expected[:12]}…, got those of {got[:12]}…; use that model, or "
        "move the gallery to another with `passerby gallery reembed`"
    )
