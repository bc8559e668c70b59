"""`passerby models`: the models that are here, and those that come from elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from passerby.cli.console import note, print_fields, print_table, progress_bar
from passerby.cli.export import export_fields
from passerby.cli.groups import print_groups

if TYPE_CHECKING:
    from passerby.models.costs import Complexity

_COSTS = ("parameters", "multiply-adds")
"""Columns of what a network costs, the second for one picture of the size."""

app = typer.Typer(name="models", help="List and import models.", invoke_without_command=True, rich_markup_mode="rich")


@app.callback()
def _list(context: typer.Context) -> None:
    """List the models that have a name: those of the package, and those in the user's folder of models."""
    if context.invoked_subcommand is not None:
        return
    from passerby.errors import BundleError
    from passerby.models.bundle import load_bundle
    from passerby.models.complexity import complexity
    from passerby.models.store import models_folder, named_bundles

    rows = []
    for name, path in named_bundles():
        try:
            bundle = load_bundle(path)
        except BundleError as error:
            note(str(error))
            rows.append((name, "damaged", *[""] * 6))
            continue
        height, width = bundle.preprocessing.height, bundle.preprocessing.width
        cost = complexity(bundle.architecture, height, width)
        rows.append(
            (
                name,
                bundle.identity[:12],
                bundle.architecture.backbone,
                f"{height}×{width}",
                _millions(cost.parameters),
                _millions(cost.multiply_adds),
                "yes" if bundle.calibration else "no",
                bundle.card.trained_on,
            )
        )
    if rows:
        print_table(
            ("model", "identity", "backbone", "size", *_COSTS, "calibrated", "trained on"),
            rows,
            numbers=("size", *_COSTS),
        )
    else:
        note(f"no models yet; put bundles into {models_folder()}, or name a bundle by its folder")


@app.command()
def architectures(
    height: Annotated[int, typer.Option("--height", help="Pixels of a picture.", min=16, max=1024)] = 256,
    width: Annotated[int, typer.Option("--width", help="Pixels of a picture.", min=16, max=1024)] = 128,
) -> None:
    """List the backbones that recipes can name, what each costs for one picture, and published weights by name."""
    from passerby.models.hub import PUBLISHED

    rows = []
    for name, cost in _costs(height, width).items():
        weights = f"{name}-imagenet"
        figures = (_millions(cost.parameters), _millions(cost.multiply_adds), str(cost.dimension))
        rows.append((name, *figures, weights if weights in PUBLISHED else ""))
    print_table(("backbone", *_COSTS, "channels", "weights"), rows, numbers=(*_COSTS, "channels"))


def _costs(height: int, width: int) -> "dict[str, Complexity]":
    from passerby.models.costs import KEPT_SIZE, kept_costs

    if (height, width) == KEPT_SIZE:
        return kept_costs()
    from passerby.models.complexity import backbone_costs

    return backbone_costs(height, width)


@app.command("import")
def import_model(
    file: Annotated[
        Path,
        typer.Argument(
            help="A published checkpoint, .pth or .safetensors, or a name of `passerby models architectures`."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder of the bundle.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the bundle that stands there.")] = False,
    height: Annotated[
        int, typer.Option("--height", help="Pixels that the network was trained on.", min=16, max=1024)
    ] = 256,
    width: Annotated[
        int, typer.Option("--width", help="Pixels that the network was trained on.", min=16, max=1024)
    ] = 128,
) -> None:
    """Turn a published checkpoint into a bundle, with every entry of it accounted for."""
    from passerby.models.bundle import check_replaceable, save_bundle
    from passerby.models.hub import weights_file
    from passerby.models.importing import import_checkpoint
    from passerby.models.preprocessing import Preprocessing

    check_replaceable(output, force)
    with progress_bar("fetching") as progress:
        fetched = weights_file(file, progress)
    imported = import_checkpoint(fetched, Preprocessing(height=height, width=width))
    bundle = save_bundle(output, imported.network, imported.preprocessing, imported.card, replace=force)
    print_fields(
        {
            "bundle": str(bundle.path),
            "identity": bundle.identity,
            "backbone": bundle.architecture.backbone,
            "embedding": f"{imported.network.dimension} numbers",
            "pictures": f"{height}×{width}, less {_triple(imported.preprocessing.mean)}, divided by "
            f"{_triple(imported.preprocessing.std)}",
            "loaded": f"{imported.loaded} published entries",
            "left out": "\n".join(imported.dropped) or "none",
        }
    )


@app.command()
def show(model: Annotated[Path, typer.Argument(help="Name or folder of a model.")]) -> None:
    """Print everything that is known of a model: card, figures, calibration, error rates by kind of person."""
    from passerby.evaluation.groups import GroupReport
    from passerby.models.bundle import load_bundle
    from passerby.models.store import find_bundle

    bundle = load_bundle(find_bundle(model))
    card, calibration = bundle.card, bundle.calibration
    groups = None if bundle.groups is None else GroupReport.from_dict(bundle.groups)
    print_fields(
        {
            "name": card.name,
            "identity": bundle.identity,
            "summary": card.summary,
            "network": f"{bundle.architecture.backbone}, pooling {bundle.architecture.pooling}, "
            f"neck {bundle.architecture.neck}, {bundle.precision}",
            "pictures": f"{bundle.preprocessing.height}×{bundle.preprocessing.width}",
            "trained on": card.trained_on,
            "licence": card.licence,
            "figures": "\n".join(_figures_line(name, content) for name, content in bundle.figures.items())
            or "none yet",
            "threshold": "none yet; see `passerby calibrate`"
            if calibration is None
            else f"{calibration.threshold:.4f}, {calibration.criterion}, on {calibration.source}",
            **(export_fields(bundle.export) if bundle.export else {}),
            **({"drawn by": _provenance_line(card.provenance)} if card.provenance else {}),
            **({"trained with": card.hardware} if card.hardware else {}),
            **({"made for": "\n".join(card.intended_for)} if card.intended_for else {}),
            **({"limits": "\n".join(card.limits)} if card.limits else {}),
            "must not be used for": "\n".join(card.not_for),
        }
    )
    if groups is not None:
        print_groups(groups)


def _millions(count: int) -> str:
    """As tables of networks give it: 2.19 M, 979 M."""
    return f"{count / 1e6:,.{0 if count >= 1e8 else 2}f} M"


def _triple(values: tuple[float, float, float]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _provenance_line(provenance: Mapping[str, Any]) -> str:
    """Which generator drew the training pictures, by which arguments."""
    named = {key: provenance[key] for key in ("generator", "generator_version") if key in provenance}
    arguments = provenance.get("arguments")
    parts = {**named, **(arguments if isinstance(arguments, dict) else {})}
    return ", ".join(f"{key} {value}" for key, value in parts.items() if value is not None)


def _figures_line(name: str, figures: Mapping[str, Any]) -> str:
    """One measurement's figures in a line; shares are from 0 to 1."""
    return f"{name}: " + ", ".join(
        f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items()
    )
