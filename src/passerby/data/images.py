"""One picture, from whatever holds it, to H×W×3 RGB uint8."""

import io
import os
import re
import stat
import struct
import warnings
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from passerby.data.containers import read_bytes
from passerby.errors import ImageError
from passerby.types import ImageArray

ImageSource: TypeAlias = str | os.PathLike[str] | BinaryIO | ImageArray | Image.Image
"""A path, an open binary file, an H×W×3 RGB uint8 array, or a PIL image.

A path may lead into an archive: `people.zip/ann/1.jpg` is `ann/1.jpg` in `people.zip`.
"""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})
"""Endings of files that are taken for pictures, in lower case."""

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM")
_PLAIN_HEADER = re.compile(rb"P6 (\d{1,5}) (\d{1,5}) 255\n")
_SMALLEST_SIDE = 4
_LARGEST_SIDE = 16_384
_LARGEST_AREA = 50_000_000

# What Pillow raises on damaged files, depending on the format and on where the damage is.
_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
)

_TOO_LARGE = f"expected sides of at most {_LARGEST_SIDE} pixels and {_LARGEST_AREA // 1_000_000} megapixels"

# Where a picture is transparent it takes ImageNet's mean colour, which normalisation turns into zeros.
_BACKDROP = (124, 116, 104, 255)


def read_image(source: ImageSource, name: str | None = None) -> ImageArray:
    """Decode one picture completely.

    Orientation marks are applied, transparency is composited on a neutral backdrop, grey, palette, CMYK and
    16-bit pictures become RGB. The size is checked before anything is decoded.

    Args:
        source: What holds the picture.
        name: What to call it in errors; by default its path or kind.

    Returns:
        H×W×3 RGB uint8, each side 4 to 16,384 pixels.

    Raises:
        ImageError: There is no such file, it is no whole picture, or no person crop has its size.
    """
    name = name or _name_of(source)
    if isinstance(source, np.ndarray):
        return _checked_array(source, name)
    if isinstance(source, str | os.PathLike):
        match _place_of(source):
            case "device":
                raise ImageError(f"{name}: expected a picture, got a device or pipe")
            case "container":
                content = read_bytes(Path(source))
                pixels = _plain_pixels(content, name)
                if pixels is not None:
                    return pixels
                source = io.BytesIO(content)
    try:
        if isinstance(source, Image.Image):
            return _to_rgb(source, name)
        with warnings.catch_warnings():
            # Sizes are checked here, and more strictly than where Pillow begins to warn.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source, formats=_FORMATS) as image:
                return _to_rgb(image, name)
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{name}: there is no such file; check the path") from error
    except IsADirectoryError as error:
        raise ImageError(f"{name}: expected a picture, got a folder") from error
    except PermissionError as error:
        raise ImageError(f"{name}: this user may not read it; change its permissions") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name}: expected a picture ({', '.join(_FORMATS)}), got something else; remove or replace it"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: {_TOO_LARGE}, got many more; crop the person out first") from error
    except _DAMAGE as error:
        raise ImageError(
            f"{name}: expected a whole picture, got a damaged one ({_reason(error)}); copy it again or drop it"
        ) from error


def resize_image(image: ImageArray, height: int, width: int) -> ImageArray:
    """Scale to height×width, bilinear with antialiasing, as published re-ID preprocessing does (PIL's).

    Args:
        image: H×W×3 uint8.
        height: Wanted height in pixels.
        width: Wanted width in pixels.
    """
    if image.shape[:2] == (height, width):
        return image
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def find_pictures(folder: Path) -> list[Path]:
    """All pictures below `folder` by their endings, sorted; hidden files and folders are passed over."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(parent, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES
        ]
    return sorted(found)


def _name_of(source: ImageSource) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    label = getattr(source, "filename", None) or getattr(source, "name", None)
    return str(label) if label else f"the {type(source).__name__}"


def _place_of(path: str | os.PathLike[str]) -> Literal["disk", "device", "container"]:
    """Where a path leads: to a device or pipe, for which reading could wait for ever, or into a file."""
    try:
        mode = os.stat(path).st_mode
    except NotADirectoryError:
        return "container"
    except OSError:
        return "disk"
    return "disk" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "device"


def _plain_pixels(content: bytes, name: str) -> ImageArray | None:
    """The pixels of a PPM as `data convert` stores decoded pictures, without a detour through Pillow."""
    header = _PLAIN_HEADER.match(content)
    if header is None:
        return None
    width, height = int(header[1]), int(header[2])
    if len(content) != header.end() + 3 * height * width:
        return None
    _check_size(width, height, name)
    return np.frombuffer(content, np.uint8, offset=header.end()).reshape(height, width, 3).copy()


def _checked_array(array: ImageArray, name: str) -> ImageArray:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ImageError(f"{name}: expected an H×W×3 RGB uint8 array, got {array.dtype} of shape {array.shape}")
    _check_size(array.shape[1], array.shape[0], name)
    return np.ascontiguousarray(array)


def _to_rgb(image: Image.Image, name: str) -> ImageArray:
    _check_size(image.width, image.height, name)
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        image = _from_deep_grey(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _BACKDROP), image)
    return np.ascontiguousarray(image.convert("RGB"))


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Scale 16-bit or floating grey to 8 bits; Pillow itself would clip it at 255."""
    values = np.asarray(image, dtype=np.float64)
    full_scale = 65535.0 if image.mode.startswith("I") else max(1.0, float(values.max(initial=0.0)))
    return Image.fromarray((np.clip(values / full_scale, 0, 1) * 255).round().astype(np.uint8))


def _check_size(width: int, height: int, name: str) -> None:
    if min(height, width) < _SMALLEST_SIDE:
        raise ImageError(
            f"{name}: expected sides of at least {_SMALLEST_SIDE} pixels, got {height}×{width} (height×width); "
            "drop it"
        )
    if max(height, width) > _LARGEST_SIDE or height * width > _LARGEST_AREA:
        raise ImageError(f"{name}: {_TOO_LARGE}, got {height}×{width} (height×width); crop the person out first")


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0].strip().rstrip(".") or type(error).__name__
