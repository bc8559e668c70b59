"""Deciding whether two pictures show the same person: choosing the threshold, and how often it is wrong."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from passerby.errors import CalibrationError
from passerby.evaluation.bootstrap import pair_rate_interval, ratio_interval
from passerby.evaluation.calibration import fit_evidence
from passerby.evaluation.pairs import ErrorsByPerson, LabelledPairs, count_pairs, errors_by_person, labelled_pairs
from passerby.evaluation.roc import RocCurve, checked_pairs, roc_curve
from passerby.types import Calibration, DistanceEvidence


@dataclass(frozen=True, slots=True)
class VerificationMetrics:
    """How well one threshold decided a set of pairs; all are shares from 0 to 1.

    Attributes:
        false_accept_rate: Of the pairs of different people, those accepted (FAR).
        false_reject_rate: Of the pairs of the same person, those rejected (FRR).
        accuracy: Of all pairs, those decided rightly; pairs of different people mostly outweigh the others.
        balanced_accuracy: Mean of the rightly accepted and the rightly rejected share.
        precision: Of the accepted pairs, those of the same person; 0 where none is accepted.
    """

    false_accept_rate: float
    false_reject_rate: float
    accuracy: float
    balanced_accuracy: float
    precision: float


def verification_metrics(
    positive: npt.NDArray[Any], negative: npt.NDArray[Any], threshold: float
) -> VerificationMetrics:
    """Measure how well a threshold decides pairs; a distance of at most `threshold` is accepted.

    Args:
        positive: (P,) distances of pairs that show the same person.
        negative: (N,) distances of pairs that show different people.
        threshold: Any distance.

    Raises:
        DataError: Either list is empty, not of real numbers, or holds NaN.

    Example:
        >>> verification_metrics(np.array([0.1, 0.2, 0.6]), np.array([0.5, 0.7]), threshold=0.5).accuracy
        0.6
    """
    positive, negative = checked_pairs(positive, negative)
    return _metrics(
        int(np.count_nonzero(positive <= threshold)),
        len(positive),
        int(np.count_nonzero(negative <= threshold)),
        len(negative),
    )


def choose_threshold(positive: npt.NDArray[Any], negative: npt.NDArray[Any], *, max_far: float | None) -> float:
    """Choose the distance up to which two pictures are taken for the same person.

    Args:
        positive: (P,) distances of pairs that show the same person.
        negative: (N,) distances of pairs that show different people.
        max_far: Take the largest threshold that accepts at most this share of the negative pairs, 0 to 1.
            None: take the one where false accepts and false rejects are nearest to equally frequent.

    Raises:
        CalibrationError: `max_far` is not from 0 to 1.
        DataError: Either list is empty, not of real numbers, or holds NaN.

    Example:
        >>> round(choose_threshold(np.array([0.1, 0.2, 0.6]), np.array([0.5, 0.7]), max_far=0.5), 6)
        0.7
    """
    curve = roc_curve(positive, negative)
    place = curve.place_of_equal_error() if max_far is None else curve.place_at_far(max_far)
    return float(curve.thresholds[place])


@dataclass(frozen=True, slots=True)
class Criterion:
    """How a threshold is chosen.

    Attributes:
        max_far: The share of pairs of different people that may be accepted, 0 to 1; with a gallery's size, the share
            of searches for a stranger in it that may raise a false alarm. As pairs of one search rise and fall
            together, that share is kept to with something to spare.
        kind: "max_far" takes the largest threshold that keeps to that; "equal_error" the one where false accepts and
            false rejects are nearest to equally frequent.
        gallery_size: How many pictures are searched, or None for single pairs.
    """

    max_far: float = 0.01
    kind: Literal["max_far", "equal_error"] = "max_far"
    gallery_size: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("max_far", "equal_error"):
            raise CalibrationError(f'expected the criterion "max_far" or "equal_error", got "{self.kind}"')
        if not 0 <= self.max_far <= 1:
            raise CalibrationError(f"expected a false accept rate from 0 to 1, got {self.max_far:g}")
        if self.gallery_size is not None and self.gallery_size < 1:
            raise CalibrationError(f"expected a gallery of at least 1 picture, got {self.gallery_size}")

    def __str__(self) -> str:
        """As calibrations tell it."""
        if self.kind == "equal_error":
            return "equal error rate"
        if self.gallery_size is None:
            return f"FAR at most {self.max_far:g}"
        return f"false alarms in at most {self.max_far:g} of searches of {self.gallery_size:,} pictures"

    def place(self, curve: RocCurve) -> int:
        """Where on a curve the threshold lies.

        Raises:
            CalibrationError: No threshold is strict enough.
        """
        if self.kind == "equal_error":
            return curve.place_of_equal_error()
        if self.gallery_size is None or self.max_far == 1:
            return curve.place_at_far(self.max_far)
        return curve.place_at_far(-math.expm1(math.log1p(-self.max_far) / self.gallery_size))


def calibrate(
    embeddings: npt.NDArray[Any],
    person_ids: npt.ArrayLike,
    camera_ids: npt.ArrayLike | None = None,
    *,
    max_far: float = 0.01,
    criterion: Literal["max_far", "equal_error"] = "max_far",
    gallery_size: int | None = None,
    source: str,
    synthetic: bool = False,
    seed: int = 0,
) -> Calibration:
    """Find the cosine distance that means "the same person", on all pairs of a set of labelled pictures.

    Which pairs count is said at `labelled_pairs`. The threshold is one of `count_pairs`' steps; the shares are exact
    counts at that threshold, their intervals those of a bootstrap over people. What any other distance says is learnt
    from all pairs (`fit_evidence`), and tested by learning from one half of the people and predicting the other.

    Args:
        embeddings: (N, D) real array of any scale; the rows are brought to length 1.
        person_ids: (N,) integers; -1 is junk, 0 a distractor.
        camera_ids: (N,) integers, -1 where unknown; None: all unknown.
        max_far: The share of pairs of different people that may be accepted, 0 to 1.
        criterion: "max_far" takes the largest threshold that keeps to `max_far`; "equal_error" takes the
            one where false accepts and false rejects are nearest to equally frequent.
        gallery_size: Take `max_far` for the share of searches for a stranger, in a gallery of so many pictures, that
            may raise a false alarm.
        source: Which pictures these are, for whoever reads the calibration later.
        synthetic: Whether the people are drawn.
        seed: Which half of the people is which, and the draws of the bootstrap.

    Raises:
        CalibrationError: There are fewer than two people, nobody has two pictures that make a pair, no
            threshold is strict enough, or an option is not as above.
        DataError: The lengths differ, or a row has no direction.

    Example:
        >>> embeddings = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
        >>> calibration = calibrate(embeddings, [1, 1, 2, 2], max_far=0, source="an example")
        >>> round(calibration.threshold, 3), calibration.false_reject_rate, calibration.criterion
        (0.4, 0.0, 'FAR at most 0')
    """
    chosen = Criterion(max_far, criterion, gallery_size)
    pairs = labelled_pairs(embeddings, person_ids, camera_ids)
    curve = count_pairs(pairs)
    place = chosen.place(curve)
    return calibration_of(
        curve,
        place,
        chosen,
        errors=errors_by_person(pairs, float(curve.thresholds[place])),
        people=pairs.known,
        cross_camera=pairs.cross_camera,
        evidence=fit_evidence(curve, pairs.known, _folds(pairs, seed)),
        source=source,
        synthetic=synthetic,
        seed=seed,
    )


def calibration_of(
    curve: RocCurve,
    place: int,
    criterion: Criterion,
    *,
    errors: ErrorsByPerson,
    people: int,
    cross_camera: bool,
    evidence: DistanceEvidence,
    source: str,
    synthetic: bool,
    seed: int,
) -> Calibration:
    """Put a calibration together from counted pairs.

    Args:
        curve: All pairs.
        place: Where on it the threshold lies.
        criterion: How it was chosen.
        errors: What it decides wrongly, by person.
        people: How many people the pairs show.
        cross_camera: Whether only pairs from two different cameras were counted.
        evidence: What any distance says.
        source: Which pictures these are.
        synthetic: Whether the people are drawn.
        seed: The draws of the bootstrap.
    """
    metrics = _metrics(
        int(curve.accepted_positive[place]),
        curve.positive_pairs,
        int(curve.accepted_negative[place]),
        curve.negative_pairs,
    )
    accepts = pair_rate_interval(errors.accepted, errors.negative, seed=seed) if errors.spans_people else None
    rejects = ratio_interval(errors.rejected, errors.positive, seed=seed)
    return Calibration(
        threshold=float(curve.thresholds[place]),
        false_accept_rate=metrics.false_accept_rate,
        false_reject_rate=metrics.false_reject_rate,
        accuracy=metrics.accuracy,
        balanced_accuracy=metrics.balanced_accuracy,
        precision=metrics.precision,
        equal_error_rate=curve.equal_error_rate(),
        positive_pairs=curve.positive_pairs,
        negative_pairs=curve.negative_pairs,
        people=people,
        cross_camera=cross_camera,
        criterion=str(criterion),
        source=source,
        synthetic=synthetic,
        false_accept_interval=None if accepts is None else (accepts.low, accepts.high),
        false_reject_interval=(rejects.low, rejects.high),
        evidence=evidence,
    )


def _folds(pairs: LabelledPairs, seed: int) -> list[tuple[RocCurve, RocCurve]]:
    """Two halves of the people, each to learn from and to test on; none where either half makes too few pairs."""
    everybody = np.unique(pairs.people)
    drawn = np.random.default_rng(np.random.SeedSequence([seed, len(everybody)])).permutation(everybody)
    try:
        first, second = (count_pairs(pairs.of_people(half)) for half in np.array_split(drawn, 2))
    except CalibrationError:
        return []
    return [(first, second), (second, first)]


def _metrics(accepted_positive: int, positive: int, accepted_negative: int, negative: int) -> VerificationMetrics:
    accepted = accepted_positive + accepted_negative
    true_positive, true_negative = accepted_positive / positive, 1 - accepted_negative / negative
    return VerificationMetrics(
        false_accept_rate=accepted_negative / negative,
        false_reject_rate=1 - true_positive,
        accuracy=(accepted_positive + negative - accepted_negative) / (positive + negative),
        balanced_accuracy=(true_positive + true_negative) / 2,
        precision=accepted_positive / accepted if accepted else 0.0,
    )
