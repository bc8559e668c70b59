"""Images a second of every engine and precision, against torch eager, the engines' own benchmarks and the processor.

CPU time of one thread, each figure the best of several rounds, all in one run. `--data` names CUHK03-NP, whose test
people are asked for final figures alone; INT8 is calibrated on its training people.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from passerby import __version__
from passerby.data import Dataset, read_dataset
from passerby.data.images import read_image
from passerby.data.loader import resize_images
from passerby.evaluation.calibration_data import labelled_pictures
from passerby.evaluation.model import evaluate_on, from_model
from passerby.machine import processors
from passerby.models.bundle import Bundle, load_bundle, save_bundle
from passerby.models.card import ModelCard
from passerby.models.embedder import EngineEmbedder
from passerby.models.engines.engine import Engine, Precision
from passerby.models.engines.opening import open_file
from passerby.models.engines.torch_engine import TorchEngine
from passerby.models.export_record import ExportFormat
from passerby.models.exporting.agreement import compare
from passerby.models.exporting.calibration_pictures import CalibrationPictures
from passerby.models.exporting.exporting import export_bundle
from passerby.models.importing import import_checkpoint
from passerby.models.inference import InferenceGraph
from passerby.models.network import Architecture, ReidNetwork
from passerby.models.preprocessing import Preprocessing
from passerby.models.store import find_bundle
from record import RESULTS, record

BATCHES = (1, 8, 32)
VARIANTS: tuple[tuple[str, ExportFormat, Precision, str], ...] = (
    ("ONNX Runtime fp32", "onnx", "fp32", "onnxruntime"),
    ("OpenVINO fp32", "openvino", "fp32", "openvino"),
    ("ONNX Runtime INT8", "onnx", "int8", "onnxruntime"),
    ("OpenVINO INT8 (QDQ)", "onnx", "int8", "openvino"),
    ("OpenVINO INT8 (NNCF)", "openvino", "int8", "openvino"),
)
"""What is compared: format, precision, and who runs it."""


def models(checkpoint: Path | None, folder: Path) -> dict[str, Bundle]:
    """The shipped model, the published one, and random weights of the usual networks at 256×128."""
    card = ModelCard(name="random", summary="Random.", trained_on="-", licence="-", passerby_version=__version__)
    found = {"passerby-s": load_bundle(find_bundle(Path("passerby-s")))}
    if checkpoint is not None:
        published = import_checkpoint(checkpoint)
        found["osnet_x0_25 (published)"] = save_bundle(
            folder / "osnet", published.network, published.preprocessing, published.card
        )
    for name in ("resnet50", "osnet_x1_0", "mobilenetv2"):
        torch.manual_seed(0)
        network = ReidNetwork(Architecture(backbone=name))
        found[f"{name} (random)"] = save_bundle(folder / name, network, Preprocessing(), card)
    return found


def rate(run: Callable[[], object], pictures: int, seconds: float, clock: Callable[[], float]) -> float:
    """Pictures a second in the best of three rounds, after one to warm up."""
    run()
    best = 0.0
    for _ in range(3):
        start, count = clock(), 0
        while (spent := clock() - start) < seconds / 3 or not count:
            run()
            count += 1
            spent = clock() - start
        best = max(best, pictures * count / spent)
    return best


def rates(engine: Engine, crops: torch.Tensor, seconds: float, clock: Callable[[], float]) -> dict[str, float]:
    """Pictures a second by batch."""
    return {
        str(batch): round(rate(lambda part=crops[:batch]: engine(part), batch, seconds, clock), 1)  # type: ignore[misc]
        for batch in BATCHES
    }


def own_benchmark(bundle: Bundle, backend: str, crops: torch.Tensor, seconds: float) -> float:
    """Pictures a second of the engine by itself, at batch 32: its own call, nothing of Passerby's around it."""
    assert bundle.export is not None
    file, feed = bundle.export.network_file(bundle.path), {"pictures": crops[: BATCHES[-1]].numpy()}
    run: Callable[[], object]
    if backend == "openvino":
        import openvino

        settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "PERFORMANCE_HINT": "LATENCY"}
        network = openvino.Core().compile_model(str(file), "CPU", settings)
        run = lambda: network(feed)  # noqa: E731
    else:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        run = lambda: session.run(None, feed)  # noqa: E731
    return round(rate(run, BATCHES[-1], seconds, time.process_time), 1)


