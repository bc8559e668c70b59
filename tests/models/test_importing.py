import io
import os
import pickle
import random
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from passerby.errors import BundleError
from passerby.models.backbones import Transformer, build_backbone
from passerby.models.bundle import save_bundle
from passerby.models.importing import import_checkpoint
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.preprocessing import Preprocessing


def published(architecture: Architecture, classifier: str) -> dict[str, Tensor]:
    """What an author would publish of such a network: their names, and the classifier of 751 training people."""
    torch.manual_seed(5)
    weights = ReidNetwork(architecture).state_dict()
    ours = {"backbone.": "", "neck.": "fc."}
    names = {name: ours[name.partition(".")[0] + "."] + name.partition(".")[2] for name in weights}
    dimension = ReidNetwork(architecture).dimension
    return {names[name]: tensor for name, tensor in weights.items()} | {
        f"{classifier}.weight": torch.zeros(751, dimension),
        f"{classifier}.bias": torch.zeros(751),
    }


def resnet(name: str = "resnet18", width: float = 0.125) -> dict[str, Tensor]:
    return published(Architecture(backbone=name, width=width, last_stride=2, neck="none"), "fc")


def osnet(name: str = "osnet_x0_25") -> dict[str, Tensor]:
    return published(Architecture(backbone=name, neck="linear", dimension=512), "classifier")


def as_fast_reid(architecture: Architecture) -> dict[str, Tensor]:
    """The same under fast-reid's names, with its head, the statistics of its pictures, and its classifier."""
    torch.manual_seed(6)
    network = ReidNetwork(architecture)
    necks = {"bnneck": "heads.bottleneck.0.", "reduced": "heads.bottleneck."}
    heads = {"backbone": "backbone.", "pooling": "heads.pool_layer.", "neck": necks.get(architecture.neck, "")}
    weights = {}
    for name, tensor in network.state_dict().items():
        part, _, rest = name.partition(".")
        is_reduction = name == "neck.0.weight" and architecture.neck == "reduced"
        weights[heads[part] + rest] = tensor[:, :, None, None] if is_reduction else tensor
    return weights | {
        "heads.weight": torch.zeros(751, network.dimension),
        "pixel_mean": torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1),
        "pixel_std": torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1),
    }


def as_file(content: Any, path: Path) -> Path:
    torch.save(content, path)
    return path


@pytest.mark.parametrize(
    ("name", "width"), [("resnet18", 1.0), ("resnet34", 0.125), ("resnet50", 0.125), ("resnet101", 0.25)]
)
def test_torchvisions_resnets_are_recognised(name: str, width: float, tmp_path: Path) -> None:
    weights = resnet(name, width)
    imported = import_checkpoint(as_file(weights, tmp_path / "model.pth"))
    architecture = imported.network.architecture
    assert (architecture.backbone, architecture.width, architecture.last_stride) == (name, width, 2)
    assert architecture.neck == "none"
    assert imported.preprocessing == Preprocessing(height=256, width=128)
    own = imported.network.state_dict()
    assert imported.loaded == len(own) == len(weights) - 2
    for key, tensor in own.items():
        assert torch.equal(tensor, weights[key.removeprefix("backbone.")])
    assert [line.partition(" ")[0] for line in imported.dropped] == ["fc.weight", "fc.bias"]
    assert not imported.network.training


@pytest.mark.parametrize("name", ["osnet_x0_25", "osnet_x0_5", "osnet_x0_75", "osnet_x1_0"])
def test_torchreids_osnets_are_recognised(name: str, tmp_path: Path) -> None:
    weights = osnet(name)
    imported = import_checkpoint(as_file(weights, tmp_path / "model.pth"))
    architecture = imported.network.architecture
    assert (architecture.backbone, architecture.neck, architecture.dimension) == (name, "linear", 512)
    assert torch.equal(imported.network.state_dict()["neck.1.running_var"], weights["fc.1.running_var"])
    assert torch.equal(imported.network.state_dict()["backbone.conv5.conv.weight"], weights["conv5.conv.weight"])
    assert [line.partition(" ")[0] for line in imported.dropped] == ["classifier.weight", "classifier.bias"]
    assert imported.card.dropped_weights == imported.dropped


