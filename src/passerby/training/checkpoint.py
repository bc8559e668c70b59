"""The state of an unfinished training in one file, from which it goes on as if it had never stopped.

All random choices of a step come from the seed, the epoch and the step, so no generator has a state to keep.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from passerby.atomic import atomic_path
from passerby.errors import BundleError
from passerby.training.learner import Learner


@dataclass(frozen=True)
class Progress:
    """How far a training has come, and what has to agree when it goes on.

    Attributes:
        recipe: The recipe, as JSON-like values.
        data: Fingerprint of the data set.
        epoch: Epochs done.
        step: Steps done of the epoch that comes next.
        sums: Of the epoch that comes next: each loss summed over its steps.
        best: The best validation mAP so far, or None.
        rows: The log so far, a row per epoch.
        seconds: Wall time of all runs so far.
        cpu_seconds: Processor time of all runs so far.
    """

    recipe: dict[str, Any]
    data: str
    epoch: int = 0
    step: int = 0
    sums: tuple[float, ...] = ()
    best: float | None = None
    rows: tuple[dict[str, Any], ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def after_step(self, losses: Sequence[float]) -> "Progress":
        """One step further, with its losses."""
        sums = self.sums or (0.0,) * len(losses)
        return replace(self, step=self.step + 1, sums=tuple(a + b for a, b in zip(sums, losses, strict=True)))

    def mean_losses(self) -> list[float]:
        """Each loss averaged over the epoch's steps so far."""
        return [total / self.step for total in self.sums]

    def after_epoch(self, row: dict[str, Any]) -> "Progress":
        """One epoch further, with its row of the log, to which the times are added."""
        row = row | {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds}
        return replace(self, epoch=self.epoch + 1, step=0, sums=(), rows=(*self.rows, row))

    def measurements_since_best(self) -> int:
        """How many measurements in a row have not been better than the best one before them."""
        measured = [row["mean_ap"] for row in self.rows if "mean_ap" in row]
        return len(measured) - 1 - measured.index(max(measured)) if measured else 0


def save_checkpoint(path: Path, progress: Progress, learner: Learner) -> None:
    """Write everything that the next step depends on, whole or not at all.

    Raises:
        MachineError: The disk is full or cannot be written to; the file that stood there is untouched.
    """
    tensors = {
        f"{part}.{name}": tensor
        for part, module in learner.modules().items()
        for name, tensor in module.state_dict().items()
    }
    for index, entries in learner.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in entries.items()}
    contents = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # By way of memory, because only Python's own writing tells a full disk from other failures.
    content = save(contents, metadata={"progress": json.dumps(asdict(progress))})
    with atomic_path(path) as written:
        written.write_bytes(content)


def read_progress(path: Path) -> Progress:
    """How far the training of a checkpoint has come.

    Raises:
        BundleError: The file is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            content = json.loads(file.metadata()["progress"])
        content["sums"] = tuple(content["sums"])
        content["rows"] = tuple(content["rows"])
        return Progress(**content)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path}: the checkpoint is damaged; train anew with --force") from error


def restore(path: Path, learner: Learner) -> None:
    """Put a checkpoint's tensors back where they came from, on whatever device that is now.

    Raises:
        BundleError: The file is damaged or of another recipe.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        for part, module in learner.modules().items():
            module.load_state_dict(_under(f"{part}.", tensors))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("optimizer.", tensors).items():
            index, _, entry = name.partition(".")
            state.setdefault(int(index), {})[entry] = tensor
        optimizer = learner.optimizer
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        for parameter, entries in optimizer.state.items():
            for name, value in entries.items():
                # Laid out as the parameter is, or every later step would have to reorder it.
                if value.shape == parameter.shape and parameter.ndim == 4:
                    entries[name] = value.contiguous(memory_format=torch.channels_last)
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise BundleError(f"{path}: the checkpoint is damaged; train anew with --force") from error


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
