"""Optimizers by name."""

from collections.abc import Iterable
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn


class Optimizer(BaseModel):
    """How gradients become steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["adamw", "adam", "sgd"] = Field("adamw", description="AdamW, Adam, or SGD with momentum.")
    learning_rate: float = Field(3.5e-4, gt=0, description="The full one, which the schedule scales.")
    weight_decay: float = Field(5e-4, ge=0, description="On weights; biases and normalisation have none.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Of SGD.")

    def build(self, modules: Iterable[nn.Module]) -> torch.optim.Optimizer:
        """Make the optimizer of all trainable parameters of some modules."""
        parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        if self.kind == "sgd":
            return torch.optim.SGD(groups, lr=self.learning_rate, momentum=self.momentum)
        kind = torch.optim.AdamW if self.kind == "adamw" else torch.optim.Adam
        return kind(groups, lr=self.learning_rate)
