"""Decoding many pictures at once, and keeping them decoded where memory allows."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from passerby.data.images import ImageSource, read_image, resize_image
from passerby.errors import DataError, ImageError
from passerby.machine import available_memory, processors
from passerby.types import ImageArray, IntArray, Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

_DECODED_SHARE = 0.4
"""Decoded pictures may take this share of the memory that is available."""


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
            progress: Told about the decoding.

        Raises:
            DataError: Some pictures are broken; the first three are named.
        """
        self._sources = list(sources)
        self._size = (height, width)
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
            waiting: list[list[Future[ImageArray]]] = []
            try:
                for indices in order:
                    waiting.append([pool.submit(self._decode, int(index)) for index in indices])
                    if len(waiting) > 2:
                        yield _stack(waiting.pop(0))
                while waiting:
                    yield _stack(waiting.pop(0))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _decode(self, index: int) -> ImageArray:
        return resize_image(read_image(self._sources[index]), *self._size)

    def _decode_all(self, progress: Progress | None) -> ImageArray:
        decoded = np.empty((len(self._sources), *self._size, 3), np.uint8)
        broken: list[ImageError] = []

        def decode(index: int) -> None:
            try:
                decoded[index] = self._decode(index)
            except ImageError as error:
                broken.append(error)

        for done, _ in enumerate(_in_threads(decode, range(len(self._sources))), start=1):
            if progress is not None:
                progress(done, len(self._sources))
        if broken:
            raise broken_pictures(sorted(str(error) for error in broken), len(self._sources))
        return decoded


def broken_pictures(reasons: Sequence[str], total: int) -> DataError:
    """The error for pictures that cannot be decoded: how many, which first, and what to do."""
    first = "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
    return DataError(
        f"expected {total} whole pictures, got {len(reasons)} broken: {first}. "
        "List all with `passerby data inspect`, leave them out with --drop-broken"
    )


def _stack(pictures: list[Future[ImageArray]]) -> Tensor:
    return torch.from_numpy(np.stack([picture.result() for picture in pictures])).permute(0, 3, 1, 2)


def _in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Results in order; when the consumer stops, what has not begun is not begun."""
    with ThreadPoolExecutor(processors()) as pool:
        try:
            yield from pool.map(work, items)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
