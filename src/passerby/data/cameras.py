"""Which camera took a picture, by its path."""

import re
from collections.abc import Sequence
from pathlib import Path

from passerby.data.images import ImageSource
from passerby.errors import DataError


def camera_expression(pattern: str) -> re.Pattern[str]:
    """The regular expression whose first group is the camera.

    Raises:
        DataError: It is none, or has no group.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DataError(f"camera pattern {pattern!r} is no regular expression: {error}") from error
    if expression.groups < 1:
        raise DataError(f"camera pattern {pattern!r}: expected a group around the camera, as in 'cam([0-9]+)'")
    return expression


def camera_label(expression: re.Pattern[str], path: str) -> str:
    """What the first group finds in a picture's path.

    Raises:
        DataError: It finds nothing.
    """
    found = expression.search(path)
    if found is None or found[1] is None:
        raise DataError(
            f"camera pattern {expression.pattern!r} finds no camera in {path}; change the pattern or the name"
        )
    return found[1]


def camera_numbers(images: Sequence[ImageSource], pattern: str | None) -> list[int] | None:
    """The number of the camera of each picture, as a model with a camera embedding was trained with it.

    Args:
        images: Paths of pictures.
        pattern: Regular expression, searched in the paths; its first group is the number. None where none is known.

    Raises:
        DataError: The pattern is wrong, finds no number, or a picture has no path.

    Example:
        >>> camera_numbers([Path("0002_c4s1_000451_03.jpg")], "_c([0-9])")
        [4]
    """
    if pattern is None:
        return None
    expression, numbers = camera_expression(pattern), []
    for image in images:
        if not isinstance(image, str | Path):
            raise DataError("a camera pattern finds cameras in paths: expected a path, got a picture without one")
        label = camera_label(expression, Path(image).as_posix())
        if not label.isdecimal():
            raise DataError(f"camera pattern {pattern!r}: expected a number in {image}, got {label!r}")
        numbers.append(int(label))
    return numbers
