"""What a training knows of each picture of a batch."""

from dataclasses import dataclass

from torch import Tensor

from passerby.losses.distance import all_pairs


@dataclass(frozen=True)
class Targets:
    """The answers that losses are told, for B pictures.

    Attributes:
        people: (B,) int64, training people from 0.
        cameras: (B,) int64, training cameras from 0, -1 unknown; None where no loss asks.
        attributes: (B, A) float32 of 0 and 1; None where no loss asks.
        sampled_pairs: (M, 2) int64, the pairs that the sampler drew; None where it drew none.
    """

    people: Tensor
    cameras: Tensor | None = None
    attributes: Tensor | None = None
    sampled_pairs: Tensor | None = None

    def pairs(self) -> Tensor:
        """(M, 2) int64 rows: the sampler's pairs, else every pair of the batch once."""
        if self.sampled_pairs is not None:
            return self.sampled_pairs
        return all_pairs(len(self.people), self.people.device)
