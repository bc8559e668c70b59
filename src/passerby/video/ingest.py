"""From cameras into a gallery: whatever is interrupted goes on where it was, and nothing is added twice."""

import time as clock
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from passerby.errors import PasserbyError
from passerby.gallery import crops
from passerby.gallery.gallery import Gallery
from passerby.types import AttributeValue, Sighting
from passerby.video.appearance import settings_for
from passerby.video.detection import Detector
from passerby.video.feed import Feeds
from passerby.video.files import VideoFile
from passerby.video.folders import FrameFolder
from passerby.video.frames import Frame, Say, Source
from passerby.video.recording import Recording
from passerby.video.thinning import Thinned
from passerby.video.tracking import TrackerSettings
from passerby.video.tracklets import Tracklet, TrackletSettings
from passerby.video.watching import Watch

if TYPE_CHECKING:
    from passerby.models.embedder import Embedder

AT_ONCE = 4
"""Recordings that are read at the same time; live cameras all are."""

_OFTEN, _LIVE = 5.0, 1.0  # Seconds between writes into the gallery, of recordings and of live cameras.
_MANY = 16  # Sightings that do not wait any longer.


@dataclass(frozen=True, slots=True)
class Job:
    """One source and whose it is.

    Attributes:
        camera: The camera's name.
        source: Opened.
        detector: Makes what finds people: every source has a detector of its own.
        made_by: What the detector is called, for `Recording`.
        start: When a recording began; None: as it says itself.
        rate: Frames a second that are looked at; None: all.
    """

    camera: str
    source: Source
    detector: Callable[[], Detector]
    made_by: str
    start: datetime | None = None
    rate: float | None = None


@dataclass(slots=True)
class Outcome:
    """What has come of a job so far.

    Attributes:
        job: Which.
        frames: Looked at, those of earlier runs included.
        added: Sightings that are new in the gallery.
        known: Sightings that were there already.
        finished: Whether all of it is in the gallery.
        skipped: Whether it was before this run.
        error: Why it has ended early; None: it has not.
        seconds: Processor time by stage.
    """

    job: Job
    frames: int = 0
    added: int = 0
    known: int = 0
    finished: bool = False
    skipped: bool = False
    error: BaseException | None = None
    seconds: dict[str, float] = field(default_factory=dict)


Report: TypeAlias = Callable[[Sequence[Outcome]], None]
"""Told after every frame, and at least every second, where all jobs are."""


def ingest(
    gallery: Gallery,
    jobs: Sequence[Job],
    *,
    tracker: TrackerSettings | None = None,
    tracklets: TrackletSettings | None = None,
    report: Report = lambda outcomes: None,
    say: Say = lambda line: None,
    often: float = _OFTEN,
) -> list[Outcome]:
    """Put everybody whom cameras see into a gallery, one sighting for each time that somebody is there.

    A recording is known by its content: what of it is in the gallery already is not added again, and after an
    interruption the same call goes on where it stopped. One that has changed since is told, and taken in anew. Where
    a source fails, the others go on; its error is in its outcome.

    Args:
        gallery: Where to.
        jobs: Live cameras among them are all watched at once, for as long as they are there.
        tracker: How people are followed; None: as the calibration of the gallery's model says.
        tracklets: What is kept of a track.
        report: Told where all jobs are.
        say: Told what a user should know.
        often: Seconds between writes.

    Returns:
        An outcome for each job, in order.

    Raises:
        GalleryError, AccessError, MachineError: The gallery takes nothing any more.
    """
    embedder = gallery.model.embedder(gallery.record.model())
    outcomes = [Outcome(job) for job in jobs]
    live = [outcome for outcome in outcomes if outcome.job.source.live]
    recorded = [outcome for outcome in outcomes if not outcome.job.source.live]
    settings = (tracker or settings_for(embedder.bundle.calibration), tracklets)
    for group in [live + recorded] if live else _groups(recorded):
        takers = list(_takers(gallery, embedder, group, settings, say, often))
        try:
            _take_all(takers, lambda: report(outcomes))
        finally:
            for taker in takers:
                taker.outcome.seconds = taker.watch.stages.seconds
    report(outcomes)
    return outcomes


def _groups(outcomes: list[Outcome]) -> Iterator[list[Outcome]]:
    return (outcomes[start : start + AT_ONCE] for start in range(0, len(outcomes), AT_ONCE))


def _takers(
    gallery: Gallery,
    embedder: "Embedder",
    outcomes: Sequence[Outcome],
    settings: tuple[TrackerSettings | None, TrackletSettings | None],
    say: Say,
    often: float,
) -> Iterator["_Taker"]:
    """What takes each source's frames; sources that are done, or fail, have none."""
    for outcome in outcomes:
        job = outcome.job
        try:
            recording = _recording(gallery, embedder, job)
            if recording is not None and recording.changed:
                say(f"{job.source.name}: the file of this name that was taken in before was another; taken in anew")
            if recording is not None and recording.progress.done:
                outcome.finished = outcome.skipped = True
                outcome.frames, outcome.known = recording.progress.frames, recording.progress.tracklets
                continue
            yield _Taker(gallery, embedder, outcome, recording, settings, often)
        except PasserbyError as error:
            outcome.error = error


