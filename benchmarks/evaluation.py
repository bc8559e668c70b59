"""What evaluation costs and how far its figures can be trusted, each section beside a peer's figure or a floor.

Run: python benchmarks/evaluation.py [--cuhk03 FOLDER --model BUNDLE]

Sections: evaluation from embeddings at Market-1501's size; 100 queries × 1,000,000 pictures; how time and memory
grow; verification of 66 million pairs; CUHK03's single gallery shot; search among strangers; expected false matches
in galleries of 1k, 10k and 100k, predicted on some people and observed on others.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from measure import CpuTime, cpu_times, peak_mib
from passerby.atomic import atomic_path
from passerby.data import read_dataset
from passerby.evaluation.evaluate import evaluate_task
from passerby.evaluation.open_set import open_set
from passerby.evaluation.protocols import Pictures, RankingTask, ranking_task
from passerby.evaluation.ranked_pairs import PairTally
from passerby.evaluation.rule import RankingRule
from passerby.evaluation.verification import calibrate
from passerby.models.embedder import load_embedder
from passerby.probability import expected_false_matches
from passerby.retrieval.distance import cosine_distances, normalise
from passerby.types import Calibration, Sample
from record import record

QUERIES, GALLERY, DIMENSIONS, PEOPLE, CAMERAS = 3368, 19_732, 512, 750, 6
REPEATS = 3

# CPU seconds on two cores of the best peer and of the best-known toolkit, measured by others on a machine like this.
PEER_RANKING = "best peer 2.0 s and 509 MiB, best-known toolkit 4.3 s"
PEER_ROC = "best peer 7.9 s, 2 GiB"
PEER_CUHK03 = "best-known toolkit 19.6 s, unseeded"

Floats = npt.NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuhk03", type=Path, help="CUHK03-NP in Market-1501's layout, for its training people")
    parser.add_argument("--model", type=Path, help="a bundle that never saw these people")
    given = parser.parse_args()
    sections: dict[str, Any] = {}
    summary: list[dict[str, str]] = []
    for section in (ranking, million, growth, verification, single_shot, strangers):
        name, figures, rows = section()
        sections[name] = figures
        summary += rows
        print(name, figures, flush=True)
    sections["false_matches"], rows = false_matches(given.cuhk03, given.model)
    summary += rows
    path = record("evaluation", {**sections, "summary": summary})
    print(f"written: benchmarks/results/{path.name}")


Section = tuple[str, dict[str, Any], list[dict[str, str]]]


def crowd(count: int, people: int, seed: int, noise: float = 2.0, cameras: int = CAMERAS) -> Pictures:
    """Made-up embeddings that cluster by person."""
    random = np.random.default_rng(seed)
    whom = random.integers(1, people + 1, count)
    centres = np.random.default_rng(1).standard_normal((people + 1, DIMENSIONS), np.float32)
    vectors = np.empty((count, DIMENSIONS), np.float32)
    for start in range(0, count, 50_000):
        part = whom[start : start + 50_000]
        noisy = centres[part] + noise * random.standard_normal((len(part), DIMENSIONS), np.float32)
        vectors[start : start + len(part)] = normalise(noisy)
    by = random.integers(1, cameras + 1, count)
    return Pictures(
        vectors,
        tuple(Sample(Path(f"{seed}-{n}"), int(p), int(c)) for n, (p, c) in enumerate(zip(whom, by, strict=True))),
    )


def task_of(queries: Pictures, gallery: Pictures, protocol: str = "market1501") -> RankingTask:
    return ranking_task(queries.embeddings, queries.samples, gallery.embeddings, gallery.samples, protocol)


def times_of(seconds: dict[str, CpuTime]) -> dict[str, dict[str, float]]:
    return {name: time.to_dict() for name, time in seconds.items()}


def ranking() -> Section:
    """CMC, mAP, mINP, ROC and histograms from embeddings, beside the matrix product alone."""
    queries, gallery = crowd(QUERIES, PEOPLE, 2), crowd(GALLERY, PEOPLE, 3)
    task = task_of(queries, gallery)
    peak = peak_mib(lambda: evaluate_task(task))

    def product() -> None:
        for start in range(0, QUERIES, 128):
            queries.embeddings[start : start + 128] @ gallery.embeddings.T

    seconds = cpu_times({"evaluate": lambda: evaluate_task(task), "product alone": product}, REPEATS)
    figures = {"cpu_seconds": times_of(seconds), "peak_mib_beyond_inputs": round(peak)}
    whole, floor = seconds["evaluate"].median, seconds["product alone"].median
    what = (
        f"CMC, mAP, mINP, ROC and failures of {QUERIES:,} × {GALLERY:,} embeddings of {DIMENSIONS}, product included"
    )
    beside = f"the product alone {floor:.1f} s; CMC, mAP and mINP only, from ready distances: {PEER_RANKING}"
    figure = f"{whole:.1f} CPU s, {peak:,.0f} MiB beyond the embeddings"
    return "ranking", figures, [{"what": what, "figure": figure, "beside": beside}]


def million() -> Section:
    """A gallery far larger than what fits as a matrix for many queries."""
    queries, gallery = crowd(100, 50_000, 4), crowd(1_000_000, 50_000, 5)
    task = task_of(queries, gallery)
    peak = peak_mib(lambda: evaluate_task(task))
    seconds = cpu_times(
        {"evaluate": lambda: evaluate_task(task), "product alone": lambda: queries.embeddings @ gallery.embeddings.T},
        1,
    )
    figures = {"cpu_seconds": times_of(seconds), "peak_mib_beyond_inputs": round(peak)}
    whole, floor = (seconds[name].median for name in ("evaluate", "product alone"))
    what = f"The same of 100 × 1,000,000 embeddings of {DIMENSIONS}"
    figure = f"{whole:.1f} CPU s, {peak:,.0f} MiB beyond the embeddings"
    return "million", figures, [{"what": what, "figure": figure, "beside": f"the product alone {floor:.1f} s"}]


def growth() -> Section:
    """Time and memory over the number of queries and of gallery pictures."""
    queries, gallery = crowd(QUERIES, PEOPLE, 2), crowd(80_000, PEOPLE * 4, 3)
    rows = []
    for count, size in (
        (421, 10_000),
        (842, 10_000),
        (1684, 10_000),
        (3368, 10_000),
        (842, 20_000),
        (842, 40_000),
        (842, 80_000),
    ):
        task = task_of(queries.at(np.arange(count)), gallery.at(np.arange(size)))
        peak = peak_mib(lambda task=task: evaluate_task(task))
        time = cpu_times({"it": lambda task=task: evaluate_task(task)}, REPEATS)["it"].least
        pairs = count * size
        rows.append(
            {
                "queries": count,
                "gallery": size,
                "cpu_seconds": round(time, 3),
                "peak_mib": round(peak),
                "ns_per_pair": round(1e9 * time / pairs, 1),
            }
        )
    slowest, fastest = max(row["ns_per_pair"] for row in rows[2:]), min(row["ns_per_pair"] for row in rows[2:])
    largest = max(row["peak_mib"] for row in rows)
    what = "Nanoseconds of CPU a pair, 1,684 × 10,000 to 842 × 80,000: linear"
    figure = f"{fastest:.0f} to {slowest:.0f}, at most {largest:,} MiB"
    return "growth", {"rows": rows}, [{"what": what, "figure": figure, "beside": "a matrix of 842 × 80,000: 257 MiB"}]


def verification() -> Section:
    """ROC over 66 million pairs from a ready matrix of distances, as the peer has it."""
    queries, gallery = crowd(QUERIES, PEOPLE, 2), crowd(GALLERY, PEOPLE, 3)
    distances = np.concatenate(
        [cosine_distances(queries.embeddings[s : s + 256], gallery.embeddings) for s in range(0, QUERIES, 256)]
    )
    asked = queries.column("person_id")
    rule = RankingRule(asked, gallery.column("person_id"), queries.column("camera_id"), gallery.column("camera_id"))

    def roc() -> dict[str, float]:
        tally = PairTally(rule, asked, 0.0, 2.0)
        for start in range(0, QUERIES, 128):
            tally.add(start, distances[start : start + 128])
        pairs = tally.pairs()
        assert pairs is not None
        return pairs.figures

    peak = peak_mib(roc)

    def copied() -> None:
        distances.copy()

    seconds = cpu_times({"roc": roc, "copying the distances": copied}, REPEATS)
    figures = {"cpu_seconds": times_of(seconds), "peak_mib_beyond_inputs": round(peak), "figures": roc()}
    what = f"ROC, AUC, EER, TPR at FPR 10⁻¹ to 10⁻⁴ over {QUERIES * GALLERY:,} pairs, distances ready"
    figure = f"{seconds['roc'].median:.1f} CPU s, {peak:,.0f} MiB beyond the distances"
    beside = f"copying the distances {seconds['copying the distances'].median:.2f} s; {PEER_ROC}"
    return "verification", figures, [{"what": what, "figure": figure, "beside": beside}]


def single_shot() -> Section:
    """CUHK03's first protocol: 500 queries, ten draws of one picture of each person."""
    queries, gallery = crowd(500, PEOPLE, 6), crowd(GALLERY, PEOPLE, 3)
    task, plain = task_of(queries, gallery, "cuhk03"), task_of(queries, gallery)
    seconds = cpu_times(
        {"drawn": lambda: evaluate_task(task), "whole gallery": lambda: evaluate_task(plain)}, REPEATS
    )
    what = f"Single gallery shot: 500 queries × {GALLERY:,}, ten seeded draws, product included"
    figure = f"{seconds['drawn'].median:.2f} CPU s"
    beside = f"the whole gallery once {seconds['whole gallery'].median:.2f} s; {PEER_CUHK03}"
    return "single_shot", {"cpu_seconds": times_of(seconds)}, [{"what": what, "figure": figure, "beside": beside}]


