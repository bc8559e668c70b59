"""MobileNetV3 (Howard et al., ICCV 2019), small and large, under torchvision's parameter names."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.backbones.backbone import Attend, Backbone, as_they_are
from passerby.models.backbones.levels import Levels

_STEM = 16
_LAST_EXPANSION = 6


class Block(NamedTuple):
    """A row of the paper's tables 1 and 2."""

    kernel: int
    expanded: int
    outputs: int
    squeeze: bool
    hard_swish: bool
    stride: int


LARGE = (
    Block(3, 16, 16, False, False, 1),
    Block(3, 64, 24, False, False, 2),
    Block(3, 72, 24, False, False, 1),
    Block(5, 72, 40, True, False, 2),
    Block(5, 120, 40, True, False, 1),
    Block(5, 120, 40, True, False, 1),
    Block(3, 240, 80, False, True, 2),
    Block(3, 200, 80, False, True, 1),
    Block(3, 184, 80, False, True, 1),
    Block(3, 184, 80, False, True, 1),
    Block(3, 480, 112, True, True, 1),
    Block(3, 672, 112, True, True, 1),
    Block(5, 672, 160, True, True, 2),
    Block(5, 960, 160, True, True, 1),
    Block(5, 960, 160, True, True, 1),
)
SMALL = (
    Block(3, 16, 16, True, False, 2),
    Block(3, 72, 24, False, False, 2),
    Block(3, 88, 24, False, False, 1),
    Block(5, 96, 40, True, True, 2),
    Block(5, 240, 40, True, True, 1),
    Block(5, 240, 40, True, True, 1),
    Block(5, 120, 48, True, True, 1),
    Block(5, 144, 48, True, True, 1),
    Block(5, 288, 96, True, True, 2),
    Block(5, 576, 96, True, True, 1),
    Block(5, 576, 96, True, True, 1),
)


class MobileNetV3(Backbone):
    """MobileNetV2's blocks with gated channels and hard swish, found by architecture search.

    Args:
        blocks: `LARGE` or `SMALL`.
        width: Factor on the channels.
        last_stride: Stride of the last stage that has one, 2 as published; maps have a stride of 16 or 32.
    """

    def __init__(self, blocks: Sequence[Block], width: float = 1.0, last_stride: int = 1) -> None:
        super().__init__()
        inputs = _scaled(_STEM, width)
        layers: list[nn.Module] = [_conv_norm(3, inputs, 3, 2, activation=nn.Hardswish)]
        self._levels = Levels(2)
        last = max(index for index, block in enumerate(blocks) if block.stride == 2)
        for index, block in enumerate(blocks):
            layers.append(_InvertedResidual(inputs, block, width, last_stride if index == last else block.stride))
            inputs = _scaled(block.outputs, width)
            self._levels.add(block.stride, inputs)
        self.channels = _LAST_EXPANSION * inputs
        self.features = nn.Sequential(*layers, _conv_norm(inputs, self.channels, 1, activation=nn.Hardswish))
        self.level_channels = self._levels.channels(self.channels)
        self.initialise()

    def forward(self, pictures: Tensor, attend: Attend = as_they_are) -> Tensor:
        """Compute B×C×h×w feature maps; C is 960 (large) or 576 (small) at width 1."""
        return self._levels.run(self.features, pictures, attend)


def _scaled(channels: int, width: float) -> int:
    return max(2, round(channels * width))


def _to_eights(channels: float) -> int:
    """The nearest multiple of 8, but not more than a tenth below."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, row: Block, width: float, stride: int) -> None:
        super().__init__()
        middle, outputs = _scaled(row.expanded, width), _scaled(row.outputs, width)
        activation = nn.Hardswish if row.hard_swish else nn.ReLU
        # The first block has as many channels inside as it is given, and nothing that widens them.
        widen = [] if row.expanded == _STEM else [_conv_norm(inputs, middle, 1, activation=activation)]
        self.block = nn.Sequential(
            *widen,
            _conv_norm(middle, middle, row.kernel, stride, groups=middle, activation=activation),
            *([_ChannelGate(middle)] if row.squeeze else []),
            _conv_norm(middle, outputs, 1),
        )
        # As published; a stage's first block has none even where the last stride is 1, since its channels change.
        self._is_residual = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        filtered = self.block(maps)
        assert isinstance(filtered, Tensor)
        return maps + filtered if self._is_residual else filtered


class _ChannelGate(nn.Module):
    """Weights each channel by a small network on the average (squeeze and excitation; Hu et al., CVPR 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = _to_eights(channels // 4)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        weights = self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(maps, 1)), inplace=True))
        return maps * F.hardsigmoid(weights)


def _conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    *,
    groups: int = 1,
    activation: type[nn.ReLU | nn.Hardswish] | None = None,
) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    # The published networks were trained with these.
    norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=1e-2)
    return nn.Sequential(convolution, norm, *([activation(inplace=True)] if activation else []))
