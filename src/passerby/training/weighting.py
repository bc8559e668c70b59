"""How the losses of a recipe are weighed against each other: as it says, as training learns, or as they fall."""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

_LEAST_LOG_VARIANCE = -4.0
"""Or a loss that is learnt to 0 would get an endless weight."""


class Weighting(BaseModel):
    """Fixed weights, learnt ones, or ones that follow how quickly losses fall."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["fixed", "learnt", "dynamic"] = Field(
        "fixed", description="Weights as given; learnt, by uncertainty; or dynamic, more for what falls slowly."
    )
    losses: tuple[str, ...] = Field(
        (), description="Names of the losses whose weights are not fixed; empty: all of them."
    )
    temperature: float = Field(2.0, gt=0, description="T of dynamic weights: the larger, the more even.")

    def build(self, names: Sequence[str], weights: Sequence[float]) -> "WeightedSum":
        """Make the sum of losses of these names and fixed factors."""
        free = [not self.losses or name in self.losses for name in names]
        if self.kind == "learnt":
            return UncertaintyWeighted(weights, free)
        if self.kind == "dynamic":
            return DynamicallyWeighted(weights, free, self.temperature)
        return WeightedSum(weights)


class WeightedSum(nn.Module):
    """`Σ w_i L_i` with fixed w."""

    def __init__(self, weights: Sequence[float]) -> None:
        """Take the w."""
        super().__init__()
        self.register_buffer("weights", torch.tensor(weights, dtype=torch.float32), persistent=False)

    weights: Tensor

    def forward(self, losses: Tensor, counting: Tensor) -> Tensor:
        """Add up (n,) losses, of which (n,) bool `counting` says which have begun."""
        return (self.weights * losses).sum()

    def end_epoch(self, means: Tensor) -> None:
        """Hear the (n,) mean losses of an epoch that has ended."""


class UncertaintyWeighted(WeightedSum):
    """`Σ w_i (e^{-s_i} L_i + s_i / 2)`, s the learnt logarithm of each loss's variance (Kendall et al., CVPR 2018).

    A loss that stays large gets a smaller weight; s begins at 0, where weights are the fixed ones.
    """

    def __init__(self, weights: Sequence[float], free: Sequence[bool]) -> None:
        """Take the w, and which losses have an s."""
        super().__init__(weights)
        self.register_buffer("free", torch.tensor(free), persistent=False)
        self.log_variances = nn.Parameter(torch.zeros(len(weights)))

    free: Tensor

    def forward(self, losses: Tensor, counting: Tensor) -> Tensor:
        """Add up (n,) losses, of which (n,) bool `counting` says which have begun."""
        log_variances = self.log_variances.clamp(min=_LEAST_LOG_VARIANCE)
        weighed = torch.exp(-log_variances) * losses + 0.5 * log_variances
        weighed = torch.where(self.free, weighed, losses)
        return (self.weights * torch.where(counting, weighed, torch.zeros_like(weighed))).sum()


class DynamicallyWeighted(WeightedSum):
    """`Σ w_i λ_i L_i` with `λ = n · softmax(r / T)`, r the ratio of a loss to itself an epoch before.

    Dynamic weight averaging (Liu et al., CVPR 2019, equation 7): what falls slowly gets more. λ begins at 1 and keeps
    that for two epochs.
    """

    def __init__(self, weights: Sequence[float], free: Sequence[bool], temperature: float) -> None:
        """Take the w, which losses have a λ, and T."""
        super().__init__(weights)
        self._free = torch.tensor(free)
        self._temperature = temperature
        self.register_buffer("factors", torch.ones(len(weights)))
        self.register_buffer("before", torch.zeros(len(weights)))

    factors: Tensor
    before: Tensor

    def forward(self, losses: Tensor, counting: Tensor) -> Tensor:
        """Add up (n,) losses, of which (n,) bool `counting` says which have begun."""
        return (self.weights * self.factors * losses).sum()

    @torch.no_grad()
    def end_epoch(self, means: Tensor) -> None:
        """Weigh the next epoch by how far losses fell in this one; what had not begun before has a ratio of 1."""
        means = means.to(self.before)
        began = (self.before > 0) & (means > 0)
        ratios = torch.where(began, means / self.before.clamp(min=1e-12), torch.ones_like(means))
        free = self._free.to(means.device)
        if bool(began.any()):
            self.factors[free] = int(free.sum()) * torch.softmax(ratios[free] / self._temperature, 0)
        self.before = means
