"""Tracklets: what one camera saw of one person without a break, as one row with its best pictures."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from passerby.types import FloatArray
from passerby.video.clothes import ColourName, upper_and_lower
from passerby.video.shots import Shot, Shots, pooled


@dataclass(frozen=True, slots=True)
class TrackletSettings:
    """What is kept of a track.

    Attributes:
        best: Pictures at most.
        apart: Seconds between two of them.
        longest: Seconds; who stays longer becomes several tracklets of one track.
        least_quality: Of the best picture, 0 to 1; tracklets of which no picture is so good are left out.
        least_frames: Frames; shorter ones are left out.
    """

    best: int = 5
    apart: float = 0.5
    longest: float = 60.0
    least_quality: float = 0.15
    least_frames: int = 3


@dataclass(frozen=True, slots=True, eq=False)
class Tracklet:
    """What one camera saw of one person without a break.

    Attributes:
        number: Of the track; somebody who comes back and is known again keeps it.
        part: From 1: which tracklet of the track.
        first: Time of the first frame in seconds.
        last: Time of the last.
        frames: In how many the person was found.
        shots: The best pictures, with crops and embeddings, best first.
        embedding: (D,), pooled from all shots, weighted by their quality; None where nothing embeds.
        upper: Colour of what the upper body wears.
        lower: Colour of what the lower body wears.
    """

    number: int
    part: int
    first: float
    last: float
    frames: int
    shots: tuple[Shot, ...]
    embedding: FloatArray | None
    upper: ColourName
    lower: ColourName

    @property
    def best(self) -> Shot:
        """The best picture."""
        return self.shots[0]


@dataclass(slots=True, eq=False)
class Growing:
    """A tracklet that goes on.

    Attributes:
        part: From 1.
        first: Time of the first frame.
        last: Time of the last.
        frames: How many.
        shots: The best so far.
    """

    part: int
    first: float
    last: float
    shots: Shots
    frames: int = 0

    def to_json(self) -> dict[str, Any]:
        """Everything but pictures and embeddings."""
        return {
            "part": self.part,
            "first": self.first,
            "last": self.last,
            "frames": self.frames,
            "shots": [shot.to_json() for shot in self.shots],
        }


def finished(number: int, growing: Growing, settings: TrackletSettings) -> Tracklet | None:
    """The tracklet, if it is worth keeping. All its shots have crops, and all or none have embeddings."""
    shots = growing.shots.best_first()
    if not shots or growing.frames < settings.least_frames or shots[0].quality < settings.least_quality:
        return None
    embeddings = [shot.embedding for shot in shots if shot.embedding is not None]
    weights = np.array([shot.quality for shot in shots])
    upper, lower = _clothes(shots)
    return Tracklet(
        number=number,
        part=growing.part,
        first=growing.first,
        last=growing.last,
        frames=growing.frames,
        shots=tuple(shots),
        embedding=pooled(np.stack(embeddings), weights) if len(embeddings) == len(shots) else None,
        upper=upper,
        lower=lower,
    )


def _clothes(shots: list[Shot]) -> tuple[ColourName, ColourName]:
    """The colours that the shots agree on, the better ones counting more."""
    votes: tuple[dict[ColourName, float], dict[ColourName, float]] = ({}, {})
    for shot in shots:
        assert shot.crop is not None
        for vote, name in zip(votes, upper_and_lower(shot.crop), strict=True):
            vote[name] = vote.get(name, 0.0) + shot.quality
    upper, lower = (max(vote, key=lambda name: vote[name]) for vote in votes)
    return upper, lower
