"""Stages of a backbone that keep their weights: for some epochs, or for the whole training."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from passerby.errors import RecipeError
from passerby.models.backbones import Backbone


class Freeze(BaseModel):
    """Which stages of the backbone keep the weights that they began with, and how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stages: int | Literal["all"] = Field(
        0, description="How many of the backbone's stages, from the input on; all: the whole backbone."
    )
    epochs: int | None = Field(None, ge=1, description="For how many epochs from the first; null: for all.")

    def count(self, backbone: Backbone) -> int:
        """How many stages of this backbone are meant.

        Raises:
            RecipeError: It has not so many.
        """
        there = len(backbone.stages())
        wanted = there if self.stages == "all" else self.stages
        if not 0 <= wanted <= there:
            raise RecipeError(
                f"freeze.stages: expected 0 to {there}, the stages of this backbone, or all, got {wanted}"
            )
        return wanted


class Freezer:
    """Freezes and thaws stages. A frozen stage learns nothing, and its batch norms keep their statistics."""

    def __init__(self, freeze: Freeze, backbone: Backbone) -> None:
        """Find the parts.

        Raises:
            RecipeError: The backbone has not so many stages.
        """
        names = [name for stage in backbone.stages()[: freeze.count(backbone)] for name in stage]
        self._epochs = freeze.epochs
        self._modules = [module for name, module in backbone.named_modules() if name in names]
        # What was never to learn is not thawed either.
        self._parameters = [
            parameter
            for name, parameter in backbone.named_parameters()
            if parameter.requires_grad and any(belongs(name, part) for part in names)
        ]

    def apply(self, epoch: int) -> None:
        """Freeze or thaw for an epoch, from 0; call it after `train()`, which would set batch norms going."""
        frozen = self._epochs is None or epoch < self._epochs
        for parameter in self._parameters:
            parameter.requires_grad_(not frozen)
        if frozen:
            for module in self._modules:
                module.eval()


def belongs(name: str, part: str) -> bool:
    """Whether a parameter's dotted name is that of a part, or of something in it."""
    return name == part or name.startswith(f"{part}.")
