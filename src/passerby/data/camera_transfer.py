"""Brightness transfer: a picture as another camera would have shown it."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from passerby.types import ImageArray, IntArray

Shares: TypeAlias = npt.NDArray[np.float64]


class CameraTransfer:
    """Tables that turn each camera's colours into those of every other.

    The cumulative brightness transfer function of cameras i and j is `f_ij(b) = H_j⁻¹(H_i(b))`, H the cumulative
    histograms of a channel over the people whom both saw, each person counting alike (Javed et al., CVPR 2005;
    Prosser et al., BMVC 2008). Cameras that share nobody are compared by everybody whom they saw.

    Attributes:
        tables: (C, C, 3, 256) uint8: what camera j shows where camera i shows a byte; i = j changes nothing.
    """

    def __init__(self, tables: Tensor) -> None:
        """Take the tables."""
        self.tables = tables

    @classmethod
    def learn(cls, batches: Iterable[Tensor], people: IntArray, cameras: IntArray) -> "CameraTransfer":
        """Learn the tables from pictures.

        Args:
            batches: B×3×H×W uint8 each, together N pictures.
            people: (N,) whom each shows.
            cameras: (N,) from 0 to C - 1, or -1 unknown.
        """
        histograms = np.concatenate([_histograms(batch) for batch in batches])
        count = int(cameras.max()) + 1
        tables = np.empty((count, count, 3, 256), np.uint8)
        tables[:] = np.arange(256, dtype=np.uint8)
        for one in range(count):
            for other in range(count):
                if one != other:
                    pair = _of_pair(histograms, people, cameras, one, other)
                    tables[one, other] = [_transfer(*(seen[channel] for seen in pair)) for channel in range(3)]
        return cls(torch.from_numpy(tables))

    def draw(self, cameras: Tensor, probability: float, generator: torch.Generator) -> Tensor:
        """Draw for (B,) cameras which to show each picture as: (B,) int64, its own for those left alone."""
        count = len(self.tables)
        chosen = (torch.rand(len(cameras), generator=generator) < probability) & (cameras >= 0)
        steps = torch.randint(1, max(2, count), (len(cameras),), generator=generator)
        return torch.where(chosen, (cameras + steps) % count, cameras)

    def apply(self, batch: Tensor, cameras: Tensor, wanted: Tensor) -> Tensor:
        """Show B×3×H×W uint8 pictures of some cameras as others would; those whose camera is wanted stay."""
        changed = batch.clone(memory_format=torch.preserve_format)
        for picture in (cameras != wanted).nonzero()[:, 0].tolist():
            tables = self.tables[int(cameras[picture]), int(wanted[picture])].to(batch.device)
            for channel in range(3):
                changed[picture, channel] = tables[channel][batch[picture, channel].long()]
        return changed


def _histograms(batch: Tensor) -> IntArray:
    """(B, 3, 256) counts of B×3×H×W bytes."""
    planes = batch.cpu().numpy().reshape(len(batch) * 3, -1)
    offset = 256 * np.arange(len(planes))[:, None]
    counts = np.bincount((planes + offset).ravel(), minlength=256 * len(planes))
    return counts.reshape(len(batch), 3, 256)


def _of_pair(histograms: IntArray, people: IntArray, cameras: IntArray, one: int, other: int) -> list[Shares]:
    """Histograms of both cameras over the people whom both saw: (3, 256) each, summing to 1 in every channel."""
    shared = np.intersect1d(people[cameras == one], people[cameras == other])
    found = []
    for camera in (one, other):
        seen = np.unique(people[cameras == camera]) if len(shared) == 0 else shared
        shares = [_normalised(histograms[(cameras == camera) & (people == person)].sum(0)) for person in seen]
        found.append(_normalised(np.sum(shares, 0)))
    return found


def _normalised(
    histogram: IntArray | Shares,
) -> Shares:
    total: Shares = histogram / histogram.sum(-1, keepdims=True)
    return total


def _transfer(one: Shares, other: Shares) -> ImageArray:
    """The smallest byte of the other camera up to which it has as large a share as the one up to each byte."""
    # A little less, or rounding would lift a byte by one where both shares are the same.
    places = np.searchsorted(np.cumsum(other), np.cumsum(one) - 1e-9)
    return np.minimum(places, 255).astype(np.uint8)
