"""`passerby ingest` and `passerby track`: from cameras to sightings, and to tracks."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.cli.console import errors, note, output, print_fields, progress_bar
from passerby.cli.gallery_options import Case, KeyFile, Purpose, moment, opened
from passerby.cli.options import Device
from passerby.errors import MachineError, PasserbyError

if TYPE_CHECKING:
    from passerby.gallery.gallery import Gallery
    from passerby.video.detection import Detector
    from passerby.video.frames import Source
    from passerby.video.ingest import Job, Outcome
    from passerby.video.site import Site

PANEL = "Cameras"

DEFAULT_DETECTOR = "motion"

DetectorName = Annotated[
    str | None,
    typer.Option(
        "--detector",
        help="What finds people: motion, hog, hog:3, an .onnx file, or a .txt file of boxes; by default motion.",
    ),
]
Rate = Annotated[
    float | None, typer.Option("--rate", help="Frames a second that are looked at; by default all.", min=0.01)
]
FolderFps = Annotated[float, typer.Option("--fps", help="Frames a second of a folder of frames.", min=0.01)]
Hardware = Annotated[
    str | None, typer.Option("--hardware", help="What decodes videos, such as cuda or vaapi; else the processor.")
]


def ingest(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Videos, folders of frames, rtsp://…, webcam:0; or the .yaml file of a site.",
            show_default=False,
        ),
    ],
    camera: Annotated[str | None, typer.Option("--camera", help="Name of the camera; a site names its own.")] = None,
    gallery: Annotated[
        str | None, typer.Option("--gallery", help="A gallery; where there is none, one is made.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", help="When the recording began (ISO 8601); by default as it says itself."),
    ] = None,
    detector: DetectorName = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Name or folder of a model; by default the gallery's own.")
    ] = None,
    device: Device = "auto",
    rate: Rate = None,
    fps: FolderFps = 10.0,
    hardware: Hardware = None,
    give_up: Annotated[
        float | None,
        typer.Option(
            "--give-up",
            help="Seconds without a frame after which a live camera is given up; by default 30, for a site never.",
            min=0,
        ),
    ] = None,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Put everybody whom cameras see into a gallery: one sighting, with its best pictures, for each time.

    The same recording is never added twice, and interrupted, the same command goes on where it stopped.
    """
    from passerby.video.ingest import ingest as take_in
    from passerby.video.notify import Watchdog

    site = _site(sources, camera, start)
    place = gallery or (site.gallery if site else None)
    if place is None:
        raise PasserbyError("expected --gallery, or a site that names one; say where sightings shall go")
    failures: list[PasserbyError] = []
    with opened(
        place, purpose, case, key, model=model or (site.model if site else None), device=device, create=True
    ) as there:
        if site is None:
            patience = 30.0 if give_up is None else give_up
            assert camera is not None
            jobs = _jobs(sources, camera, detector, moment(start), rate, fps, hardware, patience, failures)
        else:
            _set_clocks(there, site)
            jobs = _site_jobs(site, detector, rate, hardware, give_up, failures)
        watchdog = Watchdog()
        watchdog.ready()
        with _stoppable(), _status() as show:

            def report(outcomes: "Sequence[Outcome]") -> None:
                watchdog.alive(f"{sum(one.frames for one in outcomes):,} frames")
                show(outcomes)

            try:
                outcomes = take_in(there, jobs, report=report, say=note)
            except KeyboardInterrupt:
                note("the same command goes on from here; what was seen so far is in the gallery")
                raise
            finally:
                watchdog.stopping()
    for outcome in outcomes:
        output().print(_summary(outcome), markup=False, highlight=False, soft_wrap=True)
        if outcome.error is not None:
            failures.append(_as_ours(outcome))
    _raise_all(failures, len(sources) if site is None else sum(len(c.sources()) for c in site.cameras.values()))


