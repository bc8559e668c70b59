"""What real pictures cost a training step: the step with its data, beside the same step on one fixed batch.

Both run in turns in one process, with the recipe's network, losses and augmentation. The bare step's batch is made
beforehand, so the difference is everything that data costs: choosing, copying, augmenting, normalising.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from passerby.data import read_dataset
from passerby.training.feed import PictureFeed
from passerby.training.learner import Learner
from passerby.training.recipe import load_recipe
from passerby.training.targets import Targets
from passerby.training.task import prepare_task
from passerby.training.team import Team
from record import record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set to take pictures from")
    parser.add_argument("--recipe", default="small-resnet18")
    parser.add_argument("--pairs", type=int, default=60, help="steps of each kind")
    arguments = parser.parse_args()

    recipe = load_recipe(arguments.recipe)
    task = prepare_task(recipe, read_dataset(arguments.data))
    team = Team(0, 1, torch.device("cpu"))
    learner = Learner.build(recipe, task.pictures(), team, supervision=task.supervision())
    learner.begin_epoch(0)
    feed = PictureFeed(recipe, task, team)
    batches = task.batches(recipe, 0)

    def prepared(step: int) -> tuple[torch.Tensor, Targets]:
        _, pictures, targets, _ = next(feed.batches(0, batches, step % len(batches)))
        return pictures, targets

    def bare(pictures: torch.Tensor, targets: Targets) -> None:
        learner.step(pictures, targets, epoch=0, step=0, steps=1)

    fixed = prepared(0)
    times: dict[str, list[float]] = {"bare": [], "with data": []}
    for step in range(arguments.pairs + 5):
        started = time.process_time()
        bare(*fixed)
        between = time.process_time()
        bare(*prepared(step))
        if step >= 5:  # the first ones warm up
            times["bare"].append(between - started)
            times["with data"].append(time.process_time() - between)
    ratios = np.array(times["with data"]) / np.array(times["bare"])
    figures = {
        "recipe": recipe.name,
        "precision": learner.precision,
        "threads": torch.get_num_threads(),
        "batch": task.people_per_batch * recipe.batch.pictures,
        "pairs": arguments.pairs,
        "bare_step_cpu_seconds_median": round(statistics.median(times["bare"]), 4),
        "step_with_data_cpu_seconds_median": round(statistics.median(times["with data"]), 4),
        "ratio_of_medians": round(statistics.median(times["with data"]) / statistics.median(times["bare"]), 4),
        "ratio_median_of_pairs": round(float(np.median(ratios)), 4),
    }
    print("\n".join(f"{key:40} {value}" for key, value in figures.items()))
    added = figures["ratio_median_of_pairs"] - 1
    summary = {
        "what": f"Training step with real pictures, {recipe.name}",
        "figure": f"{added:+.1%} processor time",
        "beside": "the same step on one fixed batch",
    }
    record("training_step", figures | {"summary": [summary]})


if __name__ == "__main__":
    main()
