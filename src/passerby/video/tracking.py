"""Following people from frame to frame: two-stage association with motion and appearance, and coming back.

ByteTrack: Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022: confident
boxes are matched first, doubtful ones only go on with what is already followed. Appearance decides where motion does
not, as in Wojke et al., "Simple Online and Realtime Tracking with a Deep Association Metric", 2017.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import numpy as np

from passerby.boxes import BoxArray, Numbers, covered, intersection_over_union
from passerby.errors import DataError
from passerby.types import FloatArray, IntArray
from passerby.video import kalman
from passerby.video.association import Allowed, ambiguous, appearance_distances, match

Appearance: TypeAlias = Callable[[IntArray], FloatArray]
"""From places of detections in the frame, (K,), to their unit embeddings, (K, D)."""


_HIDDEN = 0.3  # Share of a box that somebody in front takes, from which on it shows too much of them.
_NEUTRAL = 0.5  # How looks that nobody has seen count, between alike and unlike.


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """What a tracker goes by.

    Attributes:
        high: Score of a box that is matched first, 0 to 1.
        low: Score below which a box counts for nothing.
        begin: Score of a box that may begin a track.
        overlap: IoU at which a confident box may go on with a track.
        doubtful_overlap: IoU at which a box of a lower score may.
        confirm: Boxes that make a track of what may be a mistake.
        keep_lost: Seconds that somebody may be out of sight and be met again by motion.
        remember: Seconds that somebody may be away and be known again by appearance; 0: nobody is.
        same: Cosine distance to be known again, 0 to 2.
        other: Cosine distance at which appearance forbids to take up a track that was out of sight.
        margin: How much nearer than the second nearest somebody has to be to be known again.
        weight: How much appearance counts beside overlap, where motion leaves a doubt; 0: not at all.
        speed: Fastest that anybody crosses the picture, in heights per second.
    """

    high: float = 0.5
    low: float = 0.1
    begin: float = 0.6
    overlap: float = 0.2
    doubtful_overlap: float = 0.4
    confirm: int = 3
    keep_lost: float = 3.0
    remember: float = 60.0
    same: float = 0.25
    other: float = 0.6
    margin: float = 0.05
    weight: float = 0.5
    speed: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1 or not 0 <= self.begin <= 1 or self.confirm < 1:
            raise DataError(
                f"expected scores 0 ≤ low ≤ high ≤ 1, begin of 0 to 1 and confirm of 1 or more, got {asdict(self)}"
            )


@dataclass(slots=True)
class Track:
    """Somebody who is followed.

    Attributes:
        number: From 1, in order of appearance; never given twice.
        motion: Of one box.
        seen: Time of the last box, in seconds.
        score: Of the last box.
        hits: How many boxes there have been.
        confirmed: Whether it is no mistake.
        embedding: What `Tracker.describe` has said, or None.
    """

    number: int
    motion: kalman.Motion
    seen: float
    score: float
    hits: int = 1
    confirmed: bool = False
    embedding: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """One detection and whose it is.

    Attributes:
        number: The track's.
        detection: Place of the detection in its frame.
        box: Left, top, right and bottom, as detected.
        score: As detected.
        confirmed: Whether the track is no mistake; what it was before it was confirmed belongs to it.
    """

    number: int
    detection: int
    box: tuple[float, float, float, float]
    score: float
    confirmed: bool


@dataclass(slots=True)
class Update:
    """What a frame has changed.

    Attributes:
        followed: By place of the detection.
        renamed: Tracks that turned out to be somebody who has come back: from the new number to the old.
        left: Tracks that have been out of sight for too long to be met again by motion.
        forgotten: Tracks that will not come back, those that were mistakes among them.
    """

    followed: list[Followed] = field(default_factory=list)
    renamed: dict[int, int] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)


class Tracker:
    """Follows the people of one camera.

    Args:
        settings: What it goes by.
    """

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self.settings = settings or TrackerSettings()
        self._tracks: list[Track] = []  # In sight or just lost, by number.
        self._away: list[Track] = []  # Left, but remembered.
        self._next = 1
        self._time = -np.inf

    def update(self, time: float, boxes: BoxArray, scores: Numbers, appearance: Appearance | None = None) -> Update:
        """Follow people into the next frame.

        Args:
            time: Of the frame, in seconds; later than that of the last.
            boxes: (N, 4): left, top, right and bottom of each detection in pixels.
            scores: (N,), 0 to 1.
            appearance: Embeds detections, asked only where motion leaves a doubt; None: motion alone decides.

        Raises:
            DataError: The time is not later, or boxes and scores do not fit each other.
        """
        boxes, scores = self._checked(time, boxes, scores)
        result = Update()
        settings = self.settings
        self._predict(time)
        sure, doubtful = (
            np.flatnonzero(scores >= settings.high),
            np.flatnonzero((scores >= settings.low) & (scores < settings.high)),
        )
        known = _Looks(appearance, len(boxes))
        confirmed = [track for track in self._tracks if track.confirmed]
        left_tracks, sure = self._first(time, confirmed, boxes, scores, sure, known, result)
        in_sight = [track for track in left_tracks if self._in_sight(track)]
        self._by_overlap(time, in_sight, boxes, scores, doubtful, settings.doubtful_overlap, result)
        tentative = [track for track in self._tracks if not track.confirmed]
        sure = self._by_overlap(time, tentative, boxes, scores, sure, settings.overlap, result)
        self._confirm(time, result)
        for place in sure[scores[sure] >= settings.begin]:
            track = Track(self._next, kalman.begin(boxes[place : place + 1]), time, float(scores[place]))
            track.confirmed = settings.confirm == 1
            self._next += 1
            self._tracks.append(track)
            result.followed.append(_followed(track, int(place), boxes[place]))
        self._let_go(time, result)
        result.followed.sort(key=lambda one: one.detection)
        self._time = time
        return result

    def describe(self, number: int, embedding: FloatArray) -> None:
        """Say what somebody looks like: a unit embedding (D,), as later detections are compared with."""
        for track in (*self._tracks, *self._away):
            if track.number == number:
                track.embedding = embedding

    def numbers(self) -> list[int]:
        """Of everybody who is followed or remembered."""
        return [track.number for track in (*self._tracks, *self._away)]

    def confirmed(self) -> set[int]:
        """Of those in sight or just lost who are no mistakes."""
        return {track.number for track in self._tracks if track.confirmed}

    def state(self) -> dict[str, Any]:
        """Everything but embeddings, as JSON has it; `restore` goes on from there once it is described again."""
        return {
            "time": self._time if np.isfinite(self._time) else None,
            "next": self._next,
            "tracks": [_to_json(track) for track in self._tracks],
            "away": [_to_json(track) for track in self._away],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._time = -np.inf if state["time"] is None else float(state["time"])
        self._next = int(state["next"])
        self._tracks = [_from_json(track) for track in state["tracks"]]
        self._away = [_from_json(track) for track in state["away"]]

    def _checked(self, time: float, boxes: BoxArray, scores: Numbers) -> tuple[BoxArray, Numbers]:
        boxes, scores = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(scores, np.float64)
        if scores.shape != (len(boxes),):
            raise DataError(f"expected a score for each of {len(boxes)} boxes, got {scores.shape}")
        if not time > self._time:
            raise DataError(f"expected a frame later than {self._time:.3f} s, got one of {time:.3f} s")
        if not np.isfinite(boxes).all() or (boxes[:, 2:] <= boxes[:, :2]).any():
            raise DataError("expected finite boxes of left, top, right and bottom, got one without area")
        return boxes, scores

    def _predict(self, time: float) -> None:
        if self._tracks:
            step = np.full(len(self._tracks), time - self._time)
            moved = kalman.predict(_stacked(self._tracks), step)
            for place, track in enumerate(self._tracks):
                track.motion = moved.rows([place])

    def _in_sight(self, track: Track) -> bool:
        """Whether the track had a box in the last frame."""
        return track.seen >= self._time

    def _first(
        self,
        time: float,
        tracks: list[Track],
        boxes: BoxArray,
        scores: Numbers,
        places: IntArray,
        known: "_Looks",
        result: Update,
    ) -> tuple[list[Track], IntArray]:
        """Match confident boxes by motion and, where it leaves a doubt, by appearance; gives what is left of both."""
        if not tracks or not len(places):
            return tracks, places
        settings, hidden = self.settings, covered(boxes)
        motion = _stacked(tracks)
        overlaps = intersection_over_union(motion.boxes(), boxes[places])
        near = kalman.squared_distances(motion, boxes[places]) <= kalman.CHI_SQUARE
        remote = np.array([not self._in_sight(track) for track in tracks])
        possible: Allowed = (overlaps >= settings.overlap) | (near & remote[:, None])
        doubtful = ambiguous(possible, remote)
        known.look(places[doubtful[hidden[places[doubtful]] < _HIDDEN]])
        distances = appearance_distances(
            [track.embedding for track in tracks], [known.embedding(place) for place in places]
        )
        unknown = np.isnan(distances)
        overlapping = overlaps >= settings.overlap
        allowed = overlapping & ~(remote[:, None] & (distances >= settings.other))  # NaN forbids nothing.
        allowed |= possible & remote[:, None] & ~unknown & (distances <= settings.same)
        looks = np.where(unknown, _NEUTRAL, (distances / settings.other).clip(0, 1))
        costs = 1 - overlaps + settings.weight * (looks - _NEUTRAL)
        rows, columns = match(costs, allowed)
        self._hit(time, [tracks[row] for row in rows], places[columns], boxes, scores, result)
        return _without(tracks, rows), np.delete(places, columns)

    def _by_overlap(
        self,
        time: float,
        tracks: list[Track],
        boxes: BoxArray,
        scores: Numbers,
        places: IntArray,
        least: float,
        result: Update,
    ) -> IntArray:
        """Match boxes by overlap alone; gives the boxes that are left."""
        if not tracks or not len(places):
            return places
        overlaps = intersection_over_union(_stacked(tracks).boxes(), boxes[places])
        rows, columns = match(1 - overlaps, overlaps >= least)
        self._hit(time, [tracks[row] for row in rows], places[columns], boxes, scores, result)
        return np.delete(places, columns)

    def _hit(
        self,
        time: float,
        tracks: list[Track],
        places: IntArray,
        boxes: BoxArray,
        scores: Numbers,
        result: Update,
    ) -> None:
        if not tracks:
            return
        corrected = kalman.correct(_stacked(tracks), boxes[places])
        for row, (track, place) in enumerate(zip(tracks, places, strict=True)):
            track.motion = corrected.rows([row])
            track.seen, track.score, track.hits = time, float(scores[place]), track.hits + 1
            result.followed.append(_followed(track, int(place), boxes[place]))

    def _confirm(self, time: float, result: Update) -> None:
        """Make tracks of what has been seen often enough, or somebody who has come back."""
        for place, new in enumerate(result.followed):
            track = next(track for track in self._tracks if track.number == new.number)
            if track.confirmed or track.hits < self.settings.confirm:
                continue
            track.confirmed = True
            old = self._known_again(track)
            if old is not None:
                self._away.remove(old)
                result.renamed[track.number] = old.number
                track.number, track.hits = old.number, track.hits + old.hits
            result.followed[place] = _followed(track, new.detection, np.array(new.box))
        self._tracks.sort(key=lambda track: track.number)

    def _known_again(self, track: Track) -> Track | None:
        """Who of those that have left it is, if it is clear enough."""
        if track.embedding is None:
            return None
        candidates = [old for old in self._away if old.embedding is not None and self._can_be(old, track)]
        if not candidates:
            return None
        distances = appearance_distances([old.embedding for old in candidates], [track.embedding])[:, 0]
        order = np.argsort(distances, kind="stable")
        clear = len(order) == 1 or distances[order[1]] - distances[order[0]] >= self.settings.margin
        return candidates[order[0]] if distances[order[0]] <= self.settings.same and clear else None

    def _can_be(self, old: Track, new: Track) -> bool:
        """Whether somebody can have come so far since."""
        way = new.motion.mean[0, :2, 0] - old.motion.mean[0, :2, 0]
        height = max(1.0, float(new.motion.mean[0, 3, 0]), float(old.motion.mean[0, 3, 0]))
        return float(np.hypot(*way)) <= self.settings.speed * height * (new.seen - old.seen)

    def _let_go(self, time: float, result: Update) -> None:
        """Drop mistakes, and those who have been out of sight for too long."""
        settings = self.settings
        staying = []
        for track in self._tracks:
            if track.seen == time or (track.confirmed and time - track.seen <= settings.keep_lost):
                staying.append(track)
            elif not track.confirmed:
                result.forgotten.append(track.number)
            else:
                result.left.append(track.number)
                self._away.append(track)
        self._tracks = staying
        gone = [track for track in self._away if time - track.seen > settings.remember]
        result.forgotten += [track.number for track in gone]
        self._away = [track for track in self._away if time - track.seen <= settings.remember]


class _Looks:
    """Embeddings of a frame's detections, each made once and only when it is asked for."""

    def __init__(self, appearance: Appearance | None, count: int) -> None:
        self._appearance = appearance
        self._embeddings: list[FloatArray | None] = [None] * count

    def look(self, places: IntArray) -> None:
        if self._appearance is not None and len(places):
            for place, embedding in zip(places, self._appearance(places), strict=True):
                self._embeddings[place] = embedding

    def embedding(self, place: int) -> FloatArray | None:
        return self._embeddings[place]


def _stacked(tracks: list[Track]) -> kalman.Motion:
    return kalman.Motion(
        np.concatenate([track.motion.mean for track in tracks]),
        np.concatenate([track.motion.covariance for track in tracks]),
    )


def _without(tracks: list[Track], rows: IntArray) -> list[Track]:
    taken = set(rows.tolist())
    return [track for place, track in enumerate(tracks) if place not in taken]


def _followed(track: Track, place: int, box: Numbers) -> Followed:
    left, top, right, bottom = (float(value) for value in box)
    return Followed(track.number, place, (left, top, right, bottom), track.score, track.confirmed)


def _to_json(track: Track) -> dict[str, Any]:
    return {
        "number": track.number,
        "mean": track.motion.mean.tolist(),
        "covariance": track.motion.covariance.tolist(),
        "seen": track.seen,
        "score": track.score,
        "hits": track.hits,
        "confirmed": track.confirmed,
    }


def _from_json(content: dict[str, Any]) -> Track:
    motion = kalman.Motion(np.array(content["mean"]), np.array(content["covariance"]))
    return Track(content["number"], motion, content["seen"], content["score"], content["hits"], content["confirmed"])
