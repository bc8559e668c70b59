"""OSNet (Zhou et al., ICCV 2019) under torchreid's parameter names, without its embedding layer and classifier."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.backbones.backbone import Backbone

_CHANNELS = (64, 256, 384, 512)
_GATE_REDUCTION = 16
_BRANCHES = 4


class OSNet(Backbone):
    """An omni-scale network: each block sums streams of 1 to 4 stacked 3×3 convolutions under a shared gate.

    Args:
        size: Factor on the published channels that the network's name carries, such as 0.25.
        width: A further factor on the channels.
        last_stride: Of no effect: the network reaches its stride of 16 before the last stage.
    """

    def __init__(self, size: float, width: float = 1.0, last_stride: int = 1) -> None:
        super().__init__()
        channels = [max(_BRANCHES, int(count * size * width)) for count in _CHANNELS]
        self.conv1 = _ConvNormRelu(3, channels[0], 7, stride=2, padding=3)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.conv2 = _stage(channels[0], channels[1], shrink=True)
        self.conv3 = _stage(channels[1], channels[2], shrink=True)
        self.conv4 = _stage(channels[2], channels[3], shrink=False)
        self.conv5 = _ConvNormRelu(channels[3], channels[3], 1)
        self.channels = channels[3]
        self.initialise()

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute B×C×(H/16)×(W/16) feature maps; C is 512 times the size."""
        maps = self.maxpool(self.conv1(pictures))
        maps = self.conv5(self.conv4(self.conv3(self.conv2(maps))))
        assert isinstance(maps, Tensor)
        return maps


def _stage(inputs: int, outputs: int, shrink: bool) -> nn.Sequential:
    blocks: list[nn.Module] = [_OmniScaleBlock(inputs, outputs), _OmniScaleBlock(outputs, outputs)]
    if shrink:
        blocks.append(nn.Sequential(_ConvNormRelu(outputs, outputs, 1), nn.AvgPool2d(2, 2)))
    return nn.Sequential(*blocks)


class _OmniScaleBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = outputs // 4
        self.conv1 = _ConvNormRelu(inputs, middle, 1)
        # The first stream is published as a bare module, the deeper ones as sequences.
        self.conv2a = _LiteConv(middle)
        self.conv2b, self.conv2c, self.conv2d = (
            nn.Sequential(*(_LiteConv(middle) for _ in range(depth))) for depth in range(2, _BRANCHES + 1)
        )
        self.gate = _ChannelGate(middle)
        self.conv3 = _ConvNorm(middle, outputs)
        self.downsample = _ConvNorm(inputs, outputs) if inputs != outputs else None

    def forward(self, maps: Tensor) -> Tensor:
        reduced = self.conv1(maps)
        streams = [stream(reduced) for stream in (self.conv2a, self.conv2b, self.conv2c, self.conv2d)]
        gated = torch.stack([self.gate(stream) for stream in streams]).sum(0)
        shortcut = maps if self.downsample is None else self.downsample(maps)
        return F.relu(self.conv3(gated) + shortcut, inplace=True)


class _ConvNormRelu(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(maps)), inplace=True)


class _ConvNorm(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        normed = self.bn(self.conv(maps))
        assert isinstance(normed, Tensor)
        return normed


class _LiteConv(nn.Module):
    """A 3×3 convolution in two factors: 1×1 over the channels, then 3×3 in each channel by itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv2(self.conv1(maps))), inplace=True)


class _ChannelGate(nn.Module):
    """Weights each channel of a stream by a small network on the stream's average (the paper's equation 5)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // _GATE_REDUCTION)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        weights = self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(maps, 1)), inplace=True))
        return maps * torch.sigmoid(weights)
