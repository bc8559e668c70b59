"""Encoder–decoder attention: a mask of places, seen from a distance."""

import torch
from torch import Tensor, nn

from passerby.models.attention.module import Attention

_LAYERS = 3


class EncoderDecoderMask(Attention):
    """Three unpadded 3×3 convolutions, three transposed ones back to the maps' size and to one channel, a sigmoid.

    The encoder sees each place with its surroundings of 7×7; nothing is padded, so that borders are no different
    (Jeong et al., Sensors 2020, 20(12):3603). The convolutions have C/r channels.
    """

    multiplies = True
    smallest = 2 * _LAYERS + 1

    def __init__(self, channels: int, reduction: int = 16) -> None:
        """Draw the convolutions for C channels and r."""
        super().__init__()
        hidden = max(1, channels // reduction)
        inputs = (channels, *[hidden] * (_LAYERS - 1))
        self.encoder = nn.Sequential(
            *(layer for count in inputs for layer in (nn.Conv2d(count, hidden, 3), nn.ReLU(inplace=True)))
        )
        decoder: list[nn.Module] = []
        for _ in range(_LAYERS - 1):
            decoder += [nn.ConvTranspose2d(hidden, hidden, 3), nn.ReLU(inplace=True)]
        self.decoder = nn.Sequential(*decoder, nn.ConvTranspose2d(hidden, 1, 3))

    def change(self, maps: Tensor) -> Tensor:
        """The mask, B×1×h×w, from 0 to 1; h and w are 7 at least."""
        return torch.sigmoid(self.decoder(self.encoder(maps)))

    def heat(self, maps: Tensor) -> Tensor:
        """The mask itself, B×h×w."""
        return self.change(maps)[:, 0]
