"""Running embeddings of the training people, by which those are found who are hard to tell apart."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from passerby.types import FloatArray


class RunningEmbeddings(nn.Module):
    """A running mean of each person's unit embeddings.

    An epoch's batches are drawn by the means at its start, which are kept, so that a training that was interrupted in
    the middle of an epoch draws the same batches again.
    """

    now: Tensor
    at_start: Tensor

    def __init__(self, people: int, dimension: int, momentum: float = 0.9) -> None:
        """Begin at 0; `momentum` of a mean stays at each step."""
        super().__init__()
        self.register_buffer("now", torch.zeros(people, dimension))
        self.register_buffer("at_start", torch.zeros(people, dimension))
        self._momentum = momentum

    def begin_epoch(self) -> None:
        """Keep the means of this moment for the epoch's batches."""
        self.at_start.copy_(self.now)

    @torch.no_grad()
    def follow(self, embeddings: Tensor, labels: Tensor) -> None:
        """Move each person of a batch towards the mean of their (B, D) embeddings; (B,) int64 labels."""
        unit = F.normalize(embeddings.float())
        for person in torch.unique(labels).tolist():
            mean = unit[labels == person].mean(0)
            seen = bool(self.now[person].any())
            self.now[person] = self._momentum * self.now[person] + (1 - self._momentum) * mean if seen else mean

    def drawn_by(self) -> FloatArray:
        """(people, D) float32, by which this epoch's batches are drawn; zeros in the first epoch."""
        means: FloatArray = self.at_start.cpu().numpy()
        return means
