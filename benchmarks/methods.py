"""Every method of the literature on CUHK03-NP under one budget, beside the plain baseline.

Two budgets: `cpu` trains ResNet-18 on 128×64 pictures for 20 epochs (`siamese-attention-resnet50` on 256×128, which
its attention needs), `gpu` ResNet-50 on 256×128 for as long as each recipe says. A recipe's schedule, warm-up and
turns are scaled to the budget's epochs; all else is its own. All rows start from the same weights: random ones, or
with `--init` the backbone of a model, such as `passerby-m`, which `make models` trains on synthetic people alone; the
backbone's kind and width are then that model's. A row says which. Nobody is held out and nothing is chosen: each
training is measured once, after its last epoch, on the test people. The plain baseline stands in the first row, and
where a method does worse than it, the table says so.

Trainings are kept in `--output` and resumed, and what is measured is not measured again: run the same command until
no row says "not run". `--cpu-minutes` ends a run after the training that exceeds it, `--only` takes some rows,
`--seeds` trains with several.
"""

import argparse
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from epoch_printer import EpochPrinter
from passerby.atomic import write_json
from passerby.data import read_dataset
from passerby.data.dataset import Dataset
from passerby.evaluation.bootstrap import paired_test
from passerby.evaluation.model import evaluate_on, from_model
from passerby.models.bundle import Bundle, load_bundle
from passerby.models.complexity import complexity
from passerby.models.embedder import TorchEmbedder
from passerby.models.store import find_bundle
from passerby.training.recipe import Recipe, load_recipe, recipe_names
from passerby.training.trainer import train
from record import record

BASELINE = "baseline-resnet50"
METHODS = tuple(name for name in recipe_names() if load_recipe(name).paper)
CANNOT = {"attributes-resnet50": "CUHK03-NP tells no attributes of people"}
OTHERWISE = {
    "siamese-attention-resnet50": ("preprocessing.height=256", "preprocessing.width=128"),
    # Half of the pooled numbers, as 1024 are of ResNet-50's.
    "svdnet-resnet50": ("architecture.dimension=256",),
}
"""What rows do otherwise on the CPU's budget."""

NOT_RUN = "not run"
FIGURES = ("rank_1", "rank_5", "rank_10", "mAP", "mINP")
TIMED = 256
"""Pictures by which embedding is timed."""


@dataclass(frozen=True)
class Budget:
    """What every row may take, and what it starts from.

    Attributes:
        name: cpu or gpu.
        epochs: Of each training; None for each recipe's own.
        initial: A model whose backbone all start from; None for random weights.
    """

    name: str
    epochs: int | None
    initial: Bundle | None

    @property
    def start(self) -> str:
        """What rows start from, in words."""
        if self.initial is None:
            return "random weights"
        card = self.initial.card
        return f"{card.name}, trained on synthetic people alone" if card.provenance else card.name

    def folder(self, output: Path) -> Path:
        """Where its trainings are kept."""
        start = "random" if self.initial is None else f"{self.initial.card.name}-{self.initial.identity[:8]}"
        return output / f"{self.name}-{start}-{self.epochs or 'own'}-epochs"

    def recipe(self, name: str, seed: int) -> Recipe:
        """A row's recipe."""
        settings = [f"seed={seed}", "validation.share=0"]
        if self.name == "cpu":
            settings += ["architecture.backbone=resnet18", "preprocessing.height=128", "preprocessing.width=64"]
            settings += OTHERWISE.get(name, ())
        else:
            settings += ["architecture.backbone=resnet50", "preprocessing.height=256", "preprocessing.width=128"]
        if self.initial is None:
            settings.append("freeze.stages=0")  # What has learnt nothing is not kept.
        else:
            architecture = self.initial.architecture
            settings += [f"architecture.backbone={architecture.backbone}", f"architecture.width={architecture.width}"]
        recipe = load_recipe(name, settings)
        return recipe if self.epochs is None else scaled(recipe, self.epochs)


