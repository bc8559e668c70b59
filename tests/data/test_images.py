import io
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from passerby.data.images import find_pictures, read_image, resize_image
from passerby.errors import ImageError

BACKDROP = (124, 116, 104)


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 12, 3), np.uint8)


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return file


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_every_kind_of_source_gives_the_same_pixels(colours: np.ndarray, format: str, tmp_path: Path) -> None:
    image = Image.fromarray(colours)
    path = tmp_path / f"picture.{format.lower()}"
    image.save(path, format)
    with path.open("rb") as file:
        from_file = read_image(file)
        assert not file.closed
    for pixels in (read_image(path), read_image(str(path)), from_file, read_image(image), read_image(colours)):
        assert pixels.dtype == np.uint8
        assert pixels.flags["C_CONTIGUOUS"]
        assert np.array_equal(pixels, colours)


@pytest.mark.parametrize("options", [{}, {"quality": 30}])
def test_lossy_formats_are_read(colours: np.ndarray, options: dict[str, int]) -> None:
    flat = np.full_like(colours, 100)
    for format in ("JPEG", "WEBP"):
        assert np.abs(read_image(saved(Image.fromarray(flat), format, **options)).astype(int) - 100).max() <= 3


def test_transparency_is_composited_on_the_neutral_backdrop(colours: np.ndarray) -> None:
    alpha = np.zeros((24, 12), np.uint8)
    alpha[:8], alpha[8:16] = 255, 128
    image = Image.fromarray(np.dstack([colours, alpha]))
    pixels = read_image(saved(image)).astype(float)
    assert np.array_equal(pixels[:8], colours[:8])
    assert (pixels[16:] == BACKDROP).all()
    half = colours[8:16] * (128 / 255) + np.array(BACKDROP) * (127 / 255)
    assert np.abs(pixels[8:16] - half).max() <= 1
    assert np.array_equal(read_image(image), pixels)


def test_transparent_grey_and_palette_are_composited_too() -> None:
    grey = np.dstack([np.full((8, 8), 200, np.uint8), np.zeros((8, 8), np.uint8)])
    assert (read_image(saved(Image.fromarray(grey, "LA"))) == BACKDROP).all()
    palette = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8).repeat(4, 0).repeat(4, 1), "P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    pixels = read_image(saved(palette, transparency=0))
    assert pixels[0, 0].tolist() == list(BACKDROP)
    assert pixels[0, 7].tolist() == [0, 0, 255]
    one_colour = Image.new("RGB", (8, 8), (9, 8, 7))
    assert (read_image(saved(one_colour, transparency=(9, 8, 7))) == BACKDROP).all()


def test_palette_grey_bilevel_and_cmyk_become_rgb(colours: np.ndarray) -> None:
    palette = Image.fromarray(colours).quantize(16)
    assert np.array_equal(read_image(saved(palette)), np.asarray(palette.convert("RGB")))
    grey = colours[..., 0]
    assert np.array_equal(read_image(saved(Image.fromarray(grey))), np.dstack([grey] * 3))
    black_and_white = Image.fromarray(grey > 127)
    assert np.array_equal(read_image(saved(black_and_white))[..., 1], np.where(grey > 127, 255, 0))
    cmyk = saved(Image.new("CMYK", (8, 8), (255, 0, 255, 0)), "TIFF")
    assert (read_image(cmyk) == (0, 255, 0)).all()
    assert np.abs(read_image(saved(Image.new("CMYK", (8, 8), (255, 0, 255, 0)), "JPEG")) - (0, 255, 0)).max() <= 2


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    values = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    expected = (values / 65535 * 255).round().astype(np.uint8)
    for format in ("PNG", "TIFF"):
        assert np.array_equal(read_image(saved(Image.fromarray(values), format))[..., 0], expected)
    big_endian = Image.frombytes("I;16B", (8, 8), values.astype(">u2").tobytes())
    assert np.array_equal(read_image(big_endian)[..., 2], expected)
    floating = Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8))
    assert np.array_equal(read_image(floating)[..., 0], (np.asarray(floating) * 255).round().astype(np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_marks_are_applied(colours: np.ndarray, orientation: int) -> None:
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, 1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read_image(saved(Image.fromarray(colours), exif=exif)), undo(colours))


def test_the_callers_picture_is_left_as_it_is(colours: np.ndarray) -> None:
    image = Image.fromarray(np.dstack([colours, colours[..., 0]]))
    before = image.tobytes()
    read_image(image)
    assert (image.mode, image.size, image.tobytes()) == ("RGBA", (12, 24), before)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.98])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_truncated_files_are_refused(format: str, kept: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 64, 3), np.uint8)
    whole = saved(Image.fromarray(noise), format).getvalue()
    path = tmp_path / "half.jpg"
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ImageError, match=r"half\.jpg: expected a (whole )?picture"):
        read_image(path)


