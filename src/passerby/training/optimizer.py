"""Optimizers by name, and how fast each part of a network learns."""

from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from passerby.errors import RecipeError
from passerby.models.network import ReidNetwork
from passerby.training.freezing import belongs

MULTIPLIER = "multiplier"
"""Under this name each group of an optimizer's parameters holds its factor on the learning rate."""


class Optimizer(BaseModel):
    """How gradients become steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["adamw", "adam", "sgd"] = Field("adamw", description="AdamW, Adam, or SGD with momentum.")
    learning_rate: float = Field(3.5e-4, gt=0, description="The full one, which the schedule scales.")
    weight_decay: float = Field(5e-4, ge=0, description="On weights; biases, normalisation and tokens have none.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Of SGD.")
    clip_norm: float | None = Field(
        None, gt=0, description="Largest norm of all gradients together; longer ones are scaled down; null: any."
    )
    accumulate: int = Field(1, ge=1, description="Batches whose mean gradient makes one step.")
    multipliers: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {}, description="Factors on the learning rate by the beginnings of parameters' names; the longest one counts."
    )
    stage_decay: float = Field(
        1.0, gt=0, le=1, description="Factor on the learning rate for each stage of the backbone, from its end on."
    )

    def build(self, modules: Iterable[nn.Module]) -> torch.optim.Optimizer:
        """Make the optimizer of all trainable parameters of some modules, in groups of one rate and weight decay.

        Raises:
            RecipeError: A multiplier names no parameter.
        """
        groups: dict[tuple[float, bool], list[nn.Parameter]] = {(1.0, True): [], (1.0, False): []}
        unused = set(self.multipliers)
        for module in modules:
            stages = module.backbone.stages() if isinstance(module, ReidNetwork) else []
            # They are added to what pictures give and multiply nothing, so nothing is gained by making them small.
            tokens = {f"backbone.{n}" for n in module.backbone.tokens()} if isinstance(module, ReidNetwork) else set()
            for name, parameter in module.named_parameters():
                prefix = max((part for part in self.multipliers if belongs(name, part)), key=len, default=None)
                unused.discard(prefix or "")
                if parameter.requires_grad:
                    factor = self.multipliers.get(prefix or "", 1.0) * self.stage_decay ** _depth(name, stages)
                    decays = parameter.ndim > 1 and name not in tokens
                    groups.setdefault((factor, decays), []).append(parameter)
        if unused:
            raise RecipeError(
                f"optimizer.multipliers: expected beginnings of parameters' names, such as backbone or losses.0, got "
                f"{sorted(unused)[0]!r}, with which none begins"
            )
        listed = [
            {"params": parameters, "weight_decay": self.weight_decay if decays else 0.0, MULTIPLIER: factor}
            for (factor, decays), parameters in groups.items()
        ]
        if self.kind == "sgd":
            return torch.optim.SGD(listed, lr=self.learning_rate, momentum=self.momentum)
        kind = torch.optim.AdamW if self.kind == "adamw" else torch.optim.Adam
        return kind(listed, lr=self.learning_rate)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set each group's rate: the given one times the group's multiplier."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group[MULTIPLIER]


def _depth(name: str, stages: list[tuple[str, ...]]) -> int:
    """How many stages from the backbone's end a network's parameter stands: 1 in the last one, 0 behind them all."""
    for number, parts in enumerate(stages):
        if any(belongs(name, f"backbone.{part}") for part in parts):
            return len(stages) - number
    return 0
