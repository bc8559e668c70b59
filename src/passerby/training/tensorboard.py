"""A training's figures for TensorBoard."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerby.errors import MissingExtraError
from passerby.training.reporter import Reporter

if TYPE_CHECKING:
    pass

_TIMES = ("seconds", "cpu_seconds")


class TensorBoard(Reporter):
    """Writes the loss of every step, and each epoch's losses, learning rate, validation figures and times."""

    def __init__(self, folder: Path) -> None:
        """Choose the folder; it is written to from the first step on.

        Raises:
            MissingExtraError: TensorBoard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("--tensorboard", "tensorboard") from error
        self._make = SummaryWriter
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def step(self, done: int, total: int, loss: float) -> None:
        """Write the epoch's mean loss so far."""
        self._write("step/mean_loss_of_epoch", loss, done)

    def epoch(self, row: dict[str, Any]) -> None:
        """Write an epoch's figures."""
        for key, value in row.items():
            if key != "epoch":
                self._write(f"{_section(key)}/{key}", float(value), row["epoch"])
        if self._writer is not None:
            self._writer.flush()

    def _write(self, tag: str, value: float, place: int) -> None:
        if self._writer is None:
            self._writer = self._make(str(self._folder))
        self._writer.add_scalar(tag, value, place)


def _section(key: str) -> str:
    if key in ("rank_1", "mean_ap"):
        return "validation"
    return "time" if key in _TIMES else "training"
