"""Every backbone has exactly the names and shapes that its authors publish, written down from their structure."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from passerby.models.backbones import Transformer, build_backbone

Shapes = dict[str, tuple[int, ...]]


def batch_norm(name: str, channels: int) -> Shapes:
    shapes: Shapes = {f"{name}.{entry}": (channels,) for entry in ("weight", "bias", "running_mean", "running_var")}
    return shapes | {f"{name}.num_batches_tracked": ()}


def instance_norm(name: str, channels: int) -> Shapes:
    return {f"{name}.{entry}": (channels,) for entry in ("weight", "bias")}


def with_bias(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def conv_norm(name: str, outputs: int, inputs: int, kernel: int = 1) -> Shapes:
    """Torchreid's pair of convolution and norm."""
    return {f"{name}.conv.weight": (outputs, inputs, kernel, kernel)} | batch_norm(f"{name}.bn", outputs)


def lite(name: str, channels: int) -> Shapes:
    first = {f"{name}.conv1.weight": (channels, channels, 1, 1), f"{name}.conv2.weight": (channels, 1, 3, 3)}
    return first | batch_norm(f"{name}.bn", channels)


def osnet_block(name: str, inputs: int, outputs: int, streams: list[str]) -> Shapes:
    middle = outputs // 4
    shapes = conv_norm(f"{name}.conv1", middle, inputs) | conv_norm(f"{name}.conv3", outputs, middle)
    for stream in streams:
        shapes |= lite(f"{name}.{stream}", middle)
    shapes |= with_bias(f"{name}.gate.fc1", middle // 16, middle, 1, 1)
    shapes |= with_bias(f"{name}.gate.fc2", middle, middle // 16, 1, 1)
    return shapes | (conv_norm(f"{name}.downsample", outputs, inputs) if inputs != outputs else {})


def osnet(channels: list[int], ibn: bool) -> Shapes:
    streams = ["conv2a", *(f"conv2{'abcd'[depth - 1]}.{i}" for depth in (2, 3, 4) for i in range(depth))]
    shapes = conv_norm("conv1", channels[0], 3, 7) | conv_norm("conv5", channels[3], channels[3])
    for stage in (1, 2, 3):
        inputs, outputs = channels[stage - 1 : stage + 1]
        shapes |= osnet_block(f"conv{stage + 1}.0", inputs, outputs, streams)
        shapes |= osnet_block(f"conv{stage + 1}.1", outputs, outputs, streams)
        if stage < 3:
            shapes |= conv_norm(f"conv{stage + 1}.2.0", outputs, outputs)
    if ibn:
        for entry in ("running_mean", "running_var", "num_batches_tracked"):
            del shapes[f"conv1.bn.{entry}"]
        for block in (0, 1):
            shapes |= instance_norm(f"conv2.{block}.IN", channels[1])
    return shapes


def osnet_ain(channels: list[int]) -> Shapes:
    streams = [f"conv2.{depth - 1}.layers.{i}" for depth in (1, 2, 3, 4) for i in range(depth)]
    shapes = conv_norm("conv1", channels[0], 3, 7) | conv_norm("conv5", channels[3], channels[3])
    for stage in (1, 2, 3):
        inputs, outputs = channels[stage - 1 : stage + 1]
        shapes |= osnet_block(f"conv{stage + 1}.0", inputs, outputs, streams)
        shapes |= osnet_block(f"conv{stage + 1}.1", outputs, outputs, streams)
        if stage < 3:
            shapes |= conv_norm(f"pool{stage + 1}.0", outputs, outputs)
    for entry in ("running_mean", "running_var", "num_batches_tracked"):
        del shapes[f"conv1.bn.{entry}"]
    # The architecture that the search found: all blocks but the third and the last.
    for block, outputs in (("conv2.0", 1), ("conv2.1", 1), ("conv3.1", 2), ("conv4.0", 3)):
        shapes = {name: shape for name, shape in shapes.items() if not name.startswith(f"{block}.conv3.bn.")}
        shapes |= instance_norm(f"{block}.IN", channels[outputs])
    return shapes


def torchvision_conv(name: str, outputs: int, inputs: int, kernel: int = 1) -> Shapes:
    return {f"{name}.0.weight": (outputs, inputs, kernel, kernel)} | batch_norm(f"{name}.1", outputs)


def mobilenetv2(size: float, widens_first: bool) -> Shapes:
    inputs, last = int(32 * size), int(1280 * max(1, size))
    shapes = torchvision_conv("features.0", inputs, 3, 3)
    rows = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]
    number = 1
    for expansion, planes, count in rows:
        for _ in range(count):
            name, middle, outputs = f"features.{number}.conv", inputs * expansion, int(planes * size)
            layer = 0
            if expansion > 1 or widens_first:
                shapes |= torchvision_conv(f"{name}.0", middle, inputs)
                layer = 1
            shapes |= torchvision_conv(f"{name}.{layer}", middle, 1, 3)
            shapes |= {f"{name}.{layer + 1}.weight": (outputs, middle, 1, 1)}
            shapes |= batch_norm(f"{name}.{layer + 2}", outputs)
            inputs, number = outputs, number + 1
    return shapes | torchvision_conv("features.18", last, inputs)


# Kernel, widened, output and squeezed channels (0: no gate) of each block, from torchvision's published shapes.
SMALL = [(3, 16, 16, 8), (3, 72, 24, 0), (3, 88, 24, 0), (5, 96, 40, 24), (5, 240, 40, 64), (5, 240, 40, 64)]
SMALL += [(5, 120, 48, 32), (5, 144, 48, 40), (5, 288, 96, 72), (5, 576, 96, 144), (5, 576, 96, 144)]
LARGE = [(3, 16, 16, 0), (3, 64, 24, 0), (3, 72, 24, 0), (5, 72, 40, 24), (5, 120, 40, 32), (5, 120, 40, 32)]
LARGE += [(3, 240, 80, 0), (3, 200, 80, 0), (3, 184, 80, 0), (3, 184, 80, 0), (3, 480, 112, 120), (3, 672, 112, 168)]
LARGE += [(5, 672, 160, 168), (5, 960, 160, 240), (5, 960, 160, 240)]


def mobilenetv3(rows: list[tuple[int, int, int, int]], last: int) -> Shapes:
    shapes, inputs = torchvision_conv("features.0", 16, 3, 3), 16
    for number, (kernel, middle, outputs, squeezed) in enumerate(rows, start=1):
        name, layer = f"features.{number}.block", 0
        if middle != inputs:
            shapes |= torchvision_conv(f"{name}.0", middle, inputs)
            layer = 1
        shapes |= torchvision_conv(f"{name}.{layer}", middle, 1, kernel)
        if squeezed:
            layer += 1
            shapes |= with_bias(f"{name}.{layer}.fc1", squeezed, middle, 1, 1)
            shapes |= with_bias(f"{name}.{layer}.fc2", middle, squeezed, 1, 1)
        shapes |= torchvision_conv(f"{name}.{layer + 1}", outputs, middle)
        inputs = outputs
    return shapes | torchvision_conv(f"features.{len(rows) + 1}", last, inputs)


def vit(channels: int, patches: int = 14 * 14) -> Shapes:
    shapes: Shapes = {"cls_token": (1, 1, channels), "pos_embed": (1, 1 + patches, channels)}
    shapes |= with_bias("patch_embed.proj", channels, 3, 16, 16) | with_bias("norm", channels)
    for block in range(12):
        name = f"blocks.{block}"
        shapes |= with_bias(f"{name}.norm1", channels) | with_bias(f"{name}.norm2", channels)
        shapes |= with_bias(f"{name}.attn.qkv", 3 * channels, channels)
        shapes |= with_bias(f"{name}.attn.proj", channels, channels)
        shapes |= with_bias(f"{name}.mlp.fc1", 4 * channels, channels)
        shapes |= with_bias(f"{name}.mlp.fc2", channels, 4 * channels)
    return shapes


def published() -> Iterator[tuple[str, Shapes]]:
    for name, size in (("x0_25", 0.25), ("x0_5", 0.5), ("x0_75", 0.75), ("x1_0", 1.0)):
        channels = [int(count * size) for count in (64, 256, 384, 512)]
        yield f"osnet_{name}", osnet(channels, ibn=False)
        yield f"osnet_ain_{name}", osnet_ain(channels)
    yield "osnet_ibn_x1_0", osnet([64, 256, 384, 512], ibn=True)
    yield "mobilenetv2", mobilenetv2(1.0, widens_first=False)
    yield "mobilenetv2_x1_0", mobilenetv2(1.0, widens_first=True)
    yield "mobilenetv2_x1_4", mobilenetv2(1.4, widens_first=True)
    yield "mobilenetv3_small", mobilenetv3(SMALL, 576)
    yield "mobilenetv3_large", mobilenetv3(LARGE, 960)
    yield "vit_small", vit(384)
    yield "vit_base", vit(768)


def built(name: str, transformer: Transformer | None = None) -> nn.Module:
    """A backbone whose tensors have shapes and no numbers."""
    with torch.device("meta"):
        return build_backbone(name, 1.0, 2, transformer)


def shapes_of(module: nn.Module) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}


