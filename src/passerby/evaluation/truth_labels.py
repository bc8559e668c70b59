"""Kinds of people and pictures of a synthetic data set, read from its truth."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from passerby.data.containers import read_bytes
from passerby.errors import DataError, ImageError
from passerby.types import Sample

Truth = dict[str, Any]

_LARGEST = 2**32


def _bins(*edges: float, unit: str = "", percent: bool = False) -> Callable[[float], str]:
    """A function from a number to the name of its bin, in an order that sorts."""

    def shown(edge: float) -> str:
        return f"{edge:.0%}" if percent else f"{edge:g}"

    def name(value: float) -> str:
        above = sum(value >= edge for edge in edges)
        if above == 0:
            return f"below {shown(edges[0])}{unit}"
        if above == len(edges):
            return f"from {shown(edges[-1])}{unit}"
        return f"from {shown(edges[above - 1])} to {shown(edges[above])}{unit}"

    return name


_HEIGHT = _bins(1.6, 1.7, 1.8, unit=" m")
_SIZE = _bins(64, 96, 128, 192, unit=" rows")
_VISIBLE = _bins(0.6, 0.8, 0.95, percent=True)


def _light(truth: Truth) -> str:
    light = truth["light"]
    if light["indoors"]:
        return "indoors"
    return "outdoors, sun" if light["sun"] * light["on_person"] > light["sky"] else "outdoors, shade"


def _named(worn: Truth | None, key: str) -> str:
    """What is said of something that not everybody wears or carries: no bag, or nothing below a dress."""
    return "none" if worn is None else str(worn[key])


ATTRIBUTES: dict[str, Callable[[Truth], str]] = {
    "skin_tone": lambda truth: truth["attributes"]["skin_tone"],
    "build": lambda truth: truth["attributes"]["build"],
    "height": lambda truth: _HEIGHT(truth["attributes"]["height_m"]),
    "hair": lambda truth: truth["attributes"]["hair"],
    "upper": lambda truth: truth["attributes"]["upper"]["kind"],
    "upper_colour": lambda truth: truth["attributes"]["upper"]["colour"]["name"],
    "lower": lambda truth: truth["attributes"]["lower"]["kind"],
    "lower_colour": lambda truth: _named(truth["attributes"]["lower"]["colour"], "name"),
    "bag": lambda truth: _named(truth["attributes"]["bag"], "kind"),
    "light": _light,
    "size": lambda truth: _SIZE(truth["native_size"][0]),
    "visible_fraction": lambda truth: _VISIBLE(truth["visible_fraction"]),
    "facing": lambda truth: truth["pose"]["facing"],
    "camera": lambda truth: f"camera {truth['camera_id']:02d}",
}
"""What people and pictures may be grouped by, each read from one line of `truth.jsonl`."""


def require_attributes(names: str) -> tuple[str, ...]:
    """Give the attributes that a list with commas names.

    Raises:
        DataError: One of them is none, or there are none.
    """
    chosen = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    unknown = [name for name in chosen if name not in ATTRIBUTES]
    if unknown or not chosen:
        raise DataError(f"expected some of {','.join(ATTRIBUTES)}, got {unknown[0] if unknown else 'none'!r}")
    return chosen


def truth_labels(root: Path, samples: Sequence[Sample], attributes: Sequence[str]) -> dict[str, list[str]]:
    """Read which group each picture belongs to.

    Args:
        root: Folder of a data set with `truth.jsonl`, as `passerby synth images` draws it.
        samples: Pictures of it.
        attributes: Names in `ATTRIBUTES`.

    Returns:
        For each attribute, the group of each sample.

    Raises:
        DataError: There is no truth, a line of it is damaged, or it lacks a picture.
    """
    path = root / "truth.jsonl"
    try:
        lines = read_bytes(path, _LARGEST).splitlines()
    except ImageError as error:
        raise DataError(
            f"{root}: expected truth.jsonl, which synthetic data sets have, got none; see `passerby synth`"
        ) from error
    wanted = {sample.path.relative_to(root).as_posix() for sample in samples}
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            truth = json.loads(line)
            if truth["file"] in wanted:
                found[truth["file"]] = [str(ATTRIBUTES[name](truth)) for name in attributes]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(f"{path}: line {number} is damaged ({error}); draw the data set again") from error
    missing = sorted(wanted - found.keys())
    if missing:
        raise DataError(f"{path}: expected a line for each picture, got none for {missing[0]}")
    rows = [found[sample.path.relative_to(root).as_posix()] for sample in samples]
    return {name: [row[place] for row in rows] for place, name in enumerate(attributes)}
