"""What pre-training on synthetic people is worth: CUHK03-NP from a shipped model against from scratch.

The same recipe on the same pictures with the same seed, once with `--init MODEL` and once from random weights, for
several lengths of training. The recipe is `small-resnet18` with the model's own architecture. Nobody is held out and
nothing is chosen: each training is measured once, after its last epoch, on the test people. At 0 epochs the model is
measured as it is shipped.

Trainings are kept in `--output` and resumed, and what is measured is not measured again: run the same command until
no row says "not run". `--cpu-minutes` ends a run after the training that exceeds it.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epoch_printer import EpochPrinter
from passerby.atomic import write_json
from passerby.data import read_dataset
from passerby.data.dataset import Dataset
from passerby.evaluation.model import evaluate_on, from_model
from passerby.models.bundle import Bundle, load_bundle
from passerby.models.embedder import TorchEmbedder
from passerby.models.store import find_bundle
from passerby.training.recipe import Recipe, load_recipe
from passerby.training.trainer import train
from record import record

NOT_RUN = "not run"


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        epochs: How long; 0 for the model as it is.
        pretrained: Whether it starts from the model's weights.
    """

    epochs: int
    pretrained: bool

    def folder(self, output: Path, model: Bundle) -> Path:
        """Where it is kept: a model that was trained anew starts anew."""
        start = f"from-{model.card.name}-{model.identity[:8]}" if self.pretrained else "from-scratch"
        return output / f"{start}-{self.epochs}-epochs"


def recipe_for(model: Bundle, epochs: int) -> Recipe:
    """`small-resnet18` with a model's architecture and size of pictures, for so many epochs."""
    return load_recipe(
        "small-resnet18",
        [
            f"architecture={json.dumps(model.architecture.model_dump(mode='json'))}",
            f"preprocessing={json.dumps(model.preprocessing.model_dump(mode='json'))}",
            f"epochs={epochs}",
            # The recipe's three epochs of sixty, but never more than a fifth of a short training.
            f"schedule.warmup_epochs={min(3.0, epochs / 5)}",
            "validation.share=0",
        ],
    )


def measured(run: Run, model: Bundle, dataset: Dataset, output: Path) -> dict[str, Any]:
    """Train and measure, or read what was measured before."""
    folder = run.folder(output, model)
    kept = folder / "test.json"
    if kept.is_file():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    cpu_seconds, bundle = 0.0, model
    if run.epochs:
        print(f"{folder.name}", flush=True)
        result = train(
            recipe_for(model, run.epochs),
            dataset,
            folder,
            resume=True,
            initial=model.path if run.pretrained else None,
            reporter=EpochPrinter(),
        )
        cpu_seconds, bundle = result.rows[-1]["cpu_seconds"], result.last
    evaluation = evaluate_on(from_model(TorchEmbedder(bundle)), dataset).to_dict()
    names = ("rank_1", "rank_5", "mAP", "mINP")
    figures = {
        "training_cpu_minutes": round(cpu_seconds / 60, 2),
        **{name: round(evaluation[name], 4) for name in names},
        "intervals": {name: evaluation["intervals"][name] for name in names},
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_json(kept, figures)
    return figures


def shown(figures: dict[str, Any] | None) -> str:
    """A cell of the table."""
    return NOT_RUN if figures is None else f"rank-1 {figures['rank_1']:.1%}, mAP {figures['mAP']:.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP, detected boxes, Market-1501's layout")
    parser.add_argument("--output", type=Path, required=True, help="folder for the trainings")
    parser.add_argument("--model", default="passerby-m", help="name or folder of the model to start from")
    parser.add_argument("--epochs", type=int, nargs="+", default=[2, 5, 10], help="lengths of training")
    parser.add_argument("--cpu-minutes", type=float, default=float("inf"), help="begin no training after so many")
    arguments = parser.parse_args()

    model = load_bundle(find_bundle(Path(arguments.model)))
    dataset = read_dataset(arguments.data)
    runs = [Run(0, True), *(Run(epochs, pretrained) for epochs in arguments.epochs for pretrained in (True, False))]
    found: dict[Run, dict[str, Any] | None] = {}
    for run in runs:
        is_done = (run.folder(arguments.output, model) / "test.json").is_file()
        over = time.process_time() > 60 * arguments.cpu_minutes
        found[run] = None if over and not is_done else measured(run, model, dataset, arguments.output)

    name = f"`{model.card.name}`"
    summary = [
        {
            "what": f"CUHK03-NP detected (128×64) after {epochs} epochs of the same recipe from {name}",
            "figure": shown(found[Run(epochs, True)]),
            "beside": f"from scratch {shown(found[Run(epochs, False)])}; {name} as shipped {shown(found[runs[0]])}",
        }
        for epochs in arguments.epochs
    ]
    rows = []
    for run, figures in found.items():
        start = model.card.name if run.pretrained else "scratch"
        rows.append({"epochs": run.epochs, "from": start, "test": figures or NOT_RUN})
        print(f"{run.epochs:3} epochs from {start}: {shown(figures)}")
    print(record("pretraining", {"model": model.identity, "rows": rows, "summary": summary}))


if __name__ == "__main__":
    main()
