"""The shared nouns. Plain frozen dataclasses: no torch, no behaviour beyond what their fields say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
ImageArray: TypeAlias = npt.NDArray[np.uint8]
"""H×W×3, RGB, uint8."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with how much is done, and of how much."""

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
        track_id: Which tracklet it belongs to, where the data set has tracklets; unique among person and camera.
        clothes_id: Which of the person's clothes it shows, where the data set says so; unique among the person.
    """

    path: Path
    person_id: int
    camera_id: int = UNKNOWN_CAMERA
    sequence_id: int | None = None
    track_id: int | None = None
    clothes_id: int | None = None


AttributeValue: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One person, one camera, one moment: what a gallery keeps.

    Attributes:
        camera: The camera's name.
        time: When, by the camera's clock; without a zone it is taken to be in the camera's. A gallery answers in UTC,
            put right by the camera's clock offset.
        crop: The person's picture: a file, the content of one (JPEG, PNG, …), or an array. Answers hold the content.
        box: Left, top, width and height in the frame, in pixels.
        track: Which track of the camera it belongs to.
        person: Whom it shows, where somebody or something has said so.
        quality: 0 (useless) to 1 (perfect).
        embedding: (D,) float32 of length 1. Where it is None, the gallery's model makes it from the crop.
        model: Identity of the model that made `embedding`.
        attributes: What else is known, such as colours of clothes.
        id: Names the sighting for ever. Where it is empty the gallery makes it from the content, so that what is
            added twice is there once.
        sequence: The number that the gallery gave it when it was added; 0 before.
    """

    camera: str
    time: datetime
    crop: ImageArray | bytes | Path | None = None
    box: tuple[float, float, float, float] | None = None
    track: str | None = None
    person: str | None = None
    quality: float | None = None
    embedding: FloatArray | None = None
    model: str | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    id: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """One answer of a search.

    Attributes:
        rank: 1 for the nearest.
        path: The gallery picture.
        distance: Cosine distance to the query, 0 (same direction) to 2.
        same_person: What the calibrated threshold says, or None without a calibration.
        probability: That the picture shows the same person, given the size of the gallery; None without a
            calibration that says so.
        expected_false_matches: How many pictures of other people would be as near, in a gallery of this size.
        no_match: That no picture of the gallery shows the person: the same for all answers of one search.
    """

    rank: int
    path: str
    distance: float
    same_person: bool | None = None
    probability: float | None = None
    expected_false_matches: float | None = None
    no_match: float | None = None


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often pairs that were given a probability did show the same person: the reliability diagram.

    Attributes:
        predicted: Mean probability of the pairs in each bin, 0 to 1, ascending.
        observed: Share of these pairs that show the same person.
        weights: Share of all pairs that are in the bin; they sum to 1. Pairs of the same person weigh together as
            much as pairs of different people.
        held_out: Whether the people measured are others than those whom the probabilities were learnt from.
    """

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    weights: tuple[float, ...]
    held_out: bool

    @property
    def expected_calibration_error(self) -> float:
        """ECE: how far prediction and observation are apart, averaged over all pairs; 0 is perfect."""
        bins = zip(self.predicted, self.observed, self.weights, strict=True)
        return sum(weight * abs(predicted - observed) for predicted, observed, weight in bins)


ProbabilityMethod: TypeAlias = Literal["isotonic", "platt"]


@dataclass(frozen=True, slots=True)
class DistanceEvidence:
    """What a distance says about whether two pictures show the same person: a table to read between the lines of.

    A log likelihood ratio is the logarithm of how much oftener a distance comes about between pictures of the same
    person than of different people. Added to the prior's log odds it gives those of the same person, whatever the
    prior: see `passerby.probability`, whose functions read this table.

    Attributes:
        distances: (K,) cosine distances from 0 to 2, strictly ascending.
        log_likelihood_ratios: (K,) by isotonic regression, finite, never rising.
        false_accept_rates: (K,) share of pairs of different people at that distance or nearer, never falling.
        false_reject_rates: (K,) share of pairs of the same person that are farther, never rising.
        platt: Slope (at most 0) and intercept of the log likelihood ratio as a straight line over distance.
        method: Which of the two ratios is used: the one whose probabilities held better on held-out people.
        reliability: How well the probabilities of `method` held.
    """

    distances: tuple[float, ...]
    log_likelihood_ratios: tuple[float, ...]
    false_accept_rates: tuple[float, ...]
    false_reject_rates: tuple[float, ...]
    platt: tuple[float, float]
    method: ProbabilityMethod
    reliability: Reliability

    def __post_init__(self) -> None:
        columns = (self.distances, self.log_likelihood_ratios, self.false_accept_rates, self.false_reject_rates)
        if len({len(column) for column in columns}) != 1 or len(self.distances) < 2:
            raise ValueError("expected four columns of one length, 2 or more")
        if not np.isfinite(np.array([*columns], np.float64)).all() or not np.isfinite(self.platt).all():
            raise ValueError("expected finite numbers")
        steps = [np.diff(column) for column in columns]
        if (steps[0] <= 0).any() or (steps[1] > 0).any() or (steps[2] < 0).any() or (steps[3] > 0).any():
            raise ValueError("expected distances that ascend, and rates and ratios that go one way")


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
        synthetic: Whether these people are drawn: on real cameras both kinds of error are others, mostly worse.
        false_accept_interval: 95 % interval of FAR over people, or None where it was not measured.
        false_reject_interval: Likewise of FRR.
        evidence: What any distance says, or None in calibrations of older versions.
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
    synthetic: bool = False
    false_accept_interval: tuple[float, float] | None = None
    false_reject_interval: tuple[float, float] | None = None
    evidence: DistanceEvidence | None = None


Split: TypeAlias = Literal["train", "query", "gallery"]
