"""Attention modules against plain loops, where they start, and where they stand in a network."""

import math
from typing import Any, get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.models.attention.channel import ChannelMask
from passerby.models.attention.channel_self import ChannelSelfAttention
from passerby.models.attention.drop_block import BatchDropBlock
from passerby.models.attention.encoder_decoder import EncoderDecoderMask
from passerby.models.attention.harmonious import HarmoniousMask
from passerby.models.attention.module import Attention
from passerby.models.attention.non_local import NonLocalBlock
from passerby.models.attention.position import PositionAttention
from passerby.models.attention.second_order import SecondOrderAttention
from passerby.models.attention.spec import AttentionSpec, Kind, Level
from passerby.models.complexity import complexity
from passerby.models.network import Architecture, ReidNetwork

KINDS = get_args(Kind)


@pytest.fixture
def maps() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 6, 8, 7, dtype=torch.double)


def softmax(values: list[float]) -> list[float]:
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


def convolved(layer: nn.Conv2d, flat: np.ndarray) -> np.ndarray:
    """A 1×1 convolution of C×N values."""
    assert layer.bias is not None
    weight = layer.weight.detach().numpy()[:, :, 0, 0]
    return np.asarray(weight @ flat + layer.bias.detach().numpy()[:, None])


@pytest.mark.parametrize("kind", ["channel_self", "position", "non_local", "second_order"])
def test_modules_that_add_begin_as_the_identity(kind: Kind, maps: Tensor) -> None:
    module = AttentionSpec(kind=kind).build(6).double()
    assert torch.equal(module(maps), maps)
    module(maps).square().mean().backward()
    assert any(p.grad is not None and bool(p.grad.any()) for p in module.parameters()), (
        "it could never begin to learn"
    )


def test_channel_self_attention_is_its_equation(maps: Tensor) -> None:
    module = ChannelSelfAttention(6)
    nn.init.constant_(module.beta, 0.7)
    values = 0.3 * maps.float()
    found = module(values).detach().numpy()
    shares = module.attention(values).numpy()
    for picture, flat in enumerate(values.flatten(2).numpy().astype(np.float64)):
        for channel in range(6):
            row = softmax([float(flat[channel] @ other) for other in flat])
            np.testing.assert_allclose(shares[picture, channel], row, rtol=1e-4)
            mixed = sum(share * other for share, other in zip(row, flat, strict=True))
            expected = 0.7 * mixed + flat[channel]
            np.testing.assert_allclose(found[picture, channel].ravel(), expected, rtol=1e-4, atol=1e-5)


def test_channel_self_attention_survives_large_maps_in_few_bits() -> None:
    module = ChannelSelfAttention(4)
    nn.init.ones_(module.beta)
    with torch.autocast("cpu", torch.bfloat16):
        assert bool(module(1e3 * torch.randn(1, 4, 16, 8)).isfinite().all())


def test_position_attention_is_its_equation(maps: Tensor) -> None:
    module = PositionAttention(6, reduction=3).double()
    nn.init.constant_(module.alpha, 0.4)
    found = module(maps).detach().flatten(2).numpy()
    for picture, flat in enumerate(maps.flatten(2).numpy()):
        queries, keys, values = (convolved(layer, flat) for layer in (module.query, module.key, module.value))
        for place in range(0, flat.shape[1], 11):
            shares = softmax([float(queries[:, place] @ keys[:, other]) for other in range(flat.shape[1])])
            mixed = sum(share * values[:, other] for other, share in enumerate(shares))
            np.testing.assert_allclose(found[picture, :, place], 0.4 * mixed + flat[:, place], rtol=1e-5)


