"""Model bundles: a folder with a network's weights, everything needed to use them, and what is known of them.

`bundle.json` and `weights.safetensors` are the model; their hash is its identity. `card.json`, `figures.json`,
`groups.json` and `calibration.json` stand beside them, each sealed with a hash of its own and the identity that it
speaks of, so that calibrating again changes no identity, and no file can be changed or mixed up unnoticed.

An exported bundle has an engine's network in place of the weights, and `export.json`, which says what it is.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from passerby.atomic import atomic_path, write_json
from passerby.errors import BundleError
from passerby.models.card import ModelCard
from passerby.models.engines.engine import Precision
from passerby.models.export_record import NETWORK_FILES, ExportRecord
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.models.sealed import content_hash, read_json, read_sealed, validated, write_sealed
from passerby.types import Calibration

_MODEL, _WEIGHTS, _EXPORT = "bundle.json", "weights.safetensors", "export.json"
_CARD, _FIGURES, _GROUPS, _CALIBRATION = "card.json", "figures.json", "groups.json", "calibration.json"
_NETWORKS = frozenset(name for names in NETWORK_FILES.values() for name in names)
_FILES = frozenset({_MODEL, _WEIGHTS, _EXPORT, _CARD, _FIGURES, _GROUPS, _CALIBRATION}) | _NETWORKS
_FORMAT = 1


class _Model(BaseModel):
    """The content of `bundle.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    identity: str
    architecture: Architecture
    preprocessing: Preprocessing
    precision: Precision
    weights_sha256: str


@dataclass(frozen=True)
class Bundle:
    """A model on the disk, verified when it was loaded.

    Attributes:
        path: Its folder.
        identity: SHA-256 over weights, architecture, preprocessing and precision class. Embeddings compare only
            where it is the same.
        architecture: How to build the network.
        preprocessing: What the network expects of pictures.
        precision: Precision class that the identity stands for: "fp32", "bf16" or "int8".
        card: Where the model comes from, and what it must not be used for.
        figures: Measured figures by name; training writes those of its validation people.
        calibration: Which distance means the same person, or None.
        groups: Error rates by kind of person as `passerby.evaluation.groups.GroupReport` gives them, or None where
            nobody measured them.
        export: What was exported of which model, or None for a model with weights of its own.
    """

    path: Path
    identity: str
    architecture: Architecture
    preprocessing: Preprocessing
    precision: Precision
    card: ModelCard
    figures: dict[str, Any]
    calibration: Calibration | None
    groups: dict[str, Any] | None = None
    export: ExportRecord | None = None

    def load_network(self) -> ReidNetwork:
        """Build the network and load its weights.

        Raises:
            BundleError: The weights are not those of the architecture, or changed since the bundle was verified, or
                there are none, since it is an export.
        """
        if self.export is not None:
            raise BundleError(
                f"{self.path}: expected a model with weights, got one exported to {self.export.format}, which has "
                "none that torch could train or export; name the model that it was made of"
            )
        network = ReidNetwork(self.architecture)
        network.load_weights(load_tensors(_verified_weights(self.path, self.identity)), str(self.path))
        return network

    def identity_in(self, precision: Literal["fp32", "bf16"]) -> str:
        """The identity of these weights at a precision, which is part of what an identity is the hash of."""
        if precision == self.precision:
            return self.identity
        return _identity({**read_json(self.path / _MODEL), "precision": precision})


def save_bundle(
    path: Path | str,
    network: ReidNetwork,
    preprocessing: Preprocessing,
    card: ModelCard,
    figures: dict[str, Any] | None = None,
    calibration: Calibration | None = None,
    *,
    groups: dict[str, Any] | None = None,
    replace: bool = False,
) -> Bundle:
    """Write a bundle, whole or not at all.

    Args:
        path: Its folder.
        network: Whose weights to keep.
        preprocessing: What the network expects.
        card: Where it comes from.
        figures: What was measured, by data set.
        calibration: Which distance means the same person.
        groups: Error rates by kind of person, as `GroupReport.to_dict` gives them.
        replace: Whether a bundle that stands there already may be replaced. Nothing else ever is.

    Raises:
        BundleError: Something stands there that may not be replaced.
        MachineError: The disk is full or cannot be written to.
    """
    path = Path(path)
    check_replaceable(path, replace)
    weights = save_tensors({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()})
    model = _Model(
        format=_FORMAT,
        identity="",
        architecture=network.architecture,
        preprocessing=preprocessing,
        precision="fp32",
        weights_sha256=hashlib.sha256(weights).hexdigest(),
    )
    model = model.model_copy(update={"identity": _identity(model.model_dump(mode="json"))})
    with atomic_path(path) as folder:
        folder.mkdir()
        (folder / _WEIGHTS).write_bytes(weights)
        write_json(folder / _MODEL, model.model_dump(mode="json"))
        _write_known(folder, model.identity, card, figures, groups, calibration)
    return load_bundle(path)


def complete_export(folder: Path, source: Bundle, record: ExportRecord) -> None:
    """Write everything of an exported bundle but its network, which stands in the folder already.

    An fp32 export has the identity of its source, for its embeddings are the same. Others have their own: in bf16
    that of the source's weights at this precision, whatever the format; in INT8 that of the very file.

    Args:
        folder: Where the network's files are.
        source: The model that was exported.
        record: What was exported.
    """
    content = read_json(source.path / _MODEL)
    calibration = source.calibration
    if record.precision != "fp32":
        content["precision"] = record.precision
        if record.precision == "int8":
            content["weights_sha256"] = content_hash(record.files)
        content["identity"] = _identity(content)
        if calibration is not None:
            calibration = replace(calibration, source=f"{calibration.source}, by this model in fp32")
    write_json(folder / _MODEL, content)
    write_sealed(folder / _EXPORT, content["identity"], record.model_dump(mode="json"))
    _write_known(folder, content["identity"], source.card, source.figures, source.groups, calibration)


def _write_known(
    folder: Path,
    identity: str,
    card: ModelCard,
    figures: dict[str, Any] | None,
    groups: dict[str, Any] | None,
    calibration: Calibration | None,
) -> None:
    """Write what is known of a model beside it."""
    write_sealed(folder / _CARD, identity, card.model_dump(mode="json"))
    if figures:
        write_sealed(folder / _FIGURES, identity, figures)
    if groups is not None:
        write_sealed(folder / _GROUPS, identity, groups, compact=True)  # by far the longest
    if calibration is not None:
        write_sealed(folder / _CALIBRATION, identity, asdict(calibration))


def check_replaceable(path: Path, replace: bool) -> None:
    """Check that a bundle may be written to `path`, before any work is done for it.

    Raises:
        BundleError: A bundle stands there and `replace` is False, or something that is no bundle does.
    """
    if path.is_dir():
        found = {child.name for child in path.iterdir()}
        strange = sorted(found - _FILES if _MODEL in found else found)
        if strange:
            raise BundleError(f"{path}: expected a new folder or a bundle, got one that holds {strange[0]}")
        if found and not replace:
            raise BundleError(f"{path}: a bundle stands there already; use --force to replace it")
    elif path.exists():
        raise BundleError(f"{path}: expected a folder for the bundle, got a file")


def load_bundle(path: Path | str) -> Bundle:
    """Read a bundle and verify every file in it.

    Raises:
        BundleError: It is missing, incomplete, damaged, of a newer format, or its files are not of one model.
    """
    path = Path(path)
    if not (path / _MODEL).is_file():
        what = "a folder without it" if path.is_dir() else "a file" if path.exists() else "nothing there"
        raise BundleError(f"{path}: expected a model bundle (a folder with {_MODEL}), got {what}")
    model = _read_model(path)
    exported = read_sealed(path / _EXPORT, model.identity)
    export = None if exported is None else validated(ExportRecord, exported, path / _EXPORT)
    if export is None:
        _verified_weights(path, model.identity, model.weights_sha256)
    else:
        export.verify(path)
    calibration = read_sealed(path / _CALIBRATION, model.identity)
    card = read_sealed(path / _CARD, model.identity)
    if card is None:
        raise BundleError(f"{path}: expected {_CARD}, got none; get the bundle again")
    return Bundle(
        path=path,
        identity=model.identity,
        architecture=model.architecture,
        preprocessing=model.preprocessing,
        precision=model.precision,
        card=validated(ModelCard, card, path / _CARD),
        figures=read_sealed(path / _FIGURES, model.identity) or {},
        calibration=None if calibration is None else validated(Calibration, calibration, path / _CALIBRATION),
        groups=read_sealed(path / _GROUPS, model.identity),
        export=export,
    )


def write_calibration(bundle: Bundle, calibration: Calibration) -> None:
    """Put a calibration beside a bundle, in place of the one that is there; the identity stays as it is.

    Raises:
        BundleError: Another model has taken the bundle's place since it was loaded.
    """
    _require_same(bundle.path, bundle.identity)
    write_sealed(bundle.path / _CALIBRATION, bundle.identity, asdict(calibration))


def _read_model(path: Path) -> _Model:
    """The content of a bundle's `bundle.json`, checked against its identity."""
    content = read_json(path / _MODEL)
    if not isinstance(content, dict):
        raise BundleError(f"{path / _MODEL}: it is damaged (no keys and values); get the bundle again")
    if content.get("format", _FORMAT) != _FORMAT:
        raise BundleError(f"{path}: expected bundle format {_FORMAT}, got {content['format']}; use a newer Passerby")
    model = validated(_Model, content, path / _MODEL)
    if _identity(content) != model.identity:
        raise BundleError(f"{path / _MODEL}: its content does not match its identity; get the bundle again")
    return model


def _identity(content: Mapping[str, Any]) -> str:
    """The hash of `bundle.json` as it was written, so that fields which later versions add change no identity."""
    return content_hash({name: value for name, value in content.items() if name != "identity"})


def _verified_weights(path: Path, identity: str, expected: str | None = None) -> bytes:
    """The bytes of the weights, checked against the hash that `bundle.json` names."""
    if expected is None:
        expected = _require_same(path, identity).weights_sha256
    try:
        weights = (path / _WEIGHTS).read_bytes()
    except FileNotFoundError as error:
        raise BundleError(f"{path}: expected {_WEIGHTS}, got none; get the bundle again") from error
    found = hashlib.sha256(weights).hexdigest()
    if found != expected:
        raise BundleError(
            f"{path / _WEIGHTS}: expected SHA-256 {expected[:12]}…, got {found[:12]}…: it is damaged or was "
            "changed; get the bundle again"
        )
    return weights


def _require_same(path: Path, identity: str) -> _Model:
    model = _read_model(path)
    if model.identity != identity:
        raise BundleError(f"{path}: another model took its place since it was loaded; load it again")
    return model
