"""An explanation as a PNG grid and as an HTML page."""

import base64
import io
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image, ImageDraw, ImageFont

from passerby.atomic import atomic_path, write_text
from passerby.errors import PasserbyError
from passerby.evaluation.explanation import Explained, Explanation
from passerby.types import FloatArray, ImageArray

PICTURE, PAGE = "explanation.png", "explanation.html"

_HEIGHT, _MARGIN, _LINE = 256, 16, 18
_INK, _PAPER, _QUIET = (32, 36, 44), (255, 255, 255), (110, 118, 130)
_STOPS = np.array([(0, 0, 96), (0, 96, 255), (0, 224, 160), (255, 224, 0), (224, 0, 0)], np.float32)
"""Heat from 0 to 1, from dark blue to red."""
_FADE = 0.55

_INPUT, _ACTIVATION, _CAM, _ALIKE, _UNLIKE = "input", "full method", "Grad-CAM", "alike", "unlike"


def write_explanation(output: Path, explanation: Explanation, title: str) -> tuple[Path, Path]:
    """Write `explanation.png` and `explanation.html` into a folder, each whole or not at all.

    The page loads nothing from outside. It shows people's pictures, so it must be kept as carefully as these.

    Args:
        output: The folder; made where it is missing.
        explanation: What to show.
        title: What the page is called.

    Raises:
        PasserbyError: `output` is a file.
        MachineError: It cannot be written.
    """
    check_folder(output)
    output.mkdir(parents=True, exist_ok=True)
    rows = tiles(explanation)
    sheet = draw_tiles(rows, [_caption(one.path) for one in explanation.pictures])
    with atomic_path(output / PICTURE) as path:
        sheet.save(path, "PNG")
    environment = Environment(
        loader=PackageLoader("passerby.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("explanation.html.jinja").render(
        title=title,
        columns=list(rows[0]),
        rows=[
            {"name": str(one.path), "tiles": {column: _data_uri(tile) for column, tile in row.items()}}
            for one, row in zip(explanation.pictures, rows, strict=True)
        ],
        similarity=None if explanation.pair is None else explanation.pair.similarity,
    )
    write_text(output / PAGE, page)
    return output / PICTURE, output / PAGE


def check_folder(output: Path) -> None:
    """Check that an explanation can be written to `output`, before any work is done for it.

    Raises:
        PasserbyError: It is a file.
    """
    if output.exists() and not output.is_dir():
        raise PasserbyError(f"{output}: expected a folder for the explanation, got a file; choose another --output")


def tiles(explanation: Explanation) -> list[dict[str, ImageArray]]:
    """For each picture its tiles by column: input, attention modules, full method, Grad-CAM, and those of a pair."""
    rows = []
    for number, one in enumerate(explanation.pictures):
        heats = _heats(one)
        if explanation.pair is not None:
            heats |= {_ALIKE: explanation.pair.alike[number], _UNLIKE: explanation.pair.unlike[number]}
        rows.append({_INPUT: one.picture} | {column: overlaid(one.picture, heat) for column, heat in heats.items()})
    return rows


def _heats(one: Explained) -> dict[str, FloatArray]:
    return {**one.attention, _ACTIVATION: one.activation, _CAM: one.grad_cam}


def overlaid(picture: ImageArray, heat: FloatArray) -> ImageArray:
    """A picture in grey under the colours of H×W heat from 0 to 1, both H×W×3 uint8."""
    places = heat * (len(_STOPS) - 1)
    low = np.minimum(places.astype(np.int64), len(_STOPS) - 2)
    share = (places - low)[..., None]
    colours = _STOPS[low] * (1 - share) + _STOPS[low + 1] * share
    grey = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    mixed: ImageArray = ((1 - _FADE) * grey[..., None] + _FADE * colours).round().clip(0, 255).astype(np.uint8)
    return mixed


def draw_tiles(rows: list[dict[str, ImageArray]], captions: list[str]) -> Image.Image:
    """The grid of all tiles, columns named above and pictures below their inputs."""
    height, width = next(iter(rows[0].values())).shape[:2]
    tile_width = max(1, round(_HEIGHT * width / height))
    columns = list(rows[0])
    font = ImageFont.load_default(13)
    labelled = max(tile_width, *(round(font.getlength(column)) for column in columns))
    cell_width, cell_height = labelled + _MARGIN, _HEIGHT + _LINE + _MARGIN
    size = (cell_width * len(columns) + _MARGIN, cell_height * len(rows) + _LINE + 2 * _MARGIN)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for place, column in enumerate(columns):
        draw.text((_MARGIN + cell_width * place, _MARGIN // 2), column, fill=_INK, font=font)
    for number, (row, caption) in enumerate(zip(rows, captions, strict=True)):
        top = _LINE + _MARGIN + cell_height * number
        for place, tile in enumerate(row.values()):
            resized = Image.fromarray(tile).resize((tile_width, _HEIGHT))
            sheet.paste(resized, (_MARGIN + cell_width * place, top))
        draw.text((_MARGIN, top + _HEIGHT + 2), caption, fill=_QUIET, font=font)
    return sheet


def _caption(path: Path) -> str:
    return path.name if len(path.name) <= 60 else f"{path.name[:59]}…"


def _data_uri(tile: ImageArray) -> str:
    file = io.BytesIO()
    Image.fromarray(tile).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
