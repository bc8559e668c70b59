"""A data set: who was pictured where, in the three lists that training and evaluation need."""

import hashlib
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from passerby.errors import DataError
from passerby.types import DISTRACTOR, JUNK, UNKNOWN_CAMERA, Sample


@dataclass(frozen=True)
class Dataset:
    """Pictures of people, split by person into those to train on and those to test on.

    Attributes:
        name: What reports call it.
        root: The folder or archive that it was read from.
        format: Which reader read it.
        train: Pictures to train on.
        query: Pictures to search with; nobody in them is in `train`.
        gallery: Pictures to search in.
        person_names: What the files call a person, where that is not the number itself.
        ignored: Files that are no part of the data set, each with the reason.
        attributes: What is known of people, such as `{"hat": "no"}`, by `person_id`.
        sentences: What people wrote about a picture, by its path.
        parts: Where the data sets lie that this one was joined of; empty where it is one.
    """

    name: str
    root: Path
    format: str
    train: tuple[Sample, ...]
    query: tuple[Sample, ...]
    gallery: tuple[Sample, ...]
    person_names: dict[int, str] = field(default_factory=dict)
    ignored: tuple[tuple[Path, str], ...] = ()
    attributes: dict[int, dict[str, str]] = field(default_factory=dict)
    sentences: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    parts: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        shared = people(self.train) & people(self.query)
        if shared:
            raise DataError(
                f"{self.root}: expected nobody in both the training and the query pictures, "
                f"got {len(shared)} people in both, such as {min(shared)}; split the data by person"
            )
        nobodies = sorted(str(sample.path) for sample in self.query if sample.person_id in (JUNK, DISTRACTOR))
        if nobodies:
            raise DataError(
                f"{nobodies[0]}: person {DISTRACTOR} (distractor) and {JUNK} (junk) cannot be asked for; "
                "number people from 1"
            )

    @property
    def roots(self) -> tuple[Path, ...]:
        """Where its pictures lie: `root`, or the roots of the sets that it was joined of."""
        return self.parts or (self.root,)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Every picture once, in the order train, query, gallery."""
        return tuple(dict.fromkeys(self.train + self.query + self.gallery))

    def without(self, paths: Iterable[Path]) -> "Dataset":
        """The same data set less some pictures."""
        gone = frozenset(paths)

        def kept(samples: Sequence[Sample]) -> tuple[Sample, ...]:
            return tuple(sample for sample in samples if sample.path not in gone)

        return replace(self, train=kept(self.train), query=kept(self.query), gallery=kept(self.gallery))

    def require(self, *splits: str) -> None:
        """Check that the named lists (`train`, `query`, `gallery`) are not empty.

        Raises:
            DataError: One of them is.
        """
        for split in splits:
            if not getattr(self, split):
                raise DataError(f"{self.root}: expected {split} pictures, got none (read as {self.format})")

    def fingerprint(self, samples: Sequence[Sample] | None = None) -> str:
        """SHA-256 over names and labels (of the training pictures by default), wherever the folder lies.

        Says whether two runs saw the same list of pictures; the pictures' bytes are not read.
        """
        lines = sorted(
            f"{sample.path.relative_to(self.root).as_posix()} {sample.person_id} {sample.camera_id}"
            for sample in (self.train if samples is None else samples)
        )
        return hashlib.sha256(os.fsencode("\n".join(lines))).hexdigest()


@dataclass(frozen=True, slots=True)
class SplitStatistics:
    """How much is in one list of a data set.

    Attributes:
        pictures: All pictures.
        people: Distinct people, without junk and distractors.
        cameras: Distinct known cameras.
        distractors: Pictures of nobody who is asked for.
        junk: Pictures that are never ranked.
        fewest: Pictures of the person with the fewest.
        most: Pictures of the person with the most.
        single_camera_people: People whom only one camera, or only unknown ones, saw.
    """

    pictures: int
    people: int
    cameras: int
    distractors: int
    junk: int
    fewest: int
    most: int
    single_camera_people: int


def statistics(samples: Sequence[Sample]) -> SplitStatistics:
    """Count what a list of pictures holds."""
    pictures: dict[int, int] = {}
    seen_by: dict[int, set[int]] = {}
    for sample in samples:
        if sample.person_id not in (JUNK, DISTRACTOR):
            pictures[sample.person_id] = pictures.get(sample.person_id, 0) + 1
            seen_by.setdefault(sample.person_id, set()).add(sample.camera_id)
    return SplitStatistics(
        pictures=len(samples),
        people=len(pictures),
        cameras=len(cameras(samples)),
        distractors=sum(sample.person_id == DISTRACTOR for sample in samples),
        junk=sum(sample.person_id == JUNK for sample in samples),
        fewest=min(pictures.values(), default=0),
        most=max(pictures.values(), default=0),
        single_camera_people=sum(len(seen - {UNKNOWN_CAMERA}) < 2 for seen in seen_by.values()),
    )


def picture_keys(samples: Iterable[Sample]) -> set[str]:
    """A short hash of each picture's name and folder: 12 hex digits, by which it is known again in other lists."""
    return {_picture_key(sample) for sample in samples}


def people_among(samples: Iterable[Sample], keys: Collection[str]) -> set[int]:
    """The people with at least one picture whose `picture_keys` hash is among `keys`."""
    return {sample.person_id for sample in samples if _picture_key(sample) in keys} - {JUNK, DISTRACTOR}


def _picture_key(sample: Sample) -> str:
    return hashlib.sha256(os.fsencode("/".join(sample.path.parts[-2:]))).hexdigest()[:12]


def people(samples: Iterable[Sample]) -> set[int]:
    """The distinct people in some pictures, without junk and distractors."""
    return {sample.person_id for sample in samples} - {JUNK, DISTRACTOR}


def cameras(samples: Iterable[Sample]) -> set[int]:
    """The distinct known cameras of some pictures."""
    return {sample.camera_id for sample in samples} - {UNKNOWN_CAMERA}
