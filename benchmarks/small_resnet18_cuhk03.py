"""What a processor learns in half an hour: the `small-resnet18` recipe on CUHK03-NP, measured once on test people.

Training is resumable (run the same command again). The curve is of people who were held out of training; the test
people are measured a single time, at the end, and nothing is chosen on them.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from epoch_printer import EpochPrinter
from passerby.data import read_dataset
from passerby.evaluation.model import evaluate_on, from_model
from passerby.models.embedder import TorchEmbedder
from passerby.training.recipe import load_recipe
from passerby.training.trainer import train
from record import record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP, detected boxes, Market-1501's layout")
    parser.add_argument("--output", type=Path, required=True, help="folder for the training")
    parser.add_argument("--epochs", type=int, default=44, help="so many take about 30 processor minutes")
    parser.add_argument("--held-out", type=float, default=0.05, help="share of the training people for the curve")
    arguments = parser.parse_args()

    settings = [f"epochs={arguments.epochs}", f"validation.share={arguments.held_out}"]
    recipe = load_recipe("small-resnet18", settings)
    dataset = read_dataset(arguments.data)
    result = train(recipe, dataset, arguments.output, resume=True, reporter=EpochPrinter())
    evaluation = evaluate_on(from_model(TorchEmbedder(result.last)), dataset)
    metrics = evaluation.metrics
    minutes = result.rows[-1]["cpu_seconds"] / 60
    figures = {
        "recipe": recipe.name,
        "settings": settings,
        "threads": torch.get_num_threads(),
        "trained_on": result.last.card.trained_on,
        "cpu_minutes": round(minutes, 1),
        "wall_minutes": round(result.rows[-1]["seconds"] / 60, 1),
        "curve": [
            {
                "epoch": row["epoch"],
                "cpu_minutes": round(row["cpu_seconds"] / 60, 2),
                "loss": round(row["loss"], 4),
                **{f"held_out_{key}": round(row[key], 4) for key in ("rank_1", "mean_ap") if key in row},
            }
            for row in result.rows
        ],
        "calibration_on_held_out": None if result.last.calibration is None else asdict(result.last.calibration),
        "test": evaluation.to_dict(),
    }
    print(f"rank-1 {metrics.rank(1):.2%}  mAP {metrics.mean_ap:.2%}  after {minutes:.1f} processor minutes")
    summary = {
        "what": f"`small-resnet18` from scratch on CUHK03-NP detected (128×64), {minutes:.0f} processor minutes",
        "figure": f"rank-1 {metrics.rank(1):.1%}, mAP {metrics.mean_ap:.1%}",
        "beside": "ResNet-50, ImageNet weights, published: 21.3 % / 19.7 %",
    }
    record("small_resnet18_cuhk03", figures | {"summary": [summary]})


if __name__ == "__main__":
    main()
