"""Where a benchmark's figures are kept: one JSON file each, with the machine, versions and command behind them."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from passerby.atomic import write_json
from passerby.machine import processors

RESULTS = Path(__file__).parent / "results"

PACKAGES = ("passerby", "numpy", "scipy", "torch", "opencv-python-headless", "onnxruntime", "openvino", "faiss-cpu")


def record(name: str, figures: dict[str, Any]) -> Path:
    """Write `results/<name>.json`: the figures, and what one needs to know to compare them.

    Args:
        name: The benchmark's name, as in `benchmarks/<name>.py`.
        figures: Numbers by name; units belong into the names, such as "cpu_seconds". Under "summary", the rows for
            the table of figures (see `figures.py`): a list of {"what": …, "figure": …, "beside": …}, all text.

    Returns:
        The file's path.
    """
    path = RESULTS / f"{name}.json"
    write_json(
        path,
        {
            "benchmark": name,
            "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *map(_shown, sys.argv[1:])]),
            "machine": machine(),
            "versions": versions(),
            "figures": figures,
        },
    )
    return path


def _shown(argument: str) -> str:
    """An argument as others can use it: of an absolute path, which tells of this machine, only the name."""
    return Path(argument).name if Path(argument).is_absolute() else argument


def machine() -> dict[str, Any]:
    """Describe the machine, without anything that says whose it is."""
    return {
        "processor": _processor(),
        "cores": processors(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Give the versions of Python and of the installed packages that figures depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    details = Path("/proc/cpuinfo")
    if details.exists():
        for line in details.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