def _recording(gallery: Gallery, embedder: "Embedder", job: Job) -> Recording | None:
    source = job.source
    if not isinstance(source, VideoFile | FrameFolder):
        return None
    made_by = f"{job.made_by}, {embedder.identity[:12]}, {job.rate or 'all'} frames/s"
    return Recording(gallery, job.camera, source, made_by, job.start)


def _take_all(takers: Sequence["_Taker"], report: Callable[[], None]) -> None:
    by_name = {str(place): taker for place, taker in enumerate(takers)}
    sources = {name: taker.source for name, taker in by_name.items()}
    first = {name: taker.watch.first_needed for name, taker in by_name.items()}
    with Feeds(sources, first) as feeds:
        try:
            for name, item in feeds.items(every=1.0):
                if name:
                    by_name[name].take(item)
                for taker in takers:
                    taker.write_if_due()
                report()
        except KeyboardInterrupt:
            for taker in takers:
                taker.interrupt()
            raise


class _Taker:
    """Takes the frames of one source, and puts what comes of them into the gallery."""

    def __init__(
        self,
        gallery: Gallery,
        embedder: "Embedder",
        outcome: Outcome,
        recording: Recording | None,
        settings: tuple[TrackerSettings | None, TrackletSettings | None],
        often: float,
    ) -> None:
        job = outcome.job
        self.outcome = outcome
        self.source: Source = job.source if job.rate is None else Thinned(job.source, job.rate)
        self._gallery = gallery
        self._identity = embedder.identity
        self._recording = recording
        self._often = min(often, _LIVE) if job.source.live else often
        state = None if recording is None else recording.progress.state
        self.watch = Watch(job.detector(), lambda crops: embedder.embed(list(crops)), *settings, state)
        self._resumed = 0 if state is None else int(state["frame"])
        self._waiting: list[Sighting] = []
        self._written = clock.monotonic()
        self._new = False
        self._ended = False
        if recording is not None:
            outcome.frames = recording.progress.frames

    def take(self, item: Frame | BaseException | None) -> None:
        """Take the next frame, or the end."""
        if isinstance(item, Frame):
            try:
                seen = self.watch.see(item)
            except PasserbyError as error:
                self._end(error)
                return
            if item.number > self._resumed:
                self.outcome.frames += 1
                self._new = True
            self._collect(seen.tracklets)
        else:
            self._end(item)

    def write_if_due(self) -> None:
        """Put into the gallery what has waited for long enough."""
        due = clock.monotonic() - self._written >= self._often or len(self._waiting) >= _MANY
        news = self._waiting or (self._new and self._recording is not None)
        if due and news and not self._ended:
            self._write()

    def interrupt(self) -> None:
        """Somebody wants to stop: of live cameras, who is there now is put into the gallery."""
        if self._ended:
            return
        if self._recording is None:
            self._collect(self.watch.end())
        self._write()

    def _end(self, error: BaseException | None) -> None:
        """There are no more frames; a recording that has failed may go on later."""
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise error
        if error is None or self._recording is None:
            self._collect(self.watch.end())
        self.outcome.finished, self.outcome.error = error is None, error
        self._write()
        self._ended = True

    def _collect(self, tracklets: Sequence[Tracklet]) -> None:
        self._waiting += [self._sighting(tracklet) for tracklet in tracklets]

    def _write(self) -> None:
        bookmark = None
        if self._recording is not None:
            progress = self._recording.progress
            progress.frames, progress.done = self.outcome.frames, self.outcome.finished
            progress.tracklets += len(self._waiting)
            progress.state = None if progress.done else self.watch.state()
            bookmark = self._recording.bookmark()
        for one in self._gallery.add(self._waiting, bookmark):
            self.outcome.added += one.new
            self.outcome.known += not one.new
        self._waiting, self._written, self._new = [], clock.monotonic(), False

    def _sighting(self, tracklet: Tracklet) -> Sighting:
        camera, recording = self.outcome.job.camera, self._recording
        began = self.outcome.job.source.began if recording is None else recording.began
        assert began is not None
        left, top, right, bottom = tracklet.best.box
        attributes: dict[str, AttributeValue] = {
            "upper_colour": tracklet.upper,
            "lower_colour": tracklet.lower,
            "first_seen": (began + timedelta(seconds=tracklet.first)).isoformat(timespec="milliseconds"),
            "last_seen": (began + timedelta(seconds=tracklet.last)).isoformat(timespec="milliseconds"),
            "frames": tracklet.frames,
            "pictures": len(tracklet.shots),
        }
        session = began.strftime("%Y%m%dT%H%M%S") if recording is None else recording.fingerprint[:8]
        return Sighting(
            camera=camera,
            time=began + timedelta(seconds=tracklet.best.time),
            crop=crops.encode_all([shot.crop for shot in tracklet.shots if shot.crop is not None]),
            box=(left, top, right - left, bottom - top),
            track=f"{session}-{tracklet.number}",
            quality=tracklet.best.quality,
            embedding=tracklet.embedding,
            model=self._identity,
            attributes=attributes,
            id="" if recording is None else recording.identifier(camera, tracklet.number, tracklet.part),
        )
