"""What a recipe says of every loss."""

from abc import ABC, abstractmethod
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

Space: TypeAlias = Literal["raw", "neck", "unit"]
"""Which embeddings a loss sees: as pooling leaves them, behind the neck, or those scaled to length 1."""


class LossSpec(BaseModel, ABC):
    """A loss as a recipe describes it. Its module takes `(embeddings, labels)` and returns one scalar."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(description="Which loss.")
    space: Space = Field(description="Which embeddings it sees.")
    weight: float = Field(1.0, ge=0, description="Factor in the sum of all losses.")
    from_epoch: int = Field(0, ge=0, description="First epoch in which it counts; 0 is the first of all.")

    @abstractmethod
    def build(self, dimension: int, classes: int) -> nn.Module:
        """Make the loss for embeddings of that dimension and that many training people.

        The module takes (B, dimension) float32 embeddings and (B,) int64 labels from 0 to classes - 1.
        """
