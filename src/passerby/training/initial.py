"""Where a network's weights start from."""

from pathlib import Path

from passerby.errors import BundleError
from passerby.models.bundle import load_bundle
from passerby.models.importing import import_checkpoint
from passerby.models.network import Architecture, ReidNetwork


def initial_network(architecture: Architecture, initial: Path | None) -> ReidNetwork:
    """Build a network with random weights, and where `initial` is given, with that model's backbone.

    Args:
        architecture: What to build.
        initial: A bundle's folder, or a published checkpoint's file.

    Raises:
        BundleError: The model is damaged, or of another backbone.
    """
    network = ReidNetwork(architecture)
    if initial is None:
        return network
    source = load_bundle(initial).load_network() if initial.is_dir() else import_checkpoint(initial).network
    wanted, found = architecture, source.architecture
    if (wanted.backbone, wanted.width) != (found.backbone, found.width):
        raise BundleError(
            f"{initial}: expected weights of {wanted.backbone} at width {wanted.width:g}, got those of "
            f"{found.backbone} at width {found.width:g}; use --set architecture.backbone={found.backbone}"
        )
    network.backbone.load_state_dict(source.backbone.state_dict())
    if wanted.neck == found.neck and wanted.pooling == found.pooling:
        own, other = network.neck.state_dict(), source.neck.state_dict()
        if all(own[name].shape == other[name].shape for name in own):
            network.neck.load_state_dict(other)
    return network
