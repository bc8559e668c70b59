"""Exports that `backend="auto"` makes of models, kept in the user's cache for the next time."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from passerby import __version__
from passerby.errors import BundleError
from passerby.models.bundle import Bundle, load_bundle
from passerby.models.exporting.exporting import export_bundle

_MOST = 12
"""So many exports are kept; of more, those that were not used for longest are removed."""


def exports_folder() -> Path:
    """Where they are: `passerby/exports` in the system's folder for users' caches."""
    return user_cache_path("passerby") / "exports"


def kept_export(bundle: Bundle) -> Bundle:
    """The fp32 ONNX export of a model, made now if it was not before.

    Raises:
        MissingExtraError: ONNX, or what checks the export, is not installed.
        PasserbyError: The network cannot be exported, or the cache cannot be written to.
    """
    folder = exports_folder() / f"{bundle.identity[:32]}-{__version__}"
    try:
        found = load_bundle(folder)
        if found.identity == bundle.identity and found.export is not None and found.export.format == "onnx":
            with suppress(OSError):
                os.utime(folder)
            return found
    except BundleError:
        pass  # none yet, or a damaged one, which the next takes the place of
    made = export_bundle(bundle, folder, "onnx", replace=True)
    _forget_oldest(folder.parent)
    return made


def _forget_oldest(folder: Path) -> None:
    with suppress(OSError):  # another process may be at the same
        oldest_first = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in oldest_first[:-_MOST]:
            shutil.rmtree(path, ignore_errors=True)