def limits(seconds: float) -> dict[str, float]:
    """Billions of multiply-adds a second that one thread reaches in matrix products of 1024, by precision."""
    size, found = 1024, {}
    left, right = torch.randn(size, size), torch.randn(size, size)
    found["fp32"] = rate(lambda: left @ right, size**3, seconds, time.process_time)
    half = left.bfloat16(), right.bfloat16()
    found["bf16"] = rate(lambda: half[0] @ half[1], size**3, seconds, time.process_time)
    whole = (left * 30).to(torch.int8), (right * 30).to(torch.int8)
    found["int8"] = rate(lambda: torch._int_mm(*whole), size**3, seconds, time.process_time)
    return {name: round(value / 1e9, 1) for name, value in found.items()}


def crop_path(bundle: Bundle, folder: Path, backend: str, count: int = 1024) -> dict[str, float]:
    """Decoding, scaling, batching and embedding a folder of JPEGs, against the bare engine on decoded pictures."""
    assert bundle.export is not None
    paths = sorted(folder.glob("*.jpg"))[:count]
    engine = open_file(backend, bundle.export.network_file(bundle.path), bundle.export.precision)
    embedder = EngineEmbedder(bundle, engine, batch_size=32)
    size = bundle.preprocessing.height, bundle.preprocessing.width
    crops = resize_images([read_image(path) for path in paths[:32]], *size).permute(0, 2, 3, 1).contiguous()
    bare = rate(lambda: engine(crops), 32, 3, time.process_time)
    whole = rate(lambda: embedder.embed(paths), len(paths), 3, time.process_time)
    decode = rate(lambda: [read_image(path) for path in paths], len(paths), 1, time.process_time)
    return {
        "bare": round(bare, 1),
        "from_jpeg": round(whole, 1),
        "share": round(whole / bare, 3),
        "decode": round(decode),
    }


def streams(bundle: Bundle, backend: str) -> dict[str, dict[str, float]]:
    """CPU milliseconds of a batch into which one to eight streams put four crops each; no waiting, no decoding."""
    assert bundle.export is not None
    engine = open_file(backend, bundle.export.network_file(bundle.path), bundle.export.precision)
    size = bundle.preprocessing.height, bundle.preprocessing.width
    random, found = np.random.default_rng(0), {}
    for count in (1, 2, 4, 8):
        crops = torch.from_numpy(random.integers(0, 256, (4 * count, *size, 3), np.uint8))
        engine(crops)
        spent = []
        for _ in range(40):
            start = time.process_time()
            engine(crops)  # What all streams have brought since the last time waits for one batch.
            spent.append(1000 * (time.process_time() - start))
        median, late = np.percentile(spent, [50, 95])
        found[str(count)] = {
            "median_ms": round(float(median), 2),
            "p95_ms": round(float(late), 2),
            "p95_ms_a_crop": round(float(late) / len(crops), 2),
        }
    return found


