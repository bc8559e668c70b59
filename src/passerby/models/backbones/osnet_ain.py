"""OSNet-AIN (Zhou et al., TPAMI 2021) under torchreid's parameter names, without embedding layer and classifier."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.backbones.backbone import Attend, Backbone, as_they_are
from passerby.models.backbones.osnet import (
    BRANCHES,
    ChannelGate,
    ConvNorm,
    ConvNormRelu,
    LiteConv,
    halved,
    stage_channels,
)


class OSNetAIN(Backbone):
    """OSNet whose residuals are normalised by the picture's own statistics where a search found that to carry over.

    Args:
        size: Factor on the published channels that the network's name carries, such as 0.25.
        width: A further factor on the channels.
        last_stride: Of no effect: the network reaches its stride of 16 before the last stage.
    """

    def __init__(self, size: float, width: float = 1.0, last_stride: int = 1) -> None:
        super().__init__()
        stem, first, second, third = stage_channels(size, width)
        self.conv1 = ConvNormRelu(3, stem, 7, stride=2, padding=3, instance_norm=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        # Which blocks normalise each picture by itself is what the search decided (the paper's figure 6).
        self.conv2 = nn.Sequential(_Block(stem, first, instance_norm=True), _Block(first, first, instance_norm=True))
        self.pool2 = halved(first)
        self.conv3 = nn.Sequential(
            _Block(first, second, instance_norm=False), _Block(second, second, instance_norm=True)
        )
        self.pool3 = halved(second)
        self.conv4 = nn.Sequential(
            _Block(second, third, instance_norm=True), _Block(third, third, instance_norm=False)
        )
        self.conv5 = ConvNormRelu(third, third, 1)
        self.channels = third
        self.level_channels = {"layer1": first, "layer2": second, "layer3": third, "layer4": third}
        self.initialise()

    def forward(self, pictures: Tensor, attend: Attend = as_they_are) -> Tensor:
        """Compute B×C×(H/16)×(W/16) feature maps; C is 512 times the size."""
        maps = attend("layer1", self.conv2(self.maxpool(self.conv1(pictures))))
        maps = attend("layer2", self.conv3(self.pool2(maps)))
        maps = attend("layer3", self.conv4(self.pool3(maps)))
        return attend("layer4", self.conv5(maps))


class _Block(nn.Module):
    """An omni-scale block, its residual ending in batch norm or, where chosen, in instance norm."""

    def __init__(self, inputs: int, outputs: int, *, instance_norm: bool) -> None:
        super().__init__()
        middle = outputs // 4
        self.conv1 = ConvNormRelu(inputs, middle, 1)
        self.conv2 = nn.ModuleList(_Stream(middle, depth) for depth in range(1, BRANCHES + 1))
        self.gate = ChannelGate(middle)
        self.conv3 = _Conv(middle, outputs) if instance_norm else ConvNorm(middle, outputs)
        self.downsample = ConvNorm(inputs, outputs) if inputs != outputs else None
        self.IN = nn.InstanceNorm2d(outputs, affine=True) if instance_norm else None

    def forward(self, maps: Tensor) -> Tensor:
        reduced = self.conv1(maps)
        residual = self.conv3(torch.stack([self.gate(stream(reduced)) for stream in self.conv2]).sum(0))
        if self.IN is not None:
            residual = self.IN(residual)
        return F.relu(residual + (maps if self.downsample is None else self.downsample(maps)), inplace=True)


class _Stream(nn.Module):
    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(LiteConv(channels) for _ in range(depth)))

    def forward(self, maps: Tensor) -> Tensor:
        filtered = self.layers(maps)
        assert isinstance(filtered, Tensor)
        return filtered


class _Conv(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        mixed = self.conv(maps)
        assert isinstance(mixed, Tensor)
        return mixed
