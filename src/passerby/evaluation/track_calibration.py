"""Calibrating on one's own cameras without labels, and whether a model works there, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.data.tracks import Track, TrackPicture, seen_together
from passerby.errors import CalibrationError
from passerby.evaluation.bootstrap import Interval, curve_draws, percentile_interval
from passerby.evaluation.calibration import fit_evidence
from passerby.evaluation.pairs import GROUPS, ErrorsByPerson
from passerby.evaluation.ranked_pairs import coarse_bins, coarse_figures
from passerby.evaluation.roc import RocCurve, roc_curve
from passerby.evaluation.verification import Criterion, calibration_of
from passerby.types import Calibration, FloatArray, IntArray

PER_TRACK = 8
"""Pictures of each track that are compared, evenly spaced in time: neighbours would be nearly the same picture."""

MOST_PAIRS = 20_000
"""Pairs of tracks that are compared; of more, so many are drawn."""

FEWEST_TRACKS, FEWEST_PAIRS = 10, 10
"""With fewer tracks, or pairs of tracks seen together, nothing is said about whether the model works."""

WORKS, HARDLY = 0.1, 0.25
"""Equal error rates up to which a model works, or works with many errors."""


@dataclass(frozen=True, slots=True)
class TrackCalibration:
    """What tracks say about a model.

    Attributes:
        calibration: The threshold and what any distance says, with tracks in place of people.
        works: True, False, or None where it cannot be told.
        verdict: The answer to "does this model work here?", a sentence.
        findings: The evidence and what it does not show, a sentence each.
        equal_error_rate: With its interval over tracks.
    """

    calibration: Calibration
    works: bool | None
    verdict: str
    findings: tuple[str, ...]
    equal_error_rate: Interval


@dataclass(frozen=True, slots=True, eq=False)
class _Distances:
    """Distances of all pairs that are compared, and whose they are."""

    same: npt.NDArray[np.float64]
    track: IntArray
    different: npt.NDArray[np.float64]
    pair: IntArray  # (N, 2)


def evenly_spaced(track: Track) -> tuple[TrackPicture, ...]:
    """The pictures of a track that are compared."""
    places = np.unique(np.linspace(0, len(track.pictures) - 1, PER_TRACK).round().astype(int))
    return tuple(track.pictures[place] for place in places.tolist())


def calibrate_tracks(
    embeddings: Sequence[FloatArray],
    tracks: Sequence[Track],
    criterion: Criterion,
    *,
    source: str,
    synthetic: bool = False,
    former: Calibration | None = None,
    seed: int = 0,
) -> TrackCalibration:
    """Find out what distances mean from tracks alone: one track is one person, two seen together are two people.

    Args:
        embeddings: For each track (N, D) unit vectors of its pictures, as `evenly_spaced` chooses them.
        tracks: The tracks.
        criterion: How the threshold is chosen.
        source: What to call them.
        synthetic: Whether the people are drawn.
        former: The calibration kept so far, whose errors here are told.
        seed: Which pairs of tracks where there are too many, which half of the tracks is which, and the bootstrap.

    Raises:
        CalibrationError: No track has two pictures, no two tracks were seen together, or no threshold is strict
            enough.
    """
    pairs = seen_together(tracks)
    if not any(len(vectors) > 1 for vectors in embeddings):
        raise CalibrationError(f"expected a track with two or more pictures, got none among {len(tracks)} tracks")
    if not pairs:
        raise CalibrationError(
            f"expected two tracks that one camera saw in one frame, got none among {len(tracks)} tracks; check that "
            "the pictures' names hold the frames' numbers"
        )
    if len(pairs) > MOST_PAIRS:
        drawn = np.random.default_rng(seed).choice(len(pairs), MOST_PAIRS, replace=False)
        pairs = [pairs[place] for place in sorted(drawn.tolist())]
    distances = _measured(embeddings, np.array(pairs))
    curve = roc_curve(distances.same, distances.different)
    place = criterion.place(curve)
    threshold = float(curve.thresholds[place])
    calibration = calibration_of(
        curve,
        place,
        criterion,
        errors=_errors(distances, len(tracks), threshold),
        people=len(tracks),
        cross_camera=False,
        evidence=fit_evidence(curve, len(tracks), _folds(distances, len(tracks), seed)),
        source=source,
        synthetic=synthetic,
        seed=seed,
    )
    error = _equal_error(distances, len(tracks), curve, seed)
    works, verdict = _verdict(error, len(tracks), len(pairs))
    findings = _findings(calibration, curve, distances, tracks, len(pairs), former)
    return TrackCalibration(calibration, works, verdict, findings, error)


def _measured(embeddings: Sequence[FloatArray], pairs: IntArray) -> _Distances:
    same, track, different, pair = [], [], [], []
    for number, vectors in enumerate(embeddings):
        found = (1 - vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
        same.append(found)
        track.append(np.full(len(found), number))
    for one, other in pairs.tolist():
        found = (1 - embeddings[one] @ embeddings[other].T).ravel()
        different.append(found)
        pair.append(np.tile([one, other], (len(found), 1)))
    return _Distances(
        np.concatenate(same).astype(np.float64).clip(0, 2),
        np.concatenate(track),
        np.concatenate(different).astype(np.float64).clip(0, 2),
        np.concatenate(pair),
    )


def _folds(distances: _Distances, tracks: int, seed: int) -> list[tuple[RocCurve, RocCurve]]:
    """Two halves of the tracks, each to learn from and to test on; none where a half has too few pairs."""
    first = np.zeros(tracks, bool)
    first[np.random.default_rng(np.random.SeedSequence([seed, tracks])).permutation(tracks)[: tracks // 2]] = True
    curves = []
    for half in (first, ~first):
        same, different = distances.same[half[distances.track]], distances.different[half[distances.pair].all(1)]
        if not len(same) or not len(different):
            return []
        curves.append(roc_curve(same, different))
    return [(curves[0], curves[1]), (curves[1], curves[0])]


def _errors(distances: _Distances, tracks: int, threshold: float) -> ErrorsByPerson:
    groups = np.arange(tracks) * min(tracks, GROUPS) // tracks
    count = int(groups[-1]) + 1
    first, second = groups[distances.pair].T
    places, near = first * count + second, distances.different <= threshold
    accepted, negative = (np.bincount(chosen, minlength=count**2) for chosen in (places[near], places))
    far = distances.same > threshold
    return ErrorsByPerson(
        rejected=np.bincount(distances.track[far], minlength=tracks),
        positive=np.bincount(distances.track, minlength=tracks),
        accepted=accepted.reshape(count, count),
        negative=negative.reshape(count, count),
    )


def _equal_error(distances: _Distances, tracks: int, curve: RocCurve, seed: int) -> Interval:
    """The equal error rate with its interval; a pair of two tracks counts half with either of them."""
    same = coarse_bins(distances.same, distances.track, tracks)
    different = sum(coarse_bins(distances.different, side, tracks) for side in distances.pair.T)
    coarse, drawn = curve_draws(same, np.asarray(different), coarse_figures, seed=seed)
    value = curve.equal_error_rate()
    return percentile_interval(value, (drawn[:, 1] - coarse[1] + value).clip(0, 1), people=tracks)


def _verdict(error: Interval, tracks: int, pairs: int) -> tuple[bool | None, str]:
    if tracks < FEWEST_TRACKS or pairs < FEWEST_PAIRS:
        return None, (
            f"Too little to say whether this model works here: {tracks} tracks and {pairs} pairs of tracks seen "
            f"together; bring at least {FEWEST_TRACKS} and {FEWEST_PAIRS}, better hundreds."
        )
    evidence = f"with both kinds of error equally frequent, {error} of the pairs are told wrongly"
    if error.high <= WORKS:
        return True, f"Yes, this model works here: {evidence}."
    if error.value <= WORKS:
        return (
            True,
            f"Probably this model works here: {evidence}, but with so few tracks it may be more than a tenth.",
        )
    if error.value <= HARDLY:
        return None, f"This model works here with many errors: {evidence}; let it sort, do not let it decide."
    return False, f"No, this model does not work here: {evidence}; guessing would give half."


def _findings(
    calibration: Calibration,
    curve: RocCurve,
    distances: _Distances,
    tracks: Sequence[Track],
    pairs: int,
    former: Calibration | None,
) -> tuple[str, ...]:
    cameras = len({track.camera for track in tracks})
    sentences = [
        f"Compared were {len(distances.same):,} pairs of pictures of one track, of {len(tracks):,} tracks by "
        f"{cameras} camera{'s' if cameras != 1 else ''}, and {len(distances.different):,} pairs of pictures of two "
        f"people in one frame, of {pairs:,} such pairs of tracks.",
        f"Of one pair of each kind, the one of the same person is the nearer in {curve.area():.1%} of cases.",
    ]
    if former is not None:
        far = float((distances.different <= former.threshold).mean())
        frr = float((distances.same > former.threshold).mean())
        whose = "synthetic people" if former.synthetic else former.source
        sentences.append(
            f"The threshold kept so far, {former.threshold:.4f} from {whose}, would let {far:.2%} of the pairs of "
            f"different people pass here (there {former.false_accept_rate:.2%}) and reject {frr:.2%} of the others "
            f"(there {former.false_reject_rate:.2%})."
        )
    sentences.append(
        "Pictures of one track are nearer to each other than pictures by two cameras: across cameras more pairs of "
        "the same person will be rejected than told here."
    )
    closest = float(np.sort(distances.different)[: max(1, len(distances.different) // 1000)].mean())
    if closest < 0.02:
        sentences.append(
            "Some people in one frame look exactly alike: the tracker may follow one person twice; look at the "
            "tracks."
        )
    return tuple(sentences)
