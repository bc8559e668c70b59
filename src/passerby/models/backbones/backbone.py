"""What all backbones have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from torch import Tensor, nn

from passerby.models.attention.spec import Level

Attend: TypeAlias = Callable[[Level, Tensor], Tensor]
"""What is done to maps at each of a backbone's four levels: given which one and its maps, the maps to go on with."""


def as_they_are(level: Level, maps: Tensor) -> Tensor:
    """Leave the maps of every level alone."""
    return maps


class Encoding(NamedTuple):
    """What a backbone makes of B pictures.

    Attributes:
        maps: B×C×h×w feature maps.
        class_token: (B, C), a transformer's own summary of the whole picture; None from convolutional networks.
    """

    maps: Tensor
    class_token: Tensor | None


class Backbone(nn.Module, ABC):
    """A network from B×3×H×W pictures to B×C×h×w feature maps.

    Attributes:
        channels: C.
        level_channels: Channels of the maps at each level, layer1 to layer4, where they have strides of 4, 8, 16 and
            the last. ResNets have whole stages there, other networks what corresponds.
    """

    channels: int
    level_channels: dict[Level, int]

    @abstractmethod
    def forward(self, pictures: Tensor, attend: Attend = as_they_are) -> Tensor:
        """Compute the feature maps, doing at each level what `attend` says."""

    def encode(self, pictures: Tensor, cameras: Tensor | None = None, attend: Attend = as_they_are) -> Encoding:
        """Compute everything that poolings may ask for.

        Args:
            pictures: B×3×H×W.
            cameras: (B,) int64, which of the cameras that the backbone knows took each picture; -1 or no tensor where
                that is unknown. Only transformers with a camera embedding look at it.
            attend: What is done to the maps of each level.
        """
        return Encoding(self(pictures, attend), None)

    def adopt(self, other: "Backbone") -> None:
        """Take all weights of a backbone of the same name and width."""
        self.load_state_dict(other.state_dict())

    def tokens(self) -> tuple[str, ...]:
        """Names of the parameters that belong to no child: class token, position and camera embeddings."""
        return tuple(name for name, _ in self.named_parameters(recurse=False))

    def stages(self) -> list[tuple[str, ...]]:
        """The backbone's stages from the input on, each as the names of the parts that hold its parameters.

        A stage is a child with convolutions or linear layers, and what follows it without any, such as its batch
        norm. Where all stand in one sequence, or in a list, its elements count as children. What belongs to no
        child, such as position embeddings, belongs to the first stage.
        """
        stages: list[tuple[str, ...]] = []
        for name, child in self._parts():
            computes = any(isinstance(module, nn.Conv2d | nn.Linear) for module in child.modules())
            if computes or not stages:
                stages.append((name,))
            else:
                stages[-1] += (name,)
        stages[0] += self.tokens()
        return stages

    def _parts(self) -> Iterator[tuple[str, nn.Module]]:
        """The children that have parameters, by name; those of a list or of an only sequence in place of it."""
        children = {name: child for name, child in self.named_children() if any(True for _ in child.parameters())}
        for name, child in children.items():
            if isinstance(child, nn.ModuleList) or (isinstance(child, nn.Sequential) and len(children) == 1):
                yield from ((f"{name}.{inner}", part) for inner, part in child.named_children())
            else:
                yield name, child

    def initialise(self) -> None:
        """Draw convolutions as He et al. (2015) do for ReLU, by fan-out; batch norm starts as the identity."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