def test_torchreids_resnet_with_a_linear_embedding_keeps_it(tmp_path: Path) -> None:
    architecture = Architecture(backbone="resnet50", width=0.125, neck="linear", dimension=512)
    imported = import_checkpoint(as_file(published(architecture, "classifier"), tmp_path / "fc512.pth"))
    assert imported.network.architecture == architecture
    assert len(imported.dropped) == 2


@pytest.mark.parametrize("name", ["osnet_ibn_x1_0", "osnet_ain_x0_25", "osnet_ain_x1_0"])
def test_torchreids_other_osnets_are_told_apart(name: str, tmp_path: Path) -> None:
    imported = import_checkpoint(as_file(osnet(name), tmp_path / "model.pth"))
    architecture = imported.network.architecture
    assert (architecture.backbone, architecture.neck, architecture.dimension) == (name, "linear", 512)
    assert imported.loaded == len(osnet(name)) - 2


@pytest.mark.parametrize("name", ["resnet18_ibn_a", "resnet50_ibn_a", "resnet18_ibn_b", "resnet50_ibn_b"])
def test_ibn_nets_are_recognised(name: str, tmp_path: Path) -> None:
    imported = import_checkpoint(as_file(resnet(name), tmp_path / "model.pth"))
    assert imported.network.architecture.backbone == name
    assert imported.loaded == len(resnet(name)) - 2


@pytest.mark.parametrize("name", ["mobilenetv2", "mobilenetv3_small", "mobilenetv3_large"])
def test_torchvisions_mobilenets_are_recognised(name: str, tmp_path: Path) -> None:
    weights = published(Architecture(backbone=name, last_stride=2, neck="none"), "classifier.1")
    imported = import_checkpoint(as_file(weights, tmp_path / "model.pth"))
    assert imported.network.architecture == Architecture(backbone=name, last_stride=2, neck="none")
    assert [line.partition(" ")[0] for line in imported.dropped] == ["classifier.1.weight", "classifier.1.bias"]


TORCHREIDS_MOBILENET = {
    "features.0.0.weight": "conv1.conv.weight",
    "features.0.1.running_var": "conv1.bn.running_var",
    "features.1.conv.0.0.weight": "conv2.0.conv1.conv.weight",
    "features.1.conv.1.0.weight": "conv2.0.dwconv2.conv.weight",
    "features.3.conv.0.1.bias": "conv3.1.conv1.bn.bias",
    "features.4.conv.1.1.running_mean": "conv4.0.dwconv2.bn.running_mean",
    "features.10.conv.2.weight": "conv5.3.conv3.0.weight",
    "features.13.conv.3.weight": "conv6.2.conv3.1.weight",
    "features.16.conv.2.weight": "conv7.2.conv3.0.weight",
    "features.17.conv.3.running_var": "conv8.0.conv3.1.running_var",
    "features.18.0.weight": "conv9.conv.weight",
    "features.18.1.weight": "conv9.bn.weight",
}
"""Names of one network by two authors, written down from both."""


def torchreids_mobilenet(name: str) -> dict[str, Tensor]:
    """What torchreid would publish: the same blocks, counted by stages."""
    ours = published(Architecture(backbone=name, last_stride=2, neck="none"), "classifier")
    starts = {1: 2, 2: 3, 4: 4, 7: 5, 11: 6, 14: 7, 17: 8}
    layers = {"0.0": "conv1.conv", "0.1": "conv1.bn", "1.0": "dwconv2.conv", "1.1": "dwconv2.bn"}
    renamed = {}
    for key, tensor in ours.items():
        words = key.split(".")
        if words[0] == "features" and words[1] in ("0", "18"):
            words = ["conv1" if words[1] == "0" else "conv9", "conv" if words[2] == "0" else "bn", words[3]]
        elif words[0] == "features":
            start = max(number for number in starts if number <= int(words[1]))
            inner = ".".join(words[3:-1])
            layer = layers.get(inner) or f"conv3.{int(inner) - 2}"
            words = [f"conv{starts[start]}", str(int(words[1]) - start), layer, words[-1]]
        renamed[".".join(words)] = tensor
    return renamed


