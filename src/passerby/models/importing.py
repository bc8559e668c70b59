"""Published checkpoints: recognised by their parameter names and shapes, with every key accounted for."""

import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from passerby import __version__
from passerby.errors import BundleError
from passerby.models.backbones import BACKBONES
from passerby.models.card import ModelCard
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.preprocessing import Preprocessing

_CONTAINERS = ("state_dict", "model", "net")
_PREFIXES = ("module.", "model.", "backbone.", "base.")
# What the two readers raise on damaged files, depending on where the damage is.
_DAMAGE = (
    SafetensorError,
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    AttributeError,
    TypeError,
    AssertionError,
    ArithmeticError,
    struct.error,
)


@dataclass(frozen=True)
class ImportedCheckpoint:
    """A published checkpoint as a network of ours.

    Attributes:
        network: With the published weights, in evaluation mode.
        preprocessing: As published for such networks.
        loaded: How many published entries were taken.
        dropped: Published entries that were left out, each with the reason.
        card: What is known of it.
    """

    network: ReidNetwork
    preprocessing: Preprocessing
    loaded: int
    dropped: tuple[str, ...]
    card: ModelCard


def import_checkpoint(path: Path | str, preprocessing: Preprocessing | None = None) -> ImportedCheckpoint:
    """Turn a published `.pth` (torch's `weights_only` loader) or `.safetensors` file into a network.

    Args:
        path: The file. Known are torchvision's ResNet-18/34/50/101 and torchreid's OSNet and ResNet weights.
        preprocessing: By default 256×128 with ImageNet's statistics, as both publish it for re-ID.

    Raises:
        BundleError: The file is missing, holds more than tensors, is of an unknown architecture, or lacks or
            exceeds that architecture's weights.
    """
    path = Path(path)
    published, dropped = read_weights(path)
    architecture = _recognise(published, path)
    network = ReidNetwork(architecture)
    weights: dict[str, Tensor] = {}
    for name, tensor in published.items():
        target = _target(name, architecture)
        if target is None:
            dropped.append(f"{name} {tuple(tensor.shape)}: the classifier of the training classes, no use elsewhere")
        else:
            weights[target] = tensor
    loaded = len(weights)
    for name, tensor in network.state_dict().items():
        # Checkpoints from before torch 0.4.1 lack this counter, which evaluation never reads.
        if name.endswith("num_batches_tracked"):
            weights.setdefault(name, tensor)
    network.load_weights(weights, str(path))
    network.eval()
    return ImportedCheckpoint(
        network=network,
        preprocessing=preprocessing or Preprocessing(),
        loaded=loaded,
        dropped=tuple(dropped),
        card=ModelCard(
            name=path.stem,
            summary=f"{architecture.backbone} imported from the published checkpoint {path.name}.",
            trained_on="unknown to Passerby; see where the checkpoint was published",
            licence="unknown to Passerby; see where the checkpoint was published",
            dropped_weights=tuple(dropped),
            passerby_version=__version__,
        ),
    )


def read_weights(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """The named tensors of a checkpoint file, without wrappers' prefixes, and what else it holds, with the reason.

    Raises:
        BundleError: The file is missing, damaged, or holds anything that could run code when read.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing there"
        raise BundleError(f"{path}: expected a checkpoint file, got {found}")
    foreign = f"{path}: expected a checkpoint that torch or safetensors can read, got a damaged or other file"
    try:
        content: Any = None
        if path.suffix == ".safetensors":
            content = load_file(path)
        elif _starts_as_checkpoint(path):
            with warnings.catch_warnings():
                # About pickle protocols; what cannot be read ends in an error below.
                warnings.simplefilter("ignore")
                content = torch.load(path, map_location="cpu", weights_only=True)
        else:
            raise BundleError(foreign)
    except UnpicklingError as error:
        raise BundleError(
            f"{path}: expected tensors only, got a pickle with something else, which could run code when read; "
            "it was not read: save its state_dict() alone, or as .safetensors"
        ) from error
    except _DAMAGE as error:
        raise BundleError(foreign) from error
    others: list[str] = []
    for container in _CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(container), Mapping):
            others += [f"{name}: stands beside {container}" for name in content if name != container]
            content = content[container]
    if not isinstance(content, Mapping):
        raise BundleError(f"{path}: expected tensors by name, got {type(content).__name__}; save its state_dict()")
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise BundleError(f"{path}: expected tensors by name, got none; save its state_dict()")
    others += [f"{name}: no tensor" for name in content if str(name) not in tensors]
    return _without_prefix(tensors), others


def _starts_as_checkpoint(path: Path) -> bool:
    """Whether the file begins as a zip archive or a pickle does, the two forms that torch writes."""
    with path.open("rb") as file:
        return file.read(4).startswith((b"PK\x03\x04", b"\x80"))


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take off what DataParallel and training scripts put before every name that is not the classifier's."""
    for prefix in _PREFIXES:
        if sum(name.startswith(prefix) for name in tensors) > len(tensors) // 2:
            stripped = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
            # Where two names would become one, none is lost.
            tensors = stripped if len(stripped) == len(tensors) else tensors
    return tensors


def _recognise(weights: Mapping[str, Tensor], path: Path) -> Architecture:
    """The architecture that the names and shapes of published weights tell of."""
    # A linear layer before the classifier makes the embedding; elsewhere "fc" is the classifier itself.
    dimension = _length(weights, "fc.0.weight", 0)
    neck = "linear" if 2 <= dimension <= 8192 else "none"
    if gate := _length(weights, "conv2.0.gate.fc1.weight", 1):
        name = f"osnet_x{gate / 64:.2f}".replace(".", "_").removesuffix("0")
        if name in BACKBONES:
            return Architecture(backbone=name, neck=neck, dimension=dimension if neck == "linear" else 512)
    if "layer1.0.conv1.weight" in weights:
        depth = sum(bool(re.fullmatch(r"layer[1-4]\.\d+\.conv1\.weight", name)) for name in weights)
        bottleneck = "layer1.0.conv3.weight" in weights
        names = {(8, False): "resnet18", (16, False): "resnet34", (16, True): "resnet50", (33, True): "resnet101"}
        if (depth, bottleneck) in names:
            channels = _length(weights, "conv1.weight", 0)
            return Architecture(
                backbone=names[depth, bottleneck],
                width=channels / 64 if 1 <= channels <= 256 else 1.0,
                # Torchvision and torchreid train ResNets with a last stride of 2, with a linear layer (fc512) of 1.
                last_stride=1 if neck == "linear" else 2,
                neck=neck,
                dimension=dimension if neck == "linear" else 512,
            )
    raise BundleError(
        f"{path}: expected the published weights of one of {', '.join(BACKBONES)}, got {len(weights)} tensors "
        f"such as {next(iter(weights))}"
    )


def _length(weights: Mapping[str, Tensor], name: str, axis: int) -> int:
    """A weight's length along an axis; 0 where there is no such weight or axis."""
    return weights[name].shape[axis] if name in weights and weights[name].ndim > axis else 0


def _target(name: str, architecture: Architecture) -> str | None:
    """Where a published weight belongs in our network; None for the classifier of the training classes."""
    if name.startswith("classifier."):
        return None
    if name.startswith("fc."):
        return f"neck.{name.removeprefix('fc.')}" if architecture.neck == "linear" else None
    return f"backbone.{name}"
