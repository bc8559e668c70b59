"""Published checkpoints: recognised by their parameter names and shapes, with every key accounted for."""

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
from passerby.models.card import ModelCard
from passerby.models.network import ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.models.published import recognise

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
        path: The file, under the names of torchvision, torchreid, fast-reid, IBN-Net, timm, DeiT or TransReID.
        preprocessing: By default 256×128 with ImageNet's statistics, as most publish it for re-ID. Where the author
            is known to normalise otherwise, or the checkpoint holds its statistics, those are taken in any case.

    Raises:
        BundleError: The file is missing, holds more than tensors, is of an unknown architecture, or lacks or
            exceeds that architecture's weights.
    """
    path = Path(path)
    published, dropped = read_weights(path)
    recognised = recognise(published, preprocessing or Preprocessing(), str(path))
    architecture = recognised.architecture
    network = ReidNetwork(architecture)
    own = network.state_dict()
    weights: dict[str, Tensor] = {}
    for name, tensor in published.items():
        target = recognised.targets[name]
        if target.name is None:
            dropped.append(f"{name} {tuple(tensor.shape)}: {target.reason}")
        elif target.name in weights:
            raise BundleError(f"{path}: expected one entry for {target.name}, got two, of which {name} is the second")
        else:
            weights[target.name] = _as_linear(tensor, own.get(target.name))
    loaded = len(weights)
    for name, tensor in own.items():
        # Checkpoints from before torch 0.4.1 lack this counter, which evaluation never reads.
        if name.endswith("num_batches_tracked"):
            weights.setdefault(name, tensor)
    network.load_weights(weights, str(path))
    network.eval()
    return ImportedCheckpoint(
        network=network,
        preprocessing=recognised.preprocessing,
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


def _as_linear(tensor: Tensor, wanted: Tensor | None) -> Tensor:
    """A 1×1 convolution's weights as those of a linear layer, where the network has one in its place."""
    is_convolution = tensor.ndim == 4 and tensor.shape[2:] == (1, 1)
    return tensor.flatten(1) if is_convolution and wanted is not None and wanted.ndim == 2 else tensor


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
