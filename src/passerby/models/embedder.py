"""The contract between research and product: person crops in, unit vectors out."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from passerby.data.images import ImageSource
from passerby.data.loader import PictureStore
from passerby.data.transforms import normalise
from passerby.errors import PasserbyError
from passerby.models.bundle import Bundle, load_bundle
from passerby.models.network import ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.models.store import find_bundle
from passerby.types import FloatArray, Progress


class Embedder(Protocol):
    """Turns person crops into unit vectors.

    Attributes:
        bundle: The model, with what is known of it.
        identity: Hash of everything that decides the vectors; only vectors of one identity compare.
        dimension: D.
    """

    bundle: Bundle
    identity: str
    dimension: int

    def embed(
        self,
        images: Iterable[ImageSource] | ImageSource,
        progress: Progress | None = None,
        cameras: Sequence[int] | None = None,
    ) -> FloatArray:
        """Embed pictures of any sizes, taken by these cameras: (N, D) float32, each row of length 1."""
        ...


class TorchEmbedder:
    """The embedder that runs a bundle's network with torch, in float32.

    Attributes:
        bundle: The model.
        identity: The bundle's identity.
        dimension: D.
        device: Where it runs.
    """

    def __init__(self, bundle: Bundle, device: str = "auto", batch_size: int = 64) -> None:
        """Load the network.

        Args:
            bundle: The model.
            device: "cpu", "cuda", "cuda:1", …; "auto" takes a GPU where torch sees one.
            batch_size: Pictures that run at once.

        Raises:
            BundleError: The weights are damaged.
            PasserbyError: There is no such device.
        """
        self.bundle = bundle
        self.identity = bundle.identity
        self.device = choose_device(device)
        self._batch_size = batch_size
        self._network = bundle.load_network().eval().place(self.device)
        self.dimension = self._network.dimension

    def embed(
        self,
        images: Iterable[ImageSource] | ImageSource,
        progress: Progress | None = None,
        cameras: Sequence[int] | None = None,
    ) -> FloatArray:
        """Embed pictures of any sizes.

        Args:
            images: Paths, open binary files, H×W×3 RGB uint8 arrays or PIL images; one of them counts as a list
                of one.
            progress: Told how many are done, and of how many.
            cameras: The camera id of each picture. A model with a camera embedding makes use of those that it was
                trained on, and of the mean of all where it knows nothing; other models look at none.

        Returns:
            (N, D) float32, each row of length 1, in the order of the pictures.

        Raises:
            ImageError: A picture cannot be used.
        """
        store = PictureStore(
            _as_list(images),
            self.bundle.preprocessing.height,
            self.bundle.preprocessing.width,
            keep_decoded=False,
        )
        return embed_pictures(self._network, store, self.bundle.preprocessing, self._batch_size, progress, cameras)


def embed_pictures(
    network: ReidNetwork,
    store: PictureStore,
    preprocessing: Preprocessing,
    batch_size: int = 64,
    progress: Progress | None = None,
    cameras: Sequence[int] | None = None,
) -> FloatArray:
    """Embed all pictures of a store with a network in evaluation mode: (N, D) float32, rows of length 1."""
    known = None if cameras is None else network.architecture.transformer.camera_rows(cameras)
    device = next(network.parameters()).device
    embeddings = np.empty((len(store), network.dimension), np.float32)
    order = np.split(np.arange(len(store)), range(batch_size, len(store), batch_size)) if len(store) else []
    done = 0
    # Without TF32, which would give a GPU's "fp32" convolutions 10 bits of mantissa and other vectors than a CPU's.
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for batch in store.batches(order):
            pictures = normalise(batch.to(device), preprocessing.mean, preprocessing.std)
            rows = None if known is None else known[done : done + len(pictures)].to(device)
            vectors = F.normalize(network(pictures, rows).neck.float())
            if preprocessing.mirror:
                vectors = F.normalize(vectors + F.normalize(network(pictures.flip(3), rows).neck.float()))
            embeddings[done : done + len(vectors)] = vectors.cpu().numpy()
            done += len(vectors)
            if progress is not None:
                progress(done, len(store))
    return embeddings


def load_embedder(name_or_path: str | os.PathLike[str], device: str = "auto", batch_size: int = 64) -> TorchEmbedder:
    """Load a model and make it ready to embed.

    Args:
        name_or_path: A bundle's folder, or the name of a model that `passerby models` lists.
        device: "auto", "cpu", "cuda", …
        batch_size: Pictures that run at once.

    Raises:
        BundleError: There is no such model, or it is damaged.
    """
    return TorchEmbedder(load_bundle(find_bundle(Path(name_or_path))), device, batch_size)


def choose_device(device: str) -> torch.device:
    """The torch device of a name; "auto" is a GPU where torch sees one, else the CPU.

    Raises:
        PasserbyError: There is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise PasserbyError(f"expected a device that torch has here, such as cpu, got {device!r}") from error
    return chosen


def _as_list(images: Iterable[ImageSource] | ImageSource) -> list[ImageSource]:
    single = isinstance(images, str | os.PathLike | Image.Image) or hasattr(images, "read")
    if single or (isinstance(images, np.ndarray) and images.ndim == 3):
        return [images]  # type: ignore[list-item]
    return list(images)  # type: ignore[arg-type]
