"""The same weights give the same maps as the authors' own code.

The expected figures were computed once by torchvision 0.28, torchreid, fast-reid, IBN-Net and TransReID themselves,
on the weights and pictures that are drawn here.
"""

import zlib

import numpy as np
import pytest
import torch
from torch import Tensor

from passerby.models.backbones import Transformer, build_backbone


def drawn_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Numbers that depend on each weight's published name and shape alone."""
    drawn = {}
    for name, tensor in state.items():
        random = np.random.default_rng(zlib.crc32(name.encode()))
        shape = tuple(tensor.shape)
        if not tensor.is_floating_point():
            drawn[name] = tensor
            continue
        if name.endswith("running_var"):
            values = random.uniform(0.5, 2, shape)
        elif tensor.ndim <= 1:
            values = random.uniform(0.5, 1.5, shape) if name.endswith("weight") else random.normal(0, 0.1, shape)
        else:
            values = random.normal(0, (1 / np.prod(shape[1:])) ** 0.5, shape)
        drawn[name] = torch.tensor(values, dtype=torch.float32)
    return drawn


def drawn_pictures(height: int, width: int) -> Tensor:
    return torch.tensor(np.random.default_rng(0).normal(0, 1, (2, 3, height, width)), dtype=torch.float32)


def figures(values: Tensor) -> tuple[float, float, float, float]:
    """Mean, deviation, the first picture's largest value, and one value of the second picture."""
    flat = values.flatten(1).double()
    return float(flat.mean()), float(flat.std()), float(flat[0].abs().max()), float(flat[1, 7])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", (0.470675, 0.675815, 4.68891, 3.59319)),
        ("resnet18_ibn_a", (0.454323, 0.654758, 4.11852, 1.87125)),
        ("resnet50_ibn_b", (0.483924, 0.614641, 5.4352, 0)),
        ("fastreid_resnet50_nl", (3501.22, 7745.4, 112488, 2.0321)),
        ("fastreid_resnet18_ibn_a", (0.465349, 0.684014, 4.90992, 3.33642)),
        ("osnet_x0_25", (0.19072, 0.291858, 1.62924, 0)),
        ("osnet_ibn_x1_0", (0.165728, 0.251151, 1.56874, 0)),
        ("osnet_ain_x0_5", (0.392797, 0.596099, 3.99929, 0)),
        ("mobilenetv2", (0.0932409, 0.147047, 1.02516, 0)),
        ("mobilenetv2_x1_4", (0.0909287, 0.135563, 1.24826, 0.0119476)),
        ("mobilenetv3_small", (0.0104526, 0.138392, 0.755091, -0.14701)),
        ("mobilenetv3_large", (0.0150366, 0.151346, 0.853159, 0.151354)),
    ],
)
def test_maps_are_those_of_the_authors_code(name: str, expected: tuple[float, ...]) -> None:
    network = build_backbone(name, last_stride=2).eval()
    network.load_state_dict(drawn_weights(network.state_dict()))
    # Sums of float32 differ between processors by a share of the map's largest value, not of each value.
    rounding = 1e-6 * max(1.0, expected[2])
    with torch.inference_mode():
        assert figures(network(drawn_pictures(64, 32))) == pytest.approx(expected, rel=1e-4, abs=rounding)


def test_transreids_class_token_is_that_of_the_authors_code() -> None:
    options = Transformer(stride=12, positions=(5, 2), camera_weight=3.0, cameras=(1, 2, 3, 4, 5, 6))
    network = build_backbone("vit_small", transformer=options).eval()
    network.load_state_dict(drawn_weights(network.state_dict()))
    with torch.inference_mode():
        token = network.encode(drawn_pictures(64, 32), options.camera_rows([2, 5])).class_token
    assert token is not None
    assert figures(token) == pytest.approx((0.0107738, 1.01739, 3.5256, -0.194207), rel=2e-5, abs=4e-6)
