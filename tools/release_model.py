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
from passerby.evaluation.evaluate import evaluate_task
from passerby.evaluation.groups import GroupReport
from passerby.evaluation.model import calibrate_on, from_model, group_errors_of, task_on
from passerby.models.bundle import Bundle, load_bundle, save_bundle
from passerby.models.card import ModelCard
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
)

_DRAWN = "all kinds are drawn for training, rare ones as rarely as in a crowd; weighting them up was not tried"
_LOOK_ALIKES = "people dressed alike but for one thing, among every six drawn for training"
_CAMERAS = "150 cameras, each with its own light and look; photometric augmentation; instance normalisation"

TRIED = {
    "skin_tone": _DRAWN,
    "build": _DRAWN,
    "height": _DRAWN,
    "upper": _LOOK_ALIKES,
    "upper_colour": f"{_LOOK_ALIKES}; cameras that keep detail in dark cloth",
    "lower": _LOOK_ALIKES,
    "lower_colour": f"{_LOOK_ALIKES}; cameras that keep detail in dark cloth",
    "bag": f"{_LOOK_ALIKES}, often the bag",
    "light": _CAMERAS,
    "size": "pictures made coarse while training",
    "visible_fraction": "people and furniture in front of others; erased rectangles; pooling by body regions",
    "camera": _CAMERAS,
}
"""By what error rates are grouped, and what was done in the training against differences."""


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
    bundle = released(trained, read_dataset(arguments.data), read_dataset(arguments.unseen), arguments)
    size = sum(file.stat().st_size for file in bundle.path.iterdir())
    print(f"{bundle.path}: {size / 1e6:.2f} MB, identity {bundle.identity[:12]}")


def released(trained: Bundle, seen: Dataset, unseen: Dataset, arguments: argparse.Namespace) -> Bundle:
    """Calibrate on one half of the unseen people, measure on the other, and write the bundle with its card."""
    embedder = TorchEmbedder(trained, "cpu")
    calibration = calibrate_on(embedder, unseen, "train")
    task = task_on(from_model(embedder), unseen)
    metrics = evaluate_task(task).metrics
    groups = group_errors_of(task, unseen, list(TRIED), calibration)
    figures: dict[str, Any] = {
        f"{unseen.name}, synthetic test people": {
            "rank_1": metrics.rank(1),
            "mAP": metrics.mean_ap,
            "mINP": metrics.mean_inp,
        }
    }
    if arguments.real_figures:
        content = json.loads(arguments.real_figures.read_text(encoding="utf-8"))
        figures |= content["figures"]["models"].get(arguments.output.name, {})
    return save_bundle(
        arguments.output,
        trained.load_network(),
        trained.preprocessing,
        whole_card(trained, seen, groups, arguments),
        figures,
        calibration,
        groups=rounded(groups.to_dict()),
        replace=True,
    )


def whole_card(trained: Bundle, seen: Dataset, groups: GroupReport, arguments: argparse.Namespace) -> ModelCard:
    """Say in the card what a training alone cannot know."""
    rows = list(csv.DictReader((arguments.training / "log.csv").open(encoding="utf-8")))
    hours = float(rows[-1]["cpu_seconds"]) / 3600
    provenance = trained.card.provenance
    if provenance is None:
        raise DataError(f"{arguments.training}: expected a training on synthetic people, got one on other pictures")
    return trained.card.model_copy(
        update={
            "trained_on": f"{trained.card.trained_on.split(' of ')[0]} of synthetic people drawn by "
            f"{provenance['generator']}, version {provenance['generator_version']}; no picture of a real person",
            "licence": LICENCE,
            "intended_for": INTENDED_FOR,
            "limits": (*LIMITS, *differences(groups)),
            "hardware": f"{arguments.hardware}, {hours:.2f} processor hours",
            # One picture of each person tells whom it knows; a hash of every picture would weigh as much as a layer.
            "training_pictures": _one_picture_each(seen),
        }
    )


def differences(groups: GroupReport) -> list[str]:
    """Large differences between kinds of people, one sentence for each attribute, and what was tried against them."""
    found: dict[str, list[str]] = {}
    for sentence in groups.differences:
        attribute, _, difference = sentence.partition(": ")
        found.setdefault(attribute, []).append(difference.removesuffix("."))
    return [
        f"by {attribute.replace('_', ' ')}, on {groups.source}: {'; '.join(sentences)}. Tried against it: "
        f"{TRIED[attribute]}"
        for attribute, sentences in found.items()
    ]


def rounded(content: Any) -> Any:  # noqa: ANN401
    """The same JSON with four digits of every fraction: intervals say no more, and the file stays small."""
    if isinstance(content, float):
        return float(f"{content:.4g}")
    if isinstance(content, list):
        return [rounded(part) for part in content]
    return {name: rounded(part) for name, part in content.items()} if isinstance(content, dict) else content


def _one_picture_each(dataset: Dataset) -> str:
    first = {sample.person_id: sample for sample in sorted(dataset.train, key=lambda s: s.path, reverse=True)}
    return "".join(sorted(picture_keys(first.values())))


if __name__ == "__main__":
    main()
