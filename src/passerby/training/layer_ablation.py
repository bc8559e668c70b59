"""The same training with its attention after one stage of the backbone or another, and without any."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from passerby.atomic import write_json
from passerby.data.dataset import Dataset
from passerby.errors import RecipeError
from passerby.models.attention.spec import Level
from passerby.models.network import ReidNetwork
from passerby.training.fitting import check_map_sizes
from passerby.training.recipe import Recipe
from passerby.training.reporter import Reporter
from passerby.training.sweep import figures_of
from passerby.training.team import leads
from passerby.training.trainer import train

NONE = "none"
"""Stands for the recipe without attention."""

PLACES: tuple[str, ...] = (NONE, *get_args(Level))
"""Where attention may stand."""


@dataclass(frozen=True)
class PlaceFigures:
    """What one place of attention came to.

    Attributes:
        place: A level, or `NONE`.
        model: Folder of its best model.
        figures: By name: rank-1 and mAP of its validation people, of its test people where they were measured, and
            its last mean loss.
    """

    place: str
    model: str
    figures: dict[str, float]


def ablate_layers(
    recipe: Recipe,
    places: Sequence[str],
    dataset: Dataset,
    output: Path,
    *,
    test: bool = False,
    device: str = "auto",
    overwrite: bool = False,
    initial: Path | None = None,
    reporter: Callable[[str], Reporter] | None = None,
) -> tuple[PlaceFigures, ...]:
    """Train a recipe once for each place of its attention, everything else alike.

    Each trains in a folder of its own, which the same call goes on with: what is finished is not trained again.
    `output` gets `ablation.json`.

    Args:
        recipe: What to train; all its attention modules move together.
        places: Different ones of `PLACES`, at least one.
        dataset: Whose people.
        output: A folder, with one for each place.
        test: Whether to measure each best model on the data set's test people too. Choose nothing by these figures.
        device: "auto", "cpu", "cuda", …
        overwrite: Train finished places anew.
        initial: A bundle or a published checkpoint to start from.
        reporter: Makes, for a place, who is told how its training goes.

    Raises:
        RecipeError: The recipe has no attention, a place is none, or pictures are too small for one; then nothing is
            trained.
        PasserbyError: A folder holds another training.
    """
    unknown = [place for place in places if place not in PLACES]
    if not places or unknown or len(set(places)) < len(places):
        got = unknown[0] if unknown else ", ".join(places) or "none"
        raise RecipeError(f"expected different layers of {', '.join(PLACES)}, got {got!r}")
    recipes = {place: with_attention_at(recipe, place) for place in places}
    for moved in recipes.values():
        check_map_sizes(ReidNetwork(moved.architecture), moved.preprocessing.height, moved.preprocessing.width)
    found = []
    for place, moved in recipes.items():
        result = train(
            moved,
            dataset,
            output / place,
            device=device,
            resume=not overwrite,
            overwrite=overwrite,
            initial=initial,
            reporter=reporter(place) if reporter is not None else None,
        )
        found.append(PlaceFigures(place, str(result.best.path), figures_of(result, dataset, device, test=test)))
    if leads():
        content = {"recipe": recipe.model_dump(mode="json"), "places": [asdict(one) for one in found]}
        write_json(output / "ablation.json", content)
    return tuple(found)


def with_attention_at(recipe: Recipe, place: str) -> Recipe:
    """The recipe with all its attention after one level; with `NONE`, without it and without losses of its masks.

    Raises:
        RecipeError: It has no attention to move, or no loss without it.
    """
    content = recipe.model_dump(mode="json")
    architecture = content["architecture"]
    if not architecture["attention"]:
        raise RecipeError(f"{recipe.name}: expected a recipe with attention, got none; see architecture.attention")
    if place == NONE:
        architecture["attention"] = []
        kept = [loss for loss, spec in zip(content["losses"], recipe.losses, strict=True) if spec.space != "masks"]
        if not kept:
            raise RecipeError(f"{recipe.name}: expected a loss that needs no attention, got none")
        content["losses"] = kept
        content["weighting"]["losses"] = []
    else:
        for module in architecture["attention"]:
            module["after"] = place
    return Recipe.model_validate(content)
