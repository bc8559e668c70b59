"""What an embedding is computed by, from uint8 pictures to unit vectors: the same graph for every engine."""

import torch
from torch import Tensor, nn
from torch.jit._trace import is_tracing
from torch.nn import functional as F

from passerby.data.transforms import normalise
from passerby.models.network import ReidNetwork
from passerby.models.preprocessing import Preprocessing


class InferenceGraph(nn.Module):
    """A network with its preprocessing before it, and the mean over mirror images and unit length behind it.

    Attributes:
        network: The network, in evaluation mode.
        preprocessing: What it expects of pictures, which come in its height and width.
        dimension: D of the embedding.
        takes_cameras: Whether it has a camera embedding, and so takes the rows of the pictures' cameras too.
    """

    def __init__(self, network: ReidNetwork, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network = network.eval()
        self.preprocessing = preprocessing
        self.dimension = network.dimension
        options = network.architecture.transformer
        self.takes_cameras = options.camera_weight > 0 and len(options.cameras) > 0
        self.eval()

    def forward(self, pictures: Tensor, cameras: Tensor | None = None) -> Tensor:
        """Embed B pictures: (B, D) float32, each row of length 1.

        Args:
            pictures: B×H×W×3 RGB uint8, as decoders leave them.
            cameras: (B,) int64, rows of the camera embedding, -1 for unknown ones; other networks look at none.
        """
        normalised = self._normalise(pictures.permute(0, 3, 1, 2))
        if not self.preprocessing.mirror:
            return self._embed(normalised, cameras)
        # Both in one batch: one picture and its mirror image then run at the speed of two at once.
        twice = None if cameras is None else torch.cat([cameras, cameras])
        both = self._embed(torch.cat([normalised, normalised.flip(3)]), twice)
        return F.normalize(both.view(2, -1, self.dimension).sum(0))

    def _embed(self, normalised: Tensor, cameras: Tensor | None) -> Tensor:
        # Exporters see by the last step that there are as many numbers for every picture.
        return F.normalize(self.network(normalised, cameras).neck.float()).view(-1, self.dimension)

    def _normalise(self, pictures: Tensor) -> Tensor:
        """B×3×H×W uint8 to float32."""
        mean, std = self.preprocessing.mean, self.preprocessing.std
        if not (is_tracing() or torch.compiler.is_compiling()):  # type: ignore[no-untyped-call]
            return normalise(pictures, mean, std)
        # Exported graphs take one factor a channel; their engines make that quick by themselves.
        means, deviations = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (mean, std))
        return (pictures.float() - means.to(pictures.device)) / deviations.to(pictures.device)
