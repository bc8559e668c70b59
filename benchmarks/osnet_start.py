"""Why OSNet stalls from random weights, and what cures it: one thing changed at a time, and a ResNet as the control.

Half of CUHK03-NP's training people, of whom some are held out, at 128×64 for a few epochs. Told are the identity
loss's first and last value beside what knowing nothing costs, the mAP of the people who were held out, and how far
their pooled vectors are spread: the mean cosine of two pictures, 1 where all vectors point one way. The data set's
test people play no part.

Trainings are kept in `--output` and resumed, and what is measured is not measured again.
"""

import argparse
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from epoch_printer import EpochPrinter
from passerby.atomic import write_json
from passerby.data import read_dataset
from passerby.data.dataset import Dataset
from passerby.data.loader import PictureStore
from passerby.models.bundle import Bundle
from passerby.models.embedder import embed_pictures
from passerby.training.recipe import load_recipe
from passerby.training.trainer import train
from record import record

CROSS_ENTROPY = "{kind: cross_entropy, space: neck, label_smoothing: 0.1}"
COSINE = "{kind: cross_entropy, space: neck, scale: 16, label_smoothing: 0.1}"
TRIPLET = "{kind: triplet, space: raw, mining: batch_hard, margin: soft}"
CONTRASTIVE = "{kind: supervised_contrastive, space: unit, temperature: 0.1}"
PUBLISHED = f"losses=[{CROSS_ENTROPY}, {TRIPLET}]"
RESNET = "architecture={backbone: resnet18, width: 0.5, last_stride: 1, pooling: average, neck: bnneck}"
SPREAD_OF = 400
HELD_OUT = 0.15


@dataclass(frozen=True)
class Row:
    """One training: what is done, and the settings of `osnet-x0-25` that do it."""

    what: str
    settings: tuple[str, ...]


ROWS = {
    "published": Row("cross-entropy and batch-hard triplets of pooled vectors, as published", (PUBLISHED,)),
    "slower": Row("the same at a fifth of the learning rate", (PUBLISHED, "optimizer.learning_rate=3.0e-4")),
    "without-triplet": Row("cross-entropy alone", (f"losses=[{CROSS_ENTROPY}]",)),
    "cosine": Row("cosine cross-entropy alone", (f"losses=[{COSINE}]",)),
    "cosine-triplet": Row("cosine cross-entropy and the triplets", (f"losses=[{COSINE}, {TRIPLET}]",)),
    "contrastive": Row("cosine cross-entropy and supervised contrastive", (f"losses=[{COSINE}, {CONTRASTIVE}]",)),
    "resnet": Row("ResNet-18 at half width instead of OSNet, as published", (PUBLISHED, RESNET)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP, detected boxes, Market-1501's layout")
    parser.add_argument("--output", type=Path, required=True, help="folder for the trainings")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--people", type=int, default=384, help="how many of the training people to take")
    arguments = parser.parse_args()
    dataset = first_people(read_dataset(arguments.data), arguments.people)
    rows = {name: measured(name, row, dataset, arguments) for name, row in ROWS.items()}
    for name, row in rows.items():
        print(f"{name:16} {row}")
    figures = {"epochs": arguments.epochs, "people": arguments.people, "threads": torch.get_num_threads()}
    print(record("osnet_start", figures | {"rows": rows, "summary": [summary(rows, arguments.epochs)]}))


def first_people(dataset: Dataset, count: int) -> Dataset:
    """Keep the training people with the lowest ids."""
    kept = set(sorted({sample.person_id for sample in dataset.train})[:count])
    return replace(dataset, train=tuple(sample for sample in dataset.train if sample.person_id in kept))


def measured(name: str, row: Row, dataset: Dataset, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and measure, or read what was measured before."""
    folder = arguments.output / f"{name}-{arguments.people}-people-{arguments.epochs}-epochs"
    kept = folder / "figures.json"
    if kept.is_file():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    print(name, flush=True)
    settings = (
        "preprocessing={height: 128, width: 64}",
        "augmentation={flip: 0.5, pad: 5, erase: 0.3}",
        f"epochs={arguments.epochs}",
        "schedule.warmup_epochs=1",
        f"validation={{share: {HELD_OUT}, every: 1}}",
        *row.settings,
    )
    recipe = load_recipe("osnet-x0-25", list(settings))
    result = train(recipe, dataset, folder, resume=True, reporter=EpochPrinter())
    first, last = result.rows[0], result.rows[-1]
    figures = {
        "what": row.what,
        "settings": row.settings,
        "cpu_minutes": round(last["cpu_seconds"] / 60, 1),
        "identity_loss": [round(one["cross_entropy"], 3) for one in (first, last)],
        "identity_loss_of_knowing_nothing": round(math.log(arguments.people * (1 - HELD_OUT)), 2),
        "held_out_mean_ap": [round(one["mean_ap"], 4) for one in result.rows],
        "held_out_rank_1": round(last["rank_1"], 4),
        "mean_cosine_of_pooled_vectors": round(mean_cosine(result.last, dataset), 3),
    }
    write_json(kept, figures)
    return figures


def mean_cosine(bundle: Bundle, dataset: Dataset) -> float:
    """Take the mean cosine of two pictures' pooled vectors, over training pictures spaced evenly."""
    network = bundle.load_network().eval()
    pooled: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        pooled.append(F.normalize(inputs[0].double()))

    network.neck.register_forward_pre_hook(keep)
    chosen = np.linspace(0, len(dataset.train) - 1, SPREAD_OF).astype(int)
    size = bundle.preprocessing.height, bundle.preprocessing.width
    store = PictureStore([dataset.train[index].path for index in chosen], *size, keep_decoded=False)
    embed_pictures(network, store, bundle.preprocessing)
    vectors = torch.cat(pooled)
    count = len(vectors)
    return float((vectors.sum(0).square().sum() - count) / (count * (count - 1)))


def summary(rows: dict[str, dict[str, Any]], epochs: int) -> dict[str, str]:
    """The row of the table of figures."""
    others = "; ".join(
        f"{row['what']} {row['held_out_mean_ap'][-1]:.1%}" for name, row in rows.items() if name != "published"
    )
    return {
        "what": f"OSNet x0.25 from random weights, {epochs} epochs at 128×64, losses as published: mAP of people "
        "held out of CUHK03-NP's training people",
        "figure": f"{rows['published']['held_out_mean_ap'][-1]:.1%}",
        "beside": others,
    }


if __name__ == "__main__":
    main()
