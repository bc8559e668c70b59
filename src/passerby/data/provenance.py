"""How the pictures of a data set were made, where their people were drawn: generators say so in `provenance.json`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from passerby.data.containers import read_bytes
from passerby.errors import DataError


def read_provenance(root: Path) -> dict[str, Any] | None:
    """What the `provenance.json` of a folder or archive says; None where it names no generator or cannot be read."""
    try:
        content = json.loads(read_bytes(root / "provenance.json"))
    except (DataError, ValueError):
        return None
    named = isinstance(content, dict) and isinstance(content.get("generator"), str)
    return content if named else None


def is_synthetic(root: Path) -> bool:
    """Whether the people of a data set were drawn."""
    return read_provenance(root) is not None


def joint_provenance(roots: Sequence[Path]) -> dict[str, Any] | None:
    """What is said of data sets that were joined, or None where the people of any were not drawn."""
    found = [said for root in roots if (said := read_provenance(root)) is not None]
    if len(found) < len(roots):
        return None
    if len(found) == 1:
        return found[0]
    return {"generator": ", ".join(dict.fromkeys(said["generator"] for said in found)), "parts": found}
