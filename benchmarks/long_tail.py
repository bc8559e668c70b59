"""Few pictures of some people, many of others: what re-sampling and re-weighting change on CUHK03-NP made skewed.

The pictures of CUHK03-NP's training people are thinned out so that their numbers fall exponentially, from all to one
of each camera. Some people are held out. A small network is trained on the others in each way, from the same seeds,
and finds those who were held out. The data set's test people play no part.
"""

import argparse
import statistics
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from passerby.data import read_dataset
from passerby.data.dataset import Dataset
from passerby.training.recipe import load_recipe
from passerby.training.trainer import train
from record import record

WAYS = {
    "as they are": "{}",
    "people alike": "{sampling: people}",
    "people alike, deferred": "{sampling: people, from_epoch: DEFERRED}",
    "effective number": "{reweighting: effective_number, beta: 0.9}",
    "effective number, deferred": "{reweighting: effective_number, beta: 0.9, from_epoch: DEFERRED}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP, detected boxes, Market-1501's layout")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--people", type=int, default=767, help="how many of the training people to take")
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.data)
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(arguments.seeds):
        skewed = thinned(dataset, arguments.people, seed)
        for name, tail in WAYS.items():
            settings = [
                f"epochs={arguments.epochs}",
                f"seed={seed}",
                "schedule.warmup_epochs=1",
                f"validation={{share: 0.15, every: {arguments.epochs}}}",
                f"long_tail={tail.replace('DEFERRED', str(arguments.epochs * 2 // 3))}",
            ]
            with tempfile.TemporaryDirectory() as folder:
                result = train(load_recipe("small-resnet18", settings), skewed, Path(folder) / "run")
            found[name].append(result.rows[-1]["mean_ap"])
            print(seed, name, f"mAP {found[name][-1]:.4f}", f"{result.rows[-1]['cpu_seconds']:.0f} CPU s", flush=True)
    plain = found["as they are"]
    rows = [
        {
            "way": name,
            "mean_ap": [round(value, 4) for value in values],
            "mean": round(statistics.fmean(values), 4),
            "deviation": round(statistics.stdev(values), 4) if len(values) > 1 else None,
            "mean_difference": round(statistics.fmean(np.subtract(values, plain)), 4),
        }
        for name, values in found.items()
    ]
    listed = ", ".join(f"{row['way']} {row['mean']:.1%} ({row['mean_difference']:+.1%})" for row in rows[1:])
    summary = {
        "what": f"`small-resnet18`, {arguments.epochs} epochs on CUHK03-NP's training people, their pictures thinned "
        f"exponentially, {arguments.seeds} seeds: mAP of held-out people",
        "figure": listed,
        "beside": f"as they are: {rows[0]['mean']:.1%}",
    }
    figures = {"epochs": arguments.epochs, "people": arguments.people, "threads": torch.get_num_threads()}
    record("long_tail", figures | {"ways": rows, "summary": [summary]})


def thinned(dataset: Dataset, people: int, seed: int) -> Dataset:
    """Leave people, in random order, from all of their pictures down to one of each camera."""
    rng = np.random.default_rng(seed)
    pictures = defaultdict(list)
    for sample in dataset.train:
        pictures[sample.person_id, sample.camera_id].append(sample)
    order = rng.permutation(sorted({person for person, _ in pictures}))[:people]
    rank = {int(person): place / max(1, people - 1) for place, person in enumerate(order)}
    kept = []
    for (person, _), samples in sorted(pictures.items()):
        if person in rank:
            kept += samples[: max(1, round(len(samples) * (1 / len(samples)) ** rank[person]))]
    return replace(dataset, train=tuple(kept))


if __name__ == "__main__":
    main()