@pytest.mark.parametrize("name", ["mobilenetv2_x1_0", "mobilenetv2_x1_4"])
def test_torchreids_mobilenets_are_renamed(name: str, tmp_path: Path) -> None:
    weights = torchreids_mobilenet(name)
    imported = import_checkpoint(as_file({"state_dict": weights}, tmp_path / "model.pth.tar"))
    assert imported.network.architecture == Architecture(backbone=name, last_stride=2, neck="none")
    assert imported.loaded == len(weights) - 2
    state = imported.network.state_dict()
    for own, theirs in TORCHREIDS_MOBILENET.items():
        assert torch.equal(state[f"backbone.{own}"], weights[theirs])


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(backbone="fastreid_resnet18", width=0.25),
        Architecture(backbone="fastreid_resnet34_ibn_a", width=0.25, pooling="gem"),
        Architecture(backbone="fastreid_resnet50_ibn_a_nl", width=0.125, pooling="gem"),
        Architecture(backbone="fastreid_resnet18", width=0.25, pooling="gem", neck="reduced", dimension=32),
        Architecture(
            backbone="vit_small", transformer=Transformer(stride=12, positions=(31, 10)), pooling="class_token"
        ),
    ],
)
def test_fast_reids_checkpoints_are_recognised(architecture: Architecture, tmp_path: Path) -> None:
    weights = as_fast_reid(architecture)
    file = as_file({"model": weights, "iteration": 100}, tmp_path / "model_final.pth")
    imported = import_checkpoint(file, Preprocessing(height=384))
    assert imported.network.architecture == architecture
    assert imported.loaded == len(imported.network.state_dict()) == len(weights) - 3
    assert {line.partition(" ")[0] for line in imported.dropped[1:]} == {"heads.weight", "pixel_mean", "pixel_std"}
    preprocessing = Preprocessing(height=384, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    assert imported.preprocessing == preprocessing
    torch.manual_seed(6)
    same = ReidNetwork(architecture).eval()
    with torch.inference_mode():
        pictures = torch.randn(2, 3, 64, 32)
        assert torch.equal(imported.network(pictures).neck, same(pictures).neck)


def test_fast_reids_own_statistics_and_older_heads_are_taken(tmp_path: Path) -> None:
    weights = as_fast_reid(Architecture(backbone="fastreid_resnet18", width=0.25))
    weights = {name.replace("bottleneck.0", "bnneck"): tensor for name, tensor in weights.items()}
    weights["heads.classifier.weight"] = weights.pop("heads.weight")
    weights["pixel_mean"] = torch.full((1, 3, 1, 1), 127.5)
    imported = import_checkpoint(as_file(weights, tmp_path / "model.pth"))
    assert imported.network.architecture.neck == "bnneck"
    assert imported.preprocessing.mean == (0.5, 0.5, 0.5)


def test_statistics_by_which_nothing_can_be_divided_are_refused(tmp_path: Path) -> None:
    weights = as_fast_reid(Architecture(backbone="fastreid_resnet18", width=0.25))
    for wrong in (torch.zeros(1, 3, 1, 1), torch.full((1, 3, 1, 1), torch.nan), torch.ones(1, 4, 1, 1)):
        with pytest.raises(BundleError, match=r"mean and deviation of three channels, the latter above 0, .* got"):
            import_checkpoint(as_file(weights | {"pixel_std": wrong}, tmp_path / "model.pth"))


def test_two_entries_for_one_place_are_refused(tmp_path: Path) -> None:
    weights = as_fast_reid(Architecture(backbone="fastreid_resnet18", width=0.25))
    twice = weights | {"bottleneck.weight": torch.ones(128)}
    with pytest.raises(BundleError, match=r"one entry for neck\.weight, got two, of which bottleneck\.weight"):
        import_checkpoint(as_file(twice, tmp_path / "model.pth"))


def test_fast_reids_other_networks_are_refused(tmp_path: Path) -> None:
    weights = as_fast_reid(Architecture(backbone="fastreid_resnet18", width=0.25))
    gated = weights | {"backbone.layer1.0.se.fc.0.weight": torch.ones(2, 2)}
    with pytest.raises(BundleError, match=r"1 unexpected, such as backbone\.layer1\.0\.se\.fc\.0\.weight"):
        import_checkpoint(as_file(gated, tmp_path / "gated.pth"))
    branches = {name.replace("backbone.layer4", "b1.0"): tensor for name, tensor in weights.items()}
    with pytest.raises(BundleError, match="expected the published weights of one of"):
        import_checkpoint(as_file(branches, tmp_path / "mgn.pth"))


def transreid(transformer: Transformer, jigsaw: bool) -> dict[str, Tensor]:
    """What TransReID publishes: its transformer, a batch norm behind it, and perhaps its branches."""
    torch.manual_seed(7)
    state = build_backbone("vit_small", transformer=transformer).state_dict()
    weights = {f"base.{name}": tensor for name, tensor in state.items()}
    weights |= {"base.fc.weight": torch.zeros(1000, 384), "classifier.weight": torch.zeros(751, 384)}
    weights |= {f"bottleneck.{name}": tensor for name, tensor in torch.nn.BatchNorm1d(384).state_dict().items()}
    if jigsaw:
        for name, tensor in state.items():
            if name.startswith(("blocks.11.", "norm.")):
                inner = name.replace("blocks.11", "0").replace("norm.", "1.", name.startswith("norm."))
                weights |= {f"b1.{inner}": tensor + 1, f"b2.{inner}": tensor + 2}
        weights |= {"bottleneck_1.weight": torch.ones(384), "classifier_1.weight": torch.zeros(751, 384)}
    return weights


@pytest.mark.parametrize("jigsaw", [False, True])
def test_transreids_checkpoints_are_recognised(jigsaw: bool, tmp_path: Path) -> None:
    options = Transformer(stride=12, positions=(21, 10), camera_weight=3.0, cameras=(1, 2, 3, 4, 5, 6))
    weights = transreid(options, jigsaw)
    imported = import_checkpoint(as_file(weights, tmp_path / "transformer_120.pth"))
    architecture = imported.network.architecture
    assert architecture.transformer == options
    assert (architecture.backbone, architecture.pooling, architecture.neck) == ("vit_small", "class_token", "none")
    assert imported.preprocessing.mean == imported.preprocessing.std == (0.5, 0.5, 0.5)
    assert imported.loaded == len(imported.network.state_dict())
    assert imported.loaded + len(imported.dropped) == len(weights)
    last = imported.network.state_dict()["backbone.blocks.11.mlp.fc1.bias"]
    torch.testing.assert_close(last, weights["base.blocks.11.mlp.fc1.bias"] + (1 if jigsaw else 0))


def test_deits_weights_keep_their_square_of_positions(tmp_path: Path) -> None:
    state = build_backbone("vit_small").state_dict() | {"head.weight": torch.zeros(1000, 384)}
    imported = import_checkpoint(as_file({"model": state}, tmp_path / "deit_small.pth"))
    assert imported.network.architecture.transformer == Transformer()
    assert len(imported.dropped) == 1
    wrong = state | {"pos_embed": torch.zeros(1, 200, 384)}
    with pytest.raises(BundleError, match="expected the published weights of one of"):
        import_checkpoint(as_file(wrong, tmp_path / "wrong.pth"))


def test_an_osnet_without_its_embedding_layer_has_no_neck(tmp_path: Path) -> None:
    weights = {name: tensor for name, tensor in osnet().items() if not name.startswith(("fc.", "classifier."))}
    imported = import_checkpoint(as_file(weights, tmp_path / "model.pth"))
    assert (imported.network.architecture.neck, imported.network.dimension) == ("none", 128)
    assert imported.dropped == ()


@pytest.mark.parametrize("container", [None, "state_dict", "model", "net"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "backbone.", "module.model."])
def test_wrappers_are_taken_off(container: str | None, prefix: str, tmp_path: Path) -> None:
    weights = OrderedDict((prefix + name, tensor) for name, tensor in resnet().items())
    content: Any = weights if container is None else {container: weights, "epoch": 60, "optimizer": {"lr": 0.1}}
    imported = import_checkpoint(as_file(content, tmp_path / "model.pth.tar"))
    assert imported.loaded == len(imported.network.state_dict())
    others = [] if container is None else [f"{name}: stands beside {container}" for name in ("epoch", "optimizer")]
    assert list(imported.dropped[: len(others)]) == others


def test_every_entry_is_accounted_for(tmp_path: Path) -> None:
    imported = import_checkpoint(as_file(resnet() | {"epoch": 7}, tmp_path / "model.pth"))
    assert imported.dropped[0] == "epoch: no tensor"
    assert imported.loaded + len(imported.dropped) == len(resnet()) + 1


def test_the_file_format_makes_no_difference(tmp_path: Path) -> None:
    weights = resnet()
    files = [as_file(weights, tmp_path / "zip.pth"), tmp_path / "old.pth", tmp_path / "safe.safetensors"]
    torch.save(weights, files[1], _use_new_zipfile_serialization=False)
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, files[2])
    states = [import_checkpoint(file).network.state_dict() for file in files]
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name])
        assert torch.equal(tensor, states[2][name])


