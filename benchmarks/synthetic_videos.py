"""How many frames of synthetic video are drawn a second with eight people in view, and how long the demo takes.

Frames are drawn and encoded in one process, in processor time; beside them the rasteriser alone draws the same
bodies, posed and lit beforehand, into a frame of the same size. The demo is the command as a user gives it.
"""

import argparse
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ[_name] = "1"  # as in the processes that record

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from passerby.synthetic.body import build_body, posed
from passerby.synthetic.direction import write_script
from passerby.synthetic.encoder import Encoder
from passerby.synthetic.film import Film, frame_box
from passerby.synthetic.gait import sample_pose
from passerby.synthetic.population import sample_person
from passerby.synthetic.renderer import Renderer
from passerby.synthetic.script import Script
from passerby.synthetic.stage import Stage, set_stages
from record import record

FPS, WALKERS, WARM = 10.0, 8, 30


def film(script: Script, stage: Stage, height: int, width: int, count: int) -> dict[str, Any]:
    """Draw and encode a video; processor milliseconds of those of its frames that show eight people."""
    drawing, encoding = [], []
    with (
        tempfile.TemporaryDirectory() as place,
        Film(script, stage, 0, height, width, FPS) as film,
        Encoder(Path(place) / "video.mp4", height, width, FPS) as encoder,
    ):
        for number in range(film.length):
            start = time.process_time()
            frame = film.frame(number)
            drawn = time.process_time()
            encoder.add(frame.pixels)
            if len(frame.people) == WALKERS and number > WARM:
                drawing.append(drawn - start)
                encoding.append(time.process_time() - drawn)
            if len(drawing) == count:
                break
    seconds = sum(drawing) + sum(encoding)
    return {
        "frames": len(drawing),
        "people_per_frame": WALKERS,
        "cpu_milliseconds_per_frame": round(1000 * seconds / len(drawing), 2),
        "of_it_encoding": round(1000 * sum(encoding) / len(drawing), 2),
        "frames_per_cpu_second": round(len(drawing) / seconds, 1),
    }


def floor(stage: Stage, height: int, width: int, count: int) -> dict[str, float]:
    """Only rasterise eight bodies that are posed and lit; processor milliseconds a frame."""
    generator = np.random.default_rng(0)
    near, far = stage.camera.distances
    bodies = []
    for index in range(WALKERS):
        person = sample_person(1, index)
        place = float(generator.uniform(-0.25, 0.25)) * near, float(generator.uniform(near, far))
        bodies.append(posed(build_body(person), sample_pose(generator, person), place, 90.0))
    shades = [np.full_like(body.points, 0.7) for body in bodies]
    projection = stage.camera.projection(frame_box(height, width))
    with Renderer(height, width) as renderer:
        for _ in range(5):
            renderer.draw(bodies, shades, projection)
        start = time.process_time()
        for _ in range(count):
            renderer.draw(bodies, shades, projection)
        seconds = time.process_time() - start
    return {
        "cpu_milliseconds_per_frame": round(1000 * seconds / count, 2),
        "frames_per_cpu_second": round(count / seconds, 1),
    }


def demo() -> dict[str, float]:
    """Run `passerby demo` into an empty folder; wall and processor seconds."""
    with tempfile.TemporaryDirectory() as place:
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        code = (
            "from passerby.cli.main import run\nif __name__ == '__main__':\n"
            f"    run(['demo', '--output', {place + '/demo'!r}])"
        )
        environment = {name: value for name, value in os.environ.items() if not name.endswith(("_THREADS", "_NUM"))}
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
        wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_seconds": round(wall, 1), "cpu_seconds": round(processor, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--width", type=int, default=640)
    arguments = parser.parse_args()
    size = arguments.height, arguments.width
    load = os.getloadavg()[0]
    script, stage = write_script(1, 40, 1, 60.0), set_stages(1, 1)[0]
    drawn, rasterised = film(script, stage, *size, arguments.frames), floor(stage, *size, arguments.frames)
    whole = demo()
    print(f"frames: {drawn}\nrasteriser alone: {rasterised}\ndemo: {whole}\nload before: {load:.1f}")
    record(
        "synthetic_videos",
        {
            "frames": drawn,
            "rasteriser": rasterised,
            "demo": whole,
            "load_before": round(load, 2),
            "summary": [
                {
                    "what": f"video frames of {arguments.height}×{arguments.width} with "
                    f"{WALKERS} people in view, drawn and encoded by one process",
                    "figure": f"{drawn['frames_per_cpu_second']:.0f} frames/CPU s",
                    "beside": f"the rasteriser alone, {WALKERS} bodies: "
                    f"{rasterised['frames_per_cpu_second']:.0f} frames/CPU s",
                },
                {
                    "what": "`passerby demo`: three cameras for a minute, search, report",
                    "figure": f"{whole['cpu_seconds']:.0f} CPU s, {whole['wall_seconds']:.0f} s on the clock",
                    "beside": f"a load of {load:.1f} by other programs on these processors",
                },
            ],
        },
    )


if __name__ == "__main__":
    main()
