"""What watching cameras costs, and what is lost: frames a second by stage, memory, load, and killed processes.

    python benchmarks/video.py [--frames 10000] [--kills 50]

The frames are of a synthetic world of its own, 640×360, 10 a second. Everything runs on one thread, so that frames a
second of processor time are those of one core; decoding is measured by itself, since it runs on a thread of its own.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from passerby.gallery import open_gallery
from passerby.gallery.consistency import verify
from passerby.models.embedder import load_embedder
from passerby.synthetic.videos import produce_videos
from passerby.video.appearance import settings_for
from passerby.video.detection import Detections
from passerby.video.detectors.mot import MotDetector
from passerby.video.detectors.opencv import HogDetector, MotionDetector
from passerby.video.files import VideoFile
from passerby.video.frames import Frame, SourceCounts
from passerby.video.ingest import Job, ingest
from passerby.video.watching import Watch
from record import record

RATE = 10.0
START = datetime(2026, 3, 1, tzinfo=UTC)


def speed(video: Path, boxes: Path, frames: int, model: str) -> list[dict[str, Any]]:
    """Processor seconds for each stage, by detector."""
    before = time.process_time()
    count = sum(1 for _ in VideoFile(video).frames())
    decoding = (time.process_time() - before) / count
    embedder = load_embedder(model)
    rows = []
    for name, detector, share in (
        ("motion", MotionDetector(), 1.0),
        ("boxes from a file", MotDetector(boxes), 1.0),
        ("hog", HogDetector(), 0.1),
    ):
        watch = Watch(detector, lambda crops: embedder.embed(list(crops)), settings_for(embedder.bundle.calibration))
        looked_at = people = 0
        for frame in islice(VideoFile(video).frames(), round(frames * share)):
            people += len(watch.see(frame).detections)
            looked_at += 1
        watch.end()
        seconds = {"decode": decoding} | {stage: spent / looked_at for stage, spent in watch.stages.seconds.items()}
        per_second = 1 / sum(seconds.values())
        rows.append(
            {
                "detector": name,
                "frames": looked_at,
                "detections_per_frame": round(people / looked_at, 2),
                "cpu_ms_per_frame": {stage: round(1000 * spent, 2) for stage, spent in seconds.items()},
                "frames_per_cpu_second": round(per_second, 1),
                "streams_on_two_cores": int(2 * per_second / RATE),
            }
        )
        print(rows[-1], flush=True)
    return rows


class Loop:
    """A source of so many frames: those of a video, again and again. A live one waits for nobody."""

    total = None
    name = "loop"

    def __init__(self, pictures: list[np.ndarray], count: int, pause: float | None = None) -> None:
        self.counts, self.began, self.live = SourceCounts(), START, pause is not None
        self._pictures, self._count, self._pause = pictures, count, pause

    def frames(self, first: int = 1) -> Iterator[Frame]:
        """Frames from that number on."""
        for number in range(first, self._count + 1):
            time.sleep(self._pause or 0)
            self.counts.frames += 1
            yield Frame(number, number / RATE, self._pictures[(number - 1) % len(self._pictures)])


def memory(pictures: list[np.ndarray], frames: int) -> dict[str, Any]:
    """Resident memory after a tenth of the frames, and behind the last, in MiB."""
    process, watch, sizes, sightings = psutil.Process(), Watch(MotionDetector()), [], 0
    for frame in Loop(pictures, frames).frames():
        sightings += len(watch.see(frame).tracklets)
        if frame.number % max(1, frames // 10) == 0:
            sizes.append(round(process.memory_info().rss / 2**20, 1))
    return {
        "frames": frames,
        "tracklets": sightings,
        "resident_mib": sizes,
        "grown_mib": round(sizes[-1] - sizes[0], 1),
    }


def load(folder: Path, pictures: list[np.ndarray], boxes: Path) -> dict[str, Any]:
    """A camera that is several times as fast as whoever takes its frames."""
    source = Loop(pictures, 600, pause=0.004)
    find = MotDetector(boxes)

    def slowly(frame: Frame) -> Detections:
        time.sleep(0.02)
        return find(frame)

    with open_gallery(folder, model="passerby-s") as gallery:
        (outcome,) = ingest(gallery, [Job("gate", source, lambda: slowly, "boxes")])
        there = gallery.count()
    return {
        "frames": source.counts.frames,
        "looked_at": outcome.frames,
        "dropped_and_counted": source.counts.dropped,
        "frames_uncounted": source.counts.frames - outcome.frames - source.counts.dropped,
        "sightings": outcome.added,
        "sightings_lost": outcome.added - there,
    }


CHILD = "from video import take_in_slowly; import sys; take_in_slowly(*sys.argv[1:])"


def take_in_slowly(folder: str, video: str, boxes: str) -> None:
    """Ingest a recording, writing as often as can be; run as a process that is killed."""
    find = MotDetector(Path(boxes))

    def slowly(frame: Frame) -> Detections:
        time.sleep(0.003)
        return find(frame)

    with open_gallery(folder, model="passerby-s") as gallery:
        sys.stdout.write("open\n")
        sys.stdout.flush()
        ingest(gallery, [Job("gate", VideoFile(Path(video)), lambda: slowly, "boxes")], often=0.02)


def kill(folder: Path, video: Path, boxes: Path, kills: int) -> dict[str, Any]:
    """Kill an ingest again and again; compare with one that nobody has interrupted."""
    random, interruptions = np.random.default_rng(50), 0
    for _ in range(kills):
        command = [sys.executable, "-c", CHILD, str(folder / "killed"), str(video), str(boxes)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(float(random.uniform(0.1, 2.0)))
            interruptions += child.poll() is None
            os.kill(child.pid, signal.SIGKILL)
    take_in_slowly(str(folder / "killed"), str(video), str(boxes))
    take_in_slowly(str(folder / "whole"), str(video), str(boxes))
    found = []
    for name in ("killed", "whole"):
        with open_gallery(folder / name) as gallery:
            found.append({(one.id, one.track, one.box, str(one.attributes)) for one in gallery.sightings()})
            problems = verify(gallery)
    return {
        "kills": kills,
        "interrupted_midway": interruptions,
        "sightings": len(found[1]),
        "lost": len(found[1] - found[0]),
        "too_many_or_other": len(found[0] - found[1]),
        "problems": len(problems),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000, help="over which memory is watched")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--world", type=Path, help="an existing synthetic world, instead of one of its own")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        folder = Path(own)
        world = arguments.world or produce_videos(folder / "world", people=24, cameras=1, seconds=60, seed=5)
        video, boxes = world / "c01" / "video.mp4", world / "c01" / "gt" / "gt.txt"
        speeds = speed(video, boxes, 600, "passerby-s")
        pictures = [frame.picture for frame in islice(VideoFile(video).frames(), 200)]
        flat = memory(pictures, arguments.frames)
        print(flat, flush=True)
        pressed = load(folder / "pressed", pictures, boxes)
        print(pressed, flush=True)
        killed = kill(folder, video, boxes, arguments.kills) if arguments.kills else None
        print(killed, flush=True)
    motion, given, hog = speeds
    summary = [
        {
            "what": "Watching a camera, 640×360, motion detector, passerby-s",
            "figure": f"{motion['frames_per_cpu_second']:.0f} frames per CPU second, "
            f"{motion['streams_on_two_cores']} streams of 10 frames/s on two cores",
            "beside": f"boxes from a file: {given['frames_per_cpu_second']:.0f}; "
            f"HOG: {hog['frames_per_cpu_second']:.1f}",
        },
        {
            "what": f"Memory while {flat['frames']:,} frames are watched",
            "figure": f"{flat['grown_mib']:+.1f} MiB from the first tenth to the end",
            "beside": f"{flat['resident_mib'][-1]:,.0f} MiB in all",
        },
        {
            "what": "A camera faster than its frames are taken: sightings lost, frames lost uncounted",
            "figure": f"{pressed['sightings_lost']}, {pressed['frames_uncounted']}",
            "beside": f"{pressed['dropped_and_counted']} of {pressed['frames']} frames dropped and counted",
        },
    ]
    if killed is not None:
        summary.append(
            {
                "what": f"Ingest killed {killed['kills']} times: sightings lost, doubled or other",
                "figure": f"{killed['lost']}, {killed['too_many_or_other']}",
                "beside": f"of {killed['sightings']}, as without interruption",
            }
        )
    figures = {"speed": speeds, "memory": flat, "load": pressed, "kills": killed, "summary": summary}
    print(record("video", figures))


if __name__ == "__main__":
    main()
