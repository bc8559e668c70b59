"""Passerby: find the same person again across cameras that do not overlap."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passerby.models.embedder import load_embedder

__version__ = "0.1.0"
__all__ = ["__version__", "load_embedder"]


def __getattr__(name: str) -> object:
    """Load what needs torch when it is first asked for, so that importing Passerby stays quick."""
    if name == "load_embedder":
        from passerby.models.embedder import load_embedder

        return load_embedder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