def track(
    source: Annotated[str, typer.Argument(metavar="VIDEO", help="A video, or a folder of frames.")],
    target: Annotated[
        Path, typer.Option("--output", help="A .txt file of tracks, as MOTChallenge has them, or an .mp4 to look at.")
    ],
    detector: DetectorName = None,
    model: Annotated[
        str, typer.Option("--model", help="Name or folder of the model that knows people again; none: motion alone.")
    ] = "passerby-s",
    device: Device = "auto",
    truth: Annotated[
        Path | None, typer.Option("--truth", help="True tracks, as MOTChallenge has them, to compare with.")
    ] = None,
    rate: Rate = None,
    fps: FolderFps = 10.0,
    hardware: Hardware = None,
) -> None:
    """Follow the people of one video from frame to frame."""
    from passerby.data.mot import read_mot, write_mot
    from passerby.models.embedder import load_embedder
    from passerby.video.appearance import settings_for
    from passerby.video.follow import follow
    from passerby.video.source import open_source
    from passerby.video.thinning import Thinned
    from passerby.video.watching import Watch

    if target.suffix.lower() not in (".txt", ".mp4"):
        raise PasserbyError(f"expected --output as .txt or .mp4, got {target}; choose one of the two")
    opened_source = open_source(source, fps=fps, hardware=hardware, say=note)
    if opened_source.live:
        raise PasserbyError(
            f"expected a video or a folder of frames, got {source}; `passerby ingest` watches cameras"
        )
    true_tracks = None if truth is None else read_mot(truth)
    embedder = None if model == "none" else load_embedder(model, device)
    embed = None if embedder is None else (lambda crops: embedder.embed(list(crops)))
    watch = Watch(_detector(detector)(), embed, settings_for(embedder.bundle.calibration if embedder else None))
    looked_at: Source = opened_source if rate is None else Thinned(opened_source, rate)
    with progress_bar("following") as progress:
        drawing = target if target.suffix.lower() == ".mp4" else None
        tracks = follow(looked_at, watch, drawing, progress)
    if drawing is None:
        write_mot(target, tracks)
    people = len(set(tracks.tracks.tolist()))
    output().print(f"{people:,} tracks, {len(tracks):,} boxes in {target}", highlight=False, soft_wrap=True)
    if true_tracks is not None:
        from passerby.evaluation.tracking import tracking_metrics

        found = tracking_metrics(true_tracks, tracks)
        print_fields(
            {
                "HOTA": f"{found.hota:.1%} (DetA {found.det_a:.1%}, AssA {found.ass_a:.1%}, LocA {found.loc_a:.1%})",
                "IDF1": f"{found.idf1:.1%}",
                "MOTA": f"{found.mota:.1%}",
                "switches": f"{found.switches:,}",
                "misses": f"{found.misses:,} of {found.boxes:,} boxes of {found.people:,} people",
                "false boxes": f"{found.false_boxes:,}",
            }
        )


def _site(sources: Sequence[str], camera: str | None, start: str | None) -> "Site | None":
    from passerby.video.site import read_site

    files = [source for source in sources if Path(source).suffix.lower() in (".yaml", ".yml")]
    if files and (len(sources) > 1 or camera is not None or start is not None):
        raise PasserbyError(f"expected {files[0]} alone, without --camera and --start, which a site says itself")
    if not files and camera is None:
        raise PasserbyError("expected --camera, the name of the camera that the sources are of, got none")
    if start is not None and len(sources) > 1:
        raise PasserbyError(f"expected one source with --start, got {len(sources)}; say when each began, in a site")
    return read_site(Path(files[0])) if files else None


def _jobs(
    sources: Sequence[str],
    camera: str,
    detector: str | None,
    start: datetime | None,
    rate: float | None,
    fps: float,
    hardware: str | None,
    give_up: float | None,
    failures: list[PasserbyError],
) -> "list[Job]":
    """The sources that can be opened, of one camera; the errors of others are added to `failures`."""
    from passerby.video.ingest import Job
    from passerby.video.live import Patience
    from passerby.video.source import open_source

    make = _detector(detector)
    jobs = []
    for source in sources:
        try:
            opened_source = open_source(
                source, fps=fps, hardware=hardware, patience=Patience(give_up=give_up), say=note
            )
            jobs.append(Job(camera, opened_source, make, detector or DEFAULT_DETECTOR, start, rate))
        except PasserbyError as error:
            failures.append(error)
    return jobs