def test_second_order_attention_is_its_equation(maps: Tensor) -> None:
    module = SecondOrderAttention(6, reduction=2).double().eval()
    flat = module.theta(maps)[0].detach().flatten(1).numpy()
    count = flat.shape[0]
    centring = np.eye(count) - np.ones((count, count)) / count
    covariance = flat.T @ centring @ flat / count
    for place in range(0, flat.shape[1], 13):
        expected = softmax((covariance[place] / math.sqrt(count)).tolist())
        np.testing.assert_allclose(module.attention(maps)[0, place].detach().numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(module.heat(maps)[0].sum(), 1, rtol=1e-6)
    before = {name: buffer.clone() for name, buffer in module.train().named_buffers()}
    module.heat(maps)
    assert all(torch.equal(buffer, before[name]) for name, buffer in module.named_buffers())


def test_non_local_attention_is_what_the_block_adds(maps: Tensor) -> None:
    module = NonLocalBlock(6, 3).double().eval()
    nn.init.ones_(module.W[1].weight)
    values = module.g(maps).flatten(2)
    naive = module.W((values @ module.attention(maps).transpose(1, 2)).unflatten(2, (8, 7)))
    torch.testing.assert_close(module.change(maps), naive)


def test_channel_mask_is_its_equation(maps: Tensor) -> None:
    module = ChannelMask(6, reduction=2).double()
    assert module.fc1.weight.shape == (3, 6)
    pooled = maps.mean((2, 3)).numpy()
    first, second = (layer.weight.detach().numpy() for layer in (module.fc1, module.fc2))
    hidden = np.maximum(pooled @ first.T + module.fc1.bias.detach().numpy(), 0)
    mask = 1 / (1 + np.exp(-(hidden @ second.T + module.fc2.bias.detach().numpy())))
    np.testing.assert_allclose(module(maps).detach(), maps * torch.tensor(mask)[:, :, None, None])


def test_the_encoder_decoder_s_mask_has_the_maps_size_and_asks_for_room(maps: Tensor) -> None:
    module = EncoderDecoderMask(6, reduction=2).double()
    mask = module.change(maps)
    assert mask.shape == (2, 1, 8, 7)
    assert bool(((mask > 0) & (mask < 1)).all())
    assert [type(layer) for layer in module.encoder] == [nn.Conv2d, nn.ReLU] * 3
    assert all(layer.padding == (0, 0) for layer in module.encoder if isinstance(layer, nn.Conv2d))
    assert module.change(maps[:, :, :7]).shape == (2, 1, 7, 7)
    with pytest.raises(RuntimeError, match="Kernel size"):
        module.change(maps[:, :, :6])


def test_the_harmonious_mask_puts_places_and_channels_together(maps: Tensor) -> None:
    module = HarmoniousMask(6, reduction=2).double()
    assert module.change(maps).shape == maps.shape
    spatial = F.interpolate(F.relu(module.spatial[0](maps.mean(1, keepdim=True))), (8, 7), mode="bilinear")
    channel = module.channel(maps.mean((2, 3), keepdim=True))
    expected = torch.sigmoid(module.joint(module.spatial_scale(spatial) * channel))
    torch.testing.assert_close(module.change(maps), expected)


def test_a_block_is_hidden_from_the_whole_batch_and_only_in_training(maps: Tensor) -> None:
    module = BatchDropBlock((0.5, 1.0))
    seen = set()
    for _ in range(40):
        dropped = module(maps)
        hidden = (dropped == 0).all(1)
        assert torch.equal(hidden[0], hidden[1])
        rows = hidden[0].all(1).nonzero()[:, 0].tolist()
        assert rows == list(range(rows[0], rows[0] + 4))
        assert torch.equal(dropped[:, :, ~hidden[0]], maps[:, :, ~hidden[0]])
        seen.add(rows[0])
    assert seen == set(range(5))
    assert torch.equal(module.eval()(maps), maps)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", get_args(Level))
def test_a_module_stands_after_any_stage_and_its_heat_is_told(kind: Kind, level: Level) -> None:
    torch.manual_seed(0)
    spec = AttentionSpec(kind=kind, after=level)
    plain = ReidNetwork(Architecture(backbone="resnet18", width=0.125)).eval()
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.125, attention=(spec,))).eval()
    network.backbone.load_state_dict(plain.backbone.state_dict())
    pictures = torch.randn(2, 3, 112, 112)
    with torch.inference_mode():
        (heat,) = network.attention_heats(pictures)
        changes = not torch.allclose(network(pictures).raw, plain(pictures).raw)
    side = {"layer1": 28, "layer2": 14, "layer3": 7, "layer4": 7}[level]
    assert heat.shape == (2, side, side)
    assert bool((heat >= 0).all())
    assert changes == (kind in ("channel", "encoder_decoder", "harmonious"))


