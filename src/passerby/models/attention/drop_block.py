"""Batch drop block: the opposite of attention, a block that nobody in the batch may look at."""

import torch
from torch import Tensor

from passerby.models.attention.module import Attention


class BatchDropBlock(Attention):
    """In training, zeros in one block of the maps, the same for the whole batch (Dai et al., ICCV 2019).

    Whatever a person is known by there has to be found elsewhere too. Where the block lies is drawn from torch's
    random numbers. Outside of training it changes nothing.
    """

    multiplies = True

    def __init__(self, block: tuple[float, float] = (0.3, 1.0)) -> None:
        """Choose the block's share of the rows and of the columns."""
        super().__init__()
        self._block = block

    def change(self, maps: Tensor) -> Tensor:
        """The mask, 1×1×h×w of 0 and 1."""
        mask = maps.new_ones(1, 1, *maps.shape[2:])
        if self.training:
            spans = []
            for share, side in zip(self._block, maps.shape[2:], strict=True):
                length = max(1, min(side, round(share * side)))
                start = int(torch.randint(side - length + 1, ()))
                spans.append(slice(start, start + length))
            mask[:, :, spans[0], spans[1]] = 0
        return mask
