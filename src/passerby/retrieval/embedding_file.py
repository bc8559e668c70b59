"""Embeddings on the disk: an `.npz` with the vectors, the pictures they are of, and the model that made them."""

import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from passerby.atomic import atomic_path
from passerby.errors import DataError
from passerby.machine import available_memory
from passerby.retrieval.distance import normalise
from passerby.types import FloatArray, IntArray, Sample


@dataclass(frozen=True, eq=False)
class EmbeddingFile:
    """The content of an `.npz` of embeddings.

    Attributes:
        embeddings: (N, D) float32, rows of length 1.
        paths: The N pictures.
        identity: Identity of the model that made them; empty where another program did.
        model: Where that model was; empty where another program made them.
    """

    embeddings: FloatArray
    paths: tuple[str, ...]
    identity: str = ""
    model: str = ""

    def rows_of(self, samples: Sequence[Sample], root: Path) -> IntArray:
        """Find each picture's row by its file name.

        The whole path is compared first, then the path below the data set, then the bare name; a name that stands
        for several rows, or a row that several pictures claim, is no answer.

        Args:
            samples: Pictures of a data set.
            root: The data set's folder.

        Returns:
            (len(samples),) int64 rows of `embeddings`.

        Raises:
            DataError: A picture has no row, several, or another picture's; the first such is named.
        """
        by_name: dict[str, list[int]] = {}
        for row, path in enumerate(self.paths):
            by_name.setdefault(_name(path), []).append(row)
        folder = f"{Path(os.path.abspath(root)).as_posix()}/"
        claimed: dict[int, Path] = {}
        rows = np.empty(len(samples), np.int64)
        for place, sample in enumerate(samples):
            below = sample.path.relative_to(root).as_posix()
            row = self._row_of(by_name.get(sample.path.name, []), folder, below)
            if claimed.setdefault(row, sample.path) != sample.path:
                other = claimed[row].relative_to(root).as_posix()
                raise DataError(
                    f"expected one embedding for each of {other} and {below}, got {self.paths[row]} for both; "
                    f"give paths such as {below} in `paths`"
                )
            rows[place] = row
        return rows

    def _row_of(self, candidates: Sequence[int], folder: str, below: str) -> int:
        """The one row, among those with the picture's bare name, that is the picture's."""
        paths = {row: self.paths[row].replace("\\", "/") for row in candidates}
        for found in (
            [row for row, path in paths.items() if path == folder + below],
            [row for row, path in paths.items() if f"/{path}".endswith(f"/{below}")],
            # What lies elsewhere in this very data set is another picture of the same name.
            [row for row, path in paths.items() if not path.startswith(folder)],
        ):
            if len(found) == 1:
                return found[0]
        got = f"{len(found)} rows of that name" if found else "none"
        raise DataError(f"expected one embedding for {below}, got {got}; give paths such as {below} in `paths`")


def save_embeddings(target: Path | str, content: EmbeddingFile) -> None:
    """Write embeddings, whole or not at all: arrays `embeddings`, `paths`, `identity` and `model`."""
    with atomic_path(target) as path, path.open("wb") as file:
        np.savez(
            file,
            embeddings=content.embeddings,
            paths=np.array(content.paths, dtype=np.str_),
            identity=np.array(content.identity),
            model=np.array(content.model),
        )


def load_embeddings(source: Path | str) -> EmbeddingFile:
    """Read embeddings that Passerby or another program wrote; nothing in the file is unpickled.

    Args:
        source: An `.npz` with `embeddings` (N, D), of any length and real type, and `paths` (N,) of strings;
            `identity` and `model` are optional.

    Raises:
        DataError: The file is missing, is no `.npz`, or its arrays do not fit.
    """
    source = Path(source)
    try:
        _check_archive(source)
        with np.load(source, allow_pickle=False) as arrays:
            missing = [name for name in ("embeddings", "paths") if name not in arrays.files]
            if missing:
                raise DataError(
                    f"{source}: expected arrays named embeddings and paths, got {', '.join(arrays.files) or 'none'}"
                )
            embeddings, paths = np.asarray(arrays["embeddings"]), np.asarray(arrays["paths"])
            identity, model = (str(arrays[key]) if key in arrays.files else "" for key in ("identity", "model"))
    except FileNotFoundError as error:
        raise DataError(f"{source}: there is no such file; make it with `passerby embed`") from error
    except (OSError, ValueError, EOFError, RuntimeError, LookupError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{source}: expected plain arrays, got Python objects, which are never unpickled; save paths as "
                "np.array(paths, dtype=str)"
            ) from error
        raise DataError(f"{source}: expected an .npz of embeddings, got another or a damaged file") from error
    fits = embeddings.ndim == 2 and paths.shape == embeddings.shape[:1]
    if not fits or embeddings.dtype.kind not in "fiu" or paths.dtype.kind != "U":
        raise DataError(
            f"{source}: expected real embeddings (N, D) and paths (N,) of strings, got {embeddings.dtype} "
            f"{embeddings.shape} and {paths.dtype} {paths.shape}"
        )
    return EmbeddingFile(normalise(embeddings), tuple(paths.tolist()), identity, model)


def _check_archive(source: Path) -> None:
    """Refuse what is no archive of arrays, and what would not fit into memory, before anything is unpacked."""
    if source.suffix.lower() in (".pth", ".pt", ".safetensors"):
        raise DataError(f"{source}: expected an .npz of embeddings, got a checkpoint; see `passerby models import`")
    with source.open("rb") as file:
        beginning = file.read(6)
    if beginning == b"\x93NUMPY":
        raise DataError(f"{source}: expected an .npz with embeddings and paths, got a single array")
    with zipfile.ZipFile(source) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > available_memory():
        raise DataError(f"{source}: expected arrays that fit into memory, got {size / 2**30:.1f} GiB; split the file")


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