@pytest.mark.parametrize(("name", "expected"), list(published()))
def test_names_and_shapes_are_those_published(name: str, expected: Shapes) -> None:
    assert shapes_of(built(name)) == expected


def test_transreid_has_a_position_for_each_overlapping_patch_and_an_embedding_for_each_camera() -> None:
    options = Transformer(stride=12, positions=(21, 10), camera_weight=3.0, cameras=(1, 2, 3, 4, 5, 6))
    assert shapes_of(built("vit_small", options)) == vit(384, 210) | {"sie_embed": (6, 1, 384)}


def test_fast_reids_non_local_blocks_stand_behind_the_last_blocks_of_two_stages() -> None:
    blocks: Shapes = {}
    for name, channels in (("NL_2.0", 512), ("NL_2.1", 512), ("NL_3.0", 1024), ("NL_3.1", 1024), ("NL_3.2", 1024)):
        for part in ("g", "theta", "phi"):
            blocks |= with_bias(f"{name}.{part}", 1, channels, 1, 1)
        blocks |= with_bias(f"{name}.W.0", channels, 1, 1, 1) | batch_norm(f"{name}.W.1", channels)
    assert shapes_of(built("fastreid_resnet50_nl")) == shapes_of(built("fastreid_resnet50")) | blocks


# Published numbers of parameters, less those of the classifier of ImageNet's 1000 classes.
@pytest.mark.parametrize(
    ("name", "published_count", "classifier"),
    [
        ("mobilenetv2", 3_504_872, 1280 * 1000 + 1000),
        ("mobilenetv3_small", 2_542_856, 576 * 1024 + 1024 + 1024 * 1000 + 1000),
        ("mobilenetv3_large", 5_483_032, 960 * 1280 + 1280 + 1280 * 1000 + 1000),
        ("vit_small", 22_050_664, 384 * 1000 + 1000),
        ("vit_base", 86_567_656, 768 * 1000 + 1000),
    ],
)
def test_parameters_are_as_many_as_published(name: str, published_count: int, classifier: int) -> None:
    assert sum(p.numel() for p in built(name).parameters()) == published_count - classifier
