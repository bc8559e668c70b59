"""A page of documentation for each method: what it is, its paper, its parts as a diagram, its command, its figures.

Run: python tools/recipe_pages.py            lists pages that are not as the recipes say
     python tools/recipe_pages.py --write    writes them
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from passerby.losses import LossSpec, loss_names
from passerby.models.network import ReidNetwork
from passerby.training.recipe import Recipe, load_recipe, recipe_names

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "recipes"
RESULTS = ROOT / "benchmarks" / "results" / "methods.json"

METHODS = tuple(name for name in recipe_names() if load_recipe(name).paper)
"""The recipes with a page: those that follow a publication and name it."""

_LEVELS = ("layer1", "layer2", "layer3", "layer4")
_SPACES = {
    "raw": "pooled",
    "neck": "embedding",
    "unit": "unit length",
    "maps": "feature maps",
    "masks": "attention masks",
    "weights": "weights",
}


def main() -> int:
    """List stale pages, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the pages")
    arguments = parser.parse_args()
    stale = [name for name in METHODS if read(name) != page(load_recipe(name), measured(name))]
    if arguments.write:
        PAGES.mkdir(exist_ok=True)
        for name in stale:
            (PAGES / f"{name}.md").write_text(page(load_recipe(name), measured(name)), encoding="utf-8")
        return 0
    print("\n".join(stale) or "all pages are as the recipes say")
    return 1 if stale else 0


def read(name: str) -> str | None:
    """The page as it stands."""
    path = PAGES / f"{name}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def measured(name: str) -> dict[str, Any] | None:
    """A recipe's row of the table of methods, or None where it was not run."""
    if not RESULTS.is_file():
        return None
    row: dict[str, Any] | None = json.loads(RESULTS.read_text(encoding="utf-8"))["figures"]["rows"].get(name)
    return row if row is not None and row.get("status") == "measured" else None


def page(recipe: Recipe, row: dict[str, Any] | None) -> str:
    """The page of a recipe in Markdown."""
    initial = "mobilenetv2-imagenet" if recipe.architecture.backbone == "mobilenetv2" else "resnet50-imagenet"
    return f"""<!-- Made by tools/recipe_pages.py; change the recipe, not this page. -->
# {recipe.name}

{recipe.summary}

**Paper:** {recipe.paper}

## Parts

```text
{diagram(recipe)}
```

What each loss and key means is told under [Recipes](../recipes.md).

## Train

```text
passerby train {recipe.name} --data DATA --output runs/{recipe.name} --init {initial}
```

It takes any other backbone too: `--set architecture.backbone=osnet_x1_0`, without `--init` or with weights of that
backbone.

## Measured

{_figures(row)}
"""


def diagram(recipe: Recipe) -> str:
    """The recipe's parts in the order in which pictures go through them."""
    architecture, batch = recipe.architecture, recipe.batch
    with torch.device("meta"):
        network = ReidNetwork(architecture)
    if batch.sampler == "pairs":
        sampled = (
            f"anchors of {batch.people} people, each with {batch.positives} positives and {batch.negatives} negatives"
        )
    else:
        sampled = f"{batch.people} people × {batch.pictures} pictures"
    varied = {key: value for key, value in recipe.augmentation if key in _VARIED and value}
    frozen = f", frozen: {recipe.freeze.stages}" if recipe.freeze.stages else ""
    lines = [
        f"pictures {recipe.preprocessing.height}×{recipe.preprocessing.width}: {sampled}",
        f"   │  {', '.join(f'{key} {value:g}' for key, value in varied.items())}",
        "   ▼",
        f"{architecture.backbone}, last stride {architecture.last_stride}{frozen}",
    ]
    for level in _LEVELS:
        here = [spec for spec in architecture.attention if spec.after == level]
        modules = [spec.kind + (" (beside, pooled by itself)" if spec.beside else "") for spec in here]
        lines.append(f"   ├─ {level}" + (f" ── attention: {', '.join(modules)}" if modules else ""))
    lines += _losses(recipe, "masks") + _losses(recipe, "maps") + _losses(recipe, "weights")
    lines += ["   ▼", f"{architecture.pooling} pooling: {network.raw_dimension} numbers", *_losses(recipe, "raw")]
    turns = recipe.decorrelation
    decorrelated = f", decorrelated {turns.rounds} times from epoch {turns.from_epoch} on" if turns.rounds else ""
    lines += [
        "   ▼",
        f"neck {architecture.neck}: {network.dimension} numbers{decorrelated}",
        *_losses(recipe, "neck"),
    ]
    return "\n".join([*lines, "   ▼", "scaled to length 1: what search compares", *_losses(recipe, "unit")])


_VARIED = ("flip", "pad", "erase", "colour")


def _losses(recipe: Recipe, space: str) -> list[str]:
    """The losses that look at one place, with what they say of themselves."""
    named = zip(loss_names(recipe.losses), recipe.losses, strict=True)
    return [f"   ├─► {name}{_options(loss)}, on {_SPACES[space]}" for name, loss in named if loss.space == space]


def _options(loss: LossSpec) -> str:
    plain = {"kind", "space", "from_epoch"} | ({"weight"} if loss.weight == 1 else set())
    said = {key: value for key, value in loss.model_dump(exclude=plain).items() if value is not None}
    if getattr(loss, "mining", "curriculum") != "curriculum":
        said.pop("hard_from")
    told = [
        f"{key.replace('_', ' ')} {value:g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in said.items()
    ]
    return f" ({', '.join(told)})" if told else ""


def _figures(row: dict[str, Any] | None) -> str:
    if row is None:
        return "Not run. `benchmarks/methods.py` fills the table of methods; until then there is no figure to tell."
    figures, run = row["figures"], row["runs"][0]
    against = row["against_baseline"]
    verdict = ""
    if against is not None:
        points = f"{100 * against['value']:+.1f} points of mAP"
        chance = "more than chance" if against["p_value"] < 0.05 else "no more than chance"
        verdict = f" Against the plain baseline under the same budget: {points}, {chance}."
    return (
        f"{row['budget']}.\n\n"
        "| rank-1 | rank-5 | rank-10 | mAP | mINP | Parameters | Multiply-adds | img/s | Minutes of a processor |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        f"| {' | '.join(_with_interval(row, figure) for figure in _TABLE)} | {run['parameters'] / 1e6:.1f} M "
        f"| {run['multiply_adds'] / 1e9:.2f} G | {figures['images_per_second']:.0f} "
        f"| {figures['training_cpu_minutes']:.0f} |\n\nIntervals of 95 % over people.{verdict}"
    )


_TABLE = ("rank_1", "rank_5", "rank_10", "mAP", "mINP")


def _with_interval(row: dict[str, Any], figure: str) -> str:
    interval = row["runs"][0]["intervals"][figure]
    return f"{100 * row['figures'][figure]:.1f} % [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"


if __name__ == "__main__":
    sys.exit(main())
