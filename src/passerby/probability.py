"""From a calibrated distance to a probability, and to how many strangers in a gallery would be as near.

Pure functions of a `Calibration`, without torch. Every probability rests on a prior, which is always an argument:
what one would bet on before looking at the pictures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.errors import CalibrationError
from passerby.types import Calibration, DistanceEvidence, ProbabilityMethod

EVEN = 0.5
"""The prior that takes both answers for equally likely."""

_TINY = 1e-12
"""Where a logarithm would be infinite."""

Floats = npt.NDArray[np.float64]
Calibrated = Calibration | DistanceEvidence


@dataclass(frozen=True, slots=True)
class SearchOdds:
    """What the nearest distances of a search say together, given how many pictures were searched.

    Attributes:
        probabilities: For each answer, that it shows the same person, 0 to 1.
        expected_false_matches: For each answer, how many pictures of other people would be as near or nearer, were
            the whole gallery of other people.
        no_match: That no picture of the gallery shows the person, 0 to 1.
        prior: What was bet on the person being in the gallery before looking.
        gallery_size: How many pictures were searched.
    """

    probabilities: tuple[float, ...]
    expected_false_matches: tuple[float, ...]
    no_match: float
    prior: float
    gallery_size: int

    @property
    def no_match_is_likely(self) -> bool:
        """Whether it is likelier than not that the person is not in the gallery."""
        return self.no_match > 0.5


def log_likelihood_ratio(
    calibration: Calibrated, distances: npt.ArrayLike, method: ProbabilityMethod | None = None
) -> Floats:
    """Give the logarithm of how much oftener such distances come from the same person than from different people.

    Args:
        calibration: With evidence, as `passerby calibrate` makes it.
        distances: Cosine distances, 0 to 2, of any shape.
        method: "isotonic" or "platt"; None: the one that the calibration found to hold better.

    Returns:
        Finite float64 of the same shape, natural logarithms, never rising with distance.

    Raises:
        CalibrationError: The calibration is of an older version and says no probabilities.
    """
    evidence = evidence_of(calibration)
    asked = np.asarray(distances, np.float64)
    if (method or evidence.method) == "platt":
        slope, intercept = evidence.platt
        # The line goes on for ever, but nobody can be surer than the people who were measured allow.
        ratios = evidence.log_likelihood_ratios
        return np.clip(slope * asked + intercept, ratios[-1], ratios[0])
    return np.interp(asked, evidence.distances, evidence.log_likelihood_ratios)


def same_person_probability(
    calibration: Calibrated,
    distances: npt.ArrayLike,
    *,
    prior: float = EVEN,
    method: ProbabilityMethod | None = None,
) -> Floats:
    """Give the probability that pairs at such distances show the same person.

    Args:
        calibration: With evidence.
        distances: Cosine distances, of any shape.
        prior: Share of pairs of the same person that one expects among all such pairs, above 0 and below 1.
        method: "isotonic" or "platt"; None: the one that the calibration found to hold better.

    Returns:
        float64 of the same shape, 0 to 1, never rising with distance.

    Raises:
        CalibrationError: The prior is not as above, or the calibration says no probabilities.
    """
    return _sigmoid(log_likelihood_ratio(calibration, distances, method) + _log_odds(prior))


def false_accept_rate(calibration: Calibrated, distances: npt.ArrayLike) -> Floats:
    """Give the share of pairs of different people that are at such a distance or nearer (FAR).

    Nearer than every pair that was measured, it is taken for that of one pair: nobody knows how much smaller it is.

    Raises:
        CalibrationError: The calibration says no probabilities.
    """
    evidence = evidence_of(calibration)
    return np.interp(np.asarray(distances, np.float64), evidence.distances, evidence.false_accept_rates)


def expected_false_matches(calibration: Calibrated, distances: npt.ArrayLike, gallery_size: int) -> Floats:
    """Give how many pictures of other people are at such a distance or nearer, on average, in a gallery.

    Args:
        calibration: With evidence.
        distances: Cosine distances, of any shape.
        gallery_size: How many pictures of other people are searched, 0 or more.

    Raises:
        CalibrationError: The size is negative, or the calibration says no probabilities.
    """
    if gallery_size < 0:
        raise CalibrationError(f"expected a gallery of 0 or more pictures, got {gallery_size}")
    return gallery_size * false_accept_rate(calibration, distances)


def threshold_for_gallery(calibration: Calibrated, gallery_size: int, false_matches: float) -> float:
    """Find the largest distance at which a search raises at most so many false alarms.

    Args:
        calibration: With evidence.
        gallery_size: How many pictures are searched, 1 or more.
        false_matches: How many pictures of other people may pass in one search on average, above 0: 0.1 is one in
            ten searches.

    Returns:
        A cosine distance, 0 to 2.

    Raises:
        CalibrationError: An argument is not as above, the calibration says no probabilities, or too few pairs were
            measured to tell.
    """
    if gallery_size < 1 or not false_matches > 0:
        raise CalibrationError(
            f"expected a gallery of at least 1 picture and more than 0 false matches, got {gallery_size} and "
            f"{false_matches:g}"
        )
    evidence = evidence_of(calibration)
    wanted = false_matches / gallery_size
    rates = np.array(evidence.false_accept_rates)
    if rates[0] > wanted:
        raise CalibrationError(
            f"expected enough pairs to find a FAR of {wanted:.2g}, got pairs that tell a FAR of "
            f"{rates[0]:.2g} at the least; calibrate on more people, or allow more false matches"
        )
    place = int(np.searchsorted(rates, wanted, side="right")) - 1
    if place == len(rates) - 1:
        return float(evidence.distances[-1])
    nearer, farther = evidence.distances[place : place + 2]
    share = (wanted - rates[place]) / (rates[place + 1] - rates[place])
    return float(nearer + share * (farther - nearer))


def search_odds(
    calibration: Calibrated, distances: Sequence[float], gallery_size: int, *, prior: float = EVEN
) -> SearchOdds:
    """Weigh the answers of a search: which shows the person, and whether any picture does.

    Each picture of the gallery is taken to show the person with the same small chance before looking, so that the
    person is in it with `prior`. The pictures that were not listed are known to be farther than the last one that
    was, which is evidence too.

    Args:
        calibration: With evidence.
        distances: The nearest pictures' cosine distances, ascending; they may be none.
        gallery_size: How many pictures were searched, listed or not.
        prior: How likely the person is in the gallery, before looking; above 0 and below 1.

    Raises:
        CalibrationError: An argument is not as above, or the calibration says no probabilities.
    """
    listed = len(distances)
    if gallery_size < max(1, listed):
        raise CalibrationError(f"expected a gallery of at least {max(1, listed)} pictures, got {gallery_size}")
    each = -math.expm1(math.log1p(-require_prior(prior)) / gallery_size)
    near = same_person_probability(calibration, distances, prior=each)
    # In logarithms: a million factors of nearly 1 multiply up.
    no_match = float(np.log1p(-np.minimum(near, 1 - _TINY)).sum())
    if gallery_size > listed:
        farther = _farther_log_ratio(calibration, distances[-1]) if listed else 0.0
        unlisted = float(_sigmoid(np.array(farther + _log_odds(each))))
        no_match += (gallery_size - listed) * math.log1p(-unlisted)
    return SearchOdds(
        probabilities=tuple(near.tolist()),
        expected_false_matches=tuple(expected_false_matches(calibration, distances, gallery_size).tolist()),
        no_match=math.exp(no_match),
        prior=prior,
        gallery_size=gallery_size,
    )


def _farther_log_ratio(calibration: Calibrated, distance: float) -> float:
    """The log likelihood ratio of being farther than `distance`, at most 0: that far speaks for nobody."""
    evidence = evidence_of(calibration)
    same = float(np.interp(distance, evidence.distances, evidence.false_reject_rates))
    different = 1 - float(false_accept_rate(calibration, distance))
    return min(0.0, math.log(max(same, _TINY)) - math.log(max(different, _TINY)))


def require_prior(prior: float) -> float:
    """Give a prior back, where it is one.

    Raises:
        CalibrationError: It is not between 0 and 1.
    """
    if not 0 < prior < 1:
        raise CalibrationError(f"expected a prior between 0 and 1, got {prior:g}")
    return prior


def evidence_of(calibration: Calibrated) -> DistanceEvidence:
    """Give a calibration's evidence; evidence itself is welcome wherever a calibration is.

    Raises:
        CalibrationError: It is of an older version and has none.
    """
    if isinstance(calibration, DistanceEvidence):
        return calibration
    if calibration.evidence is None:
        raise CalibrationError(
            "expected a calibration that says probabilities, got one of an older version; run `passerby calibrate` "
            "again"
        )
    return calibration.evidence


def _log_odds(prior: float) -> float:
    return math.log(require_prior(prior)) - math.log1p(-prior)


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * log_odds)), np.float64)
