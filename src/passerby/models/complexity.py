"""What a network costs: its parameters, and the multiply-adds that one picture takes."""

from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from passerby.atomic import write_text
from passerby.models.attention.non_local import NonLocalBlock
from passerby.models.backbones import BACKBONES
from passerby.models.backbones.vit import Attention
from passerby.models.costs import KEPT_SIZE, Complexity
from passerby.models.network import Architecture, ReidNetwork


def complexity(architecture: Architecture, height: int, width: int) -> Complexity:
    """Count what a network costs on pictures of a size, on tensors that have a shape and no numbers.

    Example:
        >>> cost = complexity(Architecture(backbone="resnet50", last_stride=2, neck="none"), 224, 224)
        >>> cost.parameters, round(cost.multiply_adds / 1e9, 2)
        (23508032, 4.09)
    """
    total = 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += _COUNTS[type(module)](module, inputs[0], output)

    with torch.device("meta"), _ShapesOnly():
        network = ReidNetwork(architecture).eval()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    for module in list(network.modules()):
        if type(module) in _COUNTS:
            module.register_forward_hook(add)
        for name, child in module.named_children():
            # They cost next to nothing, but take most of the time where tensors have no numbers.
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d):
                setattr(module, name, nn.Identity())
    with torch.inference_mode(), _ShapesOnly():
        # Pooling multiplies next to nothing, and cannot run on tensors without numbers.
        attending = network.attention.attending()
        network.backbone.encode(torch.empty(1, 3, height, width, device="meta"), attend=attending)
        total += attending.multiply_adds
        network.neck(torch.empty(1, network.raw_dimension, device="meta"))
    return Complexity(parameters, total, network.dimension)


class _ShapesOnly(TorchFunctionMode):
    """Spares tensors without numbers what gives them no shape: torch takes most of the time for that."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        if func in (Tensor.normal_, Tensor.uniform_):
            return args[0]
        if func in (Tensor.add, Tensor.mul) and all(isinstance(a, Tensor) for a in args) and not kwargs:
            # Torch's own way here loads its compiler, for more than a second.
            shape: torch.Size = torch.broadcast_shapes(args[0].shape, args[1].shape)  # type: ignore[no-untyped-call]
            return args[0].new_empty(shape)
        return func(*args, **(kwargs or {}))


def _of_weights(module: nn.Module, inputs: Tensor, output: Tensor) -> int:
    """Each output of a convolution or linear layer is a product with all weights of its channel."""
    assert isinstance(module, nn.Conv2d | nn.Linear)
    return output.numel() * module.weight[0].numel()


def _of_transposed(module: nn.Module, inputs: Tensor, output: Tensor) -> int:
    """Each input of a transposed convolution is a product with all weights of its channel."""
    assert isinstance(module, nn.ConvTranspose2d)
    return inputs.numel() * module.weight[0].numel()


def _of_attention(module: nn.Module, inputs: Tensor, output: Tensor) -> int:
    """N×N products of C channels, and as many to mix the values; the module's linear layers count by themselves."""
    return 2 * output.shape[1] * output.numel()


def _of_non_local(module: nn.Module, inputs: Tensor, output: Tensor) -> int:
    assert isinstance(module, NonLocalBlock)
    return module.products(inputs)


_COUNTS: dict[type[nn.Module], Callable[[nn.Module, Tensor, Tensor], int]] = {
    nn.Conv2d: _of_weights,
    nn.ConvTranspose2d: _of_transposed,
    nn.Linear: _of_weights,
    Attention: _of_attention,
    NonLocalBlock: _of_non_local,
}


def backbone_costs(height: int, width: int) -> dict[str, Complexity]:
    """The cost of every backbone by name, without a neck."""
    return {name: complexity(Architecture(backbone=name, neck="none"), height, width) for name in BACKBONES}


if __name__ == "__main__":
    _LINES = [f'"{name}": {list(astuple(cost))}' for name, cost in backbone_costs(*KEPT_SIZE).items()]
    write_text(Path(__file__).with_name("costs.json"), "{\n" + ",\n".join(_LINES) + "\n}\n")
