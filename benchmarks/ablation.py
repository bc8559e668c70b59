"""What carries over from synthetic people to real cameras: `passerby-s` less one thing at a time, small and alike.

Every row draws its own data set (where the thing lies in the data) and trains for a few epochs. What is measured is
the mAP on CUHK03-NP's 767 training people, which may be used to choose: each person's first picture by each camera
asks, all others answer. The test people are never looked at. With several `--seeds` a row is their mean, and its
spread tells which differences are none.

Data sets and trainings are kept in `--output` and resumed, and what is measured is not measured again: run the same
command until no row says "not run". `--cpu-minutes` ends a run after the row that exceeds it, `--only` takes some.
"""

import argparse
import json
import statistics
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from epoch_printer import EpochPrinter
from passerby.atomic import write_json
from passerby.data import read_dataset
from passerby.data.dataset import Dataset, people
from passerby.evaluation.model import evaluate_on, from_model
from passerby.models.embedder import TorchEmbedder
from passerby.synthetic.production import produce_people
from passerby.training.recipe import load_recipe
from passerby.training.trainer import train
from record import record

NOT_RUN = "not run"


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        what: What is done otherwise than in `passerby-s`.
        settings: Of the recipe.
        cameras: How many cameras the world has.
        look_alikes: As `passerby synth images` takes it.
    """

    what: str
    settings: tuple[str, ...] = ()
    cameras: int = 100
    look_alikes: int = 0


_AUGMENTATION = ("colour", "gamma", "cast", "grey", "low_resolution", "noise")

ROWS = {
    "whole": Row("the whole recipe"),
    "augmentation": Row("no photometric augmentation", tuple(f"augmentation.{name}=0" for name in _AUGMENTATION)),
    "erasing": Row("no random erasing", ("augmentation.erase=0",)),
    "instance-norm": Row("batch norm alone, no instance norm", ("architecture.backbone=resnet18",)),
    "pooling": Row("average pooling, not by body regions", ("architecture.pooling=average",)),
    "cameras-5": Row("5 cameras instead of 100", cameras=5),
    "cameras-25": Row("25 cameras instead of 100", cameras=25),
    "no-look-alikes": Row("nobody dressed like another", look_alikes=1),
    "groups-of-4": Row(
        "everybody in a group of four look-alikes who share batches", ("batch.in_a_row=4",), look_alikes=4
    ),
}


@dataclass(frozen=True)
class Budget:
    """How much each row may take; rows of different budgets are kept apart."""

    identities: int
    epochs: int

    def people(self, row: Row, output: Path) -> Path:
        """Draw a row's people, or go on drawing."""
        folder = output / f"people-{self.identities}-cameras-{row.cameras}-look-alikes-{row.look_alikes}"
        return produce_people(
            folder,
            people=self.identities,
            cameras=row.cameras,
            cameras_per_person=5,
            pictures=2,
            seed=20261125,
            train_people=self.identities,
            look_alikes=row.look_alikes,
        )

    def training(self, name: str, seed: int, output: Path) -> Path:
        """The folder of a row's training."""
        return output / f"{name}-{self.identities}-people-{self.epochs}-epochs-seed-{seed}"


@dataclass
class Ablation:
    """Runs rows and keeps what they found."""

    output: Path
    budget: Budget
    steering: Dataset
    cpu_minutes: float
    found: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def run(self, name: str, seed: int) -> None:
        """Draw, train and measure a row, or read what was measured before; nothing where the time is up."""
        folder = self.budget.training(name, seed, self.output)
        kept = folder / "steering.json"
        if not kept.is_file():
            if time.process_time() > 60 * self.cpu_minutes:
                return
            self._measure(name, seed, folder, kept)
        self.found.setdefault(name, []).append(json.loads(kept.read_text(encoding="utf-8")))

    def _measure(self, name: str, seed: int, folder: Path, kept: Path) -> None:
        row = ROWS[name]
        settings = (f"epochs={self.budget.epochs}", f"seed={seed}", "validation.share=0", *row.settings)
        print(folder.name, flush=True)
        drawn = read_dataset(self.budget.people(row, self.output))
        recipe = load_recipe("passerby-s", settings)
        result = train(recipe, drawn, folder, resume=True, reporter=EpochPrinter())
        metrics = evaluate_on(from_model(TorchEmbedder(result.last)), self.steering).metrics
        figures = {"rank_1": metrics.rank(1), "mAP": metrics.mean_ap, "loss": result.rows[-1]["loss"]}
        write_json(kept, {key: round(value, 5) for key, value in figures.items()})

    def mean_ap(self, name: str) -> str:
        """A cell of the table: the mean over seeds, and the spread where there are several."""
        values = [100 * figures["mAP"] for figures in self.found.get(name, [])]
        if not values:
            return NOT_RUN
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        return f"mAP {statistics.mean(values):.2f} %{spread}"


def steering_people(dataset: Dataset) -> Dataset:
    """A data set's training people alone, as queries (each camera's first picture of a person) and gallery."""
    first = {(sample.person_id, sample.camera_id): sample for sample in reversed(dataset.train)}
    return replace(dataset, train=(), query=tuple(first.values()), gallery=dataset.train)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP, detected boxes, Market-1501's layout")
    parser.add_argument("--output", type=Path, required=True, help="folder for people and trainings")
    parser.add_argument("--identities", type=int, default=400, help="synthetic people of each row")
    parser.add_argument("--epochs", type=int, default=6, help="length of each training")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each row")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), help="which rows")
    parser.add_argument("--cpu-minutes", type=float, default=float("inf"), help="begin no row after so many")
    arguments = parser.parse_args()

    steering = steering_people(read_dataset(arguments.data))
    budget = Budget(arguments.identities, arguments.epochs)
    ablation = Ablation(arguments.output, budget, steering, arguments.cpu_minutes)
    for seed in range(arguments.seeds):
        for name in arguments.only:
            ablation.run(name, seed)
    rows = {name: {"what": row.what, "runs": ablation.found.get(name, NOT_RUN)} for name, row in ROWS.items()}
    for name, row in ROWS.items():
        print(f"{name:16} {ablation.mean_ap(name):24} {row.what}")
    summary = [
        {
            "what": f"Ablation of `passerby-s` ({budget.identities} people, {budget.epochs} epochs): {row.what}",
            "figure": ablation.mean_ap(name),
            "beside": f"the whole recipe: {ablation.mean_ap('whole')}",
        }
        for name, row in ROWS.items()
        if name != "whole"
    ]
    measured_on = f"{len(people(steering.query))} training people of {steering.name}"
    print(record("ablation", {"measured_on": measured_on, "rows": rows, "summary": summary}))


if __name__ == "__main__":
    main()
