"""A published checkpoint, imported and measured on another site than it was trained on (zero-shot)."""

import argparse
import tempfile
from pathlib import Path

from passerby.data import read_dataset
from passerby.evaluation.model import evaluate_on, from_model
from passerby.models.bundle import save_bundle
from passerby.models.embedder import TorchEmbedder
from passerby.models.importing import import_checkpoint
from record import record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="osnet_x0_25_market1501.pth")
    parser.add_argument("--data", type=Path, required=True, help="CUHK03-NP, detected boxes, Market-1501's layout")
    arguments = parser.parse_args()

    imported = import_checkpoint(arguments.checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        bundle = save_bundle(Path(folder) / "bundle", imported.network, imported.preprocessing, imported.card)
        dataset = read_dataset(arguments.data)
        evaluation = evaluate_on(from_model(TorchEmbedder(bundle)), dataset)
    metrics = evaluation.metrics
    figures = {
        "checkpoint": arguments.checkpoint.name,
        "identity": bundle.identity,
        "entries_loaded": imported.loaded,
        "entries_left_out": list(imported.dropped),
        "data": dataset.name,
        **evaluation.to_dict(),
    }
    print(f"rank-1 {metrics.rank(1):.2%}  mAP {metrics.mean_ap:.2%}  mINP {metrics.mean_inp:.2%}")
    summary = {
        "what": "OSNet x0.25 as published for Market-1501, imported, on CUHK03-NP detected (pictures at 128×64)",
        "figure": f"rank-1 {metrics.rank(1):.1%}, mAP {metrics.mean_ap:.1%}",
        "beside": "HSV histogram 0.7 % / 0.9 % (zero-shot floor)",
    }
    record("import_osnet_cuhk03", figures | {"summary": [summary]})


if __name__ == "__main__":
    main()
