"""Published weights: the network that their names and shapes tell of, and where each of them belongs in it.

Known are the names of torchvision, torchreid, IBN-Net, timm and DeiT, fast-reid, and TransReID.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import inf

from torch import Tensor

from passerby.errors import BundleError
from passerby.models.backbones import BACKBONES, TRANSFORMERS, Transformer
from passerby.models.network import Architecture
from passerby.models.preprocessing import Preprocessing

CLASSIFIER = "the classifier of the training classes, no use elsewhere"
_LOCAL_BRANCH = "of TransReID's local branches, which this network has not"
_UNUSED_BLOCK = "stands in the place of the global branch, which is b1"
_BEFORE_NECK = "TransReID compares the embeddings before its batch norm"
_STATISTICS = "the preprocessing has it"

# Blocks of MobileNetV2's stages, and which number of torchvision's the first block of each stage of torchreid's has.
_MOBILENET_BLOCKS = (1, 2, 3, 4, 3, 3, 1)
_MOBILENET_FIRST = tuple(accumulate((1, *_MOBILENET_BLOCKS[:-1])))
_MOBILENET_LAYERS = {
    "conv1.conv": "0.0",
    "conv1.bn": "0.1",
    "dwconv2.conv": "1.0",
    "dwconv2.bn": "1.1",
    "conv3.0": "2",
    "conv3.1": "3",
}


@dataclass(frozen=True)
class Target:
    """Where a published weight belongs.

    Attributes:
        name: In our network; None where it is left out.
        reason: Why it is left out.
    """

    name: str | None
    reason: str = ""


@dataclass(frozen=True)
class Recognised:
    """What published weights turn out to be.

    Attributes:
        architecture: The network.
        preprocessing: What it expects of pictures.
        targets: Where each published weight belongs, by its name.
    """

    architecture: Architecture
    preprocessing: Preprocessing
    targets: Mapping[str, Target]


@dataclass(frozen=True)
class _Found:
    """A backbone that names and shapes tell of."""

    name: str
    width: float = 1.0
    transformer: Transformer | None = None


def recognise(weights: Mapping[str, Tensor], preprocessing: Preprocessing, source: str) -> Recognised:
    """The network that the names and shapes of published weights tell of.

    Args:
        weights: By name, without wrappers' prefixes.
        preprocessing: With the size of pictures that the network was trained on.
        source: For the error.

    Raises:
        BundleError: No author's names are recognised.
    """
    is_fast_reids = any(name.startswith(("heads.", "pixel_mean")) for name in weights)
    found = _backbone(weights, preprocessing, is_fast_reids)
    if found is None or found.name not in BACKBONES:
        raise BundleError(
            f"{source}: expected the published weights of one of {', '.join(BACKBONES)}, got {len(weights)} tensors "
            f"such as {next(iter(weights))}"
        )
    is_transformer = found.name in TRANSFORMERS
    pooling = "class_token" if is_transformer else "gem" if "heads.pool_layer.p" in weights else "average"
    neck, dimension = _neck(weights, is_transformer)
    # Torchvision and torchreid train with a last stride of 2, whoever puts a neck behind the pooling with one of 1.
    keeps_stride = neck == "none" and found.name.startswith(("resnet", "mobilenet"))
    architecture = Architecture(
        backbone=found.name,
        width=found.width if 0 < found.width <= 4 else 1.0,
        last_stride=2 if keeps_stride else 1,
        transformer=found.transformer or Transformer(),
        pooling=pooling,
        neck=neck,
        dimension=dimension or 512,
    )
    return Recognised(
        architecture=architecture,
        preprocessing=_preprocessing(weights, preprocessing, is_transformer, source),
        targets={name: _target(name, architecture, weights) for name in weights},
    )


def _backbone(weights: Mapping[str, Tensor], pictures: Preprocessing, is_fast_reids: bool) -> _Found | None:
    if gate := _length(weights, "conv2.0.gate.fc1.weight", 1):
        kind = "_ain" if "conv2.0.conv2.0.layers.0.conv1.weight" in weights else ""
        kind = "_ibn" if not kind and "conv2.0.IN.weight" in weights else kind
        return _Found(f"osnet{kind}_x{gate / 64:.2f}".replace(".", "_").removesuffix("0"))
    if "layer1.0.conv1.weight" in weights:
        return _resnet(weights, is_fast_reids)
    if "conv2.0.dwconv2.conv.weight" in weights:
        return _Found(f"mobilenetv2_x1_{4 if _length(weights, 'conv1.conv.weight', 0) > 32 else 0}")
    if "features.1.conv.0.0.weight" in weights:
        return _Found("mobilenetv2")
    if "features.1.block.0.0.weight" in weights:
        return _Found(f"mobilenetv3_{'large' if 'features.16.0.weight' in weights else 'small'}")
    if "blocks.0.attn.qkv.weight" in weights:
        return _transformer(weights, pictures)
    return None


def _resnet(weights: Mapping[str, Tensor], is_fast_reids: bool) -> _Found | None:
    depth = sum(bool(re.fullmatch(r"layer[1-4]\.\d+\.conv1\.weight", name)) for name in weights)
    depths = {(8, False): 18, (16, False): 34, (16, True): 50, (33, True): 101}
    layers = depths.get((depth, "layer1.0.conv3.weight" in weights))
    if layers is None:
        return None
    has_instance_norm = any(".IN." in name for name in weights)
    ibn = "" if not has_instance_norm else "_ibn_a" if "layer1.0.bn1.IN.weight" in weights else "_ibn_b"
    non_local = "_nl" if any(name.startswith("NL_") for name in weights) else ""
    prefix = "fastreid_" if is_fast_reids or non_local else ""
    channels = _length(weights, "conv1.weight", 0)
    return _Found(f"{prefix}resnet{layers}{ibn}{non_local}", channels / 64)


def _transformer(weights: Mapping[str, Tensor], pictures: Preprocessing) -> _Found | None:
    names = {64 * heads: name for name, heads in TRANSFORMERS.items()}
    name = names.get(_length(weights, "cls_token", 2))
    patches = _length(weights, "pos_embed", 1) - 1
    cameras = tuple(range(1, _length(weights, "sie_embed", 0) + 1))
    # The stride is told by how many patches pictures of that size have; else they are a square of another size's.
    for stride in range(16, 3, -1):
        grid = ((pictures.height - 16) // stride + 1, (pictures.width - 16) // stride + 1)
        if grid[0] * grid[1] == patches:
            break
    else:
        stride, grid = 16, (round(max(0, patches) ** 0.5),) * 2
    if name is None or patches < 1 or grid[0] * grid[1] != patches:
        return None
    weight = 3.0 if cameras else 0.0
    return _Found(name, transformer=Transformer(stride=stride, positions=grid, camera_weight=weight, cameras=cameras))


def _neck(weights: Mapping[str, Tensor], is_transformer: bool) -> tuple[str, int | None]:
    """The neck, and its dimension where it chooses one."""
    # A linear layer before the classifier makes torchreid's embedding; elsewhere "fc" is the classifier itself.
    dimension = _length(weights, "fc.0.weight", 0)
    if 2 <= dimension <= 8192:
        return "linear", dimension
    if 2 <= _length(weights, "heads.bottleneck.0.weight", 0) <= 8192 and "heads.bottleneck.1.weight" in weights:
        return "reduced", len(weights["heads.bottleneck.0.weight"])
    names = ["heads.bottleneck.0.running_mean", "heads.bnneck.running_mean"]
    names += [] if is_transformer else ["bottleneck.running_mean"]
    return ("bnneck" if any(name in weights for name in names) else "none"), None


def _preprocessing(
    weights: Mapping[str, Tensor], given: Preprocessing, is_transformer: bool, source: str
) -> Preprocessing:
    """The given size, with the statistics that the checkpoint's author normalises by."""
    mean, std = weights.get("pixel_mean"), weights.get("pixel_std")
    if mean is not None and std is not None:
        # Fast-reid's are of values from 0 to 255.
        means, deviations = (tuple(round(v / 255, 6) for v in values.flatten().tolist()) for values in (mean, std))
        if len(means) != 3 or len(deviations) != 3 or not all(0 < v < inf for v in deviations):
            raise BundleError(
                f"{source}: expected mean and deviation of three channels, the latter above 0, in pixel_mean and "
                f"pixel_std, got {means} and {deviations}"
            )
        return given.model_copy(update={"mean": means, "std": deviations})
    if is_transformer and "bottleneck.weight" in weights:
        return given.model_copy(update={"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)})
    return given


def _target(name: str, architecture: Architecture, weights: Mapping[str, Tensor]) -> Target:
    """Where a published weight belongs in a network of the architecture."""
    if name.startswith(("classifier", "head.", "heads.classifier.", "heads.cls_layer.")) or name == "heads.weight":
        return Target(None, CLASSIFIER)
    if name in ("pixel_mean", "pixel_std"):
        return Target(None, _STATISTICS)
    if name.startswith("fc."):
        is_neck = architecture.neck == "linear"
        return Target(f"neck.{name.removeprefix('fc.')}") if is_neck else Target(None, CLASSIFIER)
    if name.startswith("heads.pool_layer."):
        return Target(f"pooling.{name.removeprefix('heads.pool_layer.')}")
    if architecture.neck in ("bnneck", "reduced"):
        first = "heads.bottleneck." if architecture.neck == "reduced" else "heads.bottleneck.0."
        for prefix in (first, "heads.bnneck.", "bottleneck."):
            if name.startswith(prefix):
                return Target(f"neck.{name.removeprefix(prefix)}")
    if architecture.backbone in TRANSFORMERS:
        return _transformer_target(name, has_branches="b1.0.norm1.weight" in weights)
    if architecture.backbone.startswith("mobilenetv2_"):
        return Target(f"backbone.{_mobilenet_name(name)}")
    return Target(f"backbone.{name}")


def _transformer_target(name: str, *, has_branches: bool) -> Target:
    if re.match(r"bottleneck\.", name):
        return Target(None, _BEFORE_NECK)
    if has_branches:
        # TransReID's last block and norm stand twice: in the global branch b1, and for the local branches in b2.
        if name.startswith(("blocks.11.", "norm.")):
            return Target(None, _UNUSED_BLOCK)
        if re.match(r"(b2|bottleneck_\d)\.", name):
            return Target(None, _LOCAL_BRANCH)
        name = re.sub(r"^b1\.0\.", "blocks.11.", name)
        name = re.sub(r"^b1\.1\.", "norm.", name)
    return Target(f"backbone.{name}")


def _mobilenet_name(name: str) -> str:
    """Torchvision's name of what torchreid calls so."""
    if ends := re.fullmatch(r"conv([19])\.(conv|bn)\.(\w+)", name):
        return f"features.{0 if ends[1] == '1' else 18}.{0 if ends[2] == 'conv' else 1}.{ends[3]}"
    within = re.fullmatch(r"conv([2-8])\.(\d+)\.(\w+\.\w+)\.(\w+)", name)
    if within and within[3] in _MOBILENET_LAYERS:
        number = _MOBILENET_FIRST[int(within[1]) - 2] + int(within[2])
        return f"features.{number}.conv.{_MOBILENET_LAYERS[within[3]]}.{within[4]}"
    return name


def _length(weights: Mapping[str, Tensor], name: str, axis: int) -> int:
    """A weight's length along an axis; 0 where there is no such weight or axis."""
    return weights[name].shape[axis] if name in weights and weights[name].ndim > axis else 0
