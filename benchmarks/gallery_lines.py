"""Importing many lines of JSON of which one is bad; see gallery.py."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from measure import MIB, peak_mib
from passerby.gallery import open_gallery
from passerby.gallery.exchange import Imported, import_lines

DIMENSION = 16


def import_with_a_bad_line(work: Path, lines: int) -> dict[str, Any]:
    """Import a file with one line that is cut short; gives what came of it."""
    source, bad = work / "lines.jsonl", lines // 3
    random = np.random.default_rng(7)
    with source.open("w", encoding="utf-8") as file:
        for number in range(1, lines + 1):
            line = {
                "id": f"sighting-{number}",
                "camera": f"camera {number % 10}",
                "time": "2026-03-01T12:00:00Z",
                "model": "m",
                "embedding": random.normal(size=DIMENSION).round(4).tolist(),
            }
            text = json.dumps(line)
            file.write(f"{text[:40] if number == bad else text}\n")
    found: list[Imported] = []
    cpu = time.process_time()
    with open_gallery(work / "imported") as gallery:
        memory = peak_mib(lambda: found.append(import_lines(gallery, source)))
        seconds = time.process_time() - cpu
        sightings = gallery.info().sightings
    done = found[0]
    return {
        "lines": lines,
        "file_mib": round(source.stat().st_size / MIB),
        "imported": done.added,
        "sightings": sightings,
        "refused_lines": [number for number, _ in done.refused],
        "bad_line": bad,
        "cpu_seconds": round(seconds, 1),
        "peak_mib": round(memory),
    }
