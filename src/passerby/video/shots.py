"""The best pictures of one track: few, good, and not alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from passerby.boxes import Numbers
from passerby.data.images import resize_image
from passerby.types import FloatArray, ImageArray

_ALIKE = 9.0  # Mean difference of thumbnails in levels of 255 below which two pictures show the same.
_BETTER = 1.1  # How many times as good a picture must be to take the place of one like it.
_LOOK_AGAIN = 1.3  # And to be embedded while the track goes on, so that the track is known by it.
_THUMBNAIL = (16, 8)


@dataclass(slots=True, eq=False)
class Shot:
    """One picture of somebody.

    Attributes:
        frame: Its number.
        time: Of the frame, in seconds.
        box: Left, top, right and bottom in it.
        quality: 0 to 1.
        crop: H×W×3 RGB uint8; None until a track that goes on after an interruption has seen it again.
        thumbnail: 16×8×3, of its crop.
        embedding: (D,), or None.
    """

    frame: int
    time: float
    box: tuple[float, float, float, float]
    quality: float
    crop: ImageArray | None
    thumbnail: FloatArray | None
    embedding: FloatArray | None = None

    def to_json(self) -> dict[str, Any]:
        """Where it is; neither what it shows nor its embedding."""
        return {"frame": self.frame, "time": self.time, "box": list(self.box), "quality": self.quality}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Shot":
        """The shot at that place, to be seen again."""
        left, top, right, bottom = content["box"]
        box = (left, top, right, bottom)
        return cls(content["frame"], content["time"], box, content["quality"], None, None)

    def show(self, crop: ImageArray) -> None:
        """Say what it shows."""
        self.crop, self.thumbnail = crop, thumbnail(crop)


class Shots:
    """At most `most` shots, of different moments, that do not look alike.

    Args:
        most: How many.
        apart: Seconds between any two.
    """

    def __init__(self, most: int, apart: float) -> None:
        self._most = most
        self._apart = apart
        self._shots: list[Shot] = []

    def __iter__(self) -> Any:  # noqa: ANN401
        return iter(self._shots)

    def __len__(self) -> int:
        return len(self._shots)

    def best_first(self) -> list[Shot]:
        """From the best to the worst; of equally good ones the earlier first."""
        return sorted(self._shots, key=lambda shot: (-shot.quality, shot.frame))

    def could_use(self, time: float, quality: float) -> bool:
        """Whether a picture of this moment and quality may be among the best, before it is cut out."""
        near = [shot for shot in self._shots if abs(shot.time - time) < self._apart]
        if near:
            return all(quality >= _BETTER * shot.quality for shot in near)
        return len(self._shots) < self._most or quality > min(shot.quality for shot in self._shots)

    def offer(self, shot: Shot) -> bool:
        """Take a shot if it is among the best, in the place of those near to it or like it; gives whether it is."""
        rivals = [other for other in self._shots if self._conflict(shot, other)]
        if rivals:
            if any(shot.quality < _BETTER * other.quality for other in rivals):
                return False
        elif len(self._shots) >= self._most:
            worst = self.best_first()[-1]
            if shot.quality <= worst.quality:
                return False
            rivals = [worst]
        self._shots = [other for other in self._shots if not any(other is rival for rival in rivals)] + [shot]
        return True

    def restore(self, shots: list[Shot]) -> None:
        """Go on with these."""
        self._shots = shots

    def _conflict(self, shot: Shot, other: Shot) -> bool:
        if abs(shot.time - other.time) < self._apart:
            return True
        if shot.thumbnail is None or other.thumbnail is None:
            return False
        return float(np.abs(shot.thumbnail - other.thumbnail).mean()) < _ALIKE


def worth_a_look(quality: float, known: list[Shot]) -> bool:
    """Whether a track that is known by some shots should be known by one of this quality too."""
    return not known or quality >= _LOOK_AGAIN * max(shot.quality for shot in known)


def pooled(embeddings: FloatArray, weights: Numbers) -> FloatArray:
    """Mean of unit embeddings (K, D), weighted by (K,) and made a unit vector again: (D,) float32."""
    mean = (embeddings.astype(np.float64) * np.asarray(weights, np.float64)[:, None]).sum(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def thumbnail(crop: ImageArray) -> FloatArray:
    """16×8×3 float32, of a crop."""
    return resize_image(crop, *_THUMBNAIL).astype(np.float32)
