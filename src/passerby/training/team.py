"""Several processes that train one network together, as torchrun starts them; alone, a team of one.

Each process takes its part of every batch through the network. Embeddings are gathered, so that the losses see the
whole batch, as they would in one process: hard mining finds the same triplets. Batch norms take their statistics over
the whole batch too. The loss that counts is the mean of all processes' losses, which are the same, and every gradient
is summed over the processes, so that a step is that of one process up to rounding.
"""

import atexit
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

from passerby.errors import RecipeError
from passerby.models.engines.torch_engine import choose_device
from passerby.models.network import Features

_PATIENCE = timedelta(hours=2)
"""How long processes wait for one another: the first one measures while the others wait."""

_VARIABLES = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
"""What torchrun tells each process by the environment, and what holds without torchrun."""


@dataclass(frozen=True)
class Team:
    """One process among those that train together.

    Attributes:
        rank: Its number, from 0; the first one writes, measures and tells.
        size: How many there are.
        device: Where it computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes, measures and tells."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """Which of `count` pictures of a batch are this process's.

        Raises:
            RecipeError: They cannot be shared out evenly.
        """
        if count % self.size:
            raise RecipeError(
                f"expected batches that {self.size} processes can share evenly, got {count} pictures; change "
                "batch.people or batch.pictures"
            )
        share = count // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def gather(self, features: Features) -> Features:
        """The embeddings of the whole batch, through which gradients flow back to whoever made them."""
        if self.size == 1:
            return features

        def whole(tensor: Tensor) -> Tensor:
            return _gather(tensor.contiguous()).flatten(0, 1)

        maps, masks = (tuple(map(whole, tensors)) for tensors in (features.maps, features.masks))
        return Features(whole(features.raw), whole(features.neck), maps, masks)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its sum over all processes."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        together = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(together)
        totals = torch.split(together, [gradient.numel() for gradient in gradients])
        for gradient, total in zip(gradients, totals, strict=True):
            gradient.copy_(total.view(gradient.shape))

    def any(self, here: bool) -> bool:
        """Whether something is so in any of the processes."""
        if self.size == 1:
            return here
        flag = torch.tensor(int(here), device=self.device)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag.item())

    def from_leader(self, values: Sequence[float]) -> list[float]:
        """The leader's values, of which there must be as many in every process."""
        if self.size == 1:
            return list(values)
        told = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.broadcast(told, 0)
        return [float(value) for value in told.tolist()]

    def wait(self) -> None:
        """Go on when all processes have come here."""
        if self.size > 1:
            dist.barrier()


def join_team(device: str) -> Team:
    """Join the processes that torchrun started with this one; without torchrun, be a team of one.

    Processes join once and stay together until they end: torch cannot part them and bring them together again.

    Args:
        device: "auto", "cpu", "cuda", …; of several processes, each takes the GPU of its own number.

    Raises:
        PasserbyError: There is no such device, or no GPU for each process.
    """
    rank, size, local = (int(os.environ.get(name, default)) for name, default in _VARIABLES.items())
    chosen = choose_device(device)
    if size == 1:
        return Team(0, 1, chosen)
    if chosen.type == "cuda" and chosen.index is None:
        chosen = choose_device(f"cuda:{local}")
        torch.cuda.set_device(chosen)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=_PATIENCE)
        atexit.register(dist.destroy_process_group)
    return Team(rank, size, chosen)


def leads() -> bool:
    """Whether this process is the first of those that torchrun started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def synchronise(module: nn.Module) -> None:
    """Put batch norms that see the whole batch in place of those that see this process's part of it.

    They hold the same parameters and buffers under the same names.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            setattr(module, name, SynchronisedBatchNorm(child))
        else:
            synchronise(child)


class SynchronisedBatchNorm(nn.Module):
    """Batch norm whose statistics are those of all processes' parts together, on CPUs and GPUs alike.

    Torch's own, `SyncBatchNorm`, runs on GPUs only. Means and variances of parts of one size combine as
    `mean(m_i)` and `mean(v_i + (m_i - m)²)` (Chan et al., 1979), which does not lose digits as a difference of large
    sums would.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        """Take over parameters and buffers."""
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        for name, buffer in norm.named_buffers():
            self.register_buffer(name, buffer)
        self._eps = norm.eps
        self._momentum = 0.1 if norm.momentum is None else norm.momentum

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise B×C or B×C×H×W values per channel."""
        if not self.training:
            statistics = (self.running_mean, self.running_var)
            return F.batch_norm(maps, *statistics, self.weight, self.bias, eps=self._eps)
        values = maps if maps.dtype == torch.float64 else maps.float()
        others = [0, *range(2, maps.ndim)]
        parts = _gather(torch.stack([values.mean(others), values.var(others, correction=0)]))
        mean = parts[:, 0].mean(0)
        variance = (parts[:, 1] + (parts[:, 0] - mean).square()).mean(0)
        with torch.no_grad():
            count = parts.shape[0] * maps.numel() / maps.shape[1]
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), self._momentum)
            self.running_var.lerp_((variance * count / max(1, count - 1)).to(self.running_var.dtype), self._momentum)
            self.num_batches_tracked += 1
        scale = self.weight * (variance + self._eps).rsqrt()
        shape = (1, -1, *(1 for _ in others[1:]))
        normalised = values * scale.view(shape) + (self.bias - mean * scale).view(shape)
        return normalised.to(maps.dtype)


class _Gather(torch.autograd.Function):
    """Every process's tensor, stacked; a process's gradient is the sum of what all processes make of its tensor."""

    @staticmethod
    def forward(ctx: FunctionCtx, tensor: Tensor) -> Tensor:
        gathered = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
        dist.all_gather(gathered, tensor)
        return torch.stack(gathered)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total[dist.get_rank()]


def _gather(tensor: Tensor) -> Tensor:
    """(…) in each process to (processes, …) in all of them, differentiable."""
    gathered = _Gather.apply(tensor.contiguous())  # type: ignore[no-untyped-call]  # so in torch's stubs
    assert isinstance(gathered, Tensor)
    return gathered
