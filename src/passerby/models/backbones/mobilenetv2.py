"""MobileNetV2 (Sandler et al., CVPR 2018) under torchvision's parameter names, without its classifier."""

from torch import Tensor, nn

from passerby.models.backbones.backbone import Attend, Backbone, as_they_are
from passerby.models.backbones.levels import Levels

_STEM, _LAST = 32, 1280
# Expansion, channels, blocks and stride of each stage: the paper's table 2.
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
_LAST_WITH_STRIDE = 5


class MobileNetV2(Backbone):
    """Blocks that widen by a 1×1 convolution, filter each channel by itself, and narrow again.

    Args:
        size: Factor on the published channels that the network's name carries, such as 1.4.
        width: A further factor on the channels.
        last_stride: Stride of the last stage that has one, 2 as published; maps have a stride of 16 or 32.
        widen_first: Whether the first block has a 1×1 convolution too, though it widens nothing: torchreid's networks
            have it, torchvision's have not.
    """

    def __init__(self, size: float, width: float = 1.0, last_stride: int = 1, *, widen_first: bool = False) -> None:
        super().__init__()
        inputs = _scaled(_STEM * size, width)
        layers: list[nn.Module] = [_conv_norm_relu(3, inputs, 3, 2)]
        self._levels = Levels(2)
        for stage, (expansion, planes, count, stride) in enumerate(_STAGES):
            outputs = _scaled(planes * size, width)
            for block in range(count):
                step = 1 if block else last_stride if stage == _LAST_WITH_STRIDE else stride
                layers.append(_InvertedResidual(inputs, outputs, expansion, step, expansion > 1 or widen_first))
                inputs = outputs
                self._levels.add(1 if block else stride, outputs)
        self.channels = _scaled(_LAST * max(1.0, size), width)
        self.features = nn.Sequential(*layers, _conv_norm_relu(inputs, self.channels, 1))
        self.level_channels = self._levels.channels(self.channels)
        self.initialise()

    def forward(self, pictures: Tensor, attend: Attend = as_they_are) -> Tensor:
        """Compute B×C×h×w feature maps; C is 1280 at size and width 1."""
        return self._levels.run(self.features, pictures, attend)


def _scaled(channels: float, width: float) -> int:
    """So many channels at a width; the published sizes are cut to whole numbers too."""
    return max(2, int(int(channels) * width))


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, widen: bool) -> None:
        super().__init__()
        middle = inputs * expansion
        self.conv = nn.Sequential(
            *([_conv_norm_relu(inputs, middle, 1)] if widen else []),
            _conv_norm_relu(middle, middle, 3, stride, groups=middle),
            nn.Conv2d(middle, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        # As published; a stage's first block has none even where the last stride is 1, since its channels change.
        self._is_residual = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        filtered = self.conv(maps)
        assert isinstance(filtered, Tensor)
        return maps + filtered if self._is_residual else filtered


def _conv_norm_relu(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))
