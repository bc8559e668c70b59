"""Turn a training on synthetic people into a shipped model: calibrated, measured, with a whole card.

`make models` calls it behind the stages before it. The people it calibrates and measures on are drawn with another
seed than those that the model was trained on, and no picture of a real person is touched. Figures on real cameras are
copied from what `benchmarks/zero_shot.py` has written, if it has.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

from passerby.data import read_dataset
from passerby.data.dataset import Dataset, picture_keys
from passerby.errors import DataError
from passerby.evaluation.model import calibrate_on, evaluate_on, from_model
from passerby.models.bundle import Bundle, load_bundle, save_bundle, write_calibration
from passerby.models.embedder import TorchEmbedder

LICENCE = "Apache-2.0, like Passerby; nobody's pictures have a say in it, since nobody's were used"

INTENDED_FOR = (
    "ranking pictures of one person each by how much they look like the same person, for a human who looks at them",
    "a start for training on cameras of one's own",
    "trying Passerby, and tests of software around it",
)

LIMITS = (
    "it has seen only people who were drawn: on real cameras it is right much less often than on synthetic ones",
    "its calibration is of synthetic people; calibrate on your own cameras before you rely on a probability",
    "people in black or grey, of whom there are many, are confused most",
)


def main() -> None:
    """Read a training, write a bundle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("training", type=Path, help="output of `passerby train`")
    parser.add_argument("--data", type=Path, required=True, help="the synthetic people that it was trained on")
    parser.add_argument("--unseen", type=Path, required=True, help="synthetic people of another seed")
    parser.add_argument("--hardware", required=True, help="what it was trained on")
    parser.add_argument("--output", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--real-figures", type=Path, help="results of benchmarks/zero_shot.py")
    arguments = parser.parse_args()

    trained = load_bundle(arguments.training / "best")
    unseen = read_dataset(arguments.unseen)
    bundle = released(trained, read_dataset(arguments.data), unseen, arguments)
    embedder = TorchEmbedder(bundle, "cpu")
    write_calibration(bundle, calibrate_on(embedder, unseen, "train"))
    size = sum(file.stat().st_size for file in bundle.path.iterdir())
    print(f"{bundle.path}: {size / 1e6:.2f} MB, identity {bundle.identity[:12]}")


def released(trained: Bundle, seen: Dataset, unseen: Dataset, arguments: argparse.Namespace) -> Bundle:
    """Write the bundle with its card and its figures, and without a calibration."""
    rows = list(csv.DictReader((arguments.training / "log.csv").open(encoding="utf-8")))
    hours = float(rows[-1]["cpu_seconds"]) / 3600
    provenance = trained.card.provenance
    if provenance is None:
        raise DataError(f"{arguments.training}: expected a training on synthetic people, got one on other pictures")
    card = trained.card.model_copy(
        update={
            "trained_on": f"{trained.card.trained_on.split(' of ')[0]} of synthetic people drawn by "
            f"{provenance['generator']}, version {provenance['generator_version']}; no picture of a real person",
            "licence": LICENCE,
            "intended_for": INTENDED_FOR,
            "limits": LIMITS,
            "hardware": f"{arguments.hardware}, {hours:.2f} processor hours",
            # One picture of each person tells whom it knows; a hash of every picture would weigh as much as a layer.
            "training_pictures": _one_picture_each(seen),
        }
    )
    figures: dict[str, Any] = {f"{unseen.name}, synthetic test people": measured(trained, unseen)}
    if arguments.real_figures:
        content = json.loads(arguments.real_figures.read_text(encoding="utf-8"))
        figures |= content["figures"]["models"].get(arguments.output.name, {})
    return save_bundle(arguments.output, trained.load_network(), trained.preprocessing, card, figures, replace=True)


def measured(bundle: Bundle, dataset: Dataset) -> dict[str, float]:
    """Rank-1, mAP and mINP on a data set's test people."""
    metrics = evaluate_on(from_model(TorchEmbedder(bundle, "cpu")), dataset).metrics
    return {"rank_1": metrics.rank(1), "mAP": metrics.mean_ap, "mINP": metrics.mean_inp}


def _one_picture_each(dataset: Dataset) -> str:
    first = {sample.person_id: sample for sample in sorted(dataset.train, key=lambda s: s.path, reverse=True)}
    return "".join(sorted(picture_keys(first.values())))


if __name__ == "__main__":
    main()
