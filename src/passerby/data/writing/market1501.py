"""Writing Market-1501's layout."""

from pathlib import Path

from passerby.data.dataset import Dataset
from passerby.data.formats.market1501 import SPLITS
from passerby.data.writing.pictures import Packing
from passerby.data.writing.truth import write_beside
from passerby.types import Sample


def write_market1501(dataset: Dataset, folder: Path, packing: Packing) -> None:
    """Write the three folders with names as `0002_c1s1_000451_00.jpg`: person, camera, sequence if known, number.

    Pictures that come from this layout keep their names. One that both asks and answers stands in both folders.
    """
    members = {split: frozenset(getattr(dataset, split)) for split in SPLITS}
    for name in SPLITS.values():
        (folder / name).mkdir(parents=True)
    names: dict[Path, list[str]] = {}
    for number, (sample, content) in enumerate(packing.contents(dataset), start=1):
        file = _name(sample, number, packing.suffix(sample.path), dataset)
        names[sample.path] = [f"{name}/{file}" for split, name in SPLITS.items() if sample in members[split]]
        for name in names[sample.path]:
            (folder / name).write_bytes(content)
    write_beside(folder, dataset, names)


def _name(sample: Sample, number: int, suffix: str, dataset: Dataset) -> str:
    if dataset.format == "market1501":
        return sample.path.stem + suffix
    sequence = "" if sample.sequence_id is None else f"s{sample.sequence_id}"
    person = "-1" if sample.person_id < 0 else f"{sample.person_id:04d}"
    return f"{person}_c{sample.camera_id}{sequence}_{number:06d}_00{suffix}"
