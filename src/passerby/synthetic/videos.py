"""Makes the videos of several cameras of one synthetic world on all cores; goes on where it was interrupted."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from passerby.atomic import json_text
from passerby.errors import DataError
from passerby.machine import processors
from passerby.synthetic.direction import write_script
from passerby.synthetic.encoder import pyav_version
from passerby.synthetic.generate import GENERATOR_VERSION, PEOPLE, PROVENANCE
from passerby.synthetic.recording import record
from passerby.synthetic.renderer import panda3d_version
from passerby.synthetic.script import Script
from passerby.synthetic.stage import set_stages
from passerby.synthetic.tracklets import make_folders
from passerby.synthetic.unfinished import UnfinishedFolder
from passerby.synthetic.video_plan import VideoPlan
from passerby.synthetic.workers import in_processes
from passerby.synthetic.world_truth import camera_truth, people_truth, trajectory_lines

GENERATOR = "passerby.synthetic.videos"
"""Names the generator in `provenance.json`."""

CAMERAS, SCRIPT, TRAJECTORIES, TRACKLETS = "cameras.json", "script.json", "trajectories.jsonl", "tracklets"
"""What lies beside the cameras' folders, and `people.json` and `provenance.json`."""


def produce_videos(
    output: Path,
    *,
    people: int = 20,
    cameras: int = 3,
    seed: int = 0,
    seconds: float = 60.0,
    fps: float = 10.0,
    height: int = 360,
    width: int = 640,
    change_clothes: float = 0.0,
    sitting: float = 0.0,
    key_points: bool = False,
    tracklets: bool = False,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Record one world of synthetic people by several cameras whose views do not overlap, with its whole truth.

    Each camera has a folder with `video.mp4` (H.264), `gt/gt.txt` and `seqinfo.ini` as MOTChallenge has them, and
    `truth.jsonl`; a person's number is the same in all of them. Beside them lie `cameras.json` (calibration),
    `trajectories.jsonl` (everybody's way on the ground), `people.json`, `script.json` and `provenance.json`.

    The videos grow in `<output>.unfinished` and take their place when all are complete. After an interruption the
    same call goes on: a finished camera is not recorded again. Where `output` is complete, nothing is done. The same
    arguments give the same bytes for any number of processes. New processes import the main module: call this below
    `if __name__ == "__main__":`.

    Args:
        output: Folder to make; must be new, empty, or hold these very videos.
        people: How many people walk about, 1 to 9999.
        cameras: How many cameras record, 1 to 99; 9 at most with tracklets.
        seed: The world's seed, 0 or more.
        seconds: How long they record, 1 to 86,400.
        fps: Frames a second, 1 to 60.
        height: Rows of the frames, even, 64 to 2160.
        width: Columns of the frames, even, 64 to 3840.
        change_clothes: Probability that somebody who comes back has changed clothes, 0 to 1.
        sitting: Probability that somebody who comes by sits down on a bench, 0 to 1; above 0 there are benches.
        key_points: Whether `truth.jsonl` tells the 14 key points of everybody.
        tracklets: Whether everybody is cut out as tracklets, in MARS's layout.
        processes: How many processes draw, 1 or more; None for one on every core.
        progress: Called now and then with the number of frames drawn and of all.

    Returns:
        `output`.

    Raises:
        DataError: An argument is out of range, `output` holds something else, or what was begun there has other
            settings.
        MissingExtraError: panda3d or PyAV is not installed.
        MachineError: A folder cannot be written, or a process was ended from outside.
    """
    output = Path(output)
    plan = VideoPlan(
        people=people,
        cameras=cameras,
        seed=seed,
        seconds=float(seconds),
        fps=float(fps),
        height=height,
        width=width,
        change_clothes=float(change_clothes),
        sitting=float(sitting),
        key_points=key_points,
        tracklets=tracklets,
    )
    processes = processors() if processes is None else processes
    if processes < 1:
        raise DataError(f"expected 1 process or more, got {processes}; give a number from 1 up")
    panda3d_version(), pyav_version()  # say at once when they are missing
    tell = progress or (lambda done, total: None)
    unfinished = UnfinishedFolder(output, plan.arguments(), ("numpy", "pillow", "av"), GENERATOR)
    if unfinished.is_complete():
        tell(plan.total, plan.total)
        return output
    with unfinished.opened():
        missing = [camera for camera in range(cameras) if not (unfinished.records / plan.folder(camera)).exists()]
        done = plan.total - len(missing) * plan.frames
        tell(done, plan.total)
        script = write_script(seed, people, cameras, plan.seconds, plan.change_clothes, plan.sitting)
        jobs = [(plan, script, camera, unfinished.data, unfinished.records) for camera in missing]
        with closing(in_processes(_record, jobs, processes)) as recording:
            for so_far in recording:
                tell(min(plan.total, done + so_far.ticks), plan.total)
        _describe(unfinished.data, plan, script)
        unfinished.take_place()
    return output


def _record(plan: VideoPlan, script: Script, camera: int, data: Path, records: Path) -> None:
    """Record one camera, then leave a mark that says so."""
    folder, aside = data / plan.folder(camera), records / f"{plan.folder(camera)}.part"
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    stage = set_stages(plan.seed, plan.cameras, plan.benches)[camera]
    tracklets = data / TRACKLETS if plan.tracklets else None
    if record(plan, script, stage, camera, aside / plan.folder(camera), tracklets):
        os.replace(aside / plan.folder(camera), folder)
        (records / plan.folder(camera)).touch()
    shutil.rmtree(aside, ignore_errors=True)


def _describe(folder: Path, plan: VideoPlan, script: Script) -> None:
    """Put to the cameras' folders what is true of the whole world."""
    stages = set_stages(plan.seed, plan.cameras, plan.benches)
    if plan.tracklets:
        make_folders(folder / TRACKLETS)
    provenance = {
        "generator": GENERATOR,
        "generator_version": GENERATOR_VERSION,
        "note": "synthetic: no real person is shown",
        "panda3d_version": panda3d_version(),
        "pyav_version": pyav_version(),
        "arguments": plan.arguments(),
        "counts": {"visits": len(script.visits), "frames": plan.total},
    }
    contents = {
        CAMERAS: [camera_truth(plan, stage, camera) for camera, stage in enumerate(stages)],
        SCRIPT: script.to_dict(),
        PEOPLE: people_truth(script),
        PROVENANCE: provenance,
    }
    with (folder / TRAJECTORIES).open("w", encoding="ascii", newline="\n") as trajectories:
        trajectories.writelines(trajectory_lines(plan, script))
    for name, content in contents.items():
        (folder / name).write_text(json_text(content), encoding="utf-8")
