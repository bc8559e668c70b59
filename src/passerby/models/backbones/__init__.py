"""Backbones by name: networks from pictures to feature maps, under their published parameter names."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from passerby.models.backbones.backbone import Backbone
from passerby.models.backbones.osnet import OSNet
from passerby.models.backbones.resnet import ResNet

__all__ = ["BACKBONES", "Backbone", "BackboneEntry"]


@dataclass(frozen=True, slots=True)
class BackboneEntry:
    """How a backbone is built, from its width and last stride, and where it was published."""

    build: Callable[[float, int], Backbone]
    source: str


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
_OSNET = "Zhou et al., Omni-Scale Feature Learning for Person Re-Identification, ICCV 2019"

BACKBONES: dict[str, BackboneEntry] = {
    "resnet18": BackboneEntry(partial(ResNet, (2, 2, 2, 2), False), _RESNET),
    "resnet34": BackboneEntry(partial(ResNet, (3, 4, 6, 3), False), _RESNET),
    "resnet50": BackboneEntry(partial(ResNet, (3, 4, 6, 3), True), _RESNET),
    "resnet101": BackboneEntry(partial(ResNet, (3, 4, 23, 3), True), _RESNET),
    "osnet_x0_25": BackboneEntry(partial(OSNet, 0.25), _OSNET),
    "osnet_x0_5": BackboneEntry(partial(OSNet, 0.5), _OSNET),
    "osnet_x0_75": BackboneEntry(partial(OSNet, 0.75), _OSNET),
    "osnet_x1_0": BackboneEntry(partial(OSNet, 1.0), _OSNET),
}
"""Every backbone by name."""
