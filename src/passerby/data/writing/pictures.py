"""The pictures of a data set as they are written: as they are, or decoded and scaled."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from passerby.data.containers import read_bytes
from passerby.data.dataset import Dataset
from passerby.data.images import read_image, resize_image
from passerby.machine import processors
from passerby.types import Progress, Sample

_AT_ONCE = 256


@dataclass(frozen=True)
class Packing:
    """How pictures are written.

    Attributes:
        size: Height and width to which they are decoded and scaled, or None: they stay as they are.
        progress: Told how many are done.
    """

    size: tuple[int, int] | None = None
    progress: Progress | None = None

    def suffix(self, path: Path) -> str:
        """The ending of a picture's name once it is written."""
        return ".ppm" if self.size else path.suffix

    def contents(self, dataset: Dataset) -> Iterator[tuple[Sample, bytes]]:
        """Each picture once, in the order of `dataset.samples`, with the bytes to write.

        Raises:
            ImageError: One is missing, or broken where it has to be decoded.
        """
        samples = dataset.samples
        with ThreadPoolExecutor(processors()) as pool:
            for start in range(0, len(samples), _AT_ONCE):
                some = samples[start : start + _AT_ONCE]
                for done, (sample, content) in enumerate(zip(some, pool.map(self._content, some), strict=True), 1):
                    yield sample, content
                    if self.progress is not None:
                        self.progress(start + done, len(samples))

    def _content(self, sample: Sample) -> bytes:
        if self.size is not None:
            pixels = resize_image(read_image(sample.path), *self.size)
            return b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()
        content = read_bytes(sample.path)
        if content.startswith(b"P6") and sample.path.suffix == ".png":
            # An array that bears a picture's name, as in CUHK03's cells.
            with io.BytesIO() as encoded:
                Image.fromarray(read_image(sample.path)).save(encoded, "png")
                return encoded.getvalue()
        return content


def names_below_root(dataset: Dataset, packing: Packing) -> dict[Path, str]:
    """What each picture is called in a container: its path below the data set, with the ending that it will have."""
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for sample in dataset.samples:
        below = PurePosixPath(sample.path.relative_to(dataset.root).as_posix())
        name = str(below.with_suffix(packing.suffix(sample.path)))
        if name in taken:
            name = f"{below}{packing.suffix(sample.path)}"
        names[sample.path] = name
        taken.add(name)
    return names
