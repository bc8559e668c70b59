"""ResNet-18/34/50/101 (He et al., CVPR 2016) under torchvision's parameter names, without the classifier."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.backbones.backbone import Backbone


class ResNet(Backbone):
    """A residual network; strides of 4, 8, 16 and 16 or 32 after its four stages.

    Args:
        blocks: How many residual blocks each of the four stages has.
        bottleneck: Blocks of 1×1, 3×3 and 1×1 convolutions (ResNet-50 and deeper), else of two 3×3.
        width: Factor on the number of channels.
        last_stride: Stride of the last stage, 2 as published, 1 as re-ID takes it for larger maps (Luo et al.,
            2019); the parameters are the same.
    """

    def __init__(self, blocks: Sequence[int], bottleneck: bool, width: float = 1.0, last_stride: int = 1) -> None:
        super().__init__()
        base = max(1, round(64 * width))
        self._inputs = base
        self.conv1 = nn.Conv2d(3, base, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(base)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._stage(bottleneck, base, blocks[0], 1)
        self.layer2 = self._stage(bottleneck, base * 2, blocks[1], 2)
        self.layer3 = self._stage(bottleneck, base * 4, blocks[2], 2)
        self.layer4 = self._stage(bottleneck, base * 8, blocks[3], last_stride)
        self.channels = self._inputs
        self.initialise()

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute B×C×h×w feature maps; C is 512 (ResNet-18/34) or 2048 (deeper) at width 1."""
        maps = self.maxpool(F.relu(self.bn1(self.conv1(pictures)), inplace=True))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        assert isinstance(maps, Tensor)
        return maps

    def _stage(self, bottleneck: bool, planes: int, count: int, stride: int) -> nn.Sequential:
        block = _Bottleneck if bottleneck else _BasicBlock
        stage = []
        for index in range(count):
            stage.append(block(self._inputs, planes, stride if index == 0 else 1))
            self._inputs = planes * block.expansion
        return nn.Sequential(*stage)


class _BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = _shortcut(inputs, planes, stride)

    def forward(self, maps: Tensor) -> Tensor:
        residual = F.relu(self.bn1(self.conv1(maps)), inplace=True)
        residual = self.bn2(self.conv2(residual))
        return F.relu(residual + (maps if self.downsample is None else self.downsample(maps)), inplace=True)


class _Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        # The stride stands on the 3×3 convolution, as in torchvision's weights.
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.downsample = _shortcut(inputs, planes * self.expansion, stride)

    def forward(self, maps: Tensor) -> Tensor:
        residual = F.relu(self.bn1(self.conv1(maps)), inplace=True)
        residual = F.relu(self.bn2(self.conv2(residual)), inplace=True)
        residual = self.bn3(self.conv3(residual))
        return F.relu(residual + (maps if self.downsample is None else self.downsample(maps)), inplace=True)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """A projection where the residual has another shape than its input, else nothing.

    A stage always starts with one in the bottleneck networks, and in the others wherever the stage changes the
    number of channels, which does not depend on the last stride: the parameters are those that are published.
    """
    if inputs == outputs and stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
