"""Killing a process that adds to a gallery, again and again, and counting what is lost; see gallery.py."""

import itertools
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from passerby.gallery import open_gallery
from passerby.gallery.consistency import verify
from passerby.types import Sighting

START = datetime(2026, 3, 1, tzinfo=UTC)

AT_MOST = 20  # Sightings of one call.


def add_until_killed(folder: Path, seed: int, pipe: int) -> None:
    """Add batch after batch, and write what is acknowledged into a pipe."""
    random = np.random.default_rng(seed)
    with open_gallery(folder) as gallery:
        for batch in itertools.count():
            added = gallery.add(
                [
                    Sighting(
                        camera="gate",
                        time=START + timedelta(seconds=place),
                        embedding=random.normal(size=512).astype(np.float32),
                        model="m",
                        id=f"{seed}-{batch}-{place}",
                    )
                    for place in range(int(random.integers(1, AT_MOST)))
                ]
            )
            os.write(pipe, "".join(f"{one.id}={one.sequence}\n" for one in added).encode())


def survive_kills(folder: Path, kills: int) -> dict[str, Any]:
    """Kill, open again, compare with what was acknowledged; gives the counts."""
    random = np.random.default_rng(200)
    promised: dict[str, int] = {}
    lost = twice = disagreements = 0
    for attempt in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                add_until_killed(folder, attempt, writing)
            finally:
                os._exit(1)
        os.close(writing)
        time.sleep(float(random.uniform(0.05, 1)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reading, "rb") as pipe:
            lines = [line.decode() for line in pipe if line.endswith(b"\n")]
        for line in lines:
            identifier, number = line.strip().split("=")
            promised[identifier] = int(number)
        with open_gallery(folder) as gallery:
            there = {sighting.id: sighting.sequence for sighting in gallery.sightings()}
            lost += len(promised.items() - there.items())
            twice += len(there) - len(set(there.values()))
            # Comparing all pictures and vectors each time would take longer than everything else.
            disagreements += len(verify(gallery)) if attempt % 20 == 19 or attempt == kills - 1 else 0
    return {
        "kills": kills,
        "acknowledged": len(promised),
        "lost": lost,
        "twice": twice,
        "disagreements": disagreements,
    }
