"""What generators tell of a data set in files beside its pictures, under the names that the pictures have now."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from passerby.data.containers import read_bytes
from passerby.data.dataset import Dataset
from passerby.data.provenance import joint_provenance
from passerby.errors import DataError, ImageError

TRUTH = "truth.jsonl"

_PROVENANCE = "provenance.json"
_BESIDE = ("people.json", "cameras.json")
_LARGEST = 2**32


def files_beside(dataset: Dataset) -> dict[str, str]:
    """Texts to write beside the pictures, by their names; none where the people were not drawn."""
    provenance = joint_provenance(dataset.roots)
    if provenance is None:
        return {}
    texts = {_PROVENANCE: json.dumps(provenance, indent=2, ensure_ascii=False) + "\n"}
    if len(dataset.roots) == 1:
        for name in _BESIDE:
            content = _read(dataset.root / name)
            if content is not None:
                texts[name] = content
    return texts


def truth_lines(dataset: Dataset, names: Mapping[Path, Sequence[str]]) -> dict[str, str]:
    """The line of `truth.jsonl` for each new name of a picture that has one.

    Args:
        dataset: The data set; where it was joined of several, there is no truth.
        names: What each picture is called now.

    Raises:
        DataError: A line is damaged.
    """
    text = _read(dataset.root / TRUTH) if len(dataset.roots) == 1 else None
    if text is None:
        return {}
    old = {path.relative_to(dataset.root).as_posix(): new for path, new in names.items()}
    lines = {}
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            truth = json.loads(line)
            for name in old.get(truth["file"], ()):
                lines[name] = json.dumps({**truth, "file": name}, ensure_ascii=False)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{dataset.root / TRUTH}: line {number} is damaged ({error}); draw it again") from error
    return lines


def write_beside(folder: Path, dataset: Dataset, names: Mapping[Path, Sequence[str]]) -> None:
    """Write these files into a folder."""
    for name, text in files_beside(dataset).items():
        (folder / name).write_text(text, encoding="utf-8")
    lines = truth_lines(dataset, names)
    if lines:
        (folder / TRUTH).write_text("".join(f"{line}\n" for line in lines.values()), encoding="utf-8")


def _read(path: Path) -> str | None:
    try:
        return read_bytes(path, _LARGEST).decode("utf-8")
    except (ImageError, UnicodeDecodeError):
        return None