def strangers() -> Section:
    """Open set at Market-1501's size, ten draws."""
    task = task_of(crowd(QUERIES, PEOPLE, 2, 3.5), crowd(GALLERY, PEOPLE, 3, 3.5))
    seconds = cpu_times({"open set": lambda: open_set(task)}, 1)
    found = open_set(task)
    figures = {
        "cpu_seconds": times_of(seconds),
        "tpir": {str(rate): spread.mean for rate, spread in found.found.items()},
    }
    row = {
        "what": f"Search among strangers: {QUERIES:,} × {GALLERY:,}, ten draws of who is enrolled, product included",
        "figure": f"{seconds['open set'].median:.1f} CPU s",
        "beside": "–",
    }
    return "open_set", figures, [row]


def false_matches(folder: Path | None, model: Path | None) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Predict on some people how many strangers pass in galleries of other people; then count them."""
    made_up, rows = _false_matches(crowd(180_000, 45_000, 7, 3.0), "made-up people", (1_000, 10_000, 100_000))
    figures = {"made_up": made_up}
    curves = {"made-up people": made_up["rows"]}
    if folder is not None and model is not None:
        dataset = read_dataset(folder)
        samples = dataset.train
        vectors = load_embedder(model).embed([sample.path for sample in samples])
        real, more = _false_matches(Pictures(vectors, samples), "CUHK03-NP's training people", (1_000,))
        figures["cuhk03_train"], curves["CUHK03-NP"] = real, real["rows"]
        rows += more
    _plot(curves)
    return figures, rows


def _false_matches(
    pictures: Pictures, name: str, sizes: tuple[int, ...]
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Calibrate on a third of the people, search for some of the second third in galleries of the last."""
    random = np.random.default_rng(8)
    whom = pictures.column("person_id")
    learn, ask, answer = (np.flatnonzero(np.isin(whom, part)) for part in _parts(random, whom))
    few = random.permutation(learn)[:8_000]
    learnt = pictures.at(few if len(learn) > 8_000 else learn)
    calibration = calibrate(
        learnt.embeddings, learnt.column("person_id"), learnt.column("camera_id"), max_far=0.001, source=name
    )
    queries = pictures.at(random.permutation(ask)[:1_000])
    rows = []
    for size in sizes:
        gallery = pictures.at(random.permutation(answer)[:size])
        # The calibration speaks of pictures by other cameras than the query's.
        apart = queries.column("camera_id")[:, None] != gallery.column("camera_id")[None]
        for far in (1e-2, 1e-3, 1e-4):
            threshold = _threshold(calibration, far)
            near = np.concatenate(
                [
                    cosine_distances(queries.embeddings[s : s + 64], gallery.embeddings) <= threshold
                    for s in range(0, len(queries.samples), 64)
                ]
            )
            rate = float((near & apart).sum() / apart.sum())
            rows.append(
                {
                    "gallery": len(gallery.samples),
                    "far": far,
                    "threshold": threshold,
                    "predicted": float(expected_false_matches(calibration, threshold, len(gallery.samples))),
                    "observed": rate * len(gallery.samples),
                    "observed_by_any_camera": float(near.sum(1).mean()),
                }
            )
    evidence = calibration.evidence
    assert evidence is not None
    error = evidence.reliability.expected_calibration_error
    shown = [row for row in rows if row["far"] == 1e-3]
    own = "with those by the query's own camera"
    summary = [
        {
            "what": f"False matches a search among {row['gallery']:,} {name}, at a FAR of 0.1 %",
            "figure": f"predicted {row['predicted']:.2f}",
            "beside": f"observed {row['observed']:.2f} on other people, {row['observed_by_any_camera']:.2f} {own}; "
            f"ECE {error:.3f}",
        }
        for row in shown
    ]
    return {"people_learnt_from": calibration.people, "method": evidence.method, "ece": error, "rows": rows}, summary


