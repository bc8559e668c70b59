"""The learning rate as a pure function of how far training has come."""

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Schedule(BaseModel):
    """Linear warm-up, then a cosine to a floor, steps, or a constant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["cosine", "step", "constant"] = Field("cosine", description="What follows the warm-up.")
    warmup_epochs: float = Field(0, ge=0, description="Epochs until the full learning rate.")
    warmup_factor: float = Field(0.01, ge=0, le=1, description="Where warm-up starts.")
    milestones: tuple[float, ...] = Field((), description="Epochs at which a stepped rate falls.")
    gamma: float = Field(0.1, gt=0, le=1, description="By which factor it falls.")
    floor: float = Field(0.001, ge=0, le=1, description="Where the cosine ends.")


def learning_rate_factor(schedule: Schedule, epoch: float, epochs: int) -> float:
    """The factor on the base learning rate.

    Args:
        schedule: Its form.
        epoch: Epochs done, with fractions: 0 at the first step.
        epochs: All epochs.

    >>> learning_rate_factor(Schedule(kind="step", milestones=(40, 70)), 50, 120)
    0.1
    """
    if epoch < schedule.warmup_epochs:
        return schedule.warmup_factor + (1 - schedule.warmup_factor) * epoch / schedule.warmup_epochs
    if schedule.kind == "step":
        return float(schedule.gamma ** sum(epoch >= milestone for milestone in schedule.milestones))
    if schedule.kind == "cosine":
        done = (epoch - schedule.warmup_epochs) / max(1e-9, epochs - schedule.warmup_epochs)
        return schedule.floor + (1 - schedule.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return 1.0
