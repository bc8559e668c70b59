"""What all backbones have in common."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """A network from B×3×H×W pictures to B×C×h×w feature maps.

    Attributes:
        channels: C.
    """

    channels: int

    @abstractmethod
    def forward(self, pictures: Tensor) -> Tensor:
        """Compute the feature maps."""

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
