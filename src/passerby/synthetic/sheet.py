"""Contact sheets: a data set's people at a glance, one row a person."""

from pathlib import Path

from PIL import Image

from passerby.atomic import atomic_path
from passerby.errors import DataError


def contact_sheet(
    dataset: Path, output: Path, people: int = 8, *, columns: int = 16, height: int = 128, width: int = 64
) -> Path:
    """Put pictures of a data set's first people on one sheet; its columns go through the cameras in turn.

    Args:
        dataset: Folder in Market-1501's layout, as `render_people` writes it.
        output: The sheet to write, as .png or .jpg.
        people: Rows of the sheet.
        columns: Pictures of every person.
        height: Rows of pixels of every picture.
        width: Columns of pixels of every picture.

    Returns:
        `output`.

    Raises:
        DataError: `dataset` holds no pictures, or a number is below 1.
    """
    dataset, output = Path(dataset), Path(output)
    if min(people, columns, height, width) < 1:
        raise DataError("expected at least one row, column and pixel of a contact sheet; give numbers from 1 up")
    by_person: dict[str, list[Path]] = {}
    for path in sorted(dataset.glob("*/[0-9]*_c*.jpg"), key=lambda path: path.name):
        by_person.setdefault(path.name.split("_")[0], []).append(path)
    if not by_person:
        raise DataError(f"expected pictures in the folders of {dataset}, found none; give a folder of render_people")
    rows = [_across_cameras(paths, columns) for _, paths in sorted(by_person.items())[:people]]
    sheet = Image.new("RGB", (width * max(len(row) for row in rows), height * len(rows)), "white")
    for row, paths in enumerate(rows):
        for column, path in enumerate(paths):
            with Image.open(path) as picture:
                sheet.paste(picture.convert("RGB").resize((width, height)), (column * width, row * height))
    with atomic_path(output) as aside:
        sheet.save(aside)
    return output


def _across_cameras(paths: list[Path], count: int) -> list[Path]:
    """Take one picture of each camera in turn, until there are `count`."""
    by_camera: dict[str, list[Path]] = {}
    for path in paths:
        by_camera.setdefault(path.name.split("_")[1], []).append(path)
    longest = max(len(paths) for paths in by_camera.values())
    turns = (paths[turn : turn + 1] for turn in range(longest) for paths in by_camera.values())
    return [path for turn in turns for path in turn][:count]
