"""`passerby embed` and `passerby search`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.cli.console import note, output, print_table, progress_bar
from passerby.cli.gallery_options import After, Before, Case, KeyFile, Purpose, moment, opened
from passerby.cli.gallery_search import search_gallery
from passerby.cli.options import Backend, CameraNumber, Device, DropBroken, Prior, Rerank, open_model
from passerby.errors import PasserbyError

if TYPE_CHECKING:
    from passerby.types import Match

PANEL = "Use"

_FEW = 0.1
"""Strangers who are expected as near: with fewer, a reader wonders why no match should be likely."""


def embed(
    model: Annotated[Path, typer.Argument(help="Name or folder of a model.")],
    images: Annotated[list[Path], typer.Argument(help="Pictures, and folders of pictures.")],
    output: Annotated[Path, typer.Option("--output", help="The .npz to write.")],
    device: Device = "auto",
    backend: Backend = "auto",
    drop_broken: DropBroken = False,
    camera_pattern: CameraNumber = None,
) -> None:
    """Turn pictures of people into vectors: `embeddings` (N, D) float32 of length 1, and their `paths`."""
    from passerby.retrieval.embedding_file import save_embeddings
    from passerby.retrieval.pictures import embed_folder

    embedder = open_model(model, device, backend)
    with progress_bar("embedding") as progress:
        content = embed_folder(embedder, images, progress, drop_broken=drop_broken, camera_pattern=camera_pattern)
    save_embeddings(output, content)
    note(f"{len(content.paths):,} embeddings of {embedder.dimension} numbers: {output}")


def search(
    query: Annotated[str, typer.Argument(help="A picture of the person, or the id of a gallery's sighting.")],
    gallery: Annotated[
        str, typer.Option("--gallery", help="A gallery, a folder of pictures, or an .npz of `passerby embed`.")
    ],
    model: Annotated[
        str | None,
        typer.Option("--model", help="Name or folder of a model; by default the gallery's, or the .npz's."),
    ] = None,
    top: Annotated[int, typer.Option("--top", help="How many answers.", min=1)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    grid: Annotated[Path | None, typer.Option("--grid", help="Draw the answers as this picture.")] = None,
    rerank: Rerank = None,
    prior: Prior = 0.5,
    device: Device = "auto",
    drop_broken: DropBroken = False,
    camera_pattern: CameraNumber = None,
    camera: Annotated[
        list[str] | None, typer.Option("--camera", help="In a gallery: only this camera; several times.")
    ] = None,
    after: After = None,
    before: Before = None,
    min_quality: Annotated[
        float | None, typer.Option("--min-quality", help="In a gallery: only of this quality.", min=0, max=1)
    ] = None,
    min_probability: Annotated[
        float | None, typer.Option("--min-probability", help="In a gallery: only as likely as this.", min=0, max=1)
    ] = None,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Find the pictures of a gallery that look most like the same person."""
    from passerby.gallery.url import is_gallery
    from passerby.retrieval.drawing import check_drawing, draw_matches, save_drawing
    from passerby.retrieval.methods import reranker
    from passerby.retrieval.pictures import search_pictures

    method = reranker(rerank) if rerank is not None else None
    if grid is not None:
        check_drawing(grid)
    if is_gallery(gallery):
        if camera_pattern is not None:
            raise PasserbyError(f"{gallery}: expected a folder or an .npz with --camera-pattern, got a gallery")
        with opened(gallery, purpose, case, key, model=model, device=device) as there:
            search_gallery(
                there,
                query,
                cameras=camera,
                after=moment(after),
                before=moment(before),
                min_quality=min_quality,
                min_probability=min_probability,
                top=top,
                prior=prior,
                rerank=method,
                as_json=as_json,
                grid=grid,
            )
        return
    if camera or after or before or min_quality is not None or min_probability is not None:
        raise PasserbyError(f"{gallery}: expected a gallery to filter by camera, time, quality or probability")
    with progress_bar("embedding the gallery") as progress:
        matches = search_pictures(
            query,
            Path(gallery),
            model,
            top,
            progress,
            device=device,
            drop_broken=drop_broken,
            prior=prior,
            rerank=method,
            camera_pattern=camera_pattern,
        )
    if as_json:
        output().print_json(json.dumps([asdict(match) for match in matches]))
    else:
        says = {None: "", True: "same person", False: "someone else"}
        columns = ("rank", "distance", "probability", "by the threshold", "picture")
        rows = [
            (str(m.rank), f"{m.distance:.4f}", _percent(m.probability), says[m.same_person], _from_here(m.path))
            for m in matches
        ]
        print_table(columns, rows, numbers=("rank", "distance", "probability"))
        _tell_of_strangers(matches, prior)
        if method is not None:
            note(f"in the order of {method}; distances are those of the embeddings")
        if matches and matches[0].same_person is None:
            note(
                "no distance means the same person yet: this model has no calibration (see `passerby calibrate`), or "
                "the .npz does not say that this model made it"
            )
    if grid is not None:
        save_drawing(grid, draw_matches(query, matches))
        note(f"grid: {grid}")


def _tell_of_strangers(matches: Sequence["Match"], prior: float) -> None:
    """Say how likely nobody in the gallery is the person, and how many strangers would be as near as the first."""
    if not matches or matches[0].no_match is None or matches[0].expected_false_matches is None:
        return
    none, strangers = matches[0].no_match, matches[0].expected_false_matches
    odds = f"{none:.1%}, having been {1 - prior:.0%} before looking"
    if none > 0.5:
        note(f"no match is likely: the gallery lacks this person with a probability of {odds}")
    else:
        note(f"the gallery lacks this person with a probability of {odds}")
    note(f"in a gallery of this size, {strangers:.2g} pictures of other people would be as near as the first")
    if none > 0.5 and prior >= 0.5 and strangers < _FEW:
        note("both, since too few people were measured to be surer in so large a gallery: calibrate on more people")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _from_here(path: str) -> str:
    """A path as it is called from the folder that one stands in, where it lies below that."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


COMMANDS = (embed, search)
