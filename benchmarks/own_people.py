"""What a newcomer gets from twenty people of their own in folders: three strangers among them told apart.

Twenty of CUHK03-NP's training people, drawn with a seed, lie in a folder each. Seventeen are trained on, of whom some
are held out to calibrate the threshold; the pairs of the other three's pictures, from two cameras each, are decided
with it. That is done for several draws, and the counts of all are added up. The data set's test people play no part.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from passerby.data import ReadOptions, read_dataset
from passerby.data.dataset import Dataset
from passerby.errors import CalibrationError
from passerby.evaluation.verification import calibrate
from passerby.models.embedder import TorchEmbedder, load_embedder
from passerby.training.recipe import load_recipe
from passerby.training.trainer import train
from passerby.types import Sample
from record import record

PEOPLE = 20


@dataclass(frozen=True)
class Way:
    """A way to come by a model: a recipe with settings, weights to start from, and whether to train at all."""

    name: str
    recipe: str
    settings: tuple[str, ...] = ()
    initial: str | None = None
    trains: bool = True


WAYS = (
    Way("`passerby-s` as shipped, calibrated on one's own people", "passerby-s", trains=False),
    Way(
        "`passerby-s`, fine-tuned",
        "passerby-s",
        ("epochs=30", "optimizer.learning_rate=2.0e-4", "validation.share=0.24", "validation.every=30"),
        "passerby-s",
    ),
    Way("`small-resnet18` from scratch", "small-resnet18", ("epochs=40", "validation={share: 0.24, every: 40}")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP, detected boxes, Market-1501's layout")
    parser.add_argument("--draws", type=int, default=3)
    arguments = parser.parse_args()
    source = read_dataset(arguments.data).train
    counts: dict[str, np.ndarray] = {way.name: np.zeros(4, int) for way in WAYS}
    seconds: dict[str, float] = defaultdict(float)
    for draw in range(arguments.draws):
        with tempfile.TemporaryDirectory() as folder:
            dataset = own_people(source, Path(folder) / "people", draw)
            for way in WAYS:
                began = time.process_time()
                counts[way.name] += decided(way, dataset, Path(folder) / "run", draw)
                seconds[way.name] += time.process_time() - began
                shutil.rmtree(Path(folder) / "run", ignore_errors=True)
                print(draw, way.name, counts[way.name], f"{seconds[way.name]:.0f} s", flush=True)
        # After every draw, so that a run that is stopped leaves what it has.
        write(draw + 1, counts, {name: spent / (draw + 1) for name, spent in seconds.items()})


def write(draws: int, counts: dict[str, np.ndarray], seconds: dict[str, float]) -> None:
    rows, summary = [], []
    for way in WAYS:
        right, same, wrong, different = (int(count) for count in counts[way.name])
        shares = {
            "accuracy": (right + different - wrong) / (same + different),
            "precision": right / max(1, right + wrong),
            "true_positive_rate": right / same,
            "false_positive_rate": wrong / different,
        }
        rows.append(
            {"way": way.name, "settings": way.settings, "cpu_seconds_a_draw": round(seconds[way.name], 1)}
            | {"pairs_of_one_person": same, "pairs_of_two": different}
            | {key: round(value, 4) for key, value in shares.items()}
        )
        summary.append(
            {
                "what": f"Twenty of one's own people, three strangers of them verified, {draws} draws: {way.name}, "
                f"{seconds[way.name]:.0f} CPU s",
                "figure": f"accuracy {shares['accuracy']:.1%}, precision {shares['precision']:.1%}, "
                f"TPR {shares['true_positive_rate']:.1%}, FPR {shares['false_positive_rate']:.1%}",
                "beside": f"saying no to all {same + different} pairs: accuracy {different / (same + different):.1%}",
            }
        )
    figures = {"draws": draws, "people": PEOPLE, "threads": torch.get_num_threads(), "ways": rows}
    record("own_people", figures | {"summary": summary})


def own_people(source: tuple[Sample, ...], folder: Path, draw: int) -> Dataset:
    """Twenty people in a folder each, as a newcomer would have them; three of them are test people."""
    people = sorted({sample.person_id for sample in source})
    chosen = np.random.default_rng(draw).choice(people, PEOPLE, replace=False)
    for sample in source:
        if sample.person_id in chosen:
            target = folder / f"person-{sample.person_id:04d}"
            target.mkdir(parents=True, exist_ok=True)
            os.symlink(sample.path.resolve(), target / f"cam{sample.camera_id}_{sample.path.name}")
    return read_dataset(folder, "folder", ReadOptions(camera_pattern="cam([0-9]+)_", test_share=0.15))


def decided(way: Way, dataset: Dataset, output: Path, seed: int) -> np.ndarray:
    """Pairs of one person: accepted, all; pairs of two people: accepted, all."""
    if way.trains:
        recipe = load_recipe(way.recipe, (*way.settings, f"seed={seed}", "precision=auto"))
        bundle = train(recipe, dataset, output, initial=Path(way.initial) if way.initial else None).best
        embedder, calibration = TorchEmbedder(bundle), bundle.calibration
        if calibration is None:
            raise CalibrationError("expected pairs of held-out people, got none")
    else:
        embedder = load_embedder(way.recipe)
        known = dataset.train
        calibration = calibrate(
            embedder.embed([sample.path for sample in known]),
            [sample.person_id for sample in known],
            [sample.camera_id for sample in known],
            source="one's own people",
        )
    tested = [*dict.fromkeys([*dataset.query, *dataset.gallery])]
    embeddings = embedder.embed([sample.path for sample in tested])
    distances = 1 - embeddings @ embeddings.T
    people, cameras = (np.array([getattr(s, key) for s in tested]) for key in ("person_id", "camera_id"))
    pairs = np.triu(np.ones_like(distances, bool), 1) & (cameras[:, None] != cameras[None, :])
    same = people[:, None] == people[None, :]
    accepted = distances <= calibration.threshold
    return np.array([int((pairs & part).sum()) for part in (same & accepted, same, ~same & accepted, ~same)])


if __name__ == "__main__":
    main()
