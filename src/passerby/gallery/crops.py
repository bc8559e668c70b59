"""Pictures of people as a gallery keeps them: the bytes of a file that has been seen to be whole.

One file may hold several pictures of the person, the best first, as a Multi-Picture Object (CIPA DC-007): a JPEG like
any other to programs that know nothing of it, which show the first.
"""

import io
import struct
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from passerby.data.images import read_image
from passerby.errors import ImageError
from passerby.types import ImageArray

_QUALITY = 95
_MOST = 16  # Pictures in a file that are looked at.
_LARGEST = 64 * 2**20  # Bytes of a file.


def encode(picture: ImageArray) -> bytes:
    """An H×W×3 RGB uint8 array as JPEG."""
    return encode_all([picture])


def encode_all(pictures: Sequence[ImageArray]) -> bytes:
    """One or more H×W×3 RGB uint8 arrays as one JPEG, whose picture is the first."""
    files = [_jpeg(picture) for picture in pictures]
    return files[0] if len(files) == 1 else _joined(files)


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


def decode_all(content: bytes, name: str) -> list[ImageArray]:
    """All pictures that a file's bytes hold, the first 16 of them.

    Raises:
        ImageError: See `decode`.
    """
    first = decode(content, name)
    try:
        with Image.open(io.BytesIO(content)) as file:
            if file.format != "MPO":
                return [first]
            images = islice(ImageSequence.Iterator(file), 1, _MOST)
            return [first, *(read_image(image.convert("RGB"), name) for image in images)]
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{name}: expected a file of several whole pictures, got a damaged one; drop it") from error


def changed(content: bytes, name: str, change: Callable[[ImageArray], ImageArray]) -> bytes:
    """The same file with something done to each of its pictures.

    Raises:
        ImageError: See `decode`.
    """
    return encode_all([change(picture) for picture in decode_all(content, name)])


def _jpeg(picture: ImageArray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _joined(files: Sequence[bytes]) -> bytes:
    """JPEGs one behind another, and a table of them in the first (CIPA DC-007, 5.2); Pillow's is wrong from 4 on."""
    place = 4 + int.from_bytes(files[0][4:6])  # Behind the first segment, which says that it is a JPEG.
    base = place + 8  # What offsets count from: behind marker, length and name.
    table = b"II*\0" + struct.pack("<LH", 8, 3)
    table += struct.pack("<HHL4s", 0xB000, 7, 4, b"0100") + struct.pack("<HHLL", 0xB001, 4, 1, len(files))
    table += struct.pack("<HHLLL", 0xB002, 7, 16 * len(files), 50, 0)
    start = len(files[0]) + 8 + len(table) + 16 * len(files)
    entries = struct.pack("<LLLL", 0x20030000, start, 0, 0)
    for file in files[1:]:
        entries += struct.pack("<LLLL", 0, len(file), start - base, 0)
        start += len(file)
    segment = b"\xff\xe2" + struct.pack(">H", 6 + len(table + entries)) + b"MPF\0" + table + entries
    return files[0][:place] + segment + files[0][place:] + b"".join(files[1:])


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
