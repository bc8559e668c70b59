"""Backbones by name: networks from pictures to feature maps, under their published parameter names."""

from collections.abc import Callable, Iterator
from functools import partial

from passerby.models.backbones import mobilenetv3
from passerby.models.backbones.backbone import Attend, Backbone, Encoding, as_they_are
from passerby.models.backbones.mobilenetv2 import MobileNetV2
from passerby.models.backbones.mobilenetv3 import MobileNetV3
from passerby.models.backbones.osnet import OSNet
from passerby.models.backbones.osnet_ain import OSNetAIN
from passerby.models.backbones.resnet import InstanceNormPlaces, ResNet
from passerby.models.backbones.vit import Transformer, VisionTransformer

__all__ = [
    "BACKBONES",
    "TRANSFORMERS",
    "Attend",
    "Backbone",
    "Encoding",
    "Transformer",
    "as_they_are",
    "build_backbone",
]

_Build = Callable[[float, int], Backbone]

# Blocks of each stage, whether they are bottlenecks, and the non-local blocks of AGW.
_DEPTHS: dict[int, tuple[tuple[int, int, int, int], bool, tuple[int, int]]] = {
    18: ((2, 2, 2, 2), False, (0, 0)),
    34: ((3, 4, 6, 3), False, (0, 0)),
    50: ((3, 4, 6, 3), True, (2, 3)),
    101: ((3, 4, 23, 3), True, (2, 9)),
}
_IBN: dict[str, InstanceNormPlaces] = {"": "none", "_ibn_a": "a", "_ibn_b": "b"}
_OSNETS = {"x0_25": 0.25, "x0_5": 0.5, "x0_75": 0.75, "x1_0": 1.0}


def _resnets() -> Iterator[tuple[str, _Build]]:
    for suffix, places in _IBN.items():
        for depth, (blocks, bottleneck, _) in _DEPTHS.items():
            yield f"resnet{depth}{suffix}", partial(ResNet, blocks, bottleneck, instance_norm=places)


def _fast_reids_resnets() -> Iterator[tuple[str, _Build]]:
    """Those of fast-reid's checkpoints: plain or IBN-a, with or without non-local blocks, their pooling unpadded."""
    for suffix in ("", "_ibn_a"):
        for depth, (blocks, bottleneck, non_local) in _DEPTHS.items():
            build = partial(ResNet, blocks, bottleneck, instance_norm=_IBN[suffix], pads_pooling=False)
            yield f"fastreid_resnet{depth}{suffix}", build
            if any(non_local):
                yield f"fastreid_resnet{depth}{suffix}_nl", partial(build, non_local=non_local)


TRANSFORMERS = {"vit_small": 6, "vit_base": 12}
"""The vision transformers by name, with their attention heads."""

BACKBONES: dict[str, _Build] = {
    **dict(_resnets()),
    **{f"osnet_{name}": partial(OSNet, size) for name, size in _OSNETS.items()},
    "osnet_ibn_x1_0": partial(OSNet, 1.0, instance_norm=True),
    **{f"osnet_ain_{name}": partial(OSNetAIN, size) for name, size in _OSNETS.items()},
    "mobilenetv2": partial(MobileNetV2, 1.0),
    "mobilenetv2_x1_0": partial(MobileNetV2, 1.0, widen_first=True),
    "mobilenetv2_x1_4": partial(MobileNetV2, 1.4, widen_first=True),
    "mobilenetv3_small": partial(MobileNetV3, mobilenetv3.SMALL),
    "mobilenetv3_large": partial(MobileNetV3, mobilenetv3.LARGE),
    **{name: partial(VisionTransformer, heads) for name, heads in TRANSFORMERS.items()},
    **dict(_fast_reids_resnets()),
}
"""Every backbone by name: a function of its width and last stride."""


def build_backbone(
    name: str, width: float = 1.0, last_stride: int = 1, transformer: Transformer | None = None
) -> Backbone:
    """Build one of `BACKBONES` with random weights.

    Args:
        name: Its name.
        width: Factor on its channels.
        last_stride: Stride of the last stage, 1 or 2; OSNets and transformers have none to choose.
        transformer: Options that only transformers have.
    """
    if name in TRANSFORMERS:
        return VisionTransformer(TRANSFORMERS[name], width, last_stride, transformer)
    return BACKBONES[name](width, last_stride)
