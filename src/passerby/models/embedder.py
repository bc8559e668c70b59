"""The contract between research and product: person crops in, unit vectors out."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from PIL import Image

from passerby.data.images import ImageSource
from passerby.data.loader import PictureStore
from passerby.models.bundle import Bundle, load_bundle
from passerby.models.engines.engine import Engine
from passerby.models.engines.torch_engine import TorchEngine, choose_device
from passerby.models.inference import InferenceGraph
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


class EngineEmbedder:
    """The embedder that runs a bundle's network with some engine.

    Attributes:
        bundle: The model.
        identity: The bundle's identity.
        dimension: D.
        engine: What runs the network.
        remarks: What the choice of the engine had to leave undone, in sentences; mostly none.
    """

    def __init__(self, bundle: Bundle, engine: Engine, batch_size: int = 64, remarks: tuple[str, ...] = ()) -> None:
        """Put the two together.

        Args:
            bundle: The model.
            engine: What runs its network.
            batch_size: Pictures that run at once.
            remarks: What the choice of the engine had to leave undone.
        """
        self.bundle = bundle
        self.identity = bundle.identity
        self.dimension = engine.dimension
        self.engine = engine
        self.remarks = remarks
        self._batch_size = batch_size

    @property
    def backend(self) -> str:
        """What runs the network, and in which precision, such as "OpenVINO 2025.0, int8"."""
        return f"{self.engine.name}, {self.engine.precision}"

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
        size = self.bundle.preprocessing.height, self.bundle.preprocessing.width
        store = PictureStore(_as_list(images), *size, keep_decoded=False)
        known = None if cameras is None else self.bundle.architecture.transformer.camera_rows(cameras)
        return embed_store(self.engine, store, self._batch_size, progress, known)


class TorchEmbedder(EngineEmbedder):
    """The embedder that runs a bundle's weights with torch.

    Attributes:
        device: Where it runs.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        batch_size: int = 64,
        *,
        precision: Literal["fp32", "bf16"] = "fp32",
        compile: bool = False,
    ) -> None:
        """Load the network.

        Args:
            bundle: The model.
            device: "cpu", "cuda", "cuda:1", …; "auto" takes a GPU where torch sees one.
            batch_size: Pictures that run at once.
            precision: What it computes in. In bf16 its embeddings are another model's, with another identity.
            compile: Whether torch compiles the network first.

        Raises:
            BundleError: The weights are damaged.
            PasserbyError: There is no such device.
        """
        self.device = choose_device(device)
        graph = InferenceGraph(bundle.load_network(), bundle.preprocessing)
        super().__init__(bundle, TorchEngine(graph, self.device, precision, compile=compile), batch_size)
        self.identity = bundle.identity_in(precision)


def embed_pictures(
    network: ReidNetwork,
    store: PictureStore,
    preprocessing: Preprocessing,
    batch_size: int = 64,
    progress: Progress | None = None,
    cameras: Sequence[int] | None = None,
) -> FloatArray:
    """Embed all pictures of a store with a network, where it is, in fp32: (N, D) float32, rows of length 1."""
    known = None if cameras is None else network.architecture.transformer.camera_rows(cameras)
    engine = TorchEngine(InferenceGraph(network, preprocessing), next(network.parameters()).device)
    return embed_store(engine, store, batch_size, progress, known)


def embed_store(
    engine: Engine,
    store: PictureStore,
    batch_size: int = 64,
    progress: Progress | None = None,
    cameras: torch.Tensor | None = None,
) -> FloatArray:
    """Embed all N pictures of a store: (N, D) float32, rows of length 1.

    Args:
        engine: What embeds them.
        store: Pictures of the engine's size.
        batch_size: Pictures that run at once.
        progress: Told how many are done, and of how many.
        cameras: (N,) int64, rows of the camera embedding.
    """
    embeddings = np.empty((len(store), engine.dimension), np.float32)
    order = np.split(np.arange(len(store)), range(batch_size, len(store), batch_size)) if len(store) else []
    done = 0
    for batch in store.batches(order):
        rows = None if cameras is None else cameras[done : done + len(batch)]
        embeddings[done : done + len(batch)] = engine(batch.permute(0, 2, 3, 1), rows)
        done += len(batch)
        if progress is not None:
            progress(done, len(store))
    return embeddings


def load_embedder(
    name_or_path: str | os.PathLike[str], device: str = "auto", batch_size: int = 64, backend: str = "auto"
) -> EngineEmbedder:
    """Load a model and make it ready to embed.

    Args:
        name_or_path: A bundle's folder, or the name of a model that `passerby models` lists.
        device: "auto", "cpu", "cuda", …
        batch_size: Pictures that run at once.
        backend: "torch", "onnxruntime" or "openvino"; "auto" takes the fastest that is installed. All use as many
            threads as torch does.

    Returns:
        The embedder, whose `backend` says what was taken, and whose `remarks` say what could not be.

    Raises:
        BundleError: There is no such model, or it is damaged.
        MissingExtraError: The backend, or what an export needs, is not installed.
        PasserbyError: There is no such device or backend, or the backend cannot run this model there.
    """
    # Only here, since backends make exports, which embed to see whether they are right.
    from passerby.models.backends import open_engine

    bundle = load_bundle(find_bundle(Path(name_or_path)))
    engine, remarks = open_engine(bundle, backend, device)
    return EngineEmbedder(bundle, engine, batch_size, remarks)


def _as_list(images: Iterable[ImageSource] | ImageSource) -> list[ImageSource]:
    single = isinstance(images, str | os.PathLike | Image.Image) or hasattr(images, "read")
    if single or (isinstance(images, np.ndarray) and images.ndim == 3):
        return [images]  # type: ignore[list-item]
    return list(images)  # type: ignore[arg-type]
