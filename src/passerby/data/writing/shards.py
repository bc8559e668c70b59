"""Writing packed shards: uncompressed tar files of pictures, and an index of the labels."""

import io
import json
import tarfile
from pathlib import Path

from passerby.data.dataset import Dataset
from passerby.data.formats.records import about, columns_of
from passerby.data.formats.shards import INDEX, VERSION
from passerby.data.writing.pictures import Packing, names_below_root
from passerby.data.writing.truth import write_beside

_LARGEST_SHARD = 512 * 2**20


def write_shards(dataset: Dataset, folder: Path, packing: Packing, largest: int = _LARGEST_SHARD) -> None:
    """Write shards of at most `largest` bytes (or one picture), and the index."""
    folder.mkdir()
    names = names_below_root(dataset, packing)
    shards: list[str] = []
    places: list[str] = []
    starts: list[int] = []
    lengths: list[int] = []
    archive: tarfile.TarFile | None = None
    try:
        for sample, content in packing.contents(dataset):
            if archive is None or archive.offset + len(content) > largest:
                if archive is not None:
                    archive.close()
                shards.append(f"shard-{len(shards):05d}.tar")
                archive = tarfile.open(folder / shards[-1], "w")  # noqa: SIM115 - closed when full
            entry = tarfile.TarInfo(names[sample.path])
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
            places.append(shards[-1])
            starts.append(archive.offset - _padded(len(content)))
            lengths.append(len(content))
    finally:
        if archive is not None:
            archive.close()
    index = {
        "version": VERSION,
        "shards": {name: (folder / name).stat().st_size for name in shards},
        "about": about(dataset),
        "columns": {**columns_of(dataset, names), "shard": places, "start": starts, "length": lengths},
    }
    (folder / INDEX).write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    shown = dict(zip((sample.path for sample in dataset.samples), places, strict=True))
    write_beside(folder, dataset, {path: [f"{shown[path]}/{name}"] for path, name in names.items()})


def _padded(size: int) -> int:
    """Bytes that a file takes in a tar archive, behind its header."""
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
