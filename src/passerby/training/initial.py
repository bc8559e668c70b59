"""Where a network's weights start from."""

from pathlib import Path

from passerby.errors import BundleError
from passerby.models.bundle import load_bundle
from passerby.models.hub import weights_file
from passerby.models.importing import import_checkpoint
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.store import find_bundle, named_bundles


def initial_network(architecture: Architecture, initial: Path | None) -> ReidNetwork:
    """Build a network with random weights, and where `initial` is given, with that model's backbone.

    Args:
        architecture: What to build.
        initial: A bundle's folder, the name of a model, a published checkpoint's file, or a name in
            `passerby.models.hub.PUBLISHED`.

    Raises:
        BundleError: The model is damaged, or of another backbone.
        MachineError: Published weights cannot be fetched.
    """
    network = ReidNetwork(architecture)
    if initial is None:
        return network
    source = _load(initial)
    wanted, found = architecture, source.architecture
    if (wanted.backbone, wanted.width) != (found.backbone, found.width):
        raise BundleError(
            f"{initial}: expected weights of {wanted.backbone} at width {wanted.width:g}, got those of "
            f"{found.backbone} at width {found.width:g}; use --set architecture.backbone={found.backbone}"
        )
    network.backbone.adopt(source.backbone)
    if wanted.neck == found.neck and wanted.pooling == found.pooling:
        own, other = network.neck.state_dict(), source.neck.state_dict()
        if all(own[name].shape == other[name].shape for name in own):
            network.neck.load_state_dict(other)
    return network


def _load(initial: Path) -> ReidNetwork:
    """The network of a bundle or of a checkpoint, by path or by name."""
    if initial.is_dir() or (not initial.exists() and str(initial) in dict(named_bundles())):
        return load_bundle(find_bundle(initial)).load_network()
    return import_checkpoint(weights_file(initial)).network
