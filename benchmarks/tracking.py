"""How well people are followed, beside the ByteTrack and SORT of `trackers`, on the very same boxes.

    python benchmarks/tracking.py --pets FOLDER --peers FOLDER

Boxes: of PETS09-S2L1 (a folder with video.avi and gt.txt, of frames 1.6 times as large) the true ones, some of which
are lost and all of which are off, and those that the motion detector finds; of a synthetic world, in which 24 people
cross and hide one another, the true boxes of everybody of whom a third or more can be seen, spoilt likewise. Ours
follows by motion alone, and by motion and the looks that passerby-s tells. `--peers` names a folder that holds
`trackers` and `supervision`, with pydeprecate, defusedxml, requests and tqdm (pip install --no-deps --target FOLDER):
they want opencv-python, which cannot be beside opencv-python-headless. Where `trackeval` is there too, its figures
are recorded beside ours. Seconds are of this process's processor time.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from passerby.data.mot import TrackedBoxes, read_mot
from passerby.evaluation.tracking import TrackingMetrics, tracking_metrics
from passerby.models.embedder import load_embedder
from passerby.synthetic.videos import produce_videos
from passerby.video.appearance import settings_for
from passerby.video.detection import Detections, nobody
from passerby.video.detectors.opencv import MotionDetector
from passerby.video.files import VideoFile
from passerby.video.frames import Frame
from passerby.video.recorder import TrackRecorder
from passerby.video.watching import Watch
from record import record

LOST, OFF = 0.1, 0.03  # Share of boxes that are lost; how far sides are off, in heights.
Boxes = dict[int, Detections]


def spoilt(truth: TrackedBoxes) -> Boxes:
    """True boxes, as a detector might find them."""
    random = np.random.default_rng(0)
    found = {}
    for number, part in truth.by_frame():
        kept = random.random(len(part)) >= LOST
        boxes = part.boxes[kept]
        heights = boxes[:, 3:] - boxes[:, 1:2]
        boxes = boxes + random.normal(0, OFF, boxes.shape) * heights
        scores = random.uniform(0.6, 1.0, len(boxes))
        whole = (boxes[:, 2:] > boxes[:, :2] + 2).all(axis=1)
        found[number] = Detections(boxes[whole], scores[whole])
    return found


def by_motion(video: Path) -> Boxes:
    detector = MotionDetector()
    return {frame.number: detector(frame) for frame in VideoFile(video).frames()}


def ours(video: Path, boxes: Boxes, model: str | None) -> TrackedBoxes:
    def detect(frame: Frame) -> Detections:
        return boxes.get(frame.number, nobody())

    embedder = None if model is None else load_embedder(model)
    embed = None if embedder is None else (lambda crops: embedder.embed(list(crops)))
    watch = Watch(detect, embed, settings_for(embedder.bundle.calibration if embedder else None))
    recorder = TrackRecorder()
    for frame in VideoFile(video).frames():
        recorder.add(watch.see(frame))
    return recorder.tracks()


def theirs(name: str, frames: int, boxes: Boxes) -> TrackedBoxes:
    """A tracker of `trackers`, as it comes, told the frame rate."""
    import supervision
    import trackers

    tracker = {"ByteTrack": trackers.ByteTrackTracker, "SORT": trackers.SORTTracker}[name](frame_rate=10.0)
    rows = []
    for number in range(1, frames + 1):
        found = boxes.get(number, nobody())
        detections = supervision.Detections(
            xyxy=found.boxes.astype(np.float32).reshape(-1, 4),
            confidence=found.scores.astype(np.float32),
            class_id=np.zeros(len(found), int),
        )
        followed = tracker.update(detections)
        if len(followed) and followed.tracker_id is not None:
            for box, identifier, score in zip(followed.xyxy, followed.tracker_id, followed.confidence, strict=True):
                if identifier >= 0:
                    rows.append((number, int(identifier), *map(float, box), float(score)))
    table = np.array(rows, np.float64).reshape(-1, 7)
    return TrackedBoxes(table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2:6], table[:, 6])


def as_trackeval(truth: TrackedBoxes, found: TrackedBoxes) -> dict[str, float] | None:
    """HOTA, IDF1 and MOTA by trackeval, where it is installed."""
    try:
        from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError:
        return None
    from passerby.boxes import intersection_over_union

    of_truth, of_found = dict(truth.by_frame()), dict(found.by_frame())
    people, tracks = np.unique(truth.tracks), np.unique(found.tracks)
    none = TrackedBoxes(np.empty(0, int), np.empty(0, int), np.empty((0, 4)), np.empty(0))
    data: dict[str, Any] = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    for number in range(1, int(max(truth.frames.max(), found.frames.max())) + 1):
        here, there = of_truth.get(number, none), of_found.get(number, none)
        data["gt_ids"].append(np.searchsorted(people, here.tracks))
        data["tracker_ids"].append(np.searchsorted(tracks, there.tracks))
        data["similarity_scores"].append(intersection_over_union(here.boxes, there.boxes))
    data |= {
        "num_gt_dets": len(truth),
        "num_tracker_dets": len(found),
        "num_gt_ids": len(people),
        "num_tracker_ids": len(tracks),
        "num_timesteps": len(data["gt_ids"]),
    }
    quiet = {"PRINT_CONFIG": False}
    clear = CLEAR(quiet).eval_sequence(data)
    return {
        "hota": float(np.mean(HOTA().eval_sequence(data)["HOTA"])),
        "idf1": float(Identity(quiet).eval_sequence(data)["IDF1"]),
        "mota": float(clear["MOTA"]),
        "switches": int(clear["IDSW"]),
    }


def visible(folder: Path) -> TrackedBoxes:
    """True boxes of a synthetic camera, of everybody of whom a third or more can be seen."""
    lines = [json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [
        (line["frame"], line["person_id"], *(line["box"][side] for side in ("left", "top", "right", "bottom")))
        for line in lines
        if line["visible_fraction"] >= 1 / 3
    ]
    table = np.array(sorted(rows), np.float64)
    return TrackedBoxes(table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2:], np.ones(len(table)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pets", type=Path)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--world", type=Path, help="an existing synthetic world, instead of one of its own")
    parser.add_argument("--model", default="passerby-s")
    arguments = parser.parse_args()
    if arguments.peers:
        sys.path.insert(0, str(arguments.peers))
    with tempfile.TemporaryDirectory() as own:
        world = arguments.world or Path(own) / "world"
        if not arguments.world:
            produce_videos(world, people=24, cameras=2, seconds=60, seed=5)
        scenes: list[tuple[str, Path, TrackedBoxes, Boxes]] = []
        if arguments.pets:
            video, truth = arguments.pets / "video.avi", read_mot(arguments.pets / "gt.txt").scaled(0.625)
            scenes.append(("PETS09-S2L1, true boxes spoilt", video, truth, spoilt(truth)))
            scenes.append(("PETS09-S2L1, motion detector", video, truth, by_motion(video)))
        for folder in sorted(world.glob("c[0-9]*")):
            truth = visible(folder)
            scenes.append((f"synthetic {folder.name}, true boxes spoilt", folder / "video.mp4", truth, spoilt(truth)))
        rows = [row for scene in scenes for row in measure(scene, arguments.model, bool(arguments.peers))]
    figures = {"lost": LOST, "off_heights": OFF, "rows": rows, "summary": summary(rows)}
    print(record("tracking", figures))


def measure(scene: tuple[str, Path, TrackedBoxes, Boxes], model: str, peers: bool) -> list[dict[str, Any]]:
    name, video, truth, boxes = scene
    frames = VideoFile(video).total or 0
    followers: dict[str, Callable[[], TrackedBoxes]] = {
        "ours, motion and looks": lambda: ours(video, boxes, model),
        "ours, motion alone": lambda: ours(video, boxes, None),
    }
    if peers:
        followers |= {
            "trackers' ByteTrack": lambda: theirs("ByteTrack", frames, boxes),
            "trackers' SORT": lambda: theirs("SORT", frames, boxes),
        }
    rows = []
    for follower, run in followers.items():
        before = time.process_time()
        found = run()
        seconds = time.process_time() - before
        metrics = tracking_metrics(truth, found)
        rows.append(
            {
                "boxes": name,
                "tracker": follower,
                "cpu_seconds": round(seconds, 2),
                **asdict(metrics),
                "trackeval": as_trackeval(truth, found),
            }
        )
        print(f"{name:42} {follower:24} {shown(metrics)} {seconds:6.1f} CPU s", flush=True)
    return rows


def shown(metrics: TrackingMetrics) -> str:
    return (
        f"HOTA {metrics.hota:.3f} IDF1 {metrics.idf1:.3f} MOTA {metrics.mota:.3f} switches {metrics.switches:3d} "
        f"false {metrics.false_boxes:4d} misses {metrics.misses:4d}"
    )


def summary(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    found = []
    for name in dict.fromkeys(row["boxes"] for row in rows):
        here = {row["tracker"]: row for row in rows if row["boxes"] == name}
        best = here["ours, motion and looks"]
        others = "; ".join(
            f"{tracker}: {row['hota']:.3f}, {row['idf1']:.3f}, {row['mota']:.3f}, {row['switches']}"
            for tracker, row in here.items()
            if row is not best
        )
        figure = f"{best['hota']:.3f}, {best['idf1']:.3f}, {best['mota']:.3f}, {best['switches']}"
        found.append({"what": f"Tracking ({name}): HOTA, IDF1, MOTA, switches", "figure": figure, "beside": others})
    return found


if __name__ == "__main__":
    main()
