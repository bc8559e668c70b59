"""Backbones by name: networks from pictures to feature maps, under their published parameter names."""

from collections.abc import Callable
from functools import partial

from passerby.models.backbones.backbone import Backbone
from passerby.models.backbones.osnet import OSNet
from passerby.models.backbones.resnet import ResNet

__all__ = ["BACKBONES", "Backbone"]

BACKBONES: dict[str, Callable[[float, int], Backbone]] = {
    "resnet18": partial(ResNet, (2, 2, 2, 2), False),
    "resnet34": partial(ResNet, (3, 4, 6, 3), False),
    "resnet50": partial(ResNet, (3, 4, 6, 3), True),
    "resnet101": partial(ResNet, (3, 4, 23, 3), True),
    "resnet18_ibn_a": partial(ResNet, (2, 2, 2, 2), False, instance_norm="a"),
    "resnet18_ibn_b": partial(ResNet, (2, 2, 2, 2), False, instance_norm="b"),
    "resnet34_ibn_a": partial(ResNet, (3, 4, 6, 3), False, instance_norm="a"),
    "resnet50_ibn_a": partial(ResNet, (3, 4, 6, 3), True, instance_norm="a"),
    "resnet50_ibn_b": partial(ResNet, (3, 4, 6, 3), True, instance_norm="b"),
    "resnet101_ibn_a": partial(ResNet, (3, 4, 23, 3), True, instance_norm="a"),
    "osnet_x0_25": partial(OSNet, 0.25),
    "osnet_x0_5": partial(OSNet, 0.5),
    "osnet_x0_75": partial(OSNet, 0.75),
    "osnet_x1_0": partial(OSNet, 1.0),
}
"""Every backbone by name: a function of its width and last stride."""
