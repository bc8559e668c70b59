"""Options that several commands share, and the data set that they describe."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.cli.console import note, progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerby.data.dataset import Dataset
    from passerby.evaluation.model import Embeddings
    from passerby.models.embedder import EngineEmbedder

DATA_HELP = "Data set: PATH or PATH:key=value,…; several times to join sets."
DataPath = Annotated[list[str], typer.Option("--data", help=DATA_HELP, metavar="PATH", show_default=False)]
Format = Annotated[
    str | None, typer.Option("--format", help="How the data set is laid out; by default it is recognised.")
]
CameraPattern = Annotated[
    str | None,
    typer.Option(
        "--camera-pattern",
        help="Folder per person: regular expression whose first group is the camera, such as 'cam([0-9]+)'.",
    ),
]
CameraNumber = Annotated[
    str | None,
    typer.Option(
        "--camera-pattern",
        help="For models that embed the camera: regular expression, searched in the paths of pictures, whose first "
        "group is its number, such as '_c([0-9]+)'.",
    ),
]
TestShare = Annotated[
    float, typer.Option("--test-share", help="Folder per person: share of the people to test on.", min=0, max=1)
]
DropBroken = Annotated[bool, typer.Option("--drop-broken", help="Leave out pictures that cannot be decoded.")]
Prior = Annotated[
    float,
    typer.Option("--prior", help="How likely it is, before looking, that the answer is yes; above 0 and below 1."),
]
Rerank = Annotated[
    str | None,
    typer.Option("--rerank", help="Re-rank by this method: NAME or NAME:key=value,….", metavar="NAME"),
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, …; auto takes a GPU where there is one.")]
Backend = Annotated[
    str,
    typer.Option("--backend", help="torch, onnxruntime or openvino; auto takes the fastest that is installed."),
]


@dataclass(frozen=True)
class Source:
    """Where embeddings come from: a model, or a file of them."""

    embeddings: "Embeddings"
    identity: str
    embedder: "EngineEmbedder | None"


def open_model(model: str | Path, device: str = "auto", backend: str = "auto") -> "EngineEmbedder":
    """Load a model by its name or folder, and say what runs it."""
    from passerby.models.embedder import load_embedder

    embedder = load_embedder(model, device, backend=backend)
    note(f"{model} is run by {embedder.backend}")
    for remark in embedder.remarks:
        note(remark)
    return embedder


def open_embeddings(model: Path, device: str, backend: str = "auto") -> Source:
    """Open a model by its name or folder, or an .npz of embeddings."""
    from passerby.evaluation.model import from_file, from_model
    from passerby.retrieval.embedding_file import load_embeddings

    if model.is_file():
        vectors = load_embeddings(model)
        return Source(from_file(vectors), vectors.identity or "not Passerby's", None)
    embedder = open_model(model, device, backend)
    return Source(from_model(embedder), embedder.identity, embedder)


def open_dataset(
    sources: "Sequence[str]",
    format: str | None = None,
    camera_pattern: str | None = None,
    test_share: float = 0.3,
    drop_broken: bool = False,
) -> "Dataset":
    """Read and join the data sets that the options describe, without broken pictures if that is asked for."""
    from passerby.data import ReadOptions
    from passerby.data.loader import find_broken
    from passerby.data.source import read_sources

    dataset = read_sources(sources, format, ReadOptions(camera_pattern=camera_pattern, test_share=test_share))
    if drop_broken:
        with progress_bar("checking pictures") as progress:
            broken = find_broken([sample.path for sample in dataset.samples], progress)
        dataset = dataset.without(path for path, _ in broken)
        note(f"left out {len(broken)} broken pictures of {len(dataset.samples) + len(broken)}")
    return dataset
