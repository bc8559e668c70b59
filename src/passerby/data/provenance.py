"""How the pictures of a data set were made, where their people were drawn: generators say so in `provenance.json`."""

import json
from pathlib import Path
from typing import Any


def read_provenance(root: Path) -> dict[str, Any] | None:
    """What the folder's `provenance.json` says, or None where no generator is named there or it cannot be read."""
    try:
        content = json.loads((root / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    named = isinstance(content, dict) and isinstance(content.get("generator"), str)
    return content if named else None


def is_synthetic(root: Path) -> bool:
    """Whether the people of a data set were drawn."""
    return read_provenance(root) is not None
