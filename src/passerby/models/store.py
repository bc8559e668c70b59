"""Where models are found by name: those shipped in the package, and the user's own folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_data_path

from passerby.errors import BundleError

_SHIPPED = Path(__file__).parent.parent / "weights"


def models_folder() -> Path:
    """The user's folder of models: `$PASSERBY_MODELS`, else `passerby/models` in the system's data folder."""
    chosen = os.environ.get("PASSERBY_MODELS")
    return Path(chosen) if chosen else user_data_path("passerby") / "models"


def named_bundles() -> Iterator[tuple[str, Path]]:
    """Every model that has a name: the package's first, then the user's, each sorted."""
    for folder in (_SHIPPED, models_folder()):
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if (path / "bundle.json").is_file():
                yield path.name, path


def find_bundle(name_or_path: Path) -> Path:
    """The bundle's folder: the path itself where there is something, else the model of that name.

    Raises:
        BundleError: There is neither.
    """
    if name_or_path.exists():
        return name_or_path
    named = dict(named_bundles())
    if str(name_or_path) in named:
        return named[str(name_or_path)]
    known = f"one of the models {', '.join(named)}" if named else "(no model has a name here)"
    raise BundleError(f"expected a bundle's folder or {known}, got {str(name_or_path)!r}, which is neither")
