import math
import re

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from passerby.errors import BundleError
from passerby.models.backbones import BACKBONES
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.pooling import POOLINGS


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def backbone(name: str, last_stride: int = 1, width: float = 1.0) -> nn.Module:
    return BACKBONES[name](width, last_stride)


# Torchvision's networks without their last, fully connected layer.
@pytest.mark.parametrize(
    ("name", "count", "channels"),
    [
        ("resnet18", 11_176_512, 512),
        ("resnet34", 21_284_672, 512),
        ("resnet50", 23_508_032, 2048),
        ("resnet101", 42_500_160, 2048),
    ],
)
@pytest.mark.parametrize("last_stride", [1, 2])
def test_resnets_have_the_published_parameters(name: str, count: int, channels: int, last_stride: int) -> None:
    network = BACKBONES[name](1.0, last_stride)
    assert parameters(network) == count
    assert network.channels == channels


def torchvision_names(blocks: list[int], convolutions: int) -> set[str]:
    """The names of torchvision's state dict, written down from its structure."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = {"conv1.weight", *(f"bn1.{entry}" for entry in norm)}
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            prefix = f"layer{stage}.{block}"
            for number in range(1, convolutions + 1):
                names |= {f"{prefix}.conv{number}.weight", *(f"{prefix}.bn{number}.{entry}" for entry in norm)}
            if block == 0 and (stage > 1 or convolutions == 3):
                names |= {f"{prefix}.downsample.0.weight", *(f"{prefix}.downsample.1.{entry}" for entry in norm)}
    return names


@pytest.mark.parametrize(
    ("name", "blocks", "convolutions"),
    [
        ("resnet18", [2, 2, 2, 2], 2),
        ("resnet34", [3, 4, 6, 3], 2),
        ("resnet50", [3, 4, 6, 3], 3),
        ("resnet101", [3, 4, 23, 3], 3),
    ],
)
def test_resnets_have_the_published_names(name: str, blocks: list[int], convolutions: int) -> None:
    assert backbone(name).state_dict().keys() == torchvision_names(blocks, convolutions)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_ibn_a_shares_the_parameters_of_batch_norm_out(name: str) -> None:
    ibn = BACKBONES[f"{name}_ibn_a"](1.0, 1)
    assert parameters(ibn) == parameters(backbone(name))
    halves = {key.rsplit(".", 2)[0] for key in ibn.state_dict() if ".IN." in key}
    # Pan et al.'s names: behind the first convolution of every block of the first three stages.
    assert halves == {
        f"layer{stage}.{block}.bn1" for stage in (1, 2, 3) for block in range(len(getattr(ibn, f"layer{stage}")))
    }
    assert all(f"{half}.BN.running_mean" in ibn.state_dict() for half in halves)


@pytest.mark.parametrize(("name", "expansion"), [("resnet18", 1), ("resnet50", 4)])
def test_ibn_b_normalises_behind_the_first_convolution_and_two_stages(name: str, expansion: int) -> None:
    ibn = BACKBONES[f"{name}_ibn_b"](1.0, 1)
    own = {key: value.shape for key, value in ibn.state_dict().items() if ".IN." in key}
    last = {stage: len(getattr(ibn, f"layer{stage}")) - 1 for stage in (1, 2)}
    assert own == {
        f"layer{stage}.{last[stage]}.IN.{entry}": (planes * expansion,)
        for stage, planes in ((1, 64), (2, 128))
        for entry in ("weight", "bias")
    }
    assert "bn1.running_mean" not in ibn.state_dict()
    assert parameters(ibn) == parameters(backbone(name)) + 2 * expansion * (64 + 128)


def test_ibn_b_takes_light_and_contrast_of_a_camera_out() -> None:
    torch.manual_seed(0)
    pictures = torch.randn(3, 3, 64, 32)
    other_camera = 1.7 * pictures + torch.tensor([0.5, -0.3, 0.1]).view(1, 3, 1, 1)
    plain, ibn = (backbone(name, width=0.125).eval() for name in ("resnet18", "resnet18_ibn_b"))

    def change(network: nn.Module) -> float:
        before, after = network(pictures).mean((2, 3)), network(other_camera).mean((2, 3))
        return float((after - before).norm() / before.norm())

    with torch.inference_mode():
        # Zero padding keeps a trace of the shift along the edges.
        assert change(ibn) < 0.25 * change(plain)


def test_resnet50_has_the_published_shapes() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in backbone("resnet50").state_dict().items()}
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["layer1.0.conv1.weight"] == (64, 64, 1, 1)
    assert shapes["layer2.0.conv2.weight"] == (128, 128, 3, 3)
    assert shapes["layer3.0.downsample.0.weight"] == (1024, 512, 1, 1)
    assert shapes["layer4.2.conv3.weight"] == (2048, 512, 1, 1)


# As torchreid publishes them: with the embedding layer, and a gate counted for each of the four streams it serves.
@pytest.mark.parametrize(
    ("name", "published"),
    [("osnet_x0_25", 203_568), ("osnet_x0_5", 636_520), ("osnet_x0_75", 1_299_224), ("osnet_x1_0", 2_193_616)],
)
def test_osnets_have_the_published_number_of_parameters(name: str, published: int) -> None:
    network = ReidNetwork(Architecture(backbone=name, neck="linear", dimension=512))
    gates = sum(parameters(module) for part, module in network.named_modules() if part.endswith(".gate"))
    assert parameters(network) + 3 * gates == published


def test_osnet_has_the_published_names() -> None:
    names = set(backbone("osnet_x1_0").state_dict())
    for name in (
        "conv1.conv.weight",
        "conv1.bn.running_mean",
        "conv2.0.conv1.conv.weight",
        "conv2.0.conv2a.conv1.weight",
        "conv2.0.conv2b.1.conv2.weight",
        "conv2.0.conv2d.3.bn.num_batches_tracked",
        "conv2.0.gate.fc1.bias",
        "conv2.0.gate.fc2.weight",
        "conv2.0.conv3.conv.weight",
        "conv2.0.downsample.bn.weight",
        "conv2.2.0.conv.weight",
        "conv3.2.0.bn.bias",
        "conv4.1.conv3.bn.weight",
        "conv5.bn.weight",
    ):
        assert name in names
    assert not [name for name in names if re.match(r"conv4\.2|conv2\.1\.downsample|fc|classifier", name)]


@pytest.mark.parametrize(
    ("name", "last_stride", "stride"),
    [
        ("resnet18", 1, 16),
        ("resnet18", 2, 32),
        ("resnet50", 1, 16),
        ("resnet50", 2, 32),
        ("fastreid_resnet50_nl", 1, 16),
        ("osnet_x0_25", 1, 16),
        ("osnet_ain_x0_25", 2, 16),
        ("mobilenetv2", 1, 16),
        ("mobilenetv2", 2, 32),
        ("mobilenetv3_small", 1, 16),
        ("mobilenetv3_small", 2, 32),
        ("mobilenetv3_large", 1, 16),
        ("mobilenetv3_large", 2, 32),
        ("vit_small", 1, 16),
    ],
)
def test_feature_maps_have_the_expected_stride(name: str, last_stride: int, stride: int) -> None:
    network = BACKBONES[name](0.25, last_stride).eval()
    with torch.inference_mode():
        maps = network(torch.zeros(2, 3, 128, 64))
    assert maps.shape == (2, network.channels, 128 // stride, 64 // stride)


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "resnet50_ibn_a",
        "resnet18_ibn_b",
        "fastreid_resnet50_nl",
        "osnet_x0_25",
        "osnet_ibn_x1_0",
        "osnet_ain_x0_25",
        "mobilenetv2",
        "mobilenetv2_x1_4",
        "mobilenetv3_small",
        "vit_small",
    ],
)
@pytest.mark.parametrize("width", [0.125, 0.01])
def test_any_width_runs_and_learns(name: str, width: float) -> None:
    network = ReidNetwork(Architecture(backbone=name, width=width, pooling="gem"))
    features = network(torch.randn(3, 3, 64, 32))
    assert features.raw.shape == features.neck.shape == (3, network.dimension)
    features.neck.square().sum().backward()
    unused = [n for n, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert not unused


def test_osnet_has_no_last_stride_to_choose() -> None:
    pictures = torch.zeros(1, 3, 64, 32)
    network = ReidNetwork(Architecture(backbone="osnet_x0_25", last_stride=2)).eval()
    assert network.backbone(pictures).shape == (1, 128, 4, 2)


@pytest.fixture
def maps() -> Tensor:
    return torch.tensor(np.random.default_rng(0).normal(1, 1, (2, 3, 4, 5)))


def test_poolings_equal_plain_loops(maps: Tensor) -> None:
    for picture in range(2):
        for channel in range(3):
            values = maps[picture, channel].flatten().tolist()
            powers = [max(value, 1e-6) ** 3 for value in values]
            expected = {"average": sum(values) / 20, "max": max(values), "gem": (sum(powers) / 20) ** (1 / 3)}
            for name, value in expected.items():
                pooled = POOLINGS[name]()(maps)
                assert pooled.shape == (2, 3)
                assert pooled[picture, channel].item() == pytest.approx(value, rel=1e-5)


def test_generalised_mean_lies_between_average_and_maximum_by_its_exponent() -> None:
    pooling = POOLINGS["gem"]()
    maps = torch.rand(2, 3, 4, 5)
    exponent = next(pooling.parameters())
    for value, other in ((1.0, "average"), (200.0, "max")):
        nn.init.constant_(exponent, value)
        torch.testing.assert_close(pooling(maps), POOLINGS[other]()(maps), rtol=0.03, atol=1e-5)
    pooling(maps).sum().backward()
    assert exponent.grad is not None
    assert bool(exponent.grad.isfinite().all())


@pytest.mark.parametrize(("height", "thirds"), [(8, [(0, 3), (2, 6), (5, 8)]), (6, [(0, 2), (2, 4), (4, 6)])])
def test_regions_are_the_whole_and_its_thirds(height: int, thirds: list[tuple[int, int]]) -> None:
    maps = torch.rand(2, 3, height, 4, generator=torch.Generator().manual_seed(0)).bfloat16()
    pooled = POOLINGS["regions"]()(maps)
    assert (pooled.shape, pooled.dtype) == ((2, 15), torch.float32)
    exact = maps.double()
    expected = [exact.mean((2, 3)), exact.amax((2, 3)), *(exact[:, :, a:b].mean((2, 3)) for a, b in thirds)]
    torch.testing.assert_close(pooled.double(), torch.cat(expected, 1), rtol=1e-5, atol=1e-6)
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.125, pooling="regions"))
    assert (network.raw_dimension, network.dimension) == (5 * 64, 5 * 64)


def test_the_neck_normalises_and_keeps_its_shift_at_zero() -> None:
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.125)).train()
    features = network(torch.randn(16, 3, 32, 32))
    torch.testing.assert_close(features.neck.mean(0), torch.zeros(64), atol=1e-4, rtol=0)
    assert not network.neck.bias.requires_grad
    assert network.neck.weight.requires_grad
    mean, variance = features.raw.mean(0), features.raw.var(0, unbiased=False)
    torch.testing.assert_close(features.neck, (features.raw - mean) / (variance + 1e-5).sqrt())


def test_only_the_linear_neck_changes_the_dimension() -> None:
    for neck, dimension in (("none", 64), ("bnneck", 64), ("linear", 10)):
        network = ReidNetwork(Architecture(backbone="resnet18", width=0.125, neck=neck, dimension=10)).eval()
        features = network(torch.randn(2, 3, 32, 32))
        assert (network.raw_dimension, network.dimension) == (64, dimension)
        assert (features.raw.shape, features.neck.shape) == ((2, 64), (2, dimension))
        assert features.raw.dtype == features.neck.dtype == torch.float32
    assert bool((features.neck >= 0).all())


def test_vectors_are_float32_and_the_neck_is_exact_under_bf16() -> None:
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.125, pooling="gem")).eval()
    with torch.autocast("cpu", torch.bfloat16):
        features = network(torch.randn(2, 3, 32, 32))
    assert features.raw.dtype == features.neck.dtype == torch.float32
    assert torch.equal(features.neck, network.neck(features.raw))


def test_channels_last_gives_the_same_vectors() -> None:
    network = ReidNetwork(Architecture(backbone="osnet_x0_25")).eval()
    pictures = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        before = network(pictures).neck
        network.place(torch.device("cpu"))
        assert network.backbone.conv1.conv.weight.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(network(pictures).neck, before, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"backbone": "resnet19"}, "expected one of resnet18, .*, got 'resnet19'"),
        ({"backbone": "resnet18", "pooling": "mean"}, "expected one of average, gem, max, regions"),
        ({"backbone": "resnet18", "neck": "bn"}, "expected one of none, bnneck, linear"),
        ({"backbone": "resnet18", "width": 0}, "greater than 0"),
        ({"backbone": "resnet18", "head": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_unknown_parts_are_refused(values: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Architecture.model_validate(values)


def test_weights_of_another_architecture_are_refused_and_named() -> None:
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.125))
    other = ReidNetwork(Architecture(backbone="resnet34", width=0.125)).state_dict()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(BundleError, match=r"x\.pth: expected .* resnet18, got .*\(96 unexpected, such as"):
        network.load_weights(other, "x.pth")
    wider = ReidNetwork(Architecture(backbone="resnet18", width=0.25)).state_dict()
    with pytest.raises(BundleError, match=r"of another shape, such as backbone\.bn1\.bias"):
        network.load_weights(wider, "x.pth")
    fewer = {name: tensor for name, tensor in before.items() if name != "neck.weight"}
    with pytest.raises(BundleError, match=r"\(1 missing, such as neck\.weight\)"):
        network.load_weights(fewer, "x.pth")
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_the_same_seed_gives_the_same_weights_and_he_s_spread() -> None:
    networks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        networks.append(ReidNetwork(Architecture(backbone="resnet18", width=0.5)))
    first, same, other = (network.backbone.layer3[0].conv2.weight for network in networks)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert first.std().item() == pytest.approx(math.sqrt(2 / (128 * 9)), rel=0.03)