def _site_jobs(
    site: "Site",
    detector: str | None,
    rate: float | None,
    hardware: str | None,
    give_up: float | None,
    failures: list[PasserbyError],
) -> "list[Job]":
    jobs: list[Job] = []
    for name, one in site.cameras.items():
        try:
            jobs += _jobs(
                one.sources(),
                name,
                detector or one.detector or site.detector,
                one.start,
                rate or one.rate or site.rate,
                one.fps,
                hardware,
                site.give_up if give_up is None else give_up,
                failures,
            )
        except PasserbyError as error:
            failures.append(error)
    return jobs


def _detector(name: str | None) -> "Callable[[], Detector]":
    """Makes detectors of that name; the first one is made at once, so that a wrong name is told before anything."""
    from passerby.video.detectors.opening import open_detector

    wanted = name or DEFAULT_DETECTOR
    ready = [open_detector(wanted)]
    return lambda: ready.pop() if ready else open_detector(wanted)


def _set_clocks(gallery: "Gallery", site: "Site") -> None:
    """Tell the gallery of the cameras' clocks, where a site says more of them than the gallery knows."""
    from passerby.gallery.clock import Camera

    known = {camera.name: camera for camera in gallery.cameras()}
    for name, one in site.cameras.items():
        there = known.get(name)
        if there is None or (there.zone, there.clock_offset) != (one.zone, one.clock_offset):
            gallery.set_camera(Camera(name, one.zone, one.clock_offset))


@contextmanager
def _stoppable() -> Iterator[None]:
    """Whoever ends the process politely, as service managers do, interrupts it."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _status() -> "Iterator[Callable[[Sequence[Outcome]], None]]":
    """A bar over all recordings, with frames a second and the time left; live cameras have no end."""
    with progress_bar("watching") as update:

        def show(outcomes: "Sequence[Outcome]") -> None:
            recordings = [one for one in outcomes if one.job.source.total]
            done = sum(one.frames for one in outcomes)
            total = sum(max(one.frames, one.job.source.total or 0) for one in recordings)
            update(done, max(done, total) if len(recordings) == len(outcomes) else 0)

        yield show


def _summary(outcome: "Outcome") -> str:
    source, counts = outcome.job.source, outcome.job.source.counts
    if outcome.skipped:
        return f"{outcome.job.camera}: {source.name}: in the gallery already, {outcome.known:,} sightings"
    lost = [
        f"{count:,} {what}"
        for count, what in (
            (counts.dropped, "frames dropped"),
            (counts.damaged, "damaged"),
            (counts.retimed, "with wrong times"),
        )
        if count
    ]
    known = f", {outcome.known:,} there already" if outcome.known else ""
    return "; ".join(
        [f"{outcome.job.camera}: {source.name}: {outcome.frames:,} frames, {outcome.added:,} sightings{known}", *lost]
    )


def _as_ours(outcome: "Outcome") -> PasserbyError:
    if isinstance(outcome.error, PasserbyError):
        return outcome.error
    what = f"unexpected {type(outcome.error).__name__}: {' '.join(str(outcome.error).split())}"
    return MachineError(f"{outcome.job.source.name}: {what}; report it")


def _raise_all(failures: Sequence[PasserbyError], sources: int) -> None:
    """Say one line of each source that failed, and fail.

    Raises:
        PasserbyError: One failed or several did; a `MachineError` where the machine did.
    """
    if len(failures) == 1 and sources == 1:
        raise failures[0]
    for failure in failures:
        errors().print(str(failure), markup=False, highlight=False, soft_wrap=True)
    if failures:
        kind = MachineError if any(isinstance(failure, MachineError) for failure in failures) else PasserbyError
        raise kind(f"{len(failures)} of {sources} sources failed; the others are in the gallery")


COMMANDS = (ingest, track)
