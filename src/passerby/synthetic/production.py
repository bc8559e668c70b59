"""Draws a large data set of synthetic people on all cores; interrupted, it goes on where it stopped."""

import os
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

from passerby.errors import DataError
from passerby.machine import processors
from passerby.synthetic.generate import draw_person, studio_of
from passerby.synthetic.modes import Mode
from passerby.synthetic.plan import Plan, default_train_people
from passerby.synthetic.renderer import panda3d_version
from passerby.synthetic.studio import Studio
from passerby.synthetic.tables import check_tables
from passerby.synthetic.unfinished import UnfinishedDataset
from passerby.synthetic.workers import in_processes


def produce_people(
    output: Path,
    *,
    people: int = 60,
    cameras: int = 4,
    pictures: int = 6,
    seed: int = 0,
    height: int = 128,
    width: int = 64,
    train_people: int | None = None,
    cameras_per_person: int | None = None,
    look_alikes: int = 0,
    clothes_sets: int = 1,
    mode: Mode = "colour",
    weather: str = "clear",
    masks: bool = False,
    parquet: bool = False,
    sitting: float = 0.0,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw what `render_people` draws, the same bytes, in several processes; resumable.

    The data set grows in `<output>.unfinished`, person by person, and takes its place when it is complete. After
    an interruption the same call goes on: finished people are not drawn again. Where `output` is already complete,
    nothing is done. New processes import the main module: call this below `if __name__ == "__main__":`.

    Args:
        output: Folder to make; must be new, empty, or this very data set.
        people: How many people, 2 to 9999.
        cameras: How many cameras, 1 to 9999.
        pictures: Pictures of every person by every camera that sees them, 1 to 9999.
        seed: The world's seed, 0 or more.
        height: Rows of the pictures, 16 to 1024.
        width: Columns of the pictures, 16 to 1024.
        train_people: How many people to train on, 0 to `people`; None for two thirds.
        cameras_per_person: By how many of the cameras each person is seen, a random few; None for all.
        look_alikes: How many people in a row are dressed alike but for one thing each: 0 for a usual crowd, in
            which every sixth is like the one before; 1 for nobody; 2 to 99 for groups of so many.
        clothes_sets: In how many sets of clothes each person is seen, 1 to 99, in turn by camera and picture.
        mode: What the cameras see: "colour", "infrared" (under a lamp of their own) or "depth".
        weather: "clear", "night", "rain", "snow", or "mixed" for any of them, picture by picture.
        masks: Whether to write a part mask of every picture to `masks`, as PNG.
        parquet: Whether to write the truth as Parquet too.
        sitting: Share of the pictures in which people sit, 0 to 1; above 0 there are benches at every place.
        processes: How many processes draw, 1 or more; None for one on every core.
        progress: Called at the beginning and after each person with the number of pictures done and of all.

    Returns:
        `output`.

    Raises:
        DataError: An argument is out of range, `output` holds something else, or what was begun there has other
            settings.
        MissingExtraError: panda3d is not installed.
        MachineError: A folder cannot be written, or a process was ended from outside.
    """
    output = Path(output)
    train_people = default_train_people(people) if train_people is None else train_people
    plan = Plan(
        people,
        cameras,
        pictures,
        seed,
        height,
        width,
        train_people,
        cameras_per_person,
        look_alikes=look_alikes,
        clothes_sets=clothes_sets,
        mode=mode,
        weather=weather,
        masks=masks,
        parquet=parquet,
        sitting=float(sitting),
    )
    processes = processors() if processes is None else processes
    if processes < 1:
        raise DataError(f"expected 1 process or more, got {processes}; give a number from 1 up")
    panda3d_version()  # says at once when it is missing
    if parquet:
        check_tables()
    tell = progress or (lambda done, total: None)
    unfinished = UnfinishedDataset(output, plan)
    if unfinished.is_complete():
        tell(plan.total, plan.total)
        return output
    with unfinished.opened():
        missing = unfinished.missing()
        done = plan.people - len(missing)
        tell(done * plan.of_each, plan.total)
        jobs = [(plan, person, unfinished.data, unfinished.record(person)) for person in missing]
        with closing(in_processes(_draw, jobs, processes)) as drawing:
            for so_far in drawing:
                tell((done + so_far.jobs) * plan.of_each, plan.total)
        unfinished.finish()
    return output


def _draw(plan: Plan, person: int, data: Path, record: Path) -> None:
    """Draw a person's pictures, then write the record that says so."""
    lines = draw_person(_studio(plan), plan, person, data)
    aside = record.with_suffix(".part")
    aside.write_text(lines, encoding="utf-8", newline="\n")
    os.replace(aside, record)


@cache
def _studio(plan: Plan) -> Studio:
    """This process's studio."""
    return studio_of(plan)
