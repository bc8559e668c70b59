"""What all attention modules have in common."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn


class Attention(nn.Module, ABC):
    """Looks at B×C×h×w maps and says how they are to change: by a mask, or by something added.

    Modules that stand in one place look at the same maps, and their changes are put together:
    `(maps + all additions) · all masks`.

    Attributes:
        multiplies: Whether `change` is a mask, else it is added.
        smallest: Rows and columns that maps must have at least.
    """

    multiplies = False
    smallest = 1

    @abstractmethod
    def change(self, maps: Tensor) -> Tensor:
        """A mask or an addition for B×C×h×w maps, of a shape that broadcasts to theirs."""

    def forward(self, maps: Tensor) -> Tensor:
        """The maps as this module alone changes them."""
        change = self.change(maps)
        return maps * change if self.multiplies else maps + change

    def products(self, maps: Tensor) -> int:
        """Multiply-adds of the module's matrix products on B×C×h×w maps, apart from its layers."""
        return 0

    def heat(self, maps: Tensor) -> Tensor:
        """Where the module looks, as B×h×w of 0 or more, for pictures: how much it leaves or adds at each place."""
        change = self.change(maps)
        return ((maps * change) if self.multiplies else change).abs().mean(1)


def unhalved(maps: Tensor) -> AbstractContextManager[object]:
    """No automatic mixed precision: what is computed in float32 inside stays so."""
    # Tensors without numbers, of which costs are counted, have no precision to be mixed.
    return nullcontext() if maps.is_meta else torch.autocast(maps.device.type, enabled=False)


def position_products(maps: Tensor, compared: int, mixed: int) -> int:
    """Multiply-adds of comparing and mixing N positions by so many channels each, for the maps' batch."""
    positions = maps.shape[2] * maps.shape[3]
    return len(maps) * positions**2 * (compared + mixed)


def received(attention: Tensor, maps: Tensor) -> Tensor:
    """How much all positions of B×C×h×w maps look at each: (B, N, N), rows of shares, to B×h×w."""
    return attention.mean(1).reshape(len(maps), *maps.shape[2:])
