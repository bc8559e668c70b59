"""Killing a process that adds to a gallery, again and again, and counting what is lost; see gallery.py."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from passerby.gallery import open_gallery
from passerby.gallery.consistency import verify

ADDER = """
import sys
from datetime import UTC, datetime, timedelta
import numpy as np
from passerby.gallery import open_gallery
from passerby.types import Sighting

random = np.random.default_rng(int(sys.argv[2]))
with open_gallery(sys.argv[1]) as gallery:
    print("open", flush=True)
    for batch in range(100_000):
        added = gallery.add([
            Sighting("gate", datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=place), model="m",
                     embedding=random.normal(size=512).astype(np.float32), id=f"{sys.argv[2]}-{batch}-{place}")
            for place in range(int(random.integers(1, 20)))
        ])
        print(*(f"{one.id}={one.sequence}" for one in added), flush=True)
"""


def survive_kills(folder: Path, kills: int) -> dict[str, Any]:
    """Kill, open again, compare with what was acknowledged; gives the counts."""
    random = np.random.default_rng(200)
    promised: dict[str, int] = {}
    lost = twice = disagreements = 0
    for attempt in range(kills):
        command = [sys.executable, "-W", "ignore", "-c", ADDER, str(folder), str(attempt)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(float(random.uniform(0, 0.5)))
            os.kill(process.pid, signal.SIGKILL)
            lines = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        for pair in (pair for line in lines for pair in line.split()):
            identifier, number = pair.split("=")
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
