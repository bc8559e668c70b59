"""One camera, frame by frame: people are found, followed, and given out as tracklets when they have gone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from passerby.types import FloatArray, ImageArray, IntArray
from passerby.video.detection import Detections, Detector, checked, memory_of
from passerby.video.frames import Frame
from passerby.video.quality import cut, qualities
from passerby.video.shots import Shot, Shots, pooled, worth_a_look
from passerby.video.stages import Stages
from passerby.video.tracking import Followed, Tracker, TrackerSettings
from passerby.video.tracklets import Growing, Tracklet, TrackletSettings, finished

Embed: TypeAlias = Callable[[Sequence[ImageArray]], FloatArray]
"""From crops of people to unit embeddings (N, D)."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a frame has brought.

    Attributes:
        frame: The frame.
        detections: Everybody found in it.
        followed: Whose each detection is, where it is anybody's.
        renamed: Tracks that turned out to be somebody who has come back: from the new number to the old.
        tracklets: Of those who have gone.
    """

    frame: Frame
    detections: Detections
    followed: tuple[Followed, ...]
    renamed: dict[int, int] = field(default_factory=dict)
    tracklets: tuple[Tracklet, ...] = ()


class Watch:
    """Watches one camera.

    Give it frames one after another, with `see`, and call `end` behind the last. What `state` gives goes through
    JSON; a new watch that is given it goes on as the old one would have, once it has seen the frames from
    `first_needed` on again. Neither pictures nor embeddings are in a state.

    Args:
        detector: Finds people.
        embed: Embeds crops of people; None: motion alone decides who is who, and tracklets have no embedding.
        tracker: What tracks are made by.
        tracklets: What is kept of them.
        state: Of a watch that was interrupted.
    """

    def __init__(
        self,
        detector: Detector,
        embed: Embed | None = None,
        tracker: TrackerSettings | None = None,
        tracklets: TrackletSettings | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        self.stages = Stages()
        self._detector = detector
        self._embed = embed
        self._tracker = Tracker(tracker)
        self._settings = tracklets or TrackletSettings()
        self._growing: dict[int, Growing] = {}
        self._known: dict[int, list[Shot]] = {}  # What each track is known by, as long as it is remembered.
        self._parts: dict[int, int] = {}
        self._frame = 0
        self._resumed = 0
        if state is not None:
            self._restore(state)

    @property
    def first_needed(self) -> int:
        """Number of the first frame that it wants to see."""
        shots = [shot.frame for shot in self._unseen()]
        return max(1, min([self._resumed + 1 - memory_of(self._detector), *shots]))

    def see(self, frame: Frame) -> Seen:
        """Take the next frame.

        Raises:
            DataError: The frame is not later than the last, or the detector gives no boxes and scores.
        """
        if frame.number <= self._resumed:
            self._see_again(frame)
            return Seen(frame, Detections(np.empty((0, 4)), np.empty(0)), ())
        with self.stages.measure("detect"):
            detections = checked(self._detector(frame), frame)
        crops: dict[int, ImageArray] = {}
        embeddings: dict[int, FloatArray] = {}

        def appearance(places: IntArray) -> FloatArray:
            wanted = [int(place) for place in places]
            for place in wanted:
                crops[place] = cut(frame.picture, detections.boxes[place])
            vectors = self._embedded([crops[place] for place in wanted])
            embeddings.update(zip(wanted, vectors, strict=True))
            return vectors

        with self.stages.measure("track"):
            update = self._tracker.update(
                frame.time, detections.boxes, detections.scores, None if self._embed is None else appearance
            )
        for new, old in update.renamed.items():
            self._rename(new, old)
        with self.stages.measure("quality"):
            self._offer(frame, detections, update.followed, crops, embeddings)
        done = [number for number in update.left if number in self._growing]
        done += [
            number
            for number, growing in self._growing.items()
            if growing.last - growing.first >= self._settings.longest and number not in done
        ]
        tracklets = self._finish(done)
        for number in update.forgotten:
            for table in (self._growing, self._known, self._parts):
                table.pop(number, None)
        self._frame = frame.number
        return Seen(frame, detections, tuple(update.followed), update.renamed, tracklets)

    def end(self) -> tuple[Tracklet, ...]:
        """The tracklets of those who are still there behind the last frame."""
        confirmed = self._tracker.confirmed()
        return self._finish([number for number in self._growing if number in confirmed])

    def state(self) -> dict[str, Any]:
        """Where it is, as JSON has it."""
        return {
            "frame": self._frame,
            "tracker": self._tracker.state(),
            "growing": {str(number): growing.to_json() for number, growing in self._growing.items()},
            "known": {str(number): [shot.to_json() for shot in shots] for number, shots in self._known.items()},
            "parts": {str(number): part for number, part in self._parts.items()},
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._frame = self._resumed = int(state["frame"])
        self._tracker.restore(state["tracker"])
        self._parts = {int(number): int(part) for number, part in state["parts"].items()}
        self._known = {
            int(number): [Shot.from_json(shot) for shot in shots] for number, shots in state["known"].items()
        }
        for number, content in state["growing"].items():
            shots = Shots(self._settings.best, self._settings.apart)
            known = {shot.frame: shot for shot in self._known.get(int(number), [])}
            restored = [Shot.from_json(shot) for shot in content["shots"]]
            shots.restore([known.get(shot.frame, shot) for shot in restored])
            self._growing[int(number)] = Growing(
                content["part"], content["first"], content["last"], shots, content["frames"]
            )

    def _unseen(self) -> list[Shot]:
        """Shots that have to be seen again."""
        shots = [shot for growing in self._growing.values() for shot in growing.shots]
        shots += [shot for known in self._known.values() for shot in known]
        return [shot for shot in shots if shot.crop is None]

    def _see_again(self, frame: Frame) -> None:
        """Take a frame from before the interruption."""
        if frame.number > self._resumed - memory_of(self._detector):
            self._detector(frame)
        for shot in self._unseen():
            if shot.frame == frame.number:
                shot.show(cut(frame.picture, np.array(shot.box)))
        if frame.number == self._resumed:
            for number, known in self._known.items():
                self._describe(number, known)

    def _embedded(self, crops: Sequence[ImageArray]) -> FloatArray:
        assert self._embed is not None
        with self.stages.measure("embed"):
            return self._embed(crops)

    def _rename(self, new: int, old: int) -> None:
        """A track turned out to be somebody who has come back."""
        self._growing[old] = self._growing.pop(new)
        self._growing[old].part = self._parts.get(old, 0) + 1
        self._known[old] = [*self._known.get(old, []), *self._known.pop(new, [])][-self._settings.best :]

    def _offer(
        self,
        frame: Frame,
        detections: Detections,
        followed: Sequence[Followed],
        crops: dict[int, ImageArray],
        embeddings: dict[int, FloatArray],
    ) -> None:
        """Let every track choose whether it wants the picture that it has in this frame."""
        judged = qualities(frame.picture, detections.boxes) if followed else []
        fresh: list[tuple[int, Shot]] = []
        for one in followed:
            growing = self._growing.get(one.number)
            if growing is None:
                shots = Shots(self._settings.best, self._settings.apart)
                part = self._parts.get(one.number, 0) + 1
                growing = self._growing[one.number] = Growing(part, frame.time, frame.time, shots)
            growing.last, growing.frames = frame.time, growing.frames + 1
            quality = judged[one.detection].total
            if not growing.shots.could_use(frame.time, quality):
                continue
            crop = crops.get(one.detection)
            crop = cut(frame.picture, detections.boxes[one.detection]) if crop is None else crop
            shot = Shot(frame.number, frame.time, one.box, quality, None, None, embeddings.get(one.detection))
            shot.show(crop)
            if growing.shots.offer(shot) and worth_a_look(quality, self._known.get(one.number, [])):
                fresh.append((one.number, shot))
        if self._embed is not None and fresh:
            self._know_by(fresh)

    def _know_by(self, fresh: list[tuple[int, Shot]]) -> None:
        """Let tracks be known by these shots too, the best of all that they are known by."""
        missing = [shot for _, shot in fresh if shot.embedding is None]
        self._embed_all(missing)
        for number, shot in fresh:
            self._known[number] = [*self._known.get(number, []), shot][-self._settings.best :]
            self._describe(number, self._known[number])

    def _describe(self, number: int, known: list[Shot]) -> None:
        self._embed_all([shot for shot in known if shot.embedding is None])
        vectors = [shot.embedding for shot in known if shot.embedding is not None]
        if vectors:
            self._tracker.describe(number, pooled(np.stack(vectors), np.array([shot.quality for shot in known])))

    def _embed_all(self, shots: Sequence[Shot]) -> None:
        crops = [shot.crop for shot in shots if shot.crop is not None]
        if crops and self._embed is not None:
            for shot, vector in zip(shots, self._embedded(crops), strict=True):
                shot.embedding = vector

    def _finish(self, numbers: Sequence[int]) -> tuple[Tracklet, ...]:
        """Give out tracklets that are complete."""
        growing = {number: self._growing.pop(number) for number in numbers}
        self._embed_all([shot for one in growing.values() for shot in one.shots if shot.embedding is None])
        found = []
        for number, one in growing.items():
            self._parts[number] = one.part
            tracklet = finished(number, one, self._settings)
            if tracklet is not None:
                found.append(tracklet)
        return tuple(found)
