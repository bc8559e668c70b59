"""The shared nouns. Plain frozen dataclasses: no torch, no behaviour beyond what their fields say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
ImageArray: TypeAlias = npt.NDArray[np.uint8]
"""H×W×3, RGB, uint8."""

UNKNOWN_CAMERA = -1
"""`camera_id` of a picture whose camera nobody recorded."""

JUNK = -1
"""`person_id` that Market-1501 gives to boxes that neither help nor harm a ranking: never ranked."""

DISTRACTOR = 0
"""`person_id` of gallery pictures that show nobody who is asked for: ranked, always wrong."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of one person.

    Attributes:
        path: The picture's file.
        person_id: Whom it shows; `DISTRACTOR` (0) for nobody who is asked for, `JUNK` (-1) never ranked.
        camera_id: Which camera took it, or `UNKNOWN_CAMERA` (-1).
        sequence_id: Recording session or camera pair, where the data set names one.
    """

    path: Path
    person_id: int
    camera_id: int = UNKNOWN_CAMERA
    sequence_id: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """One answer of a search.

    Attributes:
        rank: 1 for the nearest.
        path: The gallery picture.
        distance: Cosine distance to the query, 0 (same direction) to 2.
        same_person: What the calibrated threshold says, or None without a calibration.
    """

    rank: int
    path: str
    distance: float
    same_person: bool | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Which distance means the same person, and how well that held on the pairs it was measured on.

    A pair is accepted as the same person when its distance is at most `threshold`.

    Attributes:
        threshold: Cosine distance, 0 to 2.
        false_accept_rate: Share of pairs of different people that the threshold accepts (FAR = FPR).
        false_reject_rate: Share of pairs of the same person that it rejects (FRR = 1 - TPR).
        accuracy: Share of all pairs decided rightly, with as many different pairs as there were.
        balanced_accuracy: Mean of the true positive and the true negative rate.
        precision: Share of accepted pairs that do show the same person.
        equal_error_rate: Where FAR and FRR meet, over all thresholds.
        positive_pairs: Pairs of the same person that were measured.
        negative_pairs: Pairs of different people that were measured.
        people: How many people the pairs show.
        cross_camera: Whether only pairs from two different cameras were measured.
        criterion: How the threshold was chosen, such as "FAR at most 0.01".
        source: Which pictures it was measured on.
    """

    threshold: float
    false_accept_rate: float
    false_reject_rate: float
    accuracy: float
    balanced_accuracy: float
    precision: float
    equal_error_rate: float
    positive_pairs: int
    negative_pairs: int
    people: int
    cross_camera: bool
    criterion: str
    source: str


Split: TypeAlias = Literal["train", "query", "gallery"]
