"""Records one camera: its video, MOTChallenge's ground truth, and all that is true of everybody in every frame."""

import json
from pathlib import Path
from typing import Any

from passerby.synthetic.encoder import Encoder
from passerby.synthetic.film import Appearance, Film, Frame
from passerby.synthetic.script import Script
from passerby.synthetic.stage import Stage
from passerby.synthetic.tracklets import TrackletCutter
from passerby.synthetic.truth import plain
from passerby.synthetic.video_plan import VideoPlan
from passerby.synthetic.workers import is_stopped, tick

VIDEO, GROUND_TRUTH, SEQUENCE, TRUTH = "video.mp4", "gt/gt.txt", "seqinfo.ini", "truth.jsonl"
"""What lies in the folder of a camera."""

_PEDESTRIAN = 1
"""MOTChallenge's class of people on foot."""


def record(
    plan: VideoPlan, script: Script, stage: Stage, camera: int, folder: Path, tracklets: Path | None = None
) -> bool:
    """Record one camera into an empty folder.

    Args:
        plan: Size and rate of the video.
        script: Who walks where and when.
        stage: The camera and what it sees.
        camera: The camera's number, from 0.
        folder: Where its files go.
        tracklets: Where tracklets go; None for none.

    Returns:
        Whether the recording is complete: false when it was stopped.
    """
    (folder / GROUND_TRUTH).parent.mkdir(parents=True)
    (folder / SEQUENCE).write_text(_sequence(plan, folder.name), encoding="ascii", newline="\n")
    cutter = None if tracklets is None else TrackletCutter(tracklets, plan.people, camera, plan.fps)
    with (
        (folder / GROUND_TRUTH).open("w", encoding="ascii", newline="\n") as boxes,
        (folder / TRUTH).open("w", encoding="utf-8", newline="\n") as truth,
        Film(script, stage, camera, plan.height, plan.width, plan.fps, plan.key_points) as film,
        Encoder(folder / VIDEO, plan.height, plan.width, plan.fps) as encoder,
    ):
        for frame in film.frames():
            if is_stopped():
                return False
            encoder.add(frame.pixels)
            boxes.writelines(_ground_truth(frame.number, one) for one in frame.people)
            truth.writelines(_truth(frame, one, script, stage, plan) for one in frame.people)
            if cutter is not None:
                cutter.cut(frame)
            tick()
    return True


def _ground_truth(frame: int, one: Appearance) -> str:
    """One line of `gt.txt`: frame, id, left, top, width, height, considered, class, visibility; all counted from 1.

    Source: Milan et al., MOT16: A Benchmark for Multi-Object Tracking, 2016.
    """
    box = one.box
    numbers = [f"{value:.2f}" for value in (box.left + 1, box.top + 1, box.width, box.height)]
    return f"{frame + 1},{one.person + 1},{','.join(numbers)},1,{_PEDESTRIAN},{one.visible:.4f}\n"


def _truth(frame: Frame, one: Appearance, script: Script, stage: Stage, plan: VideoPlan) -> str:
    """One line of `truth.jsonl`."""
    content: dict[str, Any] = {
        "frame": frame.number + 1,
        "time": frame.number / plan.fps,
        "person_id": one.person + 1,
        "visit": one.visit + 1,
        "clothes": one.clothes,
        "group": script.visits[one.visit].group,
        "box": one.box,
        "visible_fraction": one.visible,
        "place": one.place,
        "world": stage.placement.to_world(one.place),
        "heading": (one.heading + stage.placement.heading) % 360.0,
        "speed": one.speed,
        "activity": one.activity,
    }
    if one.key_points:
        content["key_points"] = tuple((point.x, point.y, int(point.visible)) for point in one.key_points)
    line = {name: plain(value) for name, value in content.items()}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"


def _sequence(plan: VideoPlan, name: str) -> str:
    """MOTChallenge's description of a sequence."""
    rate = int(plan.fps) if plan.fps == int(plan.fps) else plan.fps
    entries = {
        "name": name,
        "imDir": "img1",
        "frameRate": rate,
        "seqLength": plan.frames,
        "imWidth": plan.width,
        "imHeight": plan.height,
        "imExt": ".jpg",
    }
    return "[Sequence]\n" + "".join(f"{key}={value}\n" for key, value in entries.items())
