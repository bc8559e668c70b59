"""How many synthetic people are drawn a second on all cores, beside one process, and where the time goes.

`passerby synth images` at work: everything from the start of the processes to the finished data set counts. The
stages are measured in one process, as processor time, each without the stages inside it.
"""

import argparse
import os
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from passerby.synthetic import generate, painting, placing, studio
from passerby.synthetic.backgrounds import Backdrop
from passerby.synthetic.painting import Painter
from passerby.synthetic.plan import Plan
from passerby.synthetic.production import produce_people
from passerby.synthetic.renderer import Renderer
from passerby.synthetic.studio import Studio
from record import record

STAGES: tuple[tuple[object, str, str], ...] = (
    (studio, "build_body", "body building"),
    (studio, "build_site", "places"),
    (Backdrop, "_drawn", "places"),
    (placing, "sample_pose", "posing"),
    (placing, "posed", "posing"),
    (painting, "light_on", "light on bodies"),
    (Renderer, "draw", "rendering"),
    (Backdrop, "draw", "background"),
    (painting, "in_motion", "effects"),
    (painting, "through", "effects"),
    (painting, "enlarged", "effects"),
    (Painter, "visible_fraction", "truth"),
    (Studio, "_key_points", "truth"),
    (generate.json, "dumps", "truth"),
    (Image.Image, "save", "encoding"),
)
"""Where a function is found, its name, and the stage it belongs to; `save` within the effects belongs to these."""


class Stopwatch:
    """Processor seconds by stage; a stage's clock stands still while one inside it runs."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._running = ["rest"]
        self._since = time.process_time()

    def timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """The same function, timed."""

        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            within_effects = self._running[-1] == "effects"
            self._switch(lambda: self._running.append("effects" if within_effects else stage))
            try:
                return function(*arguments, **options)
            finally:
                self._switch(self._running.pop)

        return call

    def _switch(self, change: Callable[[], object]) -> None:
        now = time.process_time()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now
        change()

    def stop(self) -> dict[str, float]:
        """Seconds by stage."""
        self._switch(lambda: None)
        return dict(self.seconds)


def stages(plan: Plan, first: int) -> dict[str, float]:
    """Milliseconds of processor time a picture, by stage, after `first` people have warmed up."""
    originals = [getattr(owner, name) for owner, name, _ in STAGES]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generate.make_folders(folder)
        with Studio(plan.seed, plan.height, plan.width) as warm:
            for person in range(first):
                generate.draw_person(warm, plan, person, folder)
            watch = Stopwatch()
            # The studio holds its functions by name, so they can be changed once it is warm.
            for (owner, name, stage), original in zip(STAGES, originals, strict=True):
                setattr(owner, name, watch.timed(original, stage))
            try:
                for person in range(first, plan.people):
                    generate.draw_person(warm, plan, person, folder)
            finally:
                for (owner, name, _), original in zip(STAGES, originals, strict=True):
                    setattr(owner, name, original)
    pictures = (plan.people - first) * plan.of_each
    return {stage: round(1000 * seconds / pictures, 2) for stage, seconds in sorted(watch.stop().items())}


def whole(plan: Plan, processes: int) -> dict[str, float]:
    """Draw a data set; wall and processor seconds, start of the processes included."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    own = time.process_time()
    with tempfile.TemporaryDirectory() as place:
        produce_people(Path(place) / "people", **plan.arguments(), processes=processes)
        wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime + time.process_time() - own
    return {
        "processes": processes,
        "pictures": plan.total,
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(processor, 2),
        "pictures_per_second": round(plan.total / wall, 1),
        "cpu_milliseconds_per_picture": round(1000 * processor / plan.total, 2),
        "pictures_per_cpu_second": round(plan.total / processor, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--cameras", type=int, default=6)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=128)
    arguments = parser.parse_args()

    def plan(people: int) -> Plan:
        size = arguments.height, arguments.width
        return Plan(people, arguments.cameras, arguments.pictures, 1, *size, people * 2 // 3)

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0]
    by_stage = stages(plan(max(6, arguments.people // 4)), max(2, arguments.people // 8))
    one, all_cores = whole(plan(max(4, arguments.people // 3)), 1), whole(plan(arguments.people), cores)
    for stage, milliseconds in sorted(by_stage.items(), key=lambda item: -item[1]):
        print(f"{stage:16} {milliseconds:6.2f} ms processor time a picture")
    for measured in (one, all_cores):
        print(
            f"{measured['processes']} processes: {measured['pictures_per_second']:.0f} pictures a second, "
            f"{measured['cpu_milliseconds_per_picture']:.1f} ms processor time a picture"
        )
    size = f"{arguments.height}×{arguments.width}"
    slowest = sorted(by_stage, key=lambda stage: -by_stage[stage])[:3]
    where = ", ".join(f"{stage} {by_stage[stage] / sum(by_stage.values()):.0%}" for stage in slowest)
    summary = [
        {
            "what": f"synthetic people drawn at {size}, {cores} processes",
            "figure": f"{all_cores['pictures_per_second']:.0f} pictures/s",
            "beside": f"one process {one['pictures_per_second']:.0f}/s in the same run; "
            f"load of the machine before: {load:.1f}",
        },
        {
            "what": f"one synthetic picture at {size}, processor time",
            "figure": f"{all_cores['cpu_milliseconds_per_picture']:.1f} ms",
            "beside": f"of it {where}",
        },
    ]
    record(
        "synthetic_people",
        {
            "size": [arguments.height, arguments.width],
            "load_average_before": round(load, 2),
            "stages_cpu_milliseconds_per_picture": by_stage,
            "one_process": one,
            "all_cores": all_cores,
            "summary": summary,
        },
    )


if __name__ == "__main__":
    main()