def measure(
    name: str, bundle: Bundle, dataset: Dataset, folder: Path, seconds: float, *, accurate: bool
) -> dict[str, Any]:
    """Everything of one model."""
    # Random weights find nobody: there is no mAP to keep.
    paths = [sample.path for sample in dataset.train]
    calibration = labelled_pictures(dataset) if accurate else CalibrationPictures(paths, dataset.name)
    crops = torch.cat(calibration.batches(bundle.preprocessing))[:64]
    graph = InferenceGraph(bundle.load_network(), bundle.preprocessing)
    eager = TorchEngine(graph, torch.device("cpu"))
    found: dict[str, Any] = {"torch eager fp32": {"img_s": rates(eager, crops, seconds, time.process_time)}}
    exports: dict[tuple[str, str], Bundle] = {}
    for title, format, precision, backend in VARIANTS:
        if (format, precision) not in exports:
            place = folder / f"{name}-{format}-{precision}"
            pictures = calibration if precision == "int8" else None
            exports[format, precision] = export_bundle(bundle, place, format, precision, pictures)
        exported = exports[format, precision]
        assert exported.export is not None
        start = time.process_time()
        engine = open_file(backend, exported.export.network_file(exported.path), exported.export.precision)
        engine(crops[:1])
        loaded = time.process_time() - start
        img_s = rates(engine, crops, seconds, time.process_time)
        figures = {
            "img_s": img_s,
            "times_torch_eager": round(img_s["32"] / found["torch eager fp32"]["img_s"]["32"], 2),
            "own_benchmark_img_s": own_benchmark(exported, backend, crops, seconds),
            "load_cpu_s": round(loaded, 2),
            "size_mb": round(sum((exported.path / file).stat().st_size for file in exported.export.files) / 1e6, 2),
            "lowest_cosine": round(compare(eager, engine, crops).lowest_cosine, 6),
            "kept_in_fp32": len(exported.export.kept_in_fp32),
        }
        if accurate and title != "OpenVINO fp32":  # which gives the vectors of ONNX Runtime
            metrics = evaluate_on(from_model(EngineEmbedder(exported, engine)), dataset).metrics
            figures |= {"rank_1": round(metrics.rank(1), 4), "mAP": round(metrics.mean_ap, 4)}
        found[title] = figures
        print(name, title, figures, flush=True)
    if accurate:
        best = exports["onnx", "int8"]
        found["crop_path"] = crop_path(best, dataset.root / "query", "openvino")
        found["streams"] = streams(best, "openvino")
        print(found["crop_path"], found["streams"], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="CUHK03-NP in Market-1501's layout.")
    parser.add_argument("--checkpoint", type=Path, help="OSNet x0.25 as published, trained on Market-1501.")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds a figure.")
    parser.add_argument("--models", default="", help="Only models whose names begin so; others stay as recorded.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dataset = read_dataset(arguments.data)
    figures: dict[str, Any] = {
        "clock": "CPU seconds of one thread",
        "processors": processors(),
        "capabilities": {
            name: bool(has)
            for name, has in torch.cpu.get_capabilities().items()
            if name in ("avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
        },
        "limit_gmac_s": limits(arguments.seconds),
        "models": recorded() if arguments.models else {},
    }
    print(figures, flush=True)
    with tempfile.TemporaryDirectory() as place:
        for name, bundle in models(arguments.checkpoint, Path(place)).items():
            if name.startswith(arguments.models):
                accurate = "random" not in name
                figures["models"][name] = measure(
                    name, bundle, dataset, Path(place), arguments.seconds, accurate=accurate
                )
    figures["summary"] = summary(figures["models"])
    record("speed", figures)


def recorded() -> dict[str, Any]:
    """What earlier runs have measured of models."""
    file = RESULTS / "speed.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["figures"]["models"] if file.exists() else {}
    return found


def summary(measured: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of the table."""
    rows = []
    for name, found in measured.items():
        eager = found["torch eager fp32"]
        engines = {title: found[title] for title, *_ in VARIANTS}
        best = max(engines, key=lambda title: engines[title]["img_s"]["32"])
        quickest = engines[best]
        lost = f", mAP {quickest['mAP']:.4f}" if "mAP" in quickest else ""
        fp32 = engines["ONNX Runtime fp32"]
        had = f", mAP {fp32['mAP']:.4f}" if "mAP" in fp32 else ""
        ort = fp32["img_s"]["32"]
        rows.append(
            {
                "what": f"{name}: pictures a CPU second of one thread, batch 32, no AMX",
                "figure": f"{best} {quickest['img_s']['32']:,.0f} ({quickest['times_torch_eager']:.1f}×){lost}",
                "beside": f"torch eager {eager['img_s']['32']:,.0f}; ONNX Runtime fp32 {ort:,.0f}{had}",
            }
        )
        if "crop_path" in found:
            path = found["crop_path"]
            rows.append(
                {
                    "what": f"{name}, INT8: from a folder of JPEGs, decoding included",
                    "figure": f"{path['from_jpeg']:,.0f} pictures a CPU second",
                    "beside": f"the bare engine {path['bare']:,.0f}; decoding alone {path['decode']:,.0f}",
                }
            )
    return rows


if __name__ == "__main__":
    main()
