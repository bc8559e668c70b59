"""How good tracks are: HOTA, IDF1 and MOTA, by their published definitions.

HOTA: Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021. IDF1: Ristani et
al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", 2016. MOTA: Bernardin and
Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", 2008.
"""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from passerby.boxes import Numbers, intersection_over_union
from passerby.data.mot import TrackedBoxes
from passerby.errors import DataError
from passerby.types import IntArray

ALPHAS: Numbers = np.arange(1, 20) / 20
"""Overlaps at which HOTA asks whether a box is found."""

MATCHED = 0.5
"""Overlap at which IDF1 and MOTA take a box for found."""

_ROUNDING = 1e-9
_STAY = 1000.0  # In CLEAR's matching, a pair of the frame before stays, whatever the overlaps of others.


@dataclass(frozen=True, slots=True)
class TrackingMetrics:
    """How well tracks follow the people of a video.

    Attributes:
        hota: √(DetA·AssA), mean over overlaps from .05 to .95; 0 to 1.
        det_a: How well people are found, frame by frame (DetA), likewise.
        ass_a: How well boxes of one person are kept together (AssA), likewise.
        loc_a: Mean overlap of boxes that are found (LocA), likewise.
        idf1: F1 of boxes under the best one-to-one match of tracks and people.
        id_precision: Of the tracks' boxes, the share under that match.
        id_recall: Of the people's boxes, the share under that match.
        mota: 1 − (misses + false boxes + switches) / people's boxes; may be negative.
        motp: Mean overlap of boxes that MOTA takes for found.
        switches: How often a person's track is another than the last one.
        fragments: How often a person is lost and found again.
        misses: People's boxes that are not found.
        false_boxes: Boxes where nobody is.
        mostly_tracked: People found in more than 80 % of their frames.
        mostly_lost: People found in less than 20 % of their frames.
        people: How many there are.
        boxes: How many boxes they have.
    """

    hota: float
    det_a: float
    ass_a: float
    loc_a: float
    idf1: float
    id_precision: float
    id_recall: float
    mota: float
    motp: float
    switches: int
    fragments: int
    misses: int
    false_boxes: int
    mostly_tracked: int
    mostly_lost: int
    people: int
    boxes: int


class _Clear(TypedDict):
    """MOTA and what it is made of; see `TrackingMetrics`."""

    mota: float
    motp: float
    switches: int
    fragments: int
    misses: int
    false_boxes: int
    mostly_tracked: int
    mostly_lost: int


@dataclass(frozen=True, slots=True)
class _Frame:
    """One frame: places of people (G,) and tracks (T,) among all of them, and overlaps (G, T)."""

    people: IntArray
    tracks: IntArray
    overlaps: Numbers


def tracking_metrics(truth: TrackedBoxes, found: TrackedBoxes) -> TrackingMetrics:
    """Compare tracks with the truth.

    Args:
        truth: Boxes of people, by person.
        found: Boxes of tracks, by track.

    Raises:
        DataError: There is nobody in the truth, or a track has two boxes in one frame.
    """
    if not len(truth):
        raise DataError("expected boxes of people in the ground truth, got none; tracks cannot be measured")
    for name, tracked in (("ground truth", truth), ("tracks", found)):
        pairs = np.stack([tracked.frames, tracked.tracks], axis=1)
        if len(np.unique(pairs, axis=0)) < len(pairs):
            raise DataError(f"expected one box of a track in a frame, got two in the {name}; join or rename them")
    people, tracks = np.unique(truth.tracks), np.unique(found.tracks)
    frames = _frames(truth, found, people, tracks)
    seen = np.bincount(np.searchsorted(people, truth.tracks), minlength=len(people))
    followed = np.bincount(np.searchsorted(tracks, found.tracks), minlength=len(tracks))
    hota, det_a, ass_a, loc_a = _higher_order(frames, seen, followed)
    clear = _clear(frames, seen, len(found))
    identical = _identities(frames, len(people), len(tracks))
    return TrackingMetrics(
        hota=hota,
        det_a=det_a,
        ass_a=ass_a,
        loc_a=loc_a,
        idf1=2 * identical / (len(truth) + len(found)),
        id_precision=identical / max(1, len(found)),
        id_recall=identical / len(truth),
        people=len(people),
        boxes=len(truth),
        **clear,
    )