def test_checkpoints_from_before_the_batch_counter_are_taken(tmp_path: Path) -> None:
    weights = {name: tensor for name, tensor in resnet().items() if not name.endswith("num_batches_tracked")}
    imported = import_checkpoint(as_file(weights, tmp_path / "model.pth"))
    assert imported.loaded == len(weights) - 2


@pytest.mark.parametrize("weights", [resnet(), osnet()])
def test_missing_unexpected_and_misshapen_entries_are_named(weights: dict[str, Tensor], tmp_path: Path) -> None:
    gone = next(name for name in weights if name.endswith("bn1.weight") or name.endswith("bn.weight"))
    without = {name: tensor for name, tensor in weights.items() if name != gone}
    with pytest.raises(BundleError, match=rf"1 missing, such as backbone\.{gone}"):
        import_checkpoint(as_file(without, tmp_path / "a.pth"))
    with pytest.raises(BundleError, match=r"1 unexpected, such as backbone\.attention\.weight"):
        import_checkpoint(as_file(weights | {"attention.weight": torch.ones(2)}, tmp_path / "b.pth"))
    with pytest.raises(BundleError, match=rf"1 of another shape, such as backbone\.{gone}"):
        import_checkpoint(as_file(weights | {gone: torch.ones(1)}, tmp_path / "c.pth"))


