"""Who is told how a training goes."""

from pathlib import Path
from typing import Any


class Reporter:
    """Hears everything and says nothing; override what you want to hear."""

    def decoding(self, done: int, total: int) -> None:
        """So many pictures are decoded."""

    def note(self, message: str) -> None:
        """Something that the user should know."""

    def step(self, done: int, total: int, loss: float) -> None:
        """So many of the training's steps are done; the epoch's mean loss so far."""

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch is done; its row of the log."""

    def saved(self, folder: Path) -> None:
        """Training was interrupted, and can be resumed from this folder."""


class Reporters(Reporter):
    """Tells several others everything."""

    def __init__(self, *others: Reporter) -> None:
        """Choose whom to tell, in this order."""
        self._others = others

    def decoding(self, done: int, total: int) -> None:
        """So many pictures are decoded."""
        for other in self._others:
            other.decoding(done, total)

    def note(self, message: str) -> None:
        """Something that the user should know."""
        for other in self._others:
            other.note(message)

    def step(self, done: int, total: int, loss: float) -> None:
        """So many of the training's steps are done."""
        for other in self._others:
            other.step(done, total, loss)

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch is done."""
        for other in self._others:
            other.epoch(row)

    def saved(self, folder: Path) -> None:
        """Training was interrupted, and can be resumed from this folder."""
        for other in self._others:
            other.saved(folder)
