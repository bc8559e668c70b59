"""How benchmarks that train say how it goes."""

from typing import Any

from passerby.training.reporter import Reporter


class EpochPrinter(Reporter):
    """Prints notes, and a line for each epoch."""

    def note(self, message: str) -> None:
        """Print it."""
        print(message, flush=True)

    def epoch(self, row: dict[str, Any]) -> None:
        """Print the epoch's row of the log."""
        print({key: round(value, 4) for key, value in row.items()}, flush=True)
