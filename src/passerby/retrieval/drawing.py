"""Answers as pictures: the grid of a search, and a verified pair."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from passerby.atomic import atomic_path
from passerby.data.images import SUFFIXES, ImageSource, read_image
from passerby.errors import PasserbyError
from passerby.retrieval.pictures import Decision
from passerby.types import Match

_CROP = (128, 256)  # width, height: the proportion of a person's box
_MARGIN, _LINE, _FRAME = 16, 18, 4
_INK, _PAPER, _QUIET = (32, 36, 44), (255, 255, 255), (110, 118, 130)
_YES, _NO, _UNKNOWN = (22, 128, 61), (190, 30, 45), (140, 148, 160)


def draw_matches(
    query: ImageSource,
    matches: Sequence[Match],
    columns: int = 6,
    pictures: Sequence[ImageSource] | None = None,
) -> Image.Image:
    """The query, and its matches in rows of `columns`, each with rank and distance.

    What the matches' paths lead to is drawn, or `pictures` in their place where they lie elsewhere.

    A frame is green where the calibration says the same person, red where it says another; grey without one. The
    words under each picture say the same, for those who see no such colours.
    """
    columns = max(1, min(columns, len(matches)))
    rows = max(1, -(-len(matches) // columns))
    cell_width, cell_height = _CROP[0] + _MARGIN, _CROP[1] + 2 * _LINE + _MARGIN
    sheet = Image.new("RGB", (cell_width * (columns + 1) + 2 * _MARGIN, cell_height * rows + _MARGIN), _PAPER)
    _tile(sheet, (_MARGIN, _MARGIN), query, ("query",), _INK)
    for place, match in enumerate(matches):
        left = 2 * _MARGIN + cell_width * (1 + place % columns)
        top = _MARGIN + cell_height * (place // columns)
        words, colour = {None: ("", _UNKNOWN), True: (" · same", _YES), False: (" · other", _NO)}[match.same_person]
        lines = (f"{match.rank} · {match.distance:.3f}{words}", Path(match.path).name)
        picture = Path(match.path) if pictures is None else pictures[place]
        _tile(sheet, (left, top), picture, lines, colour)
    return sheet


def draw_pair(first: ImageSource, second: ImageSource, decision: Decision) -> Image.Image:
    """Both pictures side by side in labelled boxes, with the answer and what it rests on."""
    answer, colour = ("TRUE: same person", _YES) if decision.same_person else ("FALSE: different people", _NO)
    lines = (answer, f"distance {decision.distance:.3f}, threshold {decision.threshold:.3f}", *_wrap(decision.source))
    width = 2 * _CROP[0] + 3 * _MARGIN + 80
    below = _CROP[1] + 2 * _LINE + 2 * _MARGIN
    sheet = Image.new("RGB", (width, below + _LINE * len(lines) + _MARGIN), _PAPER)
    _tile(sheet, (_MARGIN, _MARGIN), first, ("A", _name(first)), colour)
    _tile(sheet, (width - _MARGIN - _CROP[0], _MARGIN), second, ("B", _name(second)), colour)
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((_MARGIN, below + _LINE * number), line, fill=colour if number == 0 else _INK, font=_font())
    return sheet


def save_drawing(target: Path, drawing: Image.Image) -> None:
    """Write a picture in the format of its name's ending, whole or not at all.

    Raises:
        PasserbyError: The ending is none of a picture.
    """
    check_drawing(target)
    with atomic_path(target) as path:
        drawing.save(path)


def check_drawing(target: Path) -> None:
    """Check that `target` ends as a picture that can be drawn does, before any work is done for it.

    Raises:
        PasserbyError: It does not.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise PasserbyError(f"{target}: expected a name that ends in .png or .jpg; give it such an ending")


def _tile(
    sheet: Image.Image,
    place: tuple[int, int],
    source: ImageSource,
    lines: Sequence[str],
    colour: tuple[int, int, int],
) -> None:
    """A picture at its own proportion in a box of `_CROP`, framed, with lines of text beneath."""
    picture = Image.fromarray(read_image(source))
    scale = min(_CROP[0] / picture.width, _CROP[1] / picture.height)
    picture = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    left = place[0] + (_CROP[0] - picture.width) // 2
    top = place[1] + (_CROP[1] - picture.height) // 2
    sheet.paste(picture, (left, top))
    draw = ImageDraw.Draw(sheet)
    box = (left - _FRAME, top - _FRAME, left + picture.width + _FRAME - 1, top + picture.height + _FRAME - 1)
    draw.rectangle(box, outline=colour, width=_FRAME)
    for number, line in enumerate(lines):
        text = line if len(line) <= 18 else line[:17] + "…"
        position = (place[0], place[1] + _CROP[1] + 6 + _LINE * number)
        draw.text(position, text, fill=_INK if number == 0 else _QUIET, font=_font())


def _name(source: ImageSource) -> str:
    return Path(source).name if isinstance(source, str | Path) else ""


def _wrap(text: str, length: int = 52) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > length:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(13)
