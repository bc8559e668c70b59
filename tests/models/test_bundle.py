import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from passerby.errors import BundleError, MachineError
from passerby.models.bundle import Bundle, load_bundle, save_bundle, write_calibration
from passerby.models.card import ModelCard
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.types import Calibration

CALIBRATION = Calibration(
    threshold=0.3,
    false_accept_rate=0.01,
    false_reject_rate=0.2,
    accuracy=0.9,
    balanced_accuracy=0.895,
    precision=0.98,
    equal_error_rate=0.1,
    positive_pairs=10,
    negative_pairs=90,
    people=5,
    cross_camera=True,
    criterion="FAR at most 0.01",
    source="5 people of «Straße 7»",
)
FIGURES = {"market": {"rank_1": 0.1 + 0.2, "mean_ap": 1e-17, "queries": 3}}
GROUPS = {"source": "5 people", "threshold": 0.3, "groups": [], "differences": ["bag: FRR is 9.0% against 1.0%."]}
SMALL = Preprocessing(height=32, width=16)


@pytest.fixture
def network() -> ReidNetwork:
    torch.manual_seed(0)
    return ReidNetwork(Architecture(backbone="resnet18", width=0.03))


@pytest.fixture
def bundle(network: ReidNetwork, model_card: ModelCard, tmp_path: Path) -> Bundle:
    return save_bundle(tmp_path / "model", network, SMALL, model_card, FIGURES, CALIBRATION, groups=GROUPS)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_everything_comes_back(bundle: Bundle, network: ReidNetwork, model_card: ModelCard) -> None:
    loaded = load_bundle(bundle.path)
    assert loaded == bundle
    assert (loaded.architecture, loaded.preprocessing) == (network.architecture, SMALL)
    assert (loaded.card, loaded.figures, loaded.calibration) == (model_card, FIGURES, CALIBRATION)
    assert loaded.groups == GROUPS
    assert (bundle.path / "groups.json").read_text().count("\n") == 1  # the largest of the sealed files
    assert loaded.precision == "fp32"
    weights, expected = loaded.load_network().state_dict(), network.state_dict()
    assert weights.keys() == expected.keys()
    for name, tensor in expected.items():
        assert weights[name].dtype == tensor.dtype
        assert torch.equal(weights[name], tensor)


def test_the_same_model_gives_the_same_bytes_wherever_it_lies(bundle: Bundle, network: ReidNetwork) -> None:
    place = bundle.path.parent / "again"
    again = save_bundle(place, network, SMALL, bundle.card, FIGURES, CALIBRATION, groups=GROUPS)
    assert contents(again.path) == contents(bundle.path)
    shutil.move(again.path, again.path.parent / "moved")
    assert load_bundle(again.path.parent / "moved").identity == bundle.identity


def test_the_identity_does_not_depend_on_what_stands_beside(bundle: Bundle, network: ReidNetwork) -> None:
    card = bundle.card.model_copy(update={"name": "other"})
    assert save_bundle(bundle.path.parent / "bare", network, SMALL, card).identity == bundle.identity
    write_calibration(bundle, replace(CALIBRATION, threshold=0.4))
    loaded = load_bundle(bundle.path)
    assert loaded.identity == bundle.identity
    assert loaded.calibration is not None
    assert loaded.calibration.threshold == 0.4


def test_the_identity_does_not_depend_on_the_layout_in_memory(bundle: Bundle, network: ReidNetwork) -> None:
    network.place(torch.device("cpu"))
    assert save_bundle(bundle.path.parent / "last", network, SMALL, bundle.card).identity == bundle.identity