def test_files_that_are_no_pictures_are_refused(tmp_path: Path) -> None:
    for name, content in {"text.jpg": b"not a picture", "empty.png": b"", "drawing.jpg": b"<svg></svg>"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=f"{name}: expected a picture .*, got something else"):
            read_image(tmp_path / name)
    with pytest.raises(ImageError, match="there is no such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match="got a folder"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match="got something else"):
        read_image(saved(Image.new("RGB", (8, 8)), "GIF"))


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((1, 1), "at least 4 pixels, got 1×1"),
        ((3, 400), "at least 4 pixels, got 400×3"),
        ((20_000, 10), "at most 16384 pixels .* got 10×20000"),
        ((8_000, 8_000), "50 megapixels, got 8000×8000"),
    ],
)
def test_sizes_that_no_person_crop_has_are_refused(size: tuple[int, int], reason: str) -> None:
    image = Image.new("L", size)
    with pytest.raises(ImageError, match=reason):
        read_image(saved(image), "wide.png")
    with pytest.raises(ImageError, match=reason):
        read_image(image)
    with pytest.raises(ImageError, match=reason):
        read_image(np.zeros((size[1], size[0], 3), np.uint8))


def test_the_size_is_checked_before_anything_is_decoded() -> None:
    whole = saved(Image.new("L", (20_000, 40))).getvalue()
    with pytest.raises(ImageError, match="got 40×20000"):
        read_image(io.BytesIO(whole[:60]))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_rgb_pictures_are_refused(array: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"the ndarray: expected"):
        read_image(array)


@pytest.mark.filterwarnings("ignore::Warning:PIL")
@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM"])
def test_damage_anywhere_gives_pixels_or_our_own_error(format: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a picture"
    options = {"exif": exif} if format in ("JPEG", "PNG", "WEBP") else {}
    picture = np.random.default_rng(1).integers(0, 256, (40, 20, 3), np.uint8)
    whole = saved(Image.fromarray(picture), format, **options).getvalue()
    chance = random.Random(3)
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(chance.choice([64, len(damaged)]))
            damaged[place] = chance.choice([0, 255, chance.randrange(256)])
        outcome: object
        try:
            outcome = read_image(io.BytesIO(damaged)).shape[2]
        except ImageError as error:
            outcome = str(error).count("\n") + 3
        assert outcome == 3


def test_what_pillow_raises_on_broken_marks_is_our_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(image: Image.Image) -> None:
        raise struct.error("required argument is not an integer")

    monkeypatch.setattr("PIL.ImageOps.exif_transpose", fail)
    with pytest.raises(ImageError, match="damaged one"):
        read_image(Image.new("RGB", (8, 8)))


def test_resizing_is_pillows_bilinear_and_leaves_the_right_size_alone(colours: np.ndarray) -> None:
    expected = np.asarray(Image.fromarray(colours).resize((7, 9), Image.Resampling.BILINEAR))
    assert np.array_equal(resize_image(colours, 9, 7), expected)
    assert resize_image(colours, 24, 12) is colours


def test_pictures_are_found_by_their_endings_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    for name in ("b.JPG", "a/c.png", "a/.hidden.png", ".cache/d.png", "a/notes.txt", "e.webp", "noending"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_pictures(tmp_path) == [tmp_path / name for name in ("a/c.png", "b.JPG", "e.webp")]