def test_an_osnet_without_its_last_stage_is_still_called_one(tmp_path: Path) -> None:
    without = {name: tensor for name, tensor in osnet().items() if not name.startswith("conv5.")}
    with pytest.raises(BundleError, match=r"weights of osnet_x0_25.* missing, such as backbone\.conv5"):
        import_checkpoint(as_file(without, tmp_path / "model.pth"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"conv1.weight": torch.tensor(1.0)},
        {"conv1.weight": torch.zeros(0, 3, 7, 7)},
        {"conv1.weight": torch.zeros(5000, 3, 1, 1)},
        {"fc.0.weight": torch.zeros(1, 8)},
        {"layer1.0.conv1.weight": torch.tensor(1.0)},
    ],
)
def test_impossible_shapes_are_our_own_error(wrong: dict[str, Tensor], tmp_path: Path) -> None:
    weights = {name: tensor for name, tensor in resnet().items() if not name.startswith("fc.")}
    try:
        imported = import_checkpoint(as_file(weights | wrong, tmp_path / "model.pth"))
    except BundleError:
        return
    assert imported.dropped[0].startswith("fc.0.weight")


def test_unknown_architectures_are_refused(tmp_path: Path) -> None:
    for weights in ({"features.0.weight": torch.ones(3)}, {"layer1.0.conv1.weight": torch.ones(3)}):
        with pytest.raises(BundleError, match=r"expected the published weights of one of resnet18.*got 1 tensors"):
            import_checkpoint(as_file(weights, tmp_path / "model.pth"))


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("form", ["pickle", "zip", "legacy", "container"])
def test_a_malicious_pickle_is_refused_and_never_runs(form: str, tmp_path: Path) -> None:
    file, marker = tmp_path / "model.pth", tmp_path / "marker"
    evil: Any = resnet() | {"evil": Malicious(marker)}
    if form == "pickle":
        file.write_bytes(pickle.dumps(Malicious(marker)))
    elif form == "container":
        torch.save({"state_dict": resnet(), "epoch": Malicious(marker)}, file)
    else:
        torch.save(evil, file, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(BundleError, match="could run code when read"):
        import_checkpoint(file)
    assert not marker.exists()
    # It would have run, had we let it.
    marker.mkdir()
    with pytest.raises(FileExistsError):
        torch.load(file, weights_only=False)


def test_whole_pickled_modules_are_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pth")
    with pytest.raises(BundleError, match="could run code"):
        import_checkpoint(tmp_path / "model.pth")


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("notes.txt", "nothing")
    whole = as_file(resnet(), tmp_path / "whole.pth").read_bytes()
    files = {
        "text.pth": b"not a checkpoint",
        "empty.pth": b"",
        "archive.pth": archive.getvalue(),
        "half.pth": whole[: len(whole) // 2],
        "text.safetensors": b"not a checkpoint at all",
        "empty.safetensors": b"",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BundleError, match=f"{name}: expected a checkpoint .*damaged or other file"):
            import_checkpoint(tmp_path / name)
    for content, got in ((torch.ones(3), "Tensor"), ([torch.ones(3)], "list"), ({"a": 1}, "none"), ({}, "none")):
        with pytest.raises(BundleError, match=rf"expected tensors by name, got {got}; save its state_dict\(\)"):
            import_checkpoint(as_file(content, tmp_path / "model.pth"))
    with pytest.raises(BundleError, match="got nothing there"):
        import_checkpoint(tmp_path / "none.pth")
    with pytest.raises(BundleError, match="got a folder"):
        import_checkpoint(tmp_path)


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_damage_anywhere_is_our_own_error(form: str, tmp_path: Path) -> None:
    weights = {"layer1.0.conv1.weight": torch.ones(2, 2), "conv1.weight": torch.ones(4)}
    file = tmp_path / f"model.{'safetensors' if form == 'safetensors' else 'pth'}"
    if form == "safetensors":
        save_file(weights, file)
    else:
        torch.save(weights, file, _use_new_zipfile_serialization=form == "zip")
    whole = file.read_bytes()
    chance = random.Random(0)
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        file.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        with pytest.raises(BundleError):  # At best it is an unknown architecture.
            import_checkpoint(file)


def test_a_published_checkpoint_embeds_as_its_author_says(published_osnet: Path, tmp_path: Path) -> None:
    imported = import_checkpoint(published_osnet)
    assert imported.network.architecture == Architecture(backbone="osnet_x0_25", neck="linear", dimension=512)
    assert all(line.startswith("classifier.") for line in imported.dropped)
    bundle = save_bundle(tmp_path / "osnet", imported.network, imported.preprocessing, imported.card)
    network = bundle.load_network().eval()
    with torch.inference_mode():
        vectors = network(torch.zeros(1, 3, 256, 128)).neck
    assert vectors.shape == (1, 512)
    # Trained weights, not fresh ones: batch norm has seen pictures.
    assert np.std(imported.network.state_dict()["backbone.conv1.bn.running_mean"].numpy()) > 0
