"""Harmonious attention, its soft half: places and channels in one mask."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.attention.module import Attention


class HarmoniousMask(Attention):
    """`sigmoid(conv(S · C))`: a spatial mask S, a channel mask C, and a 1×1 convolution that makes them agree.

    S is learnt from the mean over channels by a 3×3 convolution of stride 2, enlarged again; C by squeeze and
    excitation (Li et al., HA-CNN, CVPR 2018, section 3.1). The hard half of HA-CNN, which cuts regions out, belongs
    to networks of parts.
    """

    multiplies = True

    def __init__(self, channels: int, reduction: int = 16) -> None:
        """Draw the layers for C channels and r."""
        super().__init__()
        hidden = max(1, channels // reduction)
        self.spatial = nn.Sequential(nn.Conv2d(1, 1, 3, 2, 1), nn.ReLU(inplace=True))
        self.spatial_scale = nn.Conv2d(1, 1, 1)
        self.channel = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.ReLU(inplace=True), nn.Conv2d(hidden, channels, 1)
        )
        self.joint = nn.Conv2d(channels, channels, 1)

    def change(self, maps: Tensor) -> Tensor:
        """The mask, B×C×h×w, from 0 to 1."""
        spatial = F.interpolate(self.spatial(maps.mean(1, keepdim=True)), maps.shape[2:], mode="bilinear")
        return torch.sigmoid(self.joint(self.spatial_scale(spatial) * self.channel(maps.mean((2, 3), keepdim=True))))

    def heat(self, maps: Tensor) -> Tensor:
        """The mask's mean over channels, B×h×w."""
        return self.change(maps).mean(1)
