"""Decoding many pictures at once, and keeping them decoded where memory allows."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from passerby.data.images import ImageSource, read_image, resize_image
from passerby.errors import DataError, ImageError
from passerby.machine import available_memory, processors
from passerby.types import ImageArray, IntArray, Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

_DECODED_SHARE = 0.4
"""Decoded pictures may take this share of the memory that is available."""

_AT_ONCE = 8
"""Pictures that a thread decodes before it takes on others."""


def find_broken(paths: Sequence[Path], progress: Progress | None = None) -> list[tuple[Path, str]]:
    """Decode every picture and name those that cannot be used, each with the reason."""

    def check(path: Path) -> str | None:
        try:
            read_image(path)
        except ImageError as error:
            return str(error)
        return None

    broken = []
    for done, (path, reason) in enumerate(zip(paths, _in_threads(check, paths), strict=True), start=1):
        if reason is not None:
            broken.append((path, reason))
        if progress is not None:
            progress(done, len(paths))
    return broken


class PictureStore:
    """Pictures of one size by their index, decoded in threads; once only, where they all fit into memory."""

    def __init__(
        self,
        sources: Sequence[ImageSource],
        height: int,
        width: int,
        *,
        keep_decoded: bool | None = None,
        processes: int = 1,
        resize: Literal["pillow", "torch"] = "pillow",
        progress: Progress | None = None,
    ) -> None:
        """Decode all pictures now if they are kept.

        Args:
            sources: The pictures, in the order of their indices.
            height: Pixels to which each is scaled.
            width: Pixels to which each is scaled.
            keep_decoded: Whether to hold all of them in memory, 3·H·W bytes each; by default where they take
                at most 40 % of the memory that is available.
            processes: How many processes of this machine hold as many pictures each.
            resize: "pillow" scales each picture as `resize_image` does; "torch" a batch at once, several times as
                fast, and at most one level of 255 off.
            progress: Told about the decoding.

        Raises:
            DataError: Some pictures are broken; the first three are named.
        """
        self._sources = list(sources)
        self._size = (height, width)
        self._by_batch = resize == "torch"
        if keep_decoded is None:
            needed = processes * len(self._sources) * 3 * height * width
            keep_decoded = needed <= _DECODED_SHARE * available_memory()
        self._decoded: ImageArray | None = self._decode_all(progress) if keep_decoded else None

    def __len__(self) -> int:
        return len(self._sources)

    @property
    def keeps_decoded(self) -> bool:
        """Whether all pictures are held in memory."""
        return self._decoded is not None

    def batches(self, order: Sequence[IntArray]) -> Iterator[Tensor]:
        """B×3×H×W uint8 tensors, channels last in memory, for each array of B indices.

        Pictures that are not held in memory are decoded ahead, two batches at a time.

        Raises:
            DataError: A picture is broken.
        """
        if self._decoded is not None:
            decoded = torch.from_numpy(self._decoded)
            for indices in order:
                yield decoded[torch.as_tensor(indices)].permute(0, 3, 1, 2)
            return
        with ThreadPoolExecutor(processors()) as pool:
            waiting: list[list[Future[list[ImageArray]]]] = []
            try:
                for indices in order:
                    groups = [indices[start : start + _AT_ONCE] for start in range(0, len(indices), _AT_ONCE)]
                    waiting.append([pool.submit(self._decode_some, group) for group in groups])
                    if len(waiting) > 2:
                        yield self._batch(waiting.pop(0))
                while waiting:
                    yield self._batch(waiting.pop(0))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _decode(self, index: int) -> ImageArray:
        """A picture: of its own size where batches are scaled at once, else of the wanted one."""
        picture = read_image(self._sources[index])
        return picture if self._by_batch else resize_image(picture, *self._size)

    def _decode_some(self, indices: IntArray) -> list[ImageArray]:
        return [self._decode(int(index)) for index in indices]

    def _batch(self, groups: list[Future[list[ImageArray]]]) -> Tensor:
        return resize_images([picture for group in groups for picture in group.result()], *self._size)

    def _decode_all(self, progress: Progress | None) -> ImageArray:
        decoded = np.empty((len(self._sources), *self._size, 3), np.uint8)
        broken: list[ImageError] = []

        def decode(index: int) -> None:
            try:
                picture = self._decode(index)
            except ImageError as error:
                broken.append(error)
            else:
                decoded[index] = resize_images([picture], *self._size)[0].permute(1, 2, 0).numpy()

        for done, _ in enumerate(_in_threads(decode, range(len(self._sources))), start=1):
            if progress is not None:
                progress(done, len(self._sources))
        if broken:
            raise broken_pictures(sorted(str(error) for error in broken), len(self._sources))
        return decoded


def resize_images(pictures: Sequence[ImageArray], height: int, width: int) -> Tensor:
    """Stack B pictures of H×W×3 uint8, of any sizes, to B×3×height×width, channels last in memory.

    Those that have another size are scaled with bilinear antialiasing, all of one size at once: at most one level of
    255 off what `resize_image` gives.
    """
    batch = torch.empty(len(pictures), height, width, 3, dtype=torch.uint8).permute(0, 3, 1, 2)
    for shape in dict.fromkeys(picture.shape for picture in pictures):
        places = [place for place, picture in enumerate(pictures) if picture.shape == shape]
        same = torch.from_numpy(np.stack([pictures[place] for place in places])).permute(0, 3, 1, 2)
        if shape[:2] != (height, width):
            same = F.interpolate(same, (height, width), mode="bilinear", antialias=True)
        if len(places) == len(pictures):
            return same
        batch[places] = same
    return batch


def broken_pictures(reasons: Sequence[str], total: int) -> DataError:
    """The error for pictures that cannot be decoded: how many, which first, and what to do."""
    first = "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
    return DataError(
        f"expected {total} whole pictures, got {len(reasons)} broken: {first}. "
        "List all with `passerby data inspect`, leave them out with --drop-broken"
    )


def _in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Results in order; when the consumer stops, what has not begun is not begun."""
    with ThreadPoolExecutor(processors()) as pool:
        try:
            yield from pool.map(work, items)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
