"""Whether a `.pt2` file can be read without running anything that it says.

Torch's own reader unpickles what the file calls custom objects, evaluates the text of its expressions, and looks up
any function of torch by name. So a file from elsewhere is only handed to it when it holds plain numbers, a graph of
torch's operators on tensors, and sizes that are sums and products.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from passerby.errors import BundleError

_LARGEST_JSON = 256 << 20
_NUMBERS = re.compile(r"(weight|tensor)_\d+")
_MARKS = frozenset({"archive_format", "archive_version", "byteorder", "version", "serialization_id"})
_OPERATOR = re.compile(
    r"torch\.ops\.aten\.(?!from_file)\w+(\.\w+)?|torch\.ops\.higher_order\.wrap_with_(autocast|set_grad_enabled)"
    r"|_operator\.(getitem|add|sub|mul|floordiv|mod|neg|eq|ge|le|gt|lt)|torch\.sym_\w+"
)
_SIZE = re.compile(
    r"((Symbol|Integer|Add|Mul|Pow|Mod|FloorDiv|Max|Min|Rational|positive|nonnegative|integer|True|False)(?!\w)"
    r"|'[su]\d+'|[(),=\s]|-?\d+)*"
)


def require_plain(file: Path) -> None:
    """Check that torch's reader will find numbers, operators on tensors and sizes, and nothing else.

    Raises:
        BundleError: It would find something else, or the file is no such program.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            plain = len({entry.filename for entry in entries}) == len(entries)
            plain = plain and all(_is_plain(archive, entry) for entry in entries)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"{file}: it is no program of torch.export; export the model again") from error
    if not plain:
        raise BundleError(
            f"{file}: expected a program of tensors alone, got one with something else, which could run code when "
            "read; it was not read: export the model again, with torch 2.9 or newer"
        )


def _is_plain(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether torch reads an entry as numbers or as JSON, and the JSON names nothing but operators and sizes."""
    folder, _, name = entry.filename.partition("/")[2].rpartition("/")
    if name.endswith(".json") and entry.file_size > _LARGEST_JSON:
        return False
    match folder:
        case "data/weights" | "data/constants" if name.endswith("_config.json"):
            parts: list[dict[str, Any]] = list(json.loads(archive.read(entry))["config"].values())
            return all(not part["use_pickle"] and bool(_NUMBERS.fullmatch(part["path_name"])) for part in parts)
        case "data/weights" | "data/constants":
            return _NUMBERS.fullmatch(name) is not None
        case "data/sample_inputs":
            return entry.file_size == 0
        case "models":
            content = json.loads(archive.read(entry)) if name.endswith(".json") else {"guards_code": None}
            return all(_is_plain_value(key, value) for key, value in _values(content))
        case "" | ".data":
            return name in _MARKS
    return False


def _is_plain_value(key: str, value: Any) -> bool:  # noqa: ANN401
    match key:
        case "guards_code":
            return isinstance(value, list) and not value
        case "target":
            return not isinstance(value, str) or _OPERATOR.fullmatch(value) is not None
        case "expr_str":
            return isinstance(value, str) and _SIZE.fullmatch(value) is not None
    return True


def _values(content: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Every key of every object in JSON, with its value."""
    waiting = [content]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield from found.items()
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
