"""Writes a data set of synthetic people, with the truth of every picture, in Market-1501's folder layout."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from passerby.atomic import atomic_path, json_text
from passerby.errors import DataError
from passerby.synthetic.attributes import attributes_of
from passerby.synthetic.calibration import calibration
from passerby.synthetic.camera import sample_camera
from passerby.synthetic.modes import Mode
from passerby.synthetic.person import Person
from passerby.synthetic.plan import FOLDERS, Plan, default_train_people
from passerby.synthetic.population import model_of, sample_person
from passerby.synthetic.renderer import panda3d_version
from passerby.synthetic.sentences import sentence
from passerby.synthetic.studio import Studio
from passerby.synthetic.tables import check_tables, write_tables
from passerby.synthetic.truth import plain

GENERATOR = "passerby.synthetic"
"""Names the generator in `provenance.json`."""

GENERATOR_VERSION = 3
"""Raised whenever the same arguments give other pictures than before."""

TRUTH, PEOPLE, CAMERAS, PROVENANCE = "truth.jsonl", "people.json", "cameras.json", "provenance.json"
"""What lies beside the folders of pictures."""

MASKS = "masks"
"""The folder of part masks, in which there are the same folders and names as beside it, but PNG."""


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
    cameras_per_person: int | None = None,
    look_alikes: int = 0,
    clothes_sets: int = 1,
    mode: Mode = "colour",
    weather: str = "clear",
    masks: bool = False,
    parquet: bool = False,
    sitting: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw a data set of synthetic people, in Market-1501's layout and names.

    Each person is seen `pictures` times by each of the cameras, or of `cameras_per_person` of them. The first
    `train_people` go to `bounding_box_train`. Of every other person and camera, the first picture goes to `query`
    and the rest to `bounding_box_test`, which is empty for `pictures=1`. `truth.jsonl` tells what is true of every
    picture, one a line in the order of their names; `people.json` describes the people; `cameras.json` calibrates
    the cameras; `provenance.json` says how the pictures were made. The same arguments give the same bytes; a
    picture depends on seed, size and its own numbers only.

    Args:
        output: Folder to make. One that `render_people` wrote before is replaced, any other must be empty.
        people: How many people, 2 to 9999.
        cameras: How many cameras, 1 to 9999.
        pictures: Pictures of every person by every camera that sees them, 1 or more.
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
        train_people = default_train_people(people)
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
    check_replaceable(output)
    if parquet:
        check_tables()
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, plan.total)

    with atomic_path(output) as folder, studio_of(plan) as studio:
        make_folders(folder, masks)
        with (folder / TRUTH).open("w", encoding="utf-8", newline="\n") as truth:
            for person in range(people):
                truth.write(draw_person(studio, plan, person, folder, count))
        write_descriptions(folder, plan)
    return output


def studio_of(plan: Plan) -> Studio:
    """The studio in which a data set is drawn."""
    return Studio(
        plan.seed,
        plan.height,
        plan.width,
        look_alikes=plan.look_alikes,
        clothes_sets=plan.clothes_sets,
        mode=plan.mode,
        weather=plan.weather,
        masks=plan.masks,
        sitting=plan.sitting,
    )


def make_folders(folder: Path, masks: bool = False) -> None:
    """Make Market-1501's folders inside `folder`, and the same for masks where there are any."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
        if masks:
            (folder / MASKS / name).mkdir(parents=True, exist_ok=True)


def mask_of(place: str) -> str:
    """Where the part mask of the picture at `place` is."""
    return f"{MASKS}/{Path(place).with_suffix('.png').as_posix()}"


def draw_person(
    studio: Studio, plan: Plan, person: int, folder: Path, done: Callable[[], None] = lambda: None
) -> str:
    """Draw all pictures of a person into the folders inside `folder`.

    Args:
        studio: Where they are drawn; of the plan's seed and size.
        plan: The data set.
        person: Which person, from 0.
        folder: Holds Market-1501's folders.
        done: Called after each picture.

    Returns:
        The pictures' lines of `truth.jsonl`, in the order of their names.
    """
    lines = {}
    for camera, number, place in plan.pictures_of(person):
        picture = studio.take(person, camera, number)
        Image.fromarray(picture.pixels).save(folder / place, quality=92)
        if picture.mask is not None:
            Image.fromarray(picture.mask).save(folder / mask_of(place))
        content = {"file": place, **picture.truth.to_dict()}
        lines[Path(place).name] = json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
        done()
    return "".join(line for _, line in sorted(lines.items()))


def write_descriptions(folder: Path, plan: Plan) -> None:
    """Write what makes a data set complete into `folder`: people, cameras, tables if wanted, and provenance."""
    people = []
    for index in range(plan.people):
        model = model_of(index, plan.look_alikes)
        first, *others = (
            _description(sample_person(plan.seed, index, plan.look_alikes, clothes_set))
            for clothes_set in range(plan.clothes_sets)
        )
        people.append(
            {
                "person_id": index + 1,
                "split": "train" if index < plan.train_people else "test",
                "dressed_like": model + 1 if model != index else None,
                **first,
                "other_clothes": others,
            }
        )
    (folder / PEOPLE).write_text(json_text(people), encoding="utf-8")
    seen_by = sorted({camera for person in range(plan.people) for camera in plan.cameras_of(person)})
    cameras = [{"camera_id": camera + 1, **calibration(sample_camera(plan.seed, camera))} for camera in seen_by]
    (folder / CAMERAS).write_text(json_text(cameras), encoding="utf-8")
    if plan.parquet:
        write_tables(folder, (TRUTH, PEOPLE, CAMERAS))
    provenance = {
        "generator": GENERATOR,
        "generator_version": GENERATOR_VERSION,
        "note": "synthetic: no real person is shown",
        "panda3d_version": panda3d_version(),
        "arguments": plan.arguments(),
        "counts": plan.counts(),
    }
    (folder / PROVENANCE).write_text(json_text(provenance), encoding="utf-8")


def _description(person: Person) -> dict[str, Any]:
    attributes = attributes_of(person)
    return {"sentence": sentence(attributes), "attributes": plain(attributes)}


def check_replaceable(output: Path, generator: str = GENERATOR) -> None:
    """Refuse to replace anything but an empty folder or what this generator made before."""
    if not output.exists():
        return
    if not output.is_dir():
        raise DataError(f"expected a folder at {output}, found a file; choose another place")
    if not any(output.iterdir()):
        return
    try:
        provenance = json.loads((output / PROVENANCE).read_text(encoding="utf-8"))
        ours = provenance["generator"] == generator
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        kind = "synthetic people" if generator == GENERATOR else "synthetic videos"
        raise DataError(f"expected {output} to be new, empty or {kind}, found other files; choose another place")
