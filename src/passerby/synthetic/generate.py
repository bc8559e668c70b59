"""Writes a data set of synthetic people in Market-1501's folder layout."""

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from passerby.atomic import atomic_path
from passerby.errors import DataError
from passerby.synthetic.randomness import stream
from passerby.synthetic.renderer import panda3d_version
from passerby.synthetic.studio import Studio

GENERATOR = "passerby.synthetic"
"""Names the generator in `provenance.json`."""

GENERATOR_VERSION = 1
"""Raised whenever the same arguments give other pictures than before."""

_MOST_PEOPLE, _MOST_CAMERAS = 9999, 99
_SMALLEST_SIDE, _LARGEST_SIDE = 16, 1024
_FOLDERS = ("bounding_box_train", "query", "bounding_box_test")


def render_people(
    output: Path,
    *,
    people: int = 60,
    cameras: int = 4,
    pictures: int = 6,
    seed: int = 0,
    height: int = 128,
    width: int = 64,
    train_people: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw a data set of synthetic people, in Market-1501's layout and names.

    Each person is seen `pictures` times by each of the cameras. The first `train_people` go to
    `bounding_box_train`. Of every other person and camera, the first picture goes to `query` and the rest to
    `bounding_box_test`, which is empty for `pictures=1`. `provenance.json` says how the pictures were made.
    The same arguments give the same bytes; a picture depends on seed, size and its own numbers only.

    Args:
        output: Folder to make. One that `render_people` wrote before is replaced, any other must be empty.
        people: How many people, 2 to 9999.
        cameras: How many cameras, 1 to 99.
        pictures: Pictures of every person by every camera, 1 or more.
        seed: The world's seed, 0 or more.
        height: Rows of the pictures, 16 to 1024.
        width: Columns of the pictures, 16 to 1024.
        train_people: How many people to train on, 0 to `people`; None for two thirds.
        progress: Called after each picture with the number of those done and of all.

    Returns:
        `output`.

    Raises:
        DataError: An argument is out of range, or `output` holds something else.
        MissingExtraError: panda3d is not installed.
        MachineError: `output` cannot be written.
    """
    output = Path(output)
    if train_people is None:
        train_people = max(1, min(people - 1, round(people * 2 / 3)))
    _check("people", people, 2, _MOST_PEOPLE)
    _check("cameras", cameras, 1, _MOST_CAMERAS)
    _check("pictures", pictures, 1, 9999)
    _check("seed", seed, 0, 2**63 - 1)
    _check("height", height, _SMALLEST_SIDE, _LARGEST_SIDE)
    _check("width", width, _SMALLEST_SIDE, _LARGEST_SIDE)
    _check("train_people", train_people, 0, people)
    _check_replaceable(output)
    counts = dict.fromkeys(_FOLDERS, 0)
    total = people * cameras * pictures
    with atomic_path(output) as folder, Studio(seed, height, width) as studio:
        for name in _FOLDERS:
            (folder / name).mkdir(parents=True)
        for number in range(total):
            person, rest = divmod(number, cameras * pictures)
            camera, picture = divmod(rest, pictures)
            split = _FOLDERS[0] if person < train_people else _FOLDERS[1 if picture == 0 else 2]
            image = Image.fromarray(studio.take(person, camera, picture))
            image.save(folder / split / _file_name(seed, person, camera, picture), quality=92)
            counts[split] += 1
            if progress is not None:
                progress(number + 1, total)
        provenance = {
            "generator": GENERATOR,
            "generator_version": GENERATOR_VERSION,
            "note": "synthetic: no real person is shown",
            "panda3d_version": panda3d_version(),
            "arguments": {
                "people": people,
                "cameras": cameras,
                "pictures": pictures,
                "seed": seed,
                "height": height,
                "width": width,
                "train_people": train_people,
            },
            "counts": counts,
        }
        (folder / "provenance.json").write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")
    return output


def _file_name(seed: int, person: int, camera: int, picture: int) -> str:
    """Name a picture as Market-1501 does: person, camera, session, frame, box."""
    start = int(stream(seed, "frame", person, camera).integers(1, 80_000))
    return f"{person + 1:04d}_c{camera + 1}s1_{start + picture * 25:06d}_00.jpg"


def _check(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise DataError(f"expected {name} from {lowest} to {highest}, got {value}; give a number in that range")


def _check_replaceable(output: Path) -> None:
    """Refuse to replace anything but an empty folder or an earlier data set of this generator."""
    if not output.exists():
        return
    if not output.is_dir():
        raise DataError(f"expected a folder at {output}, found a file; choose another place")
    if not any(output.iterdir()):
        return
    try:
        provenance = json.loads((output / "provenance.json").read_text(encoding="utf-8"))
        ours = provenance["generator"] == GENERATOR
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise DataError(
            f"expected {output} to be new, empty or synthetic people, found other files; choose another place"
        )
