"""Why a model embeds pictures as it does: where it looks, and which regions make two pictures alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from passerby.data.loader import PictureStore
from passerby.data.transforms import normalise
from passerby.models.attention.spec import Level
from passerby.models.bundle import Bundle
from passerby.models.engines.torch_engine import choose_device
from passerby.models.network import ReidNetwork
from passerby.types import FloatArray, ImageArray


@dataclass(frozen=True)
class Explained:
    """One picture and where the model looks in it.

    Attributes:
        path: The picture's file.
        picture: H×W×3 uint8, as the model sees it.
        attention: What each attention module looks at, by its kind and place: H×W float32 from 0 to 1.
        activation: Where the last feature maps are strong, the whole method's answer: H×W float32 from 0 to 1.
        grad_cam: Which regions make the embedding what it is: H×W float32 from 0 to 1.
    """

    path: Path
    picture: ImageArray
    attention: dict[str, FloatArray]
    activation: FloatArray
    grad_cam: FloatArray


@dataclass(frozen=True)
class ExplainedPair:
    """Which regions of two pictures make their embeddings alike, and which speak against it.

    Attributes:
        similarity: Cosine of the two embeddings.
        alike: For each picture, what adds to the cosine: H×W float32 from 0 to 1, on one scale with `unlike`.
        unlike: For each picture, what takes from it.
    """

    similarity: float
    alike: tuple[FloatArray, FloatArray]
    unlike: tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Explanation:
    """What is said of some pictures.

    Attributes:
        pictures: Each by itself.
        pair: What makes the two alike, where there are just two.
    """

    pictures: tuple[Explained, ...]
    pair: ExplainedPair | None


def explain(bundle: Bundle, paths: Sequence[Path], device: str = "auto") -> Explanation:
    """Explain how a model sees pictures.

    Attention modules tell where they look. The activation is the square root of the last maps' summed squares.
    Grad-CAM (Selvaraju et al., ICCV 2017) asks which channels lengthen the picture's embedding along its own
    direction and where they are active; there are no classes at test time to ask for. For a pair, the inner product's
    gradient times the maps says what each region adds to it, which with average pooling and a linear neck is exact
    (Stylianou et al., WACV 2019).

    Args:
        bundle: The model.
        paths: The pictures.
        device: "auto", "cpu", "cuda", …

    Raises:
        ImageError: A picture cannot be used.
        PasserbyError: There is no such device.
    """
    chosen = choose_device(device)
    network = bundle.load_network().eval().place(chosen)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    size = bundle.preprocessing
    store = PictureStore(list(paths), size.height, size.width, keep_decoded=False)
    shown, seen = [], []
    for path, decoded in zip(paths, store.batches([np.array([place]) for place in range(len(paths))]), strict=True):
        pictures = normalise(decoded.to(chosen), size.mean, size.std)
        shown.append(_explained(network, path, decoded, pictures))
        seen.append(pictures)
    return Explanation(tuple(shown), _pair(network, seen[0], seen[1]) if len(seen) == 2 else None)


def _explained(network: ReidNetwork, path: Path, decoded: Tensor, pictures: Tensor) -> Explained:
    height, width = pictures.shape[2:]
    with torch.no_grad():
        heats = network.attention_heats(pictures)
    specs = network.architecture.attention
    attention = {
        f"{number + 1}. {spec.kind}, {spec.after}": _scaled(heat[0], height, width)
        for number, (spec, heat) in enumerate(zip(specs, heats, strict=True))
    }
    maps, embedding = _traced(network, pictures)
    gradient = _gradient((embedding * F.normalize(embedding.detach())).sum(), maps)
    cam = F.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(1))[0]
    return Explained(
        path=path,
        picture=decoded[0].permute(1, 2, 0).cpu().numpy(),
        attention=attention,
        activation=_scaled(maps.square().sum(1).sqrt()[0], height, width),
        grad_cam=_scaled(cam, height, width),
    )


def _pair(network: ReidNetwork, first: Tensor, second: Tensor) -> ExplainedPair:
    traced = [_traced(network, pictures) for pictures in (first, second)]
    units = [F.normalize(embedding) for _, embedding in traced]
    similarity = (units[0] * units[1]).sum()
    alike, unlike = [], []
    for (maps, embedding), other in zip(traced, reversed(units), strict=True):
        # Of the inner product, not the cosine: what only lengthens the embedding is no likeness.
        score = (embedding * other.detach()).sum() / embedding.detach().norm()
        share = contributions(score, maps)[0]
        largest = float(share.abs().max())
        height, width = first.shape[2:]
        alike.append(_scaled(F.relu(share), height, width, largest))
        unlike.append(_scaled(F.relu(-share), height, width, largest))
    return ExplainedPair(float(similarity.detach()), (alike[0], alike[1]), (unlike[0], unlike[1]))


def contributions(score: Tensor, maps: Tensor) -> Tensor:
    """What each position of B×C×h×w maps adds to a score, to first order: B×h×w.

    Where the score is linear in the maps, they add up to it.
    """
    return (_gradient(score, maps) * maps).sum(1).detach()


def _traced(network: ReidNetwork, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """The last maps that the embedding depends on, and the embedding, with the way between them remembered."""
    # A class token is made of the maps before the last blocks; what is pooled, of the last ones.
    level_wanted: Level = "layer3" if network.pooling.takes_class_token else "layer4"
    kept: list[Tensor] = []

    def watch(level: Level, maps: Tensor) -> Tensor:
        if level != level_wanted:
            return maps
        kept.append(maps.detach().requires_grad_())
        return kept[0]

    with torch.enable_grad():
        embedding = network(pictures, watch=watch).neck
    return kept[0], embedding


def _gradient(score: Tensor, maps: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(score, maps, retain_graph=True)
    return gradient


def _scaled(heat: Tensor, height: int, width: int, largest: float | None = None) -> FloatArray:
    """An h×w heat at the picture's size, from 0 to 1: divided by its largest, or by a given one."""
    largest = float(heat.detach().max()) if largest is None else largest
    smooth = F.interpolate(heat.detach()[None, None].float(), (height, width), mode="bilinear")[0, 0]
    scaled: FloatArray = (smooth / max(largest, 1e-12)).clamp(0, 1).cpu().numpy()
    return scaled
