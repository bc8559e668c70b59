"""OSNet (Zhou et al., ICCV 2019) under torchreid's parameter names, without its embedding layer and classifier.

With instance norm it is OSNet-IBN; OSNet-AIN, where a search has placed it, has a module of its own.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.backbones.backbone import Attend, Backbone, as_they_are

BRANCHES = 4
_CHANNELS = (64, 256, 384, 512)
_GATE_REDUCTION = 16


class OSNet(Backbone):
    """An omni-scale network: each block sums streams of 1 to 4 stacked 3×3 convolutions under a shared gate.

    Args:
        size: Factor on the published channels that the network's name carries, such as 0.25.
        width: A further factor on the channels.
        last_stride: Of no effect: the network reaches its stride of 16 before the last stage.
        instance_norm: Whether the first convolution and both blocks of the first stage end in instance norm
            (OSNet-IBN), which takes light, contrast and cast of a camera out of the maps.
    """

    def __init__(self, size: float, width: float = 1.0, last_stride: int = 1, *, instance_norm: bool = False) -> None:
        super().__init__()
        channels = stage_channels(size, width)
        self.conv1 = ConvNormRelu(3, channels[0], 7, stride=2, padding=3, instance_norm=instance_norm)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.conv2 = _stage(channels[0], channels[1], shrink=True, instance_norm=instance_norm)
        self.conv3 = _stage(channels[1], channels[2], shrink=True)
        self.conv4 = _stage(channels[2], channels[3], shrink=False)
        self.conv5 = ConvNormRelu(channels[3], channels[3], 1)
        self.channels = channels[3]
        self.level_channels = {
            "layer1": channels[1],
            "layer2": channels[2],
            "layer3": channels[3],
            "layer4": channels[3],
        }
        self.initialise()

    def forward(self, pictures: Tensor, attend: Attend = as_they_are) -> Tensor:
        """Compute B×C×(H/16)×(W/16) feature maps; C is 512 times the size."""
        # A stage's two blocks, and what halves their maps behind them.
        first, second = self.conv2, self.conv3
        maps = attend("layer1", first[:2](self.maxpool(self.conv1(pictures))))
        maps = attend("layer2", second[:2](first[2](maps)))
        maps = attend("layer3", self.conv4(second[2](maps)))
        return attend("layer4", self.conv5(maps))


def stage_channels(size: float, width: float) -> list[int]:
    """Channels behind the first convolution and each of the three stages."""
    return [max(BRANCHES, int(count * size * width)) for count in _CHANNELS]


def _stage(inputs: int, outputs: int, *, shrink: bool, instance_norm: bool = False) -> nn.Sequential:
    blocks: list[nn.Module] = [_OmniScaleBlock(count, outputs, instance_norm) for count in (inputs, outputs)]
    if shrink:
        blocks.append(halved(outputs))
    return nn.Sequential(*blocks)


def halved(channels: int) -> nn.Sequential:
    """What stands between stages: a 1×1 convolution, then half of the height and width."""
    return nn.Sequential(ConvNormRelu(channels, channels, 1), nn.AvgPool2d(2, 2))


class _OmniScaleBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, instance_norm: bool) -> None:
        super().__init__()
        middle = outputs // 4
        self.conv1 = ConvNormRelu(inputs, middle, 1)
        # The first stream is published as a bare module, the deeper ones as sequences.
        self.conv2a = LiteConv(middle)
        self.conv2b, self.conv2c, self.conv2d = (
            nn.Sequential(*(LiteConv(middle) for _ in range(depth))) for depth in range(2, BRANCHES + 1)
        )
        self.gate = ChannelGate(middle)
        self.conv3 = ConvNorm(middle, outputs)
        self.downsample = ConvNorm(inputs, outputs) if inputs != outputs else None
        self.IN = nn.InstanceNorm2d(outputs, affine=True) if instance_norm else None

    def forward(self, maps: Tensor) -> Tensor:
        reduced = self.conv1(maps)
        streams = [stream(reduced) for stream in (self.conv2a, self.conv2b, self.conv2c, self.conv2d)]
        gated = torch.stack([self.gate(stream) for stream in streams]).sum(0)
        shortcut = maps if self.downsample is None else self.downsample(maps)
        total = self.conv3(gated) + shortcut
        return F.relu(total if self.IN is None else self.IN(total), inplace=True)


class ConvNormRelu(nn.Module):
    """A convolution, batch or instance norm (both are published as "bn"), and ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        *,
        instance_norm: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.InstanceNorm2d(outputs, affine=True) if instance_norm else nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute maps of `outputs` channels."""
        return F.relu(self.bn(self.conv(maps)), inplace=True)


class ConvNorm(nn.Module):
    """A 1×1 convolution and batch norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute maps of `outputs` channels."""
        normed = self.bn(self.conv(maps))
        assert isinstance(normed, Tensor)
        return normed


class LiteConv(nn.Module):
    """A 3×3 convolution in two factors: 1×1 over the channels, then 3×3 in each channel by itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute maps of the same shape."""
        return F.relu(self.bn(self.conv2(self.conv1(maps))), inplace=True)


class ChannelGate(nn.Module):
    """Weights each channel of a stream by a small network on the stream's average (the paper's equation 5)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // _GATE_REDUCTION)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute maps of the same shape."""
        weights = self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(maps, 1)), inplace=True))
        return maps * torch.sigmoid(weights)