def scaled(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe for another number of epochs, with everything that happens at one of them moved in proportion."""
    factor = epochs / recipe.epochs
    content = recipe.model_dump(mode="json")
    schedule, turns = content["schedule"], content["decorrelation"]
    schedule["warmup_epochs"] *= factor
    schedule["milestones"] = [milestone * factor for milestone in schedule["milestones"]]
    turns["from_epoch"] = round(turns["from_epoch"] * factor)
    for key in ("restraint", "relaxation"):
        turns[key] = max(1, round(turns[key] * factor))
    for loss in content["losses"]:
        loss["from_epoch"] = round(loss["from_epoch"] * factor)
    return Recipe.model_validate(content | {"epochs": epochs})


def measured(budget: Budget, name: str, seed: int, dataset: Dataset, output: Path, device: str) -> dict[str, Any]:
    """Train and measure a row, or read what was measured before."""
    folder = budget.folder(output) / f"{name}-seed-{seed}"
    kept = folder / "test.json"
    if kept.is_file():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    print(folder.name, flush=True)
    recipe = budget.recipe(name, seed)
    result = train(
        recipe,
        dataset,
        folder,
        device=device,
        resume=True,
        initial=None if budget.initial is None else budget.initial.path,
        reporter=EpochPrinter(),
    )
    embedder = TorchEmbedder(result.last, device)
    evaluation = evaluate_on(from_model(embedder), dataset)
    figures = evaluation.to_dict()
    size = recipe.preprocessing
    cost = complexity(recipe.architecture, size.height, size.width)
    found = {
        "seed": seed,
        "size": f"{size.height}×{size.width}",
        "backbone": recipe.architecture.backbone,
        "epochs": recipe.epochs,
        "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds,
        "images_per_second": round(speed(embedder, dataset), 1),
        "training_cpu_minutes": round(result.rows[-1]["cpu_seconds"] / 60, 2),
        "training_minutes": round(result.rows[-1]["seconds"] / 60, 2),
        **{figure: round(figures[figure], 4) for figure in FIGURES},
        "intervals": {figure: figures["intervals"][figure] for figure in FIGURES},
    }
    by_query = {
        "average_precision": evaluation.values_by_query()["mAP"].tolist(),
        "people": np.asarray(evaluation.query_people).tolist(),
    }
    write_json(folder / "queries.json", by_query)
    write_json(kept, found)
    return found


def speed(embedder: TorchEmbedder, dataset: Dataset) -> float:
    """Pictures that the model embeds in a processor second, reading included; the better of two."""
    paths = [sample.path for sample in dataset.query[:TIMED]]
    seconds = []
    for _ in range(2):
        started = time.process_time()
        embedder.embed(paths)
        seconds.append(time.process_time() - started)
    return len(paths) / min(seconds)


def against_baseline(budget: Budget, name: str, seed: int, output: Path) -> dict[str, float] | None:
    """How the mAP differs from the baseline's of the same seed, by a paired test over people; None where it lacks."""
    folders = [budget.folder(output) / f"{row}-seed-{seed}" / "queries.json" for row in (BASELINE, name)]
    if name == BASELINE or not all(file.is_file() for file in folders):
        return None
    plain, method = (json.loads(file.read_text(encoding="utf-8")) for file in folders)
    test = paired_test(plain["average_precision"], method["average_precision"], plain["people"])
    return {key: round(value, 4) for key, value in test.to_dict().items()}


def row_of(budget: Budget, name: str, runs: list[dict[str, Any]], output: Path) -> dict[str, Any]:
    """A row of the table: means over seeds, and the intervals of the first."""
    if not runs:
        return {"status": NOT_RUN, **({"reason": CANNOT[name]} if name in CANNOT else {})}
    first = runs[0]
    pictures = f"{first['backbone']}, {first['size']}, {first['epochs']} epochs, from {budget.start}"
    seeds = f", mean of {len(runs)} seeds" if len(runs) > 1 else ""
    return {
        "status": "measured",
        "budget": f"CUHK03-NP detected, {budget.name}: {pictures}{seeds}",
        "figures": {
            figure: statistics.mean(run[figure] for run in runs)
            for figure in (*FIGURES, "images_per_second", "training_cpu_minutes", "training_minutes")
        },
        "deviation_of_mAP": statistics.stdev(run["mAP"] for run in runs) if len(runs) > 1 else None,
        "against_baseline": against_baseline(budget, name, first["seed"], output),
        "runs": runs,
    }


def beside(row: dict[str, Any]) -> str:
    """What the table says beside a row's figures."""
    if row["status"] == NOT_RUN:
        return row.get("reason", "–")
    test = row["against_baseline"]
    if test is None:
        return row["budget"]
    points = f"{100 * test['value']:+.1f} points of mAP [{100 * test['low']:+.1f}, {100 * test['high']:+.1f}]"
    if test["p_value"] >= 0.05:
        return f"{points}: not told apart from the plain baseline"
    return f"{points}: {'worse' if test['value'] < 0 else 'better'} than the plain baseline"


def shown(row: dict[str, Any]) -> str:
    """A row's figures in the table."""
    if row["status"] == NOT_RUN:
        return NOT_RUN
    figures, run = row["figures"], row["runs"][0]
    return (
        f"rank-1 {figures['rank_1']:.1%}, mAP {figures['mAP']:.1%}, mINP {figures['mINP']:.1%}; "
        f"{run['parameters'] / 1e6:.1f} M, {run['multiply_adds'] / 1e9:.2f} G, "
        f"{figures['images_per_second']:.0f} img/s, {figures['training_cpu_minutes']:.0f} min"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP, detected boxes, Market-1501's layout")
    parser.add_argument("--output", type=Path, required=True, help="folder for the trainings")
    parser.add_argument("--budget", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--epochs", type=int, help="of each training; by default 20, or on a GPU each recipe's own")
    parser.add_argument("--init", type=Path, help="name or folder of a model whose backbone all rows start from")
    parser.add_argument("--only", nargs="+", choices=(BASELINE, *METHODS), default=[BASELINE, *METHODS])
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each row")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cpu-minutes", type=float, default=float("inf"), help="begin no training after so many")
    arguments = parser.parse_args()

    dataset = read_dataset(arguments.data)
    initial = load_bundle(find_bundle(arguments.init)) if arguments.init else None
    budget = Budget(arguments.budget, arguments.epochs or (20 if arguments.budget == "cpu" else None), initial)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in (BASELINE, *METHODS)}
    for seed in range(arguments.seeds):
        for name, found in runs.items():
            is_done = (budget.folder(arguments.output) / f"{name}-seed-{seed}" / "test.json").is_file()
            in_time = time.process_time() <= 60 * arguments.cpu_minutes
            if is_done or (name in arguments.only and name not in CANNOT and in_time):
                found.append(measured(budget, name, seed, dataset, arguments.output, arguments.device))
    rows = {name: row_of(budget, name, found, arguments.output) for name, found in runs.items()}
    for name, row in rows.items():
        print(f"{name:28} {shown(row)}  |  {beside(row)}")
    summary = [
        {"what": f"`{name}` on CUHK03-NP ({budget.name}'s budget)", "figure": shown(row), "beside": beside(row)}
        for name, row in rows.items()
    ]
    name = "methods" if budget.name == "cpu" else "methods_gpu"
    print(record(name, {"budget": budget.name, "start": budget.start, "rows": rows, "summary": summary}))


if __name__ == "__main__":
    main()
