"""How long Passerby takes to import and to answer `--help`, beside Python itself and an import of torch."""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time

from record import record

COMMANDS = {
    "python": [sys.executable, "-c", "pass"],
    "import passerby": [sys.executable, "-c", "import passerby"],
    "passerby --help": [sys.executable, "-c", "from passerby.cli.main import run; run(['--help'])"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def _run(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of a whole process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"COLUMNS": "100"})
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9, help="of each command, in turns, after one to warm up")
    arguments = parser.parse_args()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for turn in range(arguments.runs + 1):
        for name, command in COMMANDS.items():
            measured = _run(command)
            if turn:
                times[name].append(measured)
    figures: dict[str, object] = {}
    for name, measured in times.items():
        wall = statistics.median(wall for wall, _ in measured)
        processor = statistics.median(processor for _, processor in measured)
        figures[name] = {"wall_seconds_median": round(wall, 3), "cpu_seconds_median": round(processor, 3)}
        print(f"{name:20} {wall:6.3f} s wall  {processor:6.3f} s processor")
    summary = [
        {
            "what": f"`{name}`",
            "figure": f"{statistics.median(wall for wall, _ in times[name]):.2f} s",
            "beside": f"`import torch` alone {statistics.median(wall for wall, _ in times['import torch']):.2f} s",
        }
        for name in ("import passerby", "passerby --help")
    ]
    record("start_up", figures | {"summary": summary})


if __name__ == "__main__":
    main()