def test_modules_of_one_place_look_at_the_same_maps() -> None:
    specs = tuple(AttentionSpec(kind=kind, after="layer2") for kind in ("encoder_decoder", "channel", "position"))
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.125, attention=specs)).eval()
    position = network.attention[2]
    assert isinstance(position, PositionAttention)
    nn.init.ones_(position.alpha)
    maps = torch.randn(2, 16, 9, 8)
    attending = network.attention.attending()
    found = attending("layer2", maps)
    masks = [module.change(maps) for module in network.attention if isinstance(module, Attention)][:2]
    torch.testing.assert_close(found, position(maps) * masks[0] * masks[1])
    assert [mask.shape for mask in attending.masks] == [mask.shape for mask in masks]
    assert torch.equal(attending("layer3", maps), maps)


def test_attention_beside_is_pooled_by_itself() -> None:
    beside = tuple(AttentionSpec(kind=kind, beside=True) for kind in ("channel_self", "position"))
    shallow = AttentionSpec(kind="channel", after="layer1")
    network = ReidNetwork(Architecture(backbone="resnet18", width=0.125, attention=(shallow, *beside))).eval()
    assert network.raw_dimension == 2 * network.backbone.channels
    with torch.inference_mode():
        features = network(torch.randn(2, 3, 64, 32))
    assert [each.shape for each in features.maps] == [(2, 64, 4, 2)] * 2
    # Both modules add nothing yet.
    torch.testing.assert_close(features.raw[:, :64], features.raw[:, 64:])
    for each, pooled in zip(features.maps, features.raw.split(64, 1), strict=True):
        torch.testing.assert_close(each.mean((2, 3)), pooled)


@pytest.mark.parametrize(
    "backbone", ["osnet_x0_25", "mobilenetv2", "mobilenetv3_large", "vit_small", "resnet50_ibn_a"]
)
def test_levels_of_other_backbones_have_the_channels_that_they_tell(backbone: str) -> None:
    network = ReidNetwork(Architecture(backbone=backbone, width=0.25)).eval().backbone
    seen: dict[Level, Any] = {}

    def look(level: Level, maps: Tensor) -> Tensor:
        seen[level] = maps.shape[1:]
        return maps

    with torch.inference_mode():
        watched = network.encode(torch.ones(1, 3, 64, 64), attend=look).maps
        assert torch.equal(watched, network(torch.ones(1, 3, 64, 64)))
    assert {level: shape[0] for level, shape in seen.items()} == network.level_channels
    if backbone != "vit_small":
        assert [seen[level][1] for level in get_args(Level)] == [16, 8, 4, 4]


def test_the_cost_of_attention_is_counted() -> None:
    def cost(*specs: AttentionSpec) -> tuple[int, int]:
        counted = complexity(Architecture(backbone="resnet18", neck="none", attention=specs), 64, 32)
        return counted.parameters, counted.multiply_adds

    base = cost()
    # layer4 has 512 channels of 4×2 places.
    extra = {
        "channel": (2 * 512 * 32 + 544, 2 * 512 * 32),
        "channel_self": (1, 2 * 512 * 512 * 8),
        "position": (512 * (64 + 64 + 512) + 640 + 1, 8 * 512 * 640 + 64 * (64 + 512)),
    }
    for kind, (parameters, products) in extra.items():
        found = cost(AttentionSpec(kind=kind))  # type: ignore[arg-type]
        assert (found[0] - base[0], found[1] - base[1]) == (parameters, products), kind


def test_what_does_not_fit_is_refused() -> None:
    for wrong in (
        {"kind": "attention"},
        {"kind": "channel", "after": "layer5"},
        {"kind": "drop_block", "block": (0, 1)},
    ):
        with pytest.raises(ValidationError):
            AttentionSpec.model_validate(wrong)
    with pytest.raises(ValidationError, match="another pooling than class_token"):
        Architecture(
            backbone="vit_small", pooling="class_token", attention=(AttentionSpec(kind="channel", beside=True),)
        )
