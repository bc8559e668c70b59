"""Draws a large data set of synthetic people on all cores; interrupted, it goes on where it stopped."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from passerby.errors import DataError, MachineError
from passerby.machine import processors
from passerby.synthetic.generate import draw_person
from passerby.synthetic.plan import Plan, default_train_people
from passerby.synthetic.renderer import panda3d_version
from passerby.synthetic.studio import Studio
from passerby.synthetic.unfinished import UnfinishedDataset

_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


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
    plan = Plan(people, cameras, pictures, seed, height, width, train_people, cameras_per_person)
    processes = processors() if processes is None else processes
    if processes < 1:
        raise DataError(f"expected 1 process or more, got {processes}; give a number from 1 up")
    panda3d_version()  # says at once when it is missing
    tell = progress or (lambda done, total: None)
    unfinished = UnfinishedDataset(output, plan)
    if unfinished.is_complete():
        tell(plan.total, plan.total)
        return output
    with unfinished.opened():
        missing = unfinished.missing()
        done = plan.people - len(missing)
        tell(done * plan.of_each, plan.total)
        for _ in _drawn(unfinished, missing, min(processes, len(missing))):
            done += 1
            tell(done * plan.of_each, plan.total)
        unfinished.finish()
    return output


def _drawn(unfinished: UnfinishedDataset, people: list[int], processes: int) -> Iterator[None]:
    """Draw people in several processes; yields after each."""
    if not people:
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin_process)
    try:
        with _for_children():
            jobs = [
                pool.submit(_draw, unfinished.plan, person, unfinished.data, unfinished.record(person))
                for person in people
            ]
        for job in as_completed(jobs):
            job.result()
            yield
    except BrokenProcessPool as error:
        raise MachineError(
            "a process that draws was ended, perhaps for want of memory; give the same command again to go on"
        ) from error
    finally:
        # Those who are being drawn are finished, which takes a moment; the others are left for another time.
        pool.shutdown(wait=True, cancel_futures=True)


def _draw(plan: Plan, person: int, data: Path, record: Path) -> None:
    """Draw a person's pictures, then write the record that says so."""
    lines = draw_person(_studio(plan.seed, plan.height, plan.width), plan, person, data)
    aside = record.with_suffix(".part")
    aside.write_text(lines, encoding="utf-8", newline="\n")
    os.replace(aside, record)


@cache
def _studio(seed: int, height: int, width: int) -> Studio:
    """This process's studio."""
    return Studio(seed, height, width)


def _begin_process() -> None:
    """Leave Ctrl-C to the parent, and end when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _for_children() -> Iterator[None]:
    """Let processes that start now compute in one thread each, and not hear Ctrl-C."""
    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main_thread else None
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
