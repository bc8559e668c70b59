"""Pictures of people as a gallery keeps them: the bytes of a file that has been seen to be whole."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from passerby.data.images import read_image
from passerby.errors import ImageError
from passerby.types import ImageArray

_QUALITY = 95
_LARGEST = 64 * 2**20  # Bytes of a file.


def encode(picture: ImageArray) -> bytes:
    """An H×W×3 RGB uint8 array as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def decode(content: bytes, name: str) -> ImageArray:
    """The picture that a file's bytes hold: H×W×3 RGB uint8.

    Args:
        content: The bytes.
        name: What to call it in errors.

    Raises:
        ImageError: They are no whole picture, or no person crop has its size.
    """
    if not content:
        raise ImageError(f"{name}: expected a picture, got an empty one; drop it")
    return read_image(io.BytesIO(content), name)


def content_of(crop: ImageArray | bytes | Path, name: str) -> bytes:
    """The bytes of a picture, whatever holds it.

    Raises:
        ImageError: There is no such file, or it is too large for a person crop.
    """
    if isinstance(crop, np.ndarray):
        return encode(read_image(crop, name))
    if isinstance(crop, bytes):
        return crop
    try:
        if crop.stat().st_size > _LARGEST:
            raise ImageError(f"{crop}: expected a person crop of at most {_LARGEST >> 20} MiB, got a larger file")
        return crop.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{crop}: there is no such file; check the path") from error
    except OSError as error:
        raise ImageError(f"{crop}: it cannot be read ({(error.strerror or str(error)).lower()})") from error
