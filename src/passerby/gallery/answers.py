"""What a gallery answers with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from passerby.types import Sighting


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A sighting is in the record, on the disk.

    Attributes:
        id: The sighting's id.
        sequence: Its number; 0 where the policy keeps nothing of it.
        new: False where a sighting of that id was there already.
    """

    id: str
    sequence: int
    new: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of a search.

    Attributes:
        rank: 1 for the nearest.
        sighting: What was found, without picture and embedding; `Gallery.get` has them.
        distance: Cosine distance, 0 to 2.
        probability: That it shows the same person, 0 to 1; None without a calibration.
        expected_false_matches: How many sightings of other people among those compared would be as near or nearer, on
            average; None without a calibration.
    """

    rank: int
    sighting: Sighting
    distance: float
    probability: float | None
    expected_false_matches: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found.

    Attributes:
        hits: Nearest first.
        compared: How many sightings the filter left to compare with.
        no_match: The probability that none of them shows the person; None without a calibration.
        uncalibrated: Why there are no probabilities; empty where there are.
    """

    hits: tuple[Hit, ...]
    compared: int
    no_match: float | None
    uncalibrated: str = ""

    @property
    def no_match_is_likely(self) -> bool:
        """Whether it is likelier than not that the person is not among the sightings."""
        return self.no_match is not None and self.no_match > 0.5

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to a gallery.

    Attributes:
        sequence: The change's number.
        kind: "added", "changed" or "removed".
        number: The number that the sighting was given when it was added.
        sighting: As it is now, without picture and embedding; None where it is removed.
    """

    sequence: int
    kind: Literal["added", "changed", "removed"]
    number: int
    sighting: Sighting | None


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """What a gallery holds.

    Attributes:
        gallery: Its URL, without a password.
        sightings: How many.
        cameras: Sightings by camera.
        model: Identity of the model; None before anything was added.
        model_source: Name or folder of the model, where it is known.
        dimension: Numbers in an embedding; None before anything was added.
        first: Time of the earliest sighting, ISO 8601 in UTC; None where there is none.
        last: Time of the latest.
        sequence: Number of the latest change.
        encrypted: Whether crops and embeddings are encrypted.
        bytes: On the disk; 0 in memory.
    """

    gallery: str
    sightings: int
    cameras: dict[str, int]
    model: str | None
    model_source: str
    dimension: int | None
    first: str | None
    last: str | None
    sequence: int
    encrypted: bool
    bytes: int
