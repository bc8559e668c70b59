"""Writing a data set in another form, whole or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from passerby.atomic import atomic_path
from passerby.data.dataset import Dataset
from passerby.data.writing.market1501 import write_market1501
from passerby.data.writing.parquet import check_parquet, write_parquet
from passerby.data.writing.pictures import Packing
from passerby.data.writing.shards import write_shards
from passerby.errors import DataError, PasserbyError
from passerby.types import Progress

Target: TypeAlias = Literal["market1501", "shards", "parquet"]

_WRITERS: dict[Target, Callable[[Dataset, Path, Packing], None]] = {
    "market1501": write_market1501,
    "shards": write_shards,
    "parquet": write_parquet,
}


@dataclass(frozen=True)
class Converted:
    """What became of a data set.

    Attributes:
        path: Where it lies now.
        pictures: How many were written.
        left_behind: What is known of the old one and has no place in the new.
    """

    path: Path
    pictures: int
    left_behind: tuple[str, ...]


def convert(
    dataset: Dataset,
    target: Path,
    to: Target,
    *,
    size: tuple[int, int] | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> Converted:
    """Write a data set in another form, labels and truth with it.

    Pictures are copied as they are, unless a size is given; what is no file of its own, as in CUHK03's `.mat`,
    becomes PNG. Interrupted, nothing is left behind.

    Args:
        dataset: What to write.
        target: Where: a folder, or for `parquet` a file.
        to: The form.
        size: Height and width to which every picture is decoded and scaled, and then stored without compression, so
            that training need not decode it again. None: pictures stay as they are.
        replace: Whether to replace what stands there.
        progress: Told how many pictures are done.

    Raises:
        DataError: A picture is broken, or the form cannot hold the data set.
        PasserbyError: Something stands there, or `target` is where the data set lies.
        MachineError: The disk is full.
    """
    if not dataset.samples:
        raise DataError(f"{dataset.root}: expected pictures to convert, got none (read as {dataset.format})")
    if any(_overlap(root, target) for root in dataset.roots):
        raise PasserbyError(f"{target}: expected another place than the data set's own, {dataset.root}")
    if target.exists() and not replace and not (target.is_dir() and not any(target.iterdir())):
        raise PasserbyError(f"{target}: something stands there already; choose another place, or --force")
    if to == "parquet":
        check_parquet()
    if to == "market1501":
        _require_cameras(dataset)
    with atomic_path(target) as path:
        _WRITERS[to](dataset, path, Packing(size, progress))
    return Converted(target, len(dataset.samples), _left_behind(dataset) if to == "market1501" else ())


def _overlap(root: Path, target: Path) -> bool:
    inner, outer = target.absolute(), root.absolute()
    return inner == outer or inner in outer.parents or outer in inner.parents


def _require_cameras(dataset: Dataset) -> None:
    unknown = sum(sample.camera_id < 0 for sample in dataset.samples)
    if unknown:
        raise DataError(
            f"{dataset.root}: expected cameras, which names in Market-1501's layout tell, got {unknown:,} pictures "
            "by unknown ones; give --camera-pattern, or convert to shards or parquet"
        )


def _left_behind(dataset: Dataset) -> tuple[str, ...]:
    """What names in Market-1501's layout cannot say."""
    samples = dataset.samples
    known = {
        "people's names": any(name != str(person) for person, name in dataset.person_names.items()),
        "attributes": bool(dataset.attributes),
        "sentences": bool(dataset.sentences),
        "tracks": any(sample.track_id is not None for sample in samples),
        "clothes": any(sample.clothes_id is not None for sample in samples),
    }
    return tuple(what for what, there in known.items() if there)
