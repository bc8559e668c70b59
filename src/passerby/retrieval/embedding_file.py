"""Embeddings on the disk: an `.npz` with the vectors, the pictures they are of, and the model that made them."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from passerby.atomic import atomic_path
from passerby.errors import DataError
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
        for several rows is no answer.

        Args:
            samples: Pictures of a data set.
            root: The data set's folder.

        Returns:
            (len(samples),) int64 rows of `embeddings`.

        Raises:
            DataError: A picture has no row, or several; the first such is named.
        """
        by_ending: dict[str, list[int]] = {}
        for row, path in enumerate(self.paths):
            parts = PurePath(path.replace("\\", "/")).parts
            for start in range(len(parts)):
                by_ending.setdefault("/".join(parts[start:]), []).append(row)
        rows = np.empty(len(samples), np.int64)
        for place, sample in enumerate(samples):
            parts = sample.path.parts
            below = sample.path.relative_to(root).as_posix()
            found: list[int] = []
            for name in (sample.path.resolve().as_posix().lstrip("/"), "/".join(parts), below, sample.path.name):
                found = by_ending.get(name, [])
                if len(found) == 1:
                    break
            if len(found) != 1:
                got = "none" if not found else f"{len(found)} rows of that name"
                raise DataError(
                    f"expected one embedding for {below}, got {got}; give paths such as {below} in `paths`"
                )
            rows[place] = found[0]
        return rows


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
        with np.load(source, allow_pickle=False) as arrays:
            if not hasattr(arrays, "files"):
                raise DataError(f"{source}: expected an .npz with embeddings and paths, got a single array")
            missing = [name for name in ("embeddings", "paths") if name not in arrays.files]
            if missing:
                raise DataError(
                    f"{source}: expected arrays named embeddings and paths, got {', '.join(arrays.files) or 'none'}"
                )
            embeddings, paths = arrays["embeddings"], arrays["paths"]
            identity, model = (str(arrays[key]) if key in arrays.files else "" for key in ("identity", "model"))
    except FileNotFoundError as error:
        raise DataError(f"{source}: there is no such file; make it with `passerby embed`") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{source}: expected an .npz of embeddings, got another or a damaged file") from error
    if embeddings.ndim != 2 or paths.shape != embeddings.shape[:1] or paths.dtype.kind != "U":
        raise DataError(
            f"{source}: expected embeddings (N, D) and paths (N,) of strings, got {embeddings.dtype} "
            f"{embeddings.shape} and {paths.dtype} {paths.shape}"
        )
    return EmbeddingFile(normalise(embeddings), tuple(paths.tolist()), identity, model)