def _frames(truth: TrackedBoxes, found: TrackedBoxes, people: IntArray, tracks: IntArray) -> list[_Frame]:
    """All frames in which there is a person or a track."""
    nothing = TrackedBoxes(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 4)), np.empty(0))
    of_truth, of_found = dict(truth.by_frame()), dict(found.by_frame())
    frames = []
    for number in sorted(of_truth.keys() | of_found.keys()):
        here, there = of_truth.get(number, nothing), of_found.get(number, nothing)
        frames.append(
            _Frame(
                np.searchsorted(people, here.tracks),
                np.searchsorted(tracks, there.tracks),
                intersection_over_union(here.boxes, there.boxes),
            )
        )
    return frames


def _higher_order(frames: list[_Frame], seen: IntArray, followed: IntArray) -> tuple[float, float, float, float]:
    """HOTA, DetA, AssA and LocA, the mean over all overlaps of each."""
    together = np.zeros((len(seen), len(followed)))
    for frame in frames:  # How much of each pair's time is spent together, boxes in crowds counting in part.
        sums = frame.overlaps.sum(axis=0) + frame.overlaps.sum(axis=1)[:, None] - frame.overlaps
        shares = np.divide(frame.overlaps, sums, out=np.zeros_like(sums), where=sums > _ROUNDING)
        together[frame.people[:, None], frame.tracks] += shares
    alignment = together / (seen[:, None] + followed - together)
    matches = np.zeros((len(ALPHAS), len(seen), len(followed)))
    overlaps = np.zeros(len(ALPHAS))
    for frame in frames:
        rows, columns = linear_sum_assignment(
            alignment[frame.people[:, None], frame.tracks] * frame.overlaps, maximize=True
        )
        values = frame.overlaps[rows, columns]
        hits = values >= ALPHAS[:, None] - _ROUNDING
        matches[:, frame.people[rows], frame.tracks[columns]] += hits
        overlaps += (hits * values).sum(axis=1)
    true = matches.sum(axis=(1, 2))
    detection = true / (seen.sum() + followed.sum() - true)
    jaccard = matches / np.maximum(1, seen[:, None] + followed - matches)
    association = (matches * jaccard).sum(axis=(1, 2)) / np.maximum(1, true)
    location = np.where(true > 0, overlaps / np.maximum(1, true), 1.0)
    hota = np.sqrt(detection * association)
    return float(hota.mean()), float(detection.mean()), float(association.mean()), float(location.mean())


def _identities(frames: list[_Frame], people: int, tracks: int) -> int:
    """Boxes that agree under the best one-to-one match of people and tracks (IDTP)."""
    agreeing = np.zeros((people, tracks))
    for frame in frames:
        agreeing[frame.people[:, None], frame.tracks] += frame.overlaps >= MATCHED - _ROUNDING
    rows, columns = linear_sum_assignment(agreeing, maximize=True)
    return int(agreeing[rows, columns].sum())


def _clear(frames: list[_Frame], seen: IntArray, boxes: int) -> _Clear:
    """MOTA and what it is made of."""
    last: npt.NDArray[np.int64] = np.full(len(seen), -1)  # The track that a person had last, at any time.
    before = np.full(len(seen), -1)  # The track in the frame before.
    times_found = np.zeros(len(seen), np.int64)
    stretches = np.zeros(len(seen), np.int64)
    true, switches, overlap = 0, 0, 0.0
    for frame in frames:
        possible = frame.overlaps >= MATCHED - _ROUNDING
        staying = before[frame.people][:, None] == frame.tracks
        rows, columns = linear_sum_assignment((frame.overlaps + _STAY * staying) * possible, maximize=True)
        whole = possible[rows, columns]
        people, tracks = frame.people[rows[whole]], frame.tracks[columns[whole]]
        switches += int(((last[people] >= 0) & (last[people] != tracks)).sum())
        stretches[people[before[people] < 0]] += 1
        last[people] = tracks
        present = np.full(len(seen), -1)
        present[people] = tracks
        before = present
        times_found[people] += 1
        true += len(people)
        overlap += float(frame.overlaps[rows, columns][whole].sum())
    misses, false_boxes = int(seen.sum()) - true, boxes - true
    share = times_found / seen
    return {
        "mota": 1 - (misses + false_boxes + switches) / int(seen.sum()),
        "motp": overlap / max(1, true),
        "switches": switches,
        "fragments": int((stretches[stretches > 0] - 1).sum()),
        "misses": misses,
        "false_boxes": false_boxes,
        "mostly_tracked": int((share > 0.8).sum()),
        "mostly_lost": int((share < 0.2).sum()),
    }
