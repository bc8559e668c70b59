"""What is true of a whole world of videos: its cameras' calibration, everybody's way on the ground, who they are."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from passerby.synthetic.attributes import attributes_of
from passerby.synthetic.film import frame_box
from passerby.synthetic.population import sample_person
from passerby.synthetic.script import Script
from passerby.synthetic.sentences import sentence
from passerby.synthetic.stage import Stage
from passerby.synthetic.truth import plain
from passerby.synthetic.video_plan import VideoPlan
from passerby.synthetic.walk import Walk


def camera_truth(plan: VideoPlan, stage: Stage, camera: int) -> dict[str, Any]:
    """A camera's calibration as JSON takes it: a pixel is K (R X + t), and H takes the ground to pixels.

    Both hold for a lens without distortion; `distortion` has OpenCV's five coefficients, of which only the first
    radial one differs from 0. The camera's own axes are those of OpenCV: x to the right, y down, z forward. Pixels
    count from the frame's top left corner; the middle of the first pixel is at 0.5.
    """
    intrinsics, rotation, translation = projection_of(plan, stage)
    ground = intrinsics @ np.column_stack([rotation[:, :2], translation])
    return {
        "camera_id": camera + 1,
        "folder": plan.folder(camera),
        "place": stage.site.kind,
        "indoors": stage.site.indoors,
        "frames": plan.frames,
        "fps": plan.fps,
        "size": [plan.height, plan.width],
        "position": [stage.placement.x, stage.placement.y, stage.camera.height],
        "heading": stage.placement.heading,
        "tilt": stage.camera.tilt,
        "roll": stage.camera.roll,
        "K": intrinsics.tolist(),
        "R": rotation.tolist(),
        "t": translation.tolist(),
        "distortion": [stage.camera.distortion, 0.0, 0.0, 0.0, 0.0],
        "H": (ground / ground[2, 2]).tolist(),
    }


_Array = npt.NDArray[np.float64]


def projection_of(plan: VideoPlan, stage: Stage) -> tuple[_Array, _Array, _Array]:
    """K (3, 3), in pixels of the frames, and R (3, 3) and t (3,), which take the world to the camera."""
    camera, placement, box = stage.camera, stage.placement, frame_box(plan.height, plan.width)
    scale = plan.height / box.height
    intrinsics = np.diag([camera.focal_length * scale, camera.focal_length * scale, 1.0])
    intrinsics[:2, 2] = plan.width / 2, plan.height / 2
    turn = np.radians(placement.heading)
    to_local = np.array([[np.cos(turn), np.sin(turn), 0.0], [-np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    rotation = np.diag([1.0, -1.0, 1.0]) @ camera.rotation.astype(np.float64) @ to_local
    return intrinsics, rotation, -rotation @ np.array([placement.x, placement.y, camera.height])


def trajectory_lines(plan: VideoPlan, script: Script) -> Iterator[str]:
    """Lines of `trajectories.jsonl`: for each visit and journey, everybody's place in the world at every frame."""
    parts: list[tuple[int, float, dict[str, Any]]] = []
    for number, visit in enumerate(script.visits):
        walk, placement = Walk(visit, sample_person(script.seed, visit.person)), script.placements[visit.camera]
        frames = _frames(plan, visit.begin, walk.end)
        local = [walk.place(frame / plan.fps) for frame in frames]
        content = {"camera_id": visit.camera + 1, "visit": number + 1, "clothes": visit.clothes, "group": visit.group}
        content |= _places(frames, [placement.to_world(place) for place in local]) | {"place": _columns(local)}
        parts.append((visit.person, visit.begin, content))
    for journey in script.journeys:
        frames = _frames(plan, journey.begin, journey.end)
        content = {"camera_id": None, **_places(frames, [journey.at(frame / plan.fps) for frame in frames])}
        parts.append((journey.person, journey.begin, content))
    for person, _, content in sorted(parts, key=lambda part: part[:2]):
        if content["frames"]:
            yield json.dumps({"person_id": person + 1, **content}, separators=(",", ":")) + "\n"


def _frames(plan: VideoPlan, begin: float, end: float) -> range:
    first, last = int(np.ceil(begin * plan.fps)), int(np.floor(end * plan.fps))
    return range(max(0, first), min(plan.frames, last + 1))


def _places(frames: range, world: list[tuple[float, float]]) -> dict[str, Any]:
    return {"first_frame": frames.start + 1, "frames": len(frames), "world": _columns(world)}


def _columns(places: list[tuple[float, float]]) -> list[list[float]]:
    """Rounded x of all places, and y."""
    return [[round(place[axis], 3) for place in places] for axis in (0, 1)]


def people_truth(script: Script) -> list[dict[str, Any]]:
    """Everybody's attributes and sentence, once for each set of clothes that they come in."""
    sets = sorted({(visit.person, visit.clothes) for visit in script.visits})
    described = []
    for person, clothes in sets:
        attributes = attributes_of(sample_person(script.seed, person, clothes_set=clothes))
        content = {"sentence": sentence(attributes), "attributes": plain(attributes)}
        cameras = sorted({v.camera + 1 for v in script.visits if (v.person, v.clothes) == (person, clothes)})
        described.append({"person_id": person + 1, "clothes": clothes, "cameras": cameras, **content})
    return described