def _parts(random: np.random.Generator, whom: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """A third of the people to learn from, a tenth to ask for, the others to search among."""
    people = random.permutation(np.unique(whom))
    return np.split(people, [len(people) // 3, len(people) // 3 + len(people) // 10])


def _threshold(calibration: Calibration, far: float) -> float:
    evidence = calibration.evidence
    assert evidence is not None
    return float(np.interp(far, evidence.false_accept_rates, evidence.distances))


def _plot(curves: dict[str, list[dict[str, float]]]) -> None:
    """Predicted over observed false matches, both logarithmic, as docs/images/false-matches.png."""
    width, height, margin = 560, 420, 60
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    points = [(row["predicted"], row["observed"]) for rows in curves.values() for row in rows if row["observed"] > 0]
    low = np.floor(np.log10(min(map(min, points))))
    high = np.ceil(np.log10(max(map(max, points))))

    def place(value: float, length: int) -> float:
        return (np.log10(value) - low) / (high - low) * (length - 2 * margin)

    def at(predicted: float, observed: float) -> tuple[float, float]:
        return margin + place(predicted, width), height - margin - place(observed, height)

    for power in range(int(low), int(high) + 1):
        x, y = at(10.0**power, 10.0**power)
        draw.line((x, margin, x, height - margin), fill="#e2e5ea")
        draw.line((margin, y, width - margin, y), fill="#e2e5ea")
        draw.text((x - 8, height - margin + 8), f"{10.0**power:g}", fill="#20242c")
        draw.text((margin - 40, y - 6), f"{10.0**power:g}", fill="#20242c")
    draw.line((*at(10.0**low, 10.0**low), *at(10.0**high, 10.0**high)), fill="#8c949e")
    colours = ("#0b5fa5", "#c2410c")
    for colour, (name, rows) in zip(colours, curves.items(), strict=False):
        for row in rows:
            if row["observed"] > 0:
                x, y = at(row["predicted"], row["observed"])
                draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
        draw.text((margin + 10, margin + 4 + 14 * colours.index(colour)), name, fill=colour)
    draw.text((width // 2 - 90, height - 24), "false matches a search, predicted", fill="#20242c")
    draw.text((8, 16), "observed on other people", fill="#20242c")
    target = Path(__file__).parent.parent / "docs/images/false-matches.png"
    with atomic_path(target) as path:
        picture.save(path)


if __name__ == "__main__":
    main()
