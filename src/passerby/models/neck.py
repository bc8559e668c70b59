"""What stands between the pooled vector and the embedding."""

from collections.abc import Callable

from torch import nn


class BatchNormNeck(nn.BatchNorm1d):
    """Batch norm whose shift stays 0 (BNNeck; Luo et al., "Bag of Tricks", CVPR Workshops 2019).

    The triplet loss sees the vector before it, the identity loss the one behind it, where classes are spread
    about the origin, as cosine distance wants them.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs)
        self.bias.requires_grad_(False)


def _linear(inputs: int, outputs: int) -> nn.Module:
    """OSNet's own embedding layer: linear, batch norm, ReLU; numbered as it is published."""
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight, 0, 0.01)
    nn.init.zeros_(linear.bias)
    return nn.Sequential(linear, nn.BatchNorm1d(outputs), nn.ReLU(inplace=True))


def _reduced(inputs: int, outputs: int) -> nn.Module:
    """Fewer dimensions by a linear layer without shift, then BNNeck, as fast-reid reduces them."""
    linear = nn.Linear(inputs, outputs, bias=False)
    nn.init.kaiming_normal_(linear.weight, mode="fan_out")
    return nn.Sequential(linear, BatchNormNeck(outputs))


def _projection(inputs: int, outputs: int) -> nn.Module:
    """A linear layer and nothing else, such as SVDNet's eigenlayer."""
    linear = nn.Linear(inputs, outputs, bias=False)
    nn.init.kaiming_normal_(linear.weight, mode="fan_out")
    return linear


NECKS: dict[str, Callable[[int, int], nn.Module]] = {
    "none": lambda inputs, outputs: nn.Identity(),
    "bnneck": lambda inputs, outputs: BatchNormNeck(inputs),
    "linear": _linear,
    "reduced": _reduced,
    "projection": _projection,
}
"""Every neck by name, built from the pooled and the embedding dimension."""

CHOOSES_DIMENSION = frozenset({"linear", "reduced", "projection"})
"""The necks that change the dimension."""
