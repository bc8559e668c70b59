"""Channel attention by squeeze and excitation."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.attention.module import Attention


class ChannelMask(Attention):
    """`sigmoid(W₂ ReLU(W₁ average(F)))`: a factor for each channel (Hu et al., SE-Net, CVPR 2018).

    W₁ has C/r rows and W₂ C, so that channels decide together.
    """

    multiplies = True

    def __init__(self, channels: int, reduction: int = 16) -> None:
        """Draw W₁ and W₂ for C channels and r."""
        super().__init__()
        hidden = max(1, channels // reduction)
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def change(self, maps: Tensor) -> Tensor:
        """The mask, B×C×1×1, from 0 to 1."""
        return torch.sigmoid(self.fc2(F.relu(self.fc1(maps.mean((2, 3))))))[:, :, None, None]
