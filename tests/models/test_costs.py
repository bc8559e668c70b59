"""What backbones cost, as it is kept for the list of them."""

import pytest
import torch
from torch import Tensor, nn

from passerby.models.backbones import BACKBONES, build_backbone
from passerby.models.complexity import backbone_costs, complexity
from passerby.models.costs import KEPT_SIZE, kept_costs
from passerby.models.network import Architecture


def test_the_kept_costs_are_those_that_are_counted() -> None:
    assert kept_costs() == backbone_costs(*KEPT_SIZE)
    assert list(kept_costs()) == list(BACKBONES)


@pytest.mark.parametrize("name", ["resnet18", "osnet_ain_x0_25", "mobilenetv3_small"])
def test_shapes_alone_count_what_real_pictures_do(name: str) -> None:
    backbone, total = build_backbone(name).eval(), 0

    def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d | nn.Linear)
        total += output.numel() * module.weight[0].numel()

    for module in backbone.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(add)
    with torch.inference_mode():
        backbone.encode(torch.zeros(1, 3, 64, 32))
    assert complexity(Architecture(backbone=name, neck="none"), 64, 32).multiply_adds == total
