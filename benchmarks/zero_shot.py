"""How well models that never saw CUHK03 find its people again: the shipped ones, beside floors and a peer.

The test people of CUHK03-NP detected, as in Market-1501's layout at 128×64. The shipped models were trained on
synthetic people only, and chosen on CUHK03-NP's training people; nothing is chosen here.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from passerby import __version__
from passerby.data import read_dataset
from passerby.data.dataset import Dataset
from passerby.data.images import read_image
from passerby.evaluation.evaluate import Evaluation, evaluate
from passerby.evaluation.model import evaluate_on, from_model
from passerby.models.bundle import load_bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.embedder import TorchEmbedder
from passerby.models.importing import import_checkpoint
from passerby.models.network import ReidNetwork
from passerby.models.store import find_bundle
from passerby.types import FloatArray, Sample
from record import record

DATA = "CUHK03-NP detected (128×64), zero-shot"
MSMT17 = {"rank_1": 0.091, "mAP": 0.092}
"""OSNet x0.25 trained on MSMT17's 126,000 pictures of real people, on the same test; measured elsewhere."""


def hsv_histogram(samples: tuple[Sample, ...]) -> FloatArray:
    """Of six horizontal stripes, 8×4×4 bins of hue, saturation and value; the root of shares (Hellinger)."""
    rows = []
    for sample in samples:
        hsv = np.asarray(Image.fromarray(read_image(sample.path)).convert("HSV"))
        stripes = np.array_split(hsv.astype(np.int64), 6)
        bins = [(s[..., 0] // 32) * 16 + (s[..., 1] // 64) * 4 + s[..., 2] // 64 for s in stripes]
        counts = np.concatenate([np.bincount(b.ravel(), minlength=128) / b.size for b in bins])
        rows.append(np.sqrt(counts))
    return np.asarray(rows, np.float32)


def untrained(name: str, folder: Path) -> TorchEmbedder:
    """A shipped model's network with random weights."""
    bundle = load_bundle(find_bundle(Path(name)))
    torch.manual_seed(0)
    card = ModelCard(
        name=f"{name}, untrained", summary="random", trained_on="nothing", licence="", passerby_version=__version__
    )
    return TorchEmbedder(save_bundle(folder / name, ReidNetwork(bundle.architecture), bundle.preprocessing, card))


def imported(checkpoint: Path, folder: Path) -> TorchEmbedder:
    """A published checkpoint."""
    found = import_checkpoint(checkpoint)
    return TorchEmbedder(save_bundle(folder / "published", found.network, found.preprocessing, found.card))


def figures_of(evaluation: Evaluation) -> dict[str, float]:
    metrics = evaluation.metrics
    figures = {"rank_1": metrics.rank(1), "rank_5": metrics.rank(5), "mAP": metrics.mean_ap, "mINP": metrics.mean_inp}
    return {key: round(value, 4) for key, value in figures.items()}


def measure(dataset: Dataset, models: list[str], checkpoint: Path | None) -> dict[str, dict[str, float]]:
    found = {}
    query, gallery = hsv_histogram(dataset.query), hsv_histogram(dataset.gallery)
    found["HSV histogram"] = figures_of(evaluate(query, dataset.query, gallery, dataset.gallery))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        embedders = {f"{models[0]}, untrained": untrained(models[0], folder)}
        if checkpoint is not None:
            embedders["OSNet x0.25 as published for Market-1501"] = imported(checkpoint, folder)
        embedders |= {name: TorchEmbedder(load_bundle(find_bundle(Path(name)))) for name in models}
        for name, embedder in embedders.items():
            found[name] = figures_of(evaluate_on(from_model(embedder), dataset))
            print(f"{name}: {found[name]}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP in Market-1501's layout")
    parser.add_argument("--models", nargs="+", default=["passerby-s"])
    parser.add_argument("--checkpoint", type=Path, help="osnet_x0_25_market1501.pth")
    arguments = parser.parse_args()
    found = measure(read_dataset(arguments.data), arguments.models, arguments.checkpoint)
    peers = {"OSNet x0.25 trained on MSMT17 (real people), as measured elsewhere": MSMT17}
    floor = found["HSV histogram"]
    summary: list[dict[str, Any]] = [
        {
            "what": f"`{name}`, trained on synthetic people alone, on {DATA}",
            "figure": f"rank-1 {found[name]['rank_1']:.1%}, mAP {found[name]['mAP']:.1%}",
            "beside": f"HSV histogram {floor['rank_1']:.1%} / {floor['mAP']:.1%}; OSNet x0.25 trained on MSMT17 "
            f"{MSMT17['rank_1']:.1%} / {MSMT17['mAP']:.1%}",
        }
        for name in arguments.models
    ]
    models = {name: {DATA: found[name]} for name in arguments.models}
    print(record("zero_shot", {"models": models, "all": found | peers, "summary": summary}))


if __name__ == "__main__":
    main()