def test_the_identity_changes_with_every_weight_and_with_the_preprocessing(
    bundle: Bundle, network: ReidNetwork
) -> None:
    identities = {bundle.identity}
    for preprocessing in (
        Preprocessing(height=33, width=16),
        Preprocessing(height=32, width=17),
        Preprocessing(height=32, width=16, mean=(0.485, 0.456, 0.407)),
        Preprocessing(height=32, width=16, std=(0.229, 0.224, 0.226)),
        Preprocessing(height=32, width=16, mirror=True),
    ):
        path = bundle.path.parent / str(len(identities))
        identities.add(save_bundle(path, network, preprocessing, bundle.card).identity)
    assert len(identities) == 6
    names = [name for name, tensor in network.state_dict().items() if tensor.is_floating_point()]
    for name in (names[0], names[len(names) // 2], names[-1]):
        changed = {key: tensor.clone() for key, tensor in network.state_dict().items()}
        first = changed[name].view(-1)
        first[0] = torch.nextafter(first[0], torch.tensor(9.0))
        other = ReidNetwork(network.architecture)
        other.load_state_dict(changed)
        identities.add(save_bundle(bundle.path.parent / name, other, SMALL, bundle.card).identity)
    assert len(identities) == 9
    pooled = ReidNetwork(network.architecture.model_copy(update={"pooling": "max"}))
    pooled.load_state_dict(network.state_dict())
    identities.add(save_bundle(bundle.path.parent / "max", pooled, SMALL, bundle.card).identity)
    assert len(identities) == 10


@pytest.mark.parametrize("name", ["bundle.json", "card.json", "figures.json", "groups.json", "calibration.json"])
def test_every_changed_byte_of_a_json_file_is_noticed(bundle: Bundle, name: str) -> None:
    file = bundle.path / name
    whole = file.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        # Other white space is a change too.
        changed[place] = ord("\t") if changed[place] in b" \n" else changed[place] ^ 1
        file.write_bytes(changed)
        with pytest.raises(BundleError):
            load_bundle(bundle.path)
    for changed in (whole + b"\n", whole[:-1], whole.replace(b"\n", b"\r\n"), b""):
        file.write_bytes(changed)
        with pytest.raises(BundleError, match=name.replace(".", r"\.")):
            load_bundle(bundle.path)
    file.write_bytes(whole)
    assert load_bundle(bundle.path) == bundle


def test_every_changed_byte_of_the_weights_is_noticed(bundle: Bundle) -> None:
    file = bundle.path / "weights.safetensors"
    whole = file.read_bytes()
    for place in (*range(0, len(whole), 997), len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 1
        file.write_bytes(changed)
        with pytest.raises(BundleError, match=r"weights\.safetensors: expected SHA-256 .* damaged or was changed"):
            load_bundle(bundle.path)
    file.write_bytes(whole[:-1])
    with pytest.raises(BundleError, match="SHA-256"):
        load_bundle(bundle.path)


def test_weights_that_changed_after_loading_are_noticed(bundle: Bundle, network: ReidNetwork) -> None:
    file = bundle.path / "weights.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"\x07")
    with pytest.raises(BundleError, match="SHA-256"):
        bundle.load_network()
    file.write_bytes(whole)
    save_bundle(bundle.path, network, Preprocessing(height=64), bundle.card, replace=True)
    with pytest.raises(BundleError, match="another model took its place"):
        bundle.load_network()


@pytest.mark.parametrize("name", ["bundle.json", "weights.safetensors", "card.json"])
def test_missing_files_are_named(bundle: Bundle, name: str) -> None:
    (bundle.path / name).unlink()
    with pytest.raises(BundleError, match=rf"expected .*{name}"):
        load_bundle(bundle.path)


def test_everything_measured_may_be_missing(bundle: Bundle) -> None:
    (bundle.path / "figures.json").unlink()
    (bundle.path / "groups.json").unlink()
    (bundle.path / "calibration.json").unlink()
    loaded = load_bundle(bundle.path)
    assert (loaded.figures, loaded.groups, loaded.calibration) == ({}, None, None)


def test_what_is_no_bundle_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, got in (("none", "nothing there"), ("file", "a file"), (".", "a folder without it")):
        with pytest.raises(BundleError, match=f"expected a model bundle .*, got {got}"):
            load_bundle(tmp_path / name)


@pytest.mark.parametrize("name", ["card.json", "figures.json", "groups.json", "calibration.json"])
def test_another_models_companions_are_refused(
    bundle: Bundle, model_card: ModelCard, name: str, tmp_path: Path
) -> None:
    other = ReidNetwork(Architecture(backbone="resnet18", width=0.03))
    foreign = save_bundle(tmp_path / "other", other, SMALL, model_card, FIGURES, CALIBRATION, groups=GROUPS)
    shutil.copy(foreign.path / name, bundle.path / name)
    with pytest.raises(BundleError, match=rf"{name}: it speaks of model {foreign.identity[:12]}"):
        load_bundle(bundle.path)


def test_another_models_weights_are_refused(bundle: Bundle, model_card: ModelCard, tmp_path: Path) -> None:
    other = ReidNetwork(Architecture(backbone="resnet34", width=0.03))
    foreign = save_bundle(tmp_path / "other", other, SMALL, model_card)
    shutil.copy(foreign.path / "weights.safetensors", bundle.path)
    with pytest.raises(BundleError, match="expected SHA-256"):
        load_bundle(bundle.path)


def rewrite(file: Path, **changes: Any) -> None:
    """Change values of `bundle.json` and give it the identity that fits them, as only a newer version would."""
    from passerby.atomic import write_json
    from passerby.models.bundle import _identity

    content = json.loads(file.read_text()) | changes
    write_json(file, content | {"identity": _identity(content)})


def test_a_newer_format_asks_for_a_newer_passerby(bundle: Bundle) -> None:
    rewrite(bundle.path / "bundle.json", format=2, something_new=True)
    with pytest.raises(BundleError, match="expected bundle format 1, got 2; use a newer Passerby"):
        load_bundle(bundle.path)


def test_what_is_unknown_in_a_description_is_named(bundle: Bundle) -> None:
    rewrite(bundle.path / "bundle.json", colour="blue")
    with pytest.raises(BundleError, match="colour extra inputs are not permitted"):
        load_bundle(bundle.path)


def test_a_field_that_a_later_version_adds_leaves_old_identities_valid(bundle: Bundle) -> None:
    """A description that lacks a field with a default is one that was written before there was such a field."""
    content = json.loads((bundle.path / "bundle.json").read_text())
    content["architecture"].pop("pooling")
    assert content["identity"] == bundle.identity
    rewrite(bundle.path / "bundle.json", architecture=content["architecture"])
    for name in ("card.json", "figures.json", "calibration.json"):
        (bundle.path / name).unlink()
    with pytest.raises(BundleError, match=r"expected card\.json, got none"):  # and nothing about the identity
        load_bundle(bundle.path)


def test_a_bundle_is_replaced_only_when_asked(bundle: Bundle, network: ReidNetwork) -> None:
    before = contents(bundle.path)
    with pytest.raises(BundleError, match="a bundle stands there already; use --force to replace it"):
        save_bundle(bundle.path, network, Preprocessing(), bundle.card)
    assert contents(bundle.path) == before
    replaced = save_bundle(bundle.path, network, Preprocessing(), bundle.card, replace=True)
    assert replaced.preprocessing == Preprocessing()
    assert sorted(contents(bundle.path)) == ["bundle.json", "card.json", "weights.safetensors"]


@pytest.mark.parametrize(
    "names", [["thesis.txt"], ["bundle.json", "thesis.txt"], ["card.json"], ["weights.safetensors"]]
)
def test_a_foreign_folder_is_never_replaced(
    names: list[str], network: ReidNetwork, model_card: ModelCard, tmp_path: Path
) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("mine")
    for permission in (False, True):
        with pytest.raises(BundleError, match=f"expected a new folder or a bundle, got one that holds {names[-1]}"):
            save_bundle(folder, network, SMALL, model_card, replace=permission)
    assert contents(folder) == dict.fromkeys(sorted(names), b"mine")


def test_a_file_is_never_replaced_and_an_empty_folder_always_may_be(
    network: ReidNetwork, model_card: ModelCard, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BundleError, match="expected a folder for the bundle, got a file"):
        save_bundle(tmp_path / "file", network, SMALL, model_card, replace=True)
    (tmp_path / "empty").mkdir()
    assert save_bundle(tmp_path / "empty", network, SMALL, model_card).path == tmp_path / "empty"
    assert save_bundle(tmp_path / "a" / "b" / "c", network, SMALL, model_card).path.is_dir()


@pytest.mark.parametrize("failing", range(1, 4))
def test_a_full_disk_leaves_the_good_bundle_and_nothing_else(
    failing: int, bundle: Bundle, network: ReidNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(bundle.path)
    written = 0
    write_bytes, write_text = Path.write_bytes, Path.write_text

    def counting(write: Any) -> Any:
        def attempt(self: Path, content: Any, *args: Any, **options: Any) -> int:
            nonlocal written
            written += 1
            if written == failing:
                write(self, content[: len(content) // 2], *args, **options)
                raise OSError(errno.ENOSPC, "No space left on device", str(self))
            return write(self, content, *args, **options)

        return attempt

    monkeypatch.setattr(Path, "write_bytes", counting(write_bytes))
    monkeypatch.setattr(Path, "write_text", counting(write_text))
    with pytest.raises(MachineError, match="the disk is full; free some space"):
        save_bundle(bundle.path, network, Preprocessing(), bundle.card, replace=True)
    monkeypatch.undo()
    assert contents(bundle.path) == before
    assert [path.name for path in bundle.path.parent.iterdir()] == [bundle.path.name]


def test_a_failing_calibration_leaves_the_old_one(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    before = contents(bundle.path)
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(MachineError, match="read-only"):
        write_calibration(bundle, replace(CALIBRATION, threshold=0.9))
    monkeypatch.undo()
    assert contents(bundle.path) == before
