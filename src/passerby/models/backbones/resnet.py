"""ResNet-18/34/50/101 (He et al., CVPR 2016) under torchvision's parameter names, without the classifier.

With instance norm they are the IBN-Nets of Pan et al. ("Two at Once", ECCV 2018), under their authors' names; with
non-local blocks those of AGW (Ye et al., TPAMI 2022), under fast-reid's.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.attention.non_local import NonLocalBlock
from passerby.models.attention.spec import Level
from passerby.models.backbones.backbone import Attend, Backbone, as_they_are

InstanceNormPlaces: TypeAlias = Literal["none", "a", "b"]
"""Where instance norm stands in IBN-Nets: nowhere, in half of the channels inside blocks, or behind whole stages."""


class ResNet(Backbone):
    """A residual network; strides of 4, 8, 16 and 16 or 32 after its four stages.

    IBN-a normalises half of the channels behind the first convolution of every block of the first three stages by
    the picture's own statistics. IBN-b does so with all channels behind the first convolution of the network and
    behind the first and second stage, which takes light, contrast and cast of a camera out of them: less is learnt of
    the training cameras, and more carries over to others.

    Args:
        blocks: How many residual blocks each of the four stages has.
        bottleneck: Blocks of 1×1, 3×3 and 1×1 convolutions (ResNet-50 and deeper), else of two 3×3.
        width: Factor on the number of channels.
        last_stride: Stride of the last stage, 2 as published, 1 as re-ID takes it for larger maps (Luo et al.,
            2019); the parameters are the same.
        instance_norm: "none", "a" or "b".
        non_local: How many non-local blocks the second and third stage have, each behind one of its last blocks.
        pads_pooling: Whether the first pooling sees a border, as published first; fast-reid's networks have none.
    """

    def __init__(
        self,
        blocks: Sequence[int],
        bottleneck: bool,
        width: float = 1.0,
        last_stride: int = 1,
        *,
        instance_norm: InstanceNormPlaces = "none",
        non_local: tuple[int, int] = (0, 0),
        pads_pooling: bool = True,
    ) -> None:
        super().__init__()
        base = max(2, round(64 * width))
        self._inputs = base
        self.conv1 = nn.Conv2d(3, base, 7, 2, 3, bias=False)
        self.bn1: nn.Module = _instance_norm(base) if instance_norm == "b" else nn.BatchNorm2d(base)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if pads_pooling else nn.MaxPool2d(3, 2, ceil_mode=True)
        early, late = instance_norm, "a" if instance_norm == "a" else "none"
        self.layer1 = self._stage(bottleneck, base, blocks[0], 1, early)
        levels = [self._inputs]
        self.layer2 = self._stage(bottleneck, base * 2, blocks[1], 2, early)
        self.NL_2 = _non_local(self._inputs, non_local[0])
        levels.append(self._inputs)
        self.layer3 = self._stage(bottleneck, base * 4, blocks[2], 2, late)
        self.NL_3 = _non_local(self._inputs, non_local[1])
        levels.append(self._inputs)
        self.layer4 = self._stage(bottleneck, base * 8, blocks[3], last_stride, "none")
        self.channels = self._inputs
        self.level_channels = dict(zip(get_args(Level), [*levels, self.channels], strict=True))
        self.initialise()
        for block in (*self.NL_2, *self.NL_3):
            assert isinstance(block, NonLocalBlock)
            block.begin_as_identity()

    def stages(self) -> list[tuple[str, ...]]:
        """As those of all backbones; a non-local block belongs to the stage that it stands in."""
        stages: list[tuple[str, ...]] = []
        for parts in super().stages():
            if parts[0].startswith("NL_"):
                stages[-1] += parts
            else:
                stages.append(parts)
        return stages

    def forward(self, pictures: Tensor, attend: Attend = as_they_are) -> Tensor:
        """Compute B×C×h×w feature maps; C is 512 (ResNet-18/34) or 2048 (deeper) at width 1."""
        maps = self.maxpool(F.relu(self.bn1(self.conv1(pictures)), inplace=True))
        maps = attend("layer1", self.layer1(maps))
        maps = attend("layer2", _mixed(self.layer2, self.NL_2, maps))
        maps = attend("layer3", _mixed(self.layer3, self.NL_3, maps))
        return attend("layer4", self.layer4(maps))

    def _stage(self, bottleneck: bool, planes: int, count: int, stride: int, instance_norm: str) -> nn.Sequential:
        block = _Bottleneck if bottleneck else _BasicBlock
        stage = []
        for index in range(count):
            behind = instance_norm == "b" and index == count - 1
            stage.append(
                block(self._inputs, planes, stride if index == 0 else 1, within=instance_norm == "a", behind=behind)
            )
            self._inputs = planes * block.expansion
        return nn.Sequential(*stage)


def _non_local(channels: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(NonLocalBlock(channels) for _ in range(count))


def _mixed(stage: nn.Sequential, non_local: nn.ModuleList, maps: Tensor) -> Tensor:
    """Run a stage, each of its last blocks followed by a non-local one."""
    first = len(stage) - len(non_local)
    for index, block in enumerate(stage):
        maps = block(maps)
        if index >= first:
            maps = non_local[index - first](maps)
    return maps


class _HalfInstanceNorm(nn.Module):
    """Instance norm of the first half of the channels and batch norm of the others (IBN-a)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._half = channels // 2
        self.IN = _instance_norm(self._half)
        self.BN = nn.BatchNorm2d(channels - self._half)

    def forward(self, maps: Tensor) -> Tensor:
        first, second = maps[:, : self._half], maps[:, self._half :]
        return torch.cat([self.IN(first), self.BN(second)], 1)


def _instance_norm(channels: int) -> nn.Module:
    """Each channel of each picture by itself, with a learnt scale and shift, as IBN-Nets have it."""
    return nn.InstanceNorm2d(channels, affine=True)


def _norm(channels: int, half_instance: bool) -> nn.Module:
    return _HalfInstanceNorm(channels) if half_instance else nn.BatchNorm2d(channels)


class _BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int, *, within: bool, behind: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = _norm(planes, within)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = _shortcut(inputs, planes, stride)
        self.IN = _instance_norm(planes) if behind else None

    def forward(self, maps: Tensor) -> Tensor:
        residual = F.relu(self.bn1(self.conv1(maps)), inplace=True)
        residual = self.bn2(self.conv2(residual))
        return _joined(residual, maps if self.downsample is None else self.downsample(maps), self.IN)


class _Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int, *, within: bool, behind: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = _norm(planes, within)
        # The stride stands on the 3×3 convolution, as in torchvision's weights.
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.downsample = _shortcut(inputs, planes * self.expansion, stride)
        self.IN = _instance_norm(planes * self.expansion) if behind else None

    def forward(self, maps: Tensor) -> Tensor:
        residual = F.relu(self.bn1(self.conv1(maps)), inplace=True)
        residual = F.relu(self.bn2(self.conv2(residual)), inplace=True)
        residual = self.bn3(self.conv3(residual))
        return _joined(residual, maps if self.downsample is None else self.downsample(maps), self.IN)


def _joined(residual: Tensor, shortcut: Tensor, instance_norm: nn.Module | None) -> Tensor:
    total = residual + shortcut
    return F.relu(total if instance_norm is None else instance_norm(total), inplace=True)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """A projection where the residual has another shape than its input, else nothing.

    A stage always starts with one in the bottleneck networks, and in the others wherever the stage changes the
    number of channels, which does not depend on the last stride: the parameters are those that are published.
    """
    if inputs == outputs and stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
